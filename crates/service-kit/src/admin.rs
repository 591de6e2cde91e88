//! The operators' listener: `/live`, `/ready` and `/metrics`.
//!
//! `/live` answers as long as the runtime turns; `/ready` says whether the process wants work; `/metrics` is
//! Prometheus text.

use std::io;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use tokio::net::TcpListener;

use crate::telemetry::Metrics;
use crate::{Readiness, Shutdown};

#[derive(Clone)]
struct Admin {
    readiness: Readiness,
    metrics: Metrics,
}

/// Serves until `shutdown` begins. Throw it last, so that operators see the drain.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    readiness: Readiness,
    metrics: Metrics,
    shutdown: Shutdown,
) -> io::Result<()> {
    let app = router(readiness, metrics);
    // No graceful wait: an idle scraper's connection must not hold a stop back.
    tokio::select! {
        served = axum::serve(listener, app).into_future() => served,
        () = shutdown.wait() => Ok(()),
    }
}

fn router(readiness: Readiness, metrics: Metrics) -> Router {
    Router::new()
        .route("/live", get(|| async { "live\n" }))
        .route("/ready", get(ready))
        .route("/metrics", get(scrape))
        .with_state(Admin { readiness, metrics })
}

async fn ready(State(admin): State<Admin>) -> impl IntoResponse {
    let report = admin.readiness.report();
    let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(report))
}

async fn scrape(State(admin): State<Admin>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], admin.metrics.render())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    async fn fetch(app: Router, path: &str) -> (StatusCode, String) {
        let response = app.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn ready_tells_why_not() {
        let readiness = Readiness::new();
        let app = router(readiness.clone(), Metrics::install());
        let latch = readiness.latch("db");
        let (status, body) = fetch(app.clone(), "/ready").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(body.contains(r#""waiting":["db"]"#), "{body}");
        drop(latch);
        assert_eq!(fetch(app.clone(), "/ready").await.0, StatusCode::OK);
        assert_eq!(fetch(app, "/live").await, (StatusCode::OK, "live\n".into()));
    }

    #[tokio::test]
    async fn metrics_are_prometheus_text() {
        let app = router(Readiness::new(), Metrics::install());
        metrics::counter!("admin_test_total").increment(3);
        let (status, body) = fetch(app, "/metrics").await;
        assert_eq!(status, StatusCode::OK);
        assert!(body.contains("admin_test_total 3"), "{body}");
    }
}
