//! Addresses behind names, looked up again and again: instances come and go.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use crate::time::every;
use http::Uri;
use tokio::time::timeout;

use super::peers::Peers;
use crate::settings::PeerUrls;

/// How often a name is looked up, and how long that may take.
const EVERY: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(2);

/// Addresses, and names that stand for addresses.
pub(super) fn split(urls: &PeerUrls) -> (Vec<Uri>, Vec<Uri>) {
    urls.urls().iter().cloned().partition(|url| url.scheme_str() != Some("dns"))
}

/// Looks the names up again and again. Those of a name that can't be looked up stay as they were.
pub(super) async fn keep(peers: Arc<Peers>, fixed: Vec<Uri>, names: Vec<Uri>) -> Infallible {
    if names.is_empty() {
        return std::future::pending().await;
    }
    let mut found: Vec<Vec<Uri>> = vec![Vec::new(); names.len()];
    let mut round = every(EVERY);
    loop {
        round.tick().await;
        for (name, found) in names.iter().zip(&mut found) {
            if let Some(addresses) = look_up(name).await {
                *found = addresses;
            }
        }
        let mut all: Vec<Uri> = fixed.iter().chain(found.iter().flatten()).cloned().collect();
        let mut seen = std::collections::HashSet::new();
        all.retain(|url| seen.insert(url.clone()));
        if let Err(fault) = peers.renew(&all, true) {
            tracing::warn!(error = ?fault, "peers not renewed");
        }
    }
}

async fn look_up(name: &Uri) -> Option<Vec<Uri>> {
    let authority = name.authority()?.as_str();
    let looked_up = timeout(PATIENCE, tokio::net::lookup_host(authority)).await;
    let failure = match looked_up {
        Ok(Ok(addresses)) => {
            let urls: Vec<Uri> = addresses.filter_map(|address| format!("http://{address}").parse().ok()).collect();
            return Some(urls).filter(|urls| !urls.is_empty());
        }
        Ok(Err(error)) => error.to_string(),
        Err(_elapsed) => "took too long".to_owned(),
    };
    tracing::debug!(peer.name = authority, error = failure, "name not resolved");
    None
}
