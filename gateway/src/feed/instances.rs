//! Which battle-svc instances live, and which of them is asked for a battle first.

use std::sync::Arc;
use std::time::Duration;

use backplane::{Backplane, Lease, leases};
use parking_lot::Mutex;
use service_kit::rendezvous;
use vocab::BattleId;

/// How often, and how long an answer may take.
const EVERY: Duration = Duration::from_secs(1);

/// The instances known to live.
pub(super) struct Instances {
    known: Mutex<Vec<Instance>>,
}

struct Instance {
    name: String,
    address: String,
}

impl From<Lease> for Instance {
    fn from(lease: Lease) -> Self {
        Self { name: lease.instance, address: lease.address }
    }
}

impl Instances {
    /// The one there is: it needs neither name nor address.
    pub(super) fn one() -> Self {
        Self { known: Mutex::new(vec![Instance { name: String::new(), address: String::new() }]) }
    }

    /// None known yet.
    pub(super) fn unknown() -> Self {
        Self { known: Mutex::default() }
    }

    /// The address of the instance to ask for a battle, among those that `may` be asked. Whoever has no owner is claimed
    /// by the one that every process chooses, so that this one is right unless the battle has an owner elsewhere.
    pub(super) fn choose(&self, battle: &str, may: impl Fn(&str) -> bool) -> Option<String> {
        let known = self.known.lock();
        let candidates = || known.iter().filter(|instance| may(&instance.address));
        let id: Result<BattleId, _> = battle.parse();
        // Who is asked for something that is no battle is all the same.
        let key = id.as_ref().map_or(battle.as_bytes(), |id| id.as_bytes());
        let name = rendezvous::choose(key, candidates().map(|instance| instance.name.as_str()))?;
        candidates().find(|instance| instance.name == name).map(|instance| instance.address.clone())
    }

    /// Keeps an eye on the leases for as long as it is polled. Where the backplane doesn't answer, or has forgotten
    /// everybody, what was known last stays.
    pub(super) async fn watch(&self, plane: &Arc<dyn Backplane>) {
        loop {
            match tokio::time::timeout(EVERY, plane.living(leases::BATTLES)).await {
                Ok(Ok(living)) if !living.is_empty() => self.learn(living),
                Ok(Ok(_)) | Ok(Err(_)) | Err(_) => metrics::counter!("gateway_instances_unknown_total").increment(1),
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    fn learn(&self, living: Vec<Lease>) {
        #[expect(clippy::cast_precision_loss, reason = "instances are few")]
        metrics::gauge!("gateway_instances").set(living.len() as f64);
        *self.known.lock() = living.into_iter().map(Instance::from).collect();
    }
}
