//! The addresses of a service, and what is known of each.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use http::Uri;
use tokio::sync::watch;
use tokio::time::timeout;
use tonic::Status;
use tonic::transport::Channel;

use super::check::PATIENCE;
use crate::Fault;
use crate::grpc::client::channel;
use crate::readiness::Dependency;

/// What is known of an address, the best last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// It doesn't answer.
    Away,
    /// It answers that it wants no work: it starts, or is on its way out.
    Unwilling,
    /// It has not been asked yet.
    Unknown,
    /// It wants work.
    Serving,
}

/// One address, with a connection of its own.
#[derive(Debug)]
pub(super) struct Peer {
    url: Uri,
    channel: Channel,
    calls: AtomicUsize,
}

/// Counts a call as under way until it is dropped.
pub(super) struct Underway<'a>(&'a AtomicUsize);

/// Every address of one service.
#[derive(Debug)]
pub(super) struct Peers {
    service: &'static str,
    dependency: Dependency,
    /// Whether one served when it was last told.
    serves: AtomicBool,
    table: watch::Sender<Table>,
    /// Where the search for the least busy address begins, so that equals take turns.
    turn: AtomicUsize,
}

#[derive(Debug, Default)]
struct Table {
    rows: Vec<(Arc<Peer>, Standing)>,
    /// Whether every name has been looked up at least once.
    resolved: bool,
}

impl Peers {
    pub(super) fn new(service: &'static str, dependency: Dependency) -> Self {
        let (serves, table, turn) = (AtomicBool::new(true), watch::Sender::default(), AtomicUsize::new(0));
        Self { service, dependency, serves, table, turn }
    }

    /// The addresses are these from now on. Those that were there before keep connection and standing.
    pub(super) fn renew(&self, urls: &[Uri], resolved: bool) -> Result<(), Fault> {
        let known = |url: &Uri| self.table.borrow().rows.iter().find(|(peer, _)| peer.url == *url).cloned();
        let row = |url: &Uri| known(url).map_or_else(|| Ok((Arc::new(Peer::new(url)?), Standing::Unknown)), Ok);
        let rows = urls.iter().map(row).collect::<Result<Vec<_>, Fault>>()?;
        self.table.send_modify(|table| *table = Table { rows, resolved });
        self.tell();
        Ok(())
    }

    /// The addresses, for checks.
    pub(super) fn all(&self) -> Vec<Arc<Peer>> {
        self.table.borrow().rows.iter().map(|(peer, _)| Arc::clone(peer)).collect()
    }

    /// Ends when there is an address that has not been asked yet.
    pub(super) async fn unasked(&self) {
        let new = |table: &Table| table.rows.iter().any(|(_, standing)| *standing == Standing::Unknown);
        // Waiting fails only when the sender is gone, and `self` holds it.
        let _ = self.table.subscribe().wait_for(new).await;
    }

    pub(super) fn len(&self) -> usize {
        self.table.borrow().rows.len()
    }

    /// Notes what is known of an address.
    pub(super) fn note(&self, peer: &Arc<Peer>, now: Standing) {
        let changed = self.table.send_if_modified(|table| {
            let standing = table.rows.iter_mut().find(|(other, _)| Arc::ptr_eq(peer, other)).map(|(_, was)| was);
            standing.is_some_and(|was| std::mem::replace(was, now) != now)
        });
        if changed {
            tracing::debug!(peer.service = self.service, peer.url = %peer.url, peer.standing = ?now, "peer changed");
            self.tell();
        }
    }

    /// Ends when the address stops answering. One that did not answer before may be back since: it has as long as a check.
    pub(super) async fn away(&self, peer: &Arc<Peer>) {
        let away = |table: &Table| {
            table.rows.iter().any(|(other, standing)| Arc::ptr_eq(peer, other) && *standing == Standing::Away)
        };
        let mut table = self.table.subscribe();
        let _ = timeout(PATIENCE, table.wait_for(|table| !away(table))).await;
        let _ = table.wait_for(away).await;
    }

