//! Members of gateways that are dead: nobody is left to say that they went.
//!
//! A gateway that stands still, or can't reach the backplane, is taken for dead too. That costs nothing but a word about
//! its members: when it is back it puts them where they were.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use backplane::{Backplane, BackplaneFault, Observer, Rate, Verdict, leases};
use tokio::time::Instant;

use crate::room::{GRACE, LOBBY, Lobby};

/// Looks for gateways that died with members in rooms.
pub(crate) struct Ghosts {
    plane: Arc<dyn Backplane>,
    lobby: Lobby,
    observer: Observer,
    /// Gateways whose members were let go, and when. They are gone after the grace.
    let_go: HashMap<String, Instant>,
}

impl Ghosts {
    /// Has seen nobody yet. A gateway is dead when its lease was over for a whole `ttl`.
    pub(crate) fn new(plane: Arc<dyn Backplane>, lobby: Lobby, ttl: Duration) -> Self {
        Self { plane, lobby, observer: Observer::new(ttl), let_go: HashMap::new() }
    }

    /// Lets the members go of every gateway that is dead, after the grace. Several processes that do so do it once.
    pub(crate) async fn look(&mut self) -> Result<(), BackplaneFault> {
        self.observe().await?;
        let now = Instant::now();
        self.let_go.retain(|_, at| now - *at < GRACE);
        let dead = self.dead().await?;
        if dead.is_empty() {
            return Ok(());
        }
        self.lobby.leave_ghosts(&dead).await?;
        for gateway in &dead {
            if self.is_first_to_see(gateway).await? {
                metrics::counter!("chat_gateways_died_total").increment(1);
                tracing::info!(gateway.name = gateway, "gateway died, its members leave");
            }
        }
        self.let_go.extend(dead.into_iter().map(|gateway| (gateway, now)));
        Ok(())
    }

    /// Whether no other process has said that this gateway died. Its members are gone before anybody could say so again.
    async fn is_first_to_see(&self, gateway: &str) -> Result<bool, BackplaneFault> {
        let once = Rate { every: GRACE * 2, burst: 1 };
        Ok(self.plane.throttle(&format!("died:{gateway}"), once).await? == Verdict::Allowed)
    }

    async fn observe(&mut self) -> Result<(), BackplaneFault> {
        let asked = Instant::now();
        match self.plane.living(leases::GATEWAYS).await {
            Ok(living) => self.observer.answered(asked, &living),
            Err(fault) => {
                self.observer.failed();
                return Err(fault);
            }
        }
        Ok(())
    }

    async fn dead(&self) -> Result<HashSet<String>, BackplaneFault> {
        let mut gateways = self.plane.gateways(LOBBY).await?;
        gateways.retain(|gateway| self.observer.is_dead(gateway) && !self.let_go.contains_key(gateway));
        Ok(gateways.into_iter().collect())
    }
}
