//! A player: starts a battle, watches, goes away and comes back, here or at the other gateway, stops, starts again.
//! Somebody else watches now and then.

use std::sync::Arc;
use std::time::Duration;

use proto::battle::v1::{OnDeath, StartAutoRequest, StopRequest};
use proto::common::v1::Caller;
use service_kit::{Fault, FaultKind, Shutdown};
use tokio::time::{Instant, sleep};

use crate::dice::Dice;
use crate::follow::Follow;
use crate::gateway::Gateway;
use crate::scene::Scene;
use crate::witness::Witness;
use crate::world::BOUND;

pub(crate) struct Player {
    pub(crate) name: String,
    pub(crate) account: String,
    pub(crate) gateways: Vec<Gateway>,
    pub(crate) dice: Dice,
    pub(crate) witness: Witness,
    pub(crate) scene: Scene,
    /// Begins when everybody is to come to an end.
    pub(crate) closing: Shutdown,
    /// At which gateway.
    pub(crate) at: usize,
    pub(crate) connection: u64,
}

impl Player {
    /// Plays until it is time to end; then ends its battle.
    pub(crate) async fn play(mut self) {
        while !self.closing.begun() {
            let Some(battle) = self.start().await else { continue };
            self.watch(&battle).await;
        }
        self.stop().await;
    }

    /// Starts a battle, or finds the one that runs; answers its id.
    async fn start(&mut self) -> Option<String> {
        self.arrive();
        let request =
            StartAutoRequest { caller: Some(self.caller()), dungeon: "1".to_owned(), on_death: OnDeath::Revive.into() };
        let started = match self.gateways[self.at].any() {
            Some(mut client) => client.start_auto(request).await.map_err(Fault::from),
            None => Err(Fault::unavailable("battles-away")),
        };
        match started {
            Ok(started) => started.into_inner().battle.map(|battle| battle.id),
            Err(fault) => {
                self.expect_passing("start", &fault);
                sleep(self.dice.ms(100, 1_500)).await;
                None
            }
        }
    }

    /// Watches a battle until it is stopped, or everything ends.
    async fn watch(&mut self, battle: &str) {
        let mut follow = self.follow(battle, Some(0));
        let other = &self.gateways[1 - self.at];
        let guest = self.dice.percent(self.scene.guests()).then(|| {
            (other.clone(), other.follow(&format!("guest of {} in {battle}", self.name), battle, None, Some(0)))
        });
        while !self.closing.begun() && !follow.is_over() {
            sleep(self.dice.ms(1_000, 12_000)).await;
            match self.dice.below(4) {
                0 if self.scene.leave() => {
                    self.gateways[self.at].part(&follow).await;
                    let last = follow.last();
                    sleep(self.dice.ms(100, 15_000)).await;
                    self.arrive();
                    follow = self.follow(battle, self.dice.percent(60).then_some(last));
                }
                1 if self.scene.stop() => break,
                _ => {}
            }
        }
        self.stop().await;
        self.until_over(&follow).await;
        if let Some((gateway, guest)) = guest {
            gateway.part(&guest).await;
        }
        self.gateways[self.at].part(&follow).await;
    }

    fn follow(&self, battle: &str, after: Option<u64>) -> Arc<Follow> {
        let client = format!("{} {}", self.name, self.connection);
        self.gateways[self.at].follow(&client, battle, Some(self.caller()), after)
    }

    /// Stops until it is done or there is nothing to stop.
    async fn stop(&mut self) {
        loop {
            let request = StopRequest { caller: Some(self.caller()) };
            let stopped = match self.gateways[self.at].any() {
                Some(mut client) => client.stop(request).await.map_err(Fault::from),
                None => Err(Fault::unavailable("battles-away")),
            };
            match stopped {
                Ok(stopped) => {
                    let battle = stopped.into_inner().battle.unwrap_or_default();
                    return self.witness.stopped(&battle.id);
                }
                Err(fault) if fault.because() == Some("no_battle") => return,
                Err(fault) => self.expect_passing("stop", &fault),
            }
            sleep(self.dice.ms(100, 1_500)).await;
        }
    }

    /// Waits for the end to be told: what is stored is told within the bound.
    async fn until_over(&self, follow: &Follow) {
        let until = Instant::now() + BOUND;
        while !follow.is_over() && Instant::now() < until {
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Comes to one of the gateways, with a new connection.
    fn arrive(&mut self) {
        self.at = self.dice.below(self.gateways.len());
        self.connection += 1;
    }

    fn caller(&self) -> Caller {
        Caller { account_id: self.account.clone(), epoch: 1, connection: self.connection }
    }

    /// A player may be told to try again, and nothing else.
    fn expect_passing(&self, what: &str, fault: &Fault) {
        use FaultKind::{Aborted, DeadlineExceeded, ResourceExhausted, Unavailable};
        self.witness.note(&format!("{} {what} {}", self.name, fault.key()));
        let passes = matches!(fault.kind(), Aborted | DeadlineExceeded | ResourceExhausted | Unavailable);
        if !passes {
            self.witness.violated(&format!("{} was answered to {what}: {fault:?}", self.name));
        }
    }
}
