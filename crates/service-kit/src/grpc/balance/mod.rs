//! One client for a stateless service with several addresses, some of which may be down.
//!
//! Each address has a connection of its own and is asked for its health all the time (`check`). A call goes to the
//! healthy address with the fewest calls under way. What an address did not take, another gets; what it may have
//! taken is asked again elsewhere only where a repeat changes nothing (`attempt`).

mod attempt;
mod check;
mod failure;
mod peers;
mod resolve;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, request};
use http_body_util::{BodyExt, Full};
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;
use tower::service_fn;

use self::attempt::Manner;
pub(crate) use self::check::NOTICED_WITHIN;
use self::failure::Failure;
use self::peers::Peers;
use super::client::{Channels, GrpcService, boxed};
use super::deadline;
use crate::settings::PeerUrls;
use crate::{Fault, TaskGroup};

/// The methods that take one message and give one, and how each may be tried.
pub(super) type Methods = Arc<HashMap<&'static str, Manner>>;

/// How often a call that does not get there is tried where there are fewer addresses: also a lone one that serves may
/// just have closed the connection.
const TRIES: usize = 2;

/// What the clones of one client share.
struct Balance {
    peers: Arc<Peers>,
    methods: Methods,
}

/// A call that can be made more than once.
struct Call {
    head: request::Parts,
    body: bytes::Bytes,
    began: Instant,
}

impl Channels {
    /// A client whose calls are shared out over the addresses of `service`: those given, and all behind the names
    /// given. The addresses are watched by a task of `tasks`; none of them has to answer yet. Once `tasks` are told to
    /// end, what was last known of the addresses holds.
    ///
    /// # Errors
    /// `internal` when an address is not of the form `http://HOST:PORT` or `dns://NAME:PORT`.
    pub fn any_of(&self, service: &'static str, urls: &PeerUrls, tasks: &TaskGroup) -> Result<GrpcService, Fault> {
        let peers = Arc::new(Peers::new(service, self.readiness.dependency(service)));
        let (fixed, names) = resolve::split(urls);
        peers.renew(&fixed, names.is_empty())?;
        let watching = (check::keep(Arc::clone(&peers)), resolve::keep(Arc::clone(&peers), fixed, names));
        let stop = tasks.stopping();
        tasks.spawn("peer-checks", async move {
            tokio::select! {
                _ = futures::future::join(watching.0, watching.1) => {}
                () = stop.wait() => {}
            }
        });
        let balance = Arc::new(Balance { peers, methods: Arc::clone(&self.methods) });
        Ok(boxed(service_fn(move |request| Arc::clone(&balance).call(request)), self.bearer()))
    }
}

/// Methods by path, each with whether it is repeatable.
pub(super) fn methods(told: &[(&'static str, bool)]) -> Methods {
    Arc::new(told.iter().map(|(path, repeatable)| (*path, Manner::of(*repeatable))).collect())
}

impl Balance {
    async fn call(self: Arc<Self>, request: Request<Body>) -> Result<Response<Body>, Status> {
        let Some(manner) = self.methods.get(request.uri().path()).copied() else {
            return self.pass(request).await;
        };
        let call = Call::keep(request).await?;
        let mut tried = Vec::new();
        // What one said who was reached. What comes of another try says less.
        let mut said: Option<Status> = None;
        loop {
            let peer = self.peers.choose(&tried).await?;
            let Failure { status, reached, .. } =
                match attempt::attempt(&self.peers, &peer, call.request(), manner).await {
                    Ok(answer) => return Ok(answer),
                    Err(failure) => failure,
                };
            tried.push(peer);
            let again = match reached {
                false => tried.len() < self.peers.len().max(TRIES),
                true => manner == Manner::Repeatable && said.is_none() && self.peers.any_left(&tried),
            };
            if !again {
                return Err(said.unwrap_or(status));
            }
            self.peers.repeated(reached);
            if reached {
                said = Some(status);
            }
        }
    }

    /// A stream, or a method nobody told of: there is no telling what a second try would do.
    async fn pass(&self, request: Request<Body>) -> Result<Response<Body>, Status> {
        let peer = self.peers.choose(&[]).await?;
        attempt::attempt(&self.peers, &peer, request, Manner::Once).await.map_err(|failure| failure.status)
    }
}

impl Call {
    async fn keep(request: Request<Body>) -> Result<Self, Status> {
        let began = Instant::now();
        let (head, body) = request.into_parts();
        Ok(Self { head, body: body.collect().await?.to_bytes(), began })
    }

    /// The request once more, with what is left of its deadline.
    fn request(&self) -> Request<Body> {
        let mut head = self.head.clone();
        if let Some(limit) = deadline::asked(&head.headers) {
            let left = limit.saturating_sub(self.began.elapsed()).max(Duration::from_millis(1));
            deadline::ask(&mut head.headers, left);
        }
        Request::from_parts(head, Body::new(Full::new(self.body.clone())))
    }
}
