//! One client's stay, from its handshake to its last breath: the one worker that handles its events, in order.

use std::sync::Arc;
use std::time::Duration;

use proto::common::v1::Caller;
use service_kit::Fault;
use service_kit::time::millis;
use tokio::time::{Instant, sleep_until};

use crate::answer;
use crate::chair::Chair;
use crate::delivery::Line;
use crate::follow::Follow;
use crate::gateway::Gateway;
use crate::handshake::{self, Arrival, Patience};
use crate::inbox::{Events, Received, Refuser};
use crate::packet;
use crate::payload::{Event, Resume};
use crate::registry::Seat;
use crate::reply::{Reply, Then};
use crate::router;
use crate::welcome;

/// How long before its end a session is announced to be ending.
const NOTICE: Duration = Duration::from_secs(5 * 60);

/// How long what was asked before a departure may hold it up.
const LAST_EVENTS: Duration = Duration::from_secs(2);

/// How long the end of a battle may be behind the answer to what ended it.
const END_WAIT: Duration = Duration::from_secs(2);

/// A client's stay.
pub(crate) struct Session {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) line: Arc<Line>,
    /// Address of the client, for throttles; empty where there are none.
    pub(crate) address: String,
    refuser: Arc<Refuser>,
    /// Who it is; none for a guest.
    pub(crate) player: Option<Player>,
    /// When this gateway, which is going away, lets the client go.
    leaves_at: Option<Instant>,
}

/// A signed-in player.
pub(crate) struct Player {
    pub(crate) seat: Arc<Seat>,
    /// What the player's calls carry.
    pub(crate) caller: Caller,
    /// Name of the character.
    pub(crate) name: String,
    /// The session's.
    lifetime: Lifetime,
    /// The battle followed.
    pub(crate) follow: Option<Arc<Follow>>,
    /// The room sat in.
    pub(crate) chair: Option<Arc<Chair>>,
    /// Whether the end of the session was announced.
    noticed: bool,
}

/// How long a session lasts. Its end is told by the store's clock and awaited by this process's, which only has to run as
/// fast.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lifetime {
    expires_at: i64,
    end: Instant,
}

/// What happens next to a client.
enum Next {
    Event(Received),
    Replaced(Arc<Seat>),
    Flooded,
    Expiring,
    Expired,
    Draining,
    Departing,
    Gone,
}

impl Lifetime {
    /// One that ends at `expires_at`, milliseconds since the epoch, which is so far off now by the store's clock.
    pub(crate) fn of(expires_at: i64, expires_in_ms: u64) -> Self {
        Self { expires_at, end: Instant::now() + Duration::from_millis(expires_in_ms) }
    }
}

impl Player {
    /// A player that was just welcomed.
    pub(crate) fn new(seat: Arc<Seat>, caller: Caller, name: String, lifetime: Lifetime) -> Self {
        Self { seat, caller, name, lifetime, follow: None, chair: None, noticed: false }
    }

    /// When there is something to say or do about the session's end.
    fn due(&self) -> Instant {
        let end = self.lifetime.end;
        if self.noticed { end } else { end.checked_sub(NOTICE).unwrap_or(end) }
    }
}

impl Session {
    /// Begins a client's stay.
    pub(crate) fn new(gateway: Arc<Gateway>, line: Arc<Line>, address: String, refuser: Arc<Refuser>) -> Self {
        Self { gateway, line, address, refuser, player: None, leaves_at: None }
    }

    /// Handles everything from the handshake on.
    pub(crate) async fn run(mut self, auth: Option<String>, mut events: Events) {
        let _stay = self.gateway.stays.begin();
        // Boxed, like everything that passes: what an idle stay keeps in memory is only its waiting.
        if Box::pin(self.arrive(auth.as_deref())).await {
            self.stay(&mut events).await;
        }
        Box::pin(self.leave(false)).await;
    }

    /// The handshake; false when there is no stay.
    async fn arrive(&mut self, auth: Option<&str>) -> bool {
        if self.gateway.drain.begun() {
            self.line.drop_transport().await;
            return false;
        }
        match handshake::answer(&self.gateway, &self.line, auth).await {
            Arrival::Guest => {
                self.line.packet(packet::connect(self.line.id()));
                true
            }
            Arrival::Player(session, resume, patience) => {
                self.line.packet(packet::connect(self.line.id()));
                self.enter(*session, resume, patience).await
            }
            Arrival::Refused(fault) => {
                self.line.packet(packet::connect_error(None, &answer::refused(&fault, self.line.words())));
                // A stock client hangs up by itself; no other keeps a drain waiting.
                tokio::select! {
                    () = self.line.closed() => {}
                    () = self.gateway.drain.wait() => self.line.drop_transport().await,
                }
                false
            }
            Arrival::Nobody => {
                self.line.drop_transport().await;
                false
            }
        }
    }

