//! What every call passes on its way in: who may, how many at once, for how long.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::service::Routes;
use tonic_health::pb::health_server::SERVICE_NAME as HEALTH;
use tower::ServiceExt;

use super::body::Cuttable;
use super::measure::Measure;
use super::operator::Operator;
use super::panic::contained;
use super::{AUTHORIZATION, INTERNAL_TOKEN, deadline};
use crate::settings::{AdminTokens, Secret};
use crate::{Fault, trace};

/// Calls at work at once, all connections together; one more is turned away at once. A stream counts until it is open.
const MAX_CALLS: usize = 4096;

/// What a call gets when it asks for no deadline, and the most it can get.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);
const LONGEST_DEADLINE: Duration = Duration::from_secs(60);

/// Reflection is for whoever may call anything.
const REFLECTION: &str = "grpc.reflection.";

/// Services for operators are known by their names.
const FOR_OPERATORS: &str = "AdminService";

/// The door of one server.
pub(super) struct Door {
    bearer: Option<String>,
    /// Operators, by the header their secret makes.
    operators: Vec<(String, Operator)>,
    places: Arc<Semaphore>,
    /// Ends every answer still under way.
    pub(super) cut: CancellationToken,
}

impl Door {
    pub(super) fn new(token: Option<&Secret>, operators: &AdminTokens) -> Self {
        let operators = operators.iter().map(|(name, token)| (token.bearer(), Operator(Arc::clone(name))));
        Self {
            bearer: token.map(Secret::bearer),
            operators: operators.collect(),
            places: Arc::new(Semaphore::new(MAX_CALLS)),
            cut: CancellationToken::new(),
        }
    }

    /// Lets a call in, times it, and makes its answer cuttable.
    pub(super) async fn pass(
        self: Arc<Self>,
        routes: Routes,
        request: Request<Body>,
    ) -> Result<Response<Body>, Infallible> {
        let mut measure = Measure::begin_unknown("grpc_server_seconds");
        let admitted = self.admit(routes, request, &mut measure).await;
        let answer = admitted.unwrap_or_else(|fault| tonic::Status::from(fault).into_http());
        measure.end(&answer);
        Ok(answer.map(|body| Cuttable::wrap(body, &self.cut)))
    }

    async fn admit(
        &self,
        routes: Routes,
        mut request: Request<Body>,
        measure: &mut Measure,
    ) -> Result<Response<Body>, Fault> {
        self.check_secret(&mut request)?;
        let _place = self.places.try_acquire().map_err(|_full| {
            metrics::counter!("grpc_server_shed_total").increment(1);
            Fault::exhausted("too-busy").reason("busy").retry_after(Duration::from_secs(1))
        })?;
        measure.let_in(request.uri().path());
        let limit = deadline::asked(request.headers()).unwrap_or(DEFAULT_DEADLINE).min(LONGEST_DEADLINE);
        let (trace, method) = (trace::of_call(request.headers()), request.uri().path().to_owned());
        let answer = contained(trace::call(trace, &method, routes.oneshot(request)));
        crate::time::deadline(limit, answer).await.map(|answer| answer.unwrap_or_else(|never| match never {}))
    }

    /// Operators' services open to operators alone, all others but health, which answers load balancers that know no
    /// secret, to whoever knows the secret of the house. An operator's name goes with the call.
    fn check_secret(&self, request: &mut Request<Body>) -> Result<(), Fault> {
        let shown = request.headers().get(AUTHORIZATION).map_or(&[][..], |value| value.as_bytes());
        let operator = self.operators.iter().find(|(bearer, _)| same(shown, bearer.as_bytes()));
        let operator = operator.map(|(_, operator)| operator.clone());
        let ours = self.bearer.as_ref().is_none_or(|bearer| same(shown, bearer.as_bytes()));
        let service = request.uri().path().split('/').nth(1).unwrap_or_default();
        if service.ends_with(FOR_OPERATORS) && !self.operators.is_empty() {
            let refusal = if shown.is_empty() { "admin-token-missing" } else { "admin-token-wrong" };
            let operator = operator.ok_or_else(|| Fault::unauthenticated(refusal).reason("admin_token"))?;
            request.extensions_mut().insert(operator);
            return Ok(());
        }
        if ours || service == HEALTH || (service.starts_with(REFLECTION) && operator.is_some()) {
            return Ok(());
        }
        let refusal = if shown.is_empty() { "internal-token-missing" } else { "internal-token-wrong" };
        Err(Fault::unauthenticated(refusal).reason(INTERNAL_TOKEN))
    }
}