    /// The least busy of the best addresses, of those not yet tried if there are any. Waits for the first verdict while
    /// it is not known whether one serves.
    ///
    /// # Errors
    /// `unavailable` when there is no address at all.
    pub(super) async fn choose(&self, tried: &[Arc<Peer>]) -> Result<Arc<Peer>, Status> {
        let mut table = self.table.subscribe();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let table = table.wait_for(|table| table.decided(tried)).await;
        let none = || Status::from(Fault::unavailable("unavailable"));
        let table = table.map_err(|_gone| none())?;
        table.untried(tried, turn).or_else(|| table.untried(&[], turn)).ok_or_else(none)
    }

    /// Whether there is an address not yet tried that may answer.
    pub(super) fn any_left(&self, tried: &[Arc<Peer>]) -> bool {
        let table = self.table.borrow();
        table.rows.iter().any(|(peer, standing)| *standing > Standing::Away && !among(tried, peer))
    }

    /// Counts a call that is made again.
    pub(super) fn repeated(&self, reached: bool) {
        let why = if reached { "failed" } else { "unreached" };
        metrics::counter!("grpc_client_repeated_total", "service" => self.service, "why" => why).increment(1);
    }

    /// Tells operators how many addresses stand how, and whether any serves.
    fn tell(&self) {
        let table = self.table.borrow();
        for standing in [Standing::Away, Standing::Unwilling, Standing::Unknown, Standing::Serving] {
            let count = table.rows.iter().filter(|(_, other)| *other == standing).count();
            let gauge = metrics::gauge!("grpc_peers", "service" => self.service, "state" => standing.word());
            gauge.set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
        }
        let serves = match table.best() {
            Some(Standing::Unknown) => return,
            best => best == Some(Standing::Serving),
        };
        match serves {
            true => self.dependency.up(),
            false => self.dependency.down("no instance serves"),
        }
        match (self.serves.swap(serves, Ordering::Relaxed), serves) {
            (true, false) => tracing::warn!(peer.service = self.service, "no peer serves"),
            (false, true) => tracing::info!(peer.service = self.service, "peers serve again"),
            (true, true) | (false, false) => {}
        }
    }
}

impl Table {
    fn best(&self) -> Option<Standing> {
        self.rows.iter().map(|(_, standing)| *standing).max()
    }

    /// Whether waiting for a first verdict could bring a better address than there is.
    fn decided(&self, tried: &[Arc<Peer>]) -> bool {
        let mut left = self.rows.iter().filter(|(peer, _)| !among(tried, peer)).map(|(_, standing)| *standing);
        self.resolved && left.clone().all(|standing| standing != Standing::Unknown)
            || left.any(|standing| standing == Standing::Serving)
    }

    fn untried(&self, tried: &[Arc<Peer>], turn: usize) -> Option<Arc<Peer>> {
        let (before, after) = self.rows.split_at(turn.checked_rem(self.rows.len())?);
        let untried = after.iter().chain(before).filter(|(peer, _)| !among(tried, peer));
        let best =
            untried.min_by_key(|(peer, standing)| (std::cmp::Reverse(*standing), peer.calls.load(Ordering::Relaxed)));
        best.map(|(peer, _)| Arc::clone(peer))
    }
}

impl Standing {
    const fn word(self) -> &'static str {
        match self {
            Self::Away => "away",
            Self::Unwilling => "unwilling",
            Self::Unknown => "unknown",
            Self::Serving => "serving",
        }
    }
}

impl Peer {
    fn new(url: &Uri) -> Result<Self, Fault> {
        let channel = channel(url).map_err(|error| Fault::internal(format!("address {url}: {error}")))?;
        Ok(Self { url: url.clone(), channel, calls: AtomicUsize::new(0) })
    }

    pub(super) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    pub(super) fn underway(&self) -> Underway<'_> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Underway(&self.calls)
    }
}

fn among(peers: &[Arc<Peer>], peer: &Arc<Peer>) -> bool {
    peers.iter().any(|other| Arc::ptr_eq(peer, other))
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