    /// Makes the client the player of `session`; false when that failed and the client has to come again.
    async fn enter(&mut self, session: proto::user::v1::Session, resume: Option<Resume>, patience: Patience) -> bool {
        self.player = welcome::welcome(&self.gateway, &self.line, session, resume, patience).await;
        self.player.is_some()
    }

    async fn stay(&mut self, events: &mut Events) {
        loop {
            match self.next(events).await {
                Next::Event(received) => Box::pin(self.handle_watched(received)).await,
                Next::Expiring => self.announce_expiry(),
                Next::Replaced(seat) => return Box::pin(dismiss_replaced(&self.line, &seat)).await,
                Next::Flooded => {
                    metrics::counter!("gateway_sockets_flooded_total").increment(1);
                    return self.line.dismiss(None).await;
                }
                // The client comes back with its token and is told the final word by the handshake.
                Next::Expired => return self.line.drop_transport().await,
                Next::Draining => self.announce_departure(),
                Next::Departing => return Box::pin(self.depart(events)).await,
                Next::Gone => return,
            }
        }
    }

    async fn next(&self, events: &mut Events) -> Next {
        let player = self.player.as_ref();
        let replaced = async {
            match player {
                Some(player) => {
                    player.seat.over().await;
                    Arc::clone(&player.seat)
                }
                None => std::future::pending().await,
            }
        };
        let due = self.due();
        tokio::select! {
            biased;
            seat = replaced => Next::Replaced(seat),
            () = self.line.closed() => Next::Gone,
            () = self.refuser.flooded() => Next::Flooded,
            () = self.gateway.drain.wait(), if self.leaves_at.is_none() => Next::Draining,
            // Before the events: whoever never stops asking goes all the same.
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.what_is_due(),
            event = events.next() => event.map_or(Next::Gone, Next::Event),
        }
    }

    /// When something is to be said or done although nobody asks for it.
    fn due(&self) -> Option<Instant> {
        let expiry = self.player.as_ref().map(Player::due);
        [expiry, self.leaves_at].into_iter().flatten().min()
    }

    /// What that is, once it has come.
    fn what_is_due(&self) -> Next {
        match &self.player {
            _ if self.leaves_at.is_some_and(|at| at <= Instant::now()) => Next::Departing,
            Some(player) if player.noticed => Next::Expired,
            Some(_) | None => Next::Expiring,
        }
    }

    /// Handles an event to its end, but doesn't let a player who is replaced meanwhile wait for that. Nor does that hold up
    /// what the event has taken others' turn for.
    async fn handle_watched(&mut self, received: Received) {
        let seat = self.player.as_ref().map(|player| Arc::clone(&player.seat));
        let line = Arc::clone(&self.line);
        let handling = self.handle(received);
        tokio::pin!(handling);
        if let Some(seat) = seat {
            tokio::select! {
                () = &mut handling => return,
                () = seat.over() => {
                    tokio::join!(Box::pin(dismiss_replaced(&line, &seat)), handling);
                    return;
                }
            }
        }
        handling.await;
    }

    async fn handle(&mut self, received: Received) {
        let outcome = match Event::read(&received.array) {
            Some(event) => router::dispatch(self, &event).await,
            None => Err(Fault::invalid("event-without-name").field("event")),
        };
        match outcome {
            Ok(reply) => self.finish(received.ack, reply).await,
            // Any other is the client's doing, and counts towards a flood.
            Err(fault) if fault.is_ours() => {
                self.acknowledge(received.ack, || answer::failed(&fault, self.line.words()));
            }
            Err(fault) => {
                self.refuser.refuse(received.ack, &fault);
                if let Some(player) = &self.player {
                    player.seat.notice(&fault);
                }
            }
        }
    }

    /// What follows on rare answers is boxed: it is many times larger than what every event needs, and thousands may come
    /// at once.
    async fn finish(&mut self, ack: Option<u64>, reply: Reply) {
        match reply.then {
            Then::AfterEnd => self.await_end().await,
            Then::Dismiss => Box::pin(self.await_deletion()).await,
            Then::Stay | Then::Enter(_) | Then::Follow(_) | Then::BecomeGuest => {}
        }
        self.acknowledge(ack, || answer::done(&reply.result));
        match reply.then {
            Then::Stay | Then::AfterEnd => {}
            Then::Enter(session) => {
                Box::pin(self.enter(*session, None, Patience::begin())).await;
            }
            Then::Follow(battle) => Box::pin(welcome::follow_new(self, &battle)).await,
            Then::BecomeGuest => Box::pin(self.leave(true)).await,
            Then::Dismiss => {
                Box::pin(self.leave(true)).await;
                self.line.dismiss(None).await;
            }
        }
    }