/// Compares in a time that does not depend on where the difference is.
fn same(shown: &[u8], expected: &[u8]) -> bool {
    shown.len() == expected.len() && shown.iter().zip(expected).fold(0, |found, (a, b)| found | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FaultKind;

    const OURS: &str = "Bearer a-secret-of-the-house";
    const ANNS: &str = "Bearer 0123456789abcdef";

    fn request(path: &str) -> Request<Body> {
        Request::post(path).body(Body::empty()).unwrap()
    }

    fn door(internal: bool, operators: &[&str]) -> Door {
        let token = Secret::parse(&OURS[7..]).unwrap();
        Door::new(internal.then_some(&token), &AdminTokens::parse(operators).unwrap())
    }

    /// The key of the text a call is refused with, or the operator's name.
    fn checked(door: &Door, service: &str, shown: &str) -> Result<Option<Operator>, String> {
        let mut request = request(&format!("/{service}/Method"));
        if !shown.is_empty() {
            request.headers_mut().insert(AUTHORIZATION, shown.parse().unwrap());
        }
        match door.check_secret(&mut request) {
            Ok(()) => Ok(request.extensions().get().cloned()),
            Err(fault) => Err(fault.key().to_owned()),
        }
    }

    #[tokio::test]
    async fn one_call_too_many_is_turned_away_at_once() {
        let door = Door { places: Arc::new(Semaphore::new(0)), ..door(false, &[]) };
        let mut measure = Measure::begin_unknown("grpc_server_seconds");
        let fault = door.admit(Routes::default(), request("/a.B/C"), &mut measure).await.unwrap_err();
        assert_eq!((fault.kind(), fault.because()), (FaultKind::ResourceExhausted, Some("busy")));
        assert!(fault.retry_delay().is_some());
    }

    #[tokio::test]
    async fn paths_of_calls_that_are_not_let_in_make_no_metrics() {
        let metrics = crate::telemetry::Metrics::install();
        let (closed, open) = (Arc::new(door(true, &["ann:0123456789abcdef"])), Arc::new(door(false, &[])));
        for (door, path) in
            [(&closed, "/a.B/Stranger"), (&closed, "/a.AdminService/Stranger"), (&open, "/a.B/Stranger")]
        {
            Arc::clone(door).pass(Routes::default(), request(path)).await.unwrap();
        }
        let shown = metrics.render();
        assert!(!shown.contains("Stranger"), "{shown}");
        for code in ["unauthenticated", "unimplemented"] {
            assert!(shown.contains(&format!("method=\"unknown\",code=\"{code}\"")), "{shown}");
        }
    }

    #[test]
    fn operators_services_are_for_operators_by_name() {
        let door = door(true, &["bob:fedcba9876543210", "ann:0123456789abcdef"]);
        let ann = Ok(Some(Operator("ann".into())));
        assert_eq!(checked(&door, "mud.user.v1.UserAdminService", ANNS), ann);
        for shown in [OURS, "", "Bearer 0123456789abcdeg", "0123456789abcdef"] {
            let refused = checked(&door, "mud.user.v1.UserAdminService", shown);
            let why = if shown.is_empty() { "admin-token-missing" } else { "admin-token-wrong" };
            assert_eq!(refused, Err(why.to_owned()), "{shown}");
        }
        assert_eq!(checked(&door, "grpc.reflection.v1.ServerReflection", ANNS), Ok(None));
        assert_eq!(checked(&door, "mud.user.v1.UserService", ANNS), Err("internal-token-wrong".to_owned()));
        assert_eq!(checked(&door, "mud.user.v1.UserService", OURS), Ok(None));
        assert_eq!(checked(&door, HEALTH, ""), Ok(None));
    }

    #[test]
    fn without_operators_their_services_are_as_open_as_the_rest() {
        assert_eq!(checked(&door(false, &[]), "mud.user.v1.UserAdminService", ""), Ok(None));
        assert_eq!(checked(&door(true, &[]), "mud.user.v1.UserAdminService", OURS), Ok(None));
        assert_eq!(
            checked(&door(true, &[]), "mud.user.v1.UserAdminService", ""),
            Err("internal-token-missing".to_owned())
        );
        assert_eq!(checked(&door(false, &["ann:0123456789abcdef"]), "mud.user.v1.UserService", ""), Ok(None));
    }

    #[test]
    fn secrets_are_compared_whole() {
        assert!(same(b"Bearer x", b"Bearer x"));
        for other in [&b""[..], b"Bearer y", b"Bearer ", b"Bearer xx"] {
            assert!(!same(other, b"Bearer x"));
        }
    }
}