    fn acknowledge(&self, ack: Option<u64>, text: impl FnOnce() -> String) {
        if let Some(number) = ack {
            self.line.packet(packet::ack(number, &text()));
        }
    }

    /// The end of a battle comes by the feed; the answer to what ended it must not overtake it.
    async fn await_end(&self) {
        let Some(follow) = self.player.as_ref().and_then(|player| player.follow.as_ref()) else { return };
        if tokio::time::timeout(END_WAIT, follow.ended()).await.is_err() {
            metrics::counter!("gateway_ends_late_total").increment(1);
        }
    }

    /// The end of a deleted player's battle comes before the last packet, if battle-svc can tell it soon.
    async fn await_deletion(&self) {
        let Some(follow) = self.player.as_ref().and_then(|player| player.follow.as_ref()) else { return };
        if follow.is_over() {
            return;
        }
        match self.gateway.feed.mourn(follow).await {
            Ok(()) => self.await_end().await,
            Err(fault) => tracing::warn!(error = ?fault, "end of a deleted player's battle not told"),
        }
    }

    fn announce_expiry(&mut self) {
        #[derive(serde::Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Expiring {
            expires_at: i64,
        }
        if let Some(player) = &mut self.player {
            player.noticed = true;
            self.line.event("session:expiring", &Expiring { expires_at: player.lifetime.expires_at });
        }
    }

    fn announce_departure(&mut self) {
        #[derive(serde::Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Draining {
            reconnect_in_ms: u64,
        }
        let delay = self.gateway.drain.delay();
        self.leaves_at = Some(Instant::now() + delay);
        self.line.event("system:draining", &Draining { reconnect_in_ms: millis(delay) });
    }

    /// Lets the client go, who comes back by itself, and to another gateway. First what it asked until now is carried out
    /// and everything told is written, then battle and room hear of it, the battle with what was told; the transport goes
    /// last, so that whoever comes back finds that settled.
    async fn depart(&mut self, events: &mut Events) {
        let end = Instant::now() + LAST_EVENTS;
        for _ in 0..events.waiting() {
            match events.next().await {
                Some(received) if Instant::now() < end => self.handle_watched(received).await,
                _ => break,
            }
        }
        if let Some(follow) = self.player.as_ref().and_then(|player| player.follow.as_ref()) {
            follow.leave();
        }
        self.line.flushed().await;
        self.leave(false).await;
        self.line.drop_transport().await;
        metrics::counter!("gateway_sockets_drained_total").increment(1);
    }

    /// Asks whether the client may have something told again.
    pub(crate) fn may_retell(&self) -> Result<(), Fault> {
        self.refuser.may_retell()
    }

    /// It was, by this answer.
    pub(crate) fn retold(&self, reply: &Reply) {
        self.refuser.retold(reply.result.len());
    }

    /// A refreshed session lives longer.
    pub(crate) fn refreshed(&mut self, lifetime: Lifetime) {
        if let Some(player) = &mut self.player {
            player.lifetime = lifetime;
            player.noticed = false;
        }
    }

    /// Carries out a call that ends the account's sessions. News of that doesn't concern this client, who brings it about
    /// itself, unless it doesn't come to that.
    pub(crate) async fn aside<T>(&self, call: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let Some(player) = &self.player else { return call.await };
        self.gateway.registry.free(&player.seat);
        let ended = call.await;
        if ended.is_err() {
            self.gateway.registry.take(&player.seat);
        }
        ended
    }

    /// Gives up everything the player holds at this gateway. `now`: no grace for the chat room.
    pub(crate) async fn leave(&mut self, now: bool) {
        if let Some(player) = self.player.take() {
            welcome::farewell(&self.gateway, player, now).await;
        }
    }
}

/// Tells a client that another connection took its place, and sends it away.
pub(crate) async fn dismiss_replaced(line: &Line, seat: &Seat) {
    #[derive(serde::Serialize)]
    struct Replaced {
        reason: String,
    }
    line.dismiss(Some(packet::event("session:replaced", &Replaced { reason: seat.reason() }))).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size<A, B, C, F: Future>(_make: impl Fn(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn an_event_costs_little_until_its_answer_is_known() {
        let bytes = size(|session: &'static mut Session, received, ()| session.handle_watched(received));
        assert!(bytes <= 3_072, "{bytes}");
    }

    #[test]
    fn a_stay_costs_little_while_nothing_happens() {
        let bytes = size(Session::run);
        assert!(bytes <= 1_152, "{bytes}");
    }
}
