//! Passwords and their hashes: the scarcest resource of the house.
//!
//! A hash takes a core for a third of a second at the usual cost. So as many run at once as there are cores, a short
//! queue waits behind them, and whoever comes when the queue is full is told at once to come back.

use std::sync::Arc;
use std::time::Duration;

use bcrypt::HashParts;
use service_kit::Fault;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use vocab::Password;

/// How many may wait for each that runs.
const QUEUE_PER_RUNNER: usize = 16;

/// Hashes and checks passwords. Clones share the same queue.
#[derive(Clone)]
pub(crate) struct Hasher {
    cost: u32,
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// The hash of a password nobody has, at the usual cost: a name that is unknown takes as long as one that isn't,
    /// but for accounts that nobody has signed in to since the cost was changed.
    dummy: Arc<str>,
}

impl Hasher {
    /// `cost` is bcrypt's: each step doubles the time.
    pub(crate) async fn new(cost: u32) -> Result<Self, Fault> {
        let runners = std::thread::available_parallelism().map_or(1, usize::from);
        let mut hasher = Self {
            cost,
            running: Arc::new(Semaphore::new(runners)),
            waiting: Arc::new(Semaphore::new(runners * (QUEUE_PER_RUNNER + 1))),
            dummy: Arc::from(""),
        };
        let nobody = Password::parse("a password nobody has").map_err(|error| Fault::internal(error.to_string()))?;
        hasher.dummy = hasher.hash(nobody).await?.into();
        Ok(hasher)
    }

    /// The hash to store. A [`Password`] has at most the 72 bytes that bcrypt reads, so nothing of it is ever cut: the
    /// library's stricter function counts a terminating zero as well and would refuse the longest.
    pub(crate) async fn hash(&self, password: Password) -> Result<String, Fault> {
        let cost = self.cost;
        self.run("hash", move || bcrypt::hash(password.expose(), cost)).await
    }

    /// Whether the password is the one behind `hash`. Without a hash the answer is no, and takes as long.
    pub(crate) async fn verify(&self, password: Password, hash: Option<&str>) -> Result<bool, Fault> {
        let known = hash.is_some();
        let hash: Arc<str> = hash.map_or_else(|| Arc::clone(&self.dummy), Arc::from);
        let fits = self.run("verify", move || bcrypt::verify(password.expose(), &hash)).await?;
        Ok(known && fits)
    }

    /// Whether the hash has the cost of those made now.
    pub(crate) fn is_current(&self, hash: &str) -> bool {
        hash.parse::<HashParts>().is_ok_and(|parts| parts.get_cost() == self.cost)
    }

    async fn run<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce() -> Result<T, bcrypt::BcryptError> + Send + 'static,
    ) -> Result<T, Fault> {
        let place = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_full| busy())?;
        let turn = Arc::clone(&self.running).acquire_owned().await.map_err(Fault::internal)?;
        // Both permits live as long as the work, which goes on when the caller leaves.
        let done = tokio::task::spawn_blocking(move || holding(place, turn, work)).await;
        metrics::counter!("password_hashes_total", "what" => what).increment(1);
        done.map_err(Fault::internal)?.map_err(Fault::internal)
    }
}

fn holding<T>(place: OwnedSemaphorePermit, turn: OwnedSemaphorePermit, work: impl FnOnce() -> T) -> T {
    let done = work();
    drop((turn, place));
    done
}

fn busy() -> Fault {
    metrics::counter!("password_queue_full_total").increment(1);
    Fault::exhausted("sign-in-busy").reason("busy").retry_after(Duration::from_secs(2))
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use service_kit::FaultKind;

    use super::*;

    fn password(text: &str) -> Password {
        Password::parse(text).unwrap()
    }

    #[tokio::test]
    async fn only_the_password_itself_fits() {
        let hasher = Hasher::new(4).await.unwrap();
        let hash = hasher.hash(password("correct horse")).await.unwrap();
        assert!(hasher.verify(password("correct horse"), Some(&hash)).await.unwrap());
        assert!(!hasher.verify(password("correct horsE"), Some(&hash)).await.unwrap());
        let longest = "x".repeat(72);
        let hash = hasher.hash(password(&longest)).await.unwrap();
        assert!(!hasher.verify(password(&longest[..71]), Some(&hash)).await.unwrap(), "the last byte counts");
    }

    #[tokio::test]
    async fn an_unknown_name_costs_a_hash_like_any_other() {
        let hasher = Hasher::new(4).await.unwrap();
        assert!(hasher.dummy.starts_with("$2b$04$"), "the same cost");
        assert!(!hasher.verify(password("a password nobody has"), None).await.unwrap(), "and nobody gets in by it");
        let all = hasher.running.available_permits();
        let running = hasher.running.acquire_many(u32::try_from(all).unwrap()).await.unwrap();
        let mut waiting = pin!(hasher.verify(password("correct horse"), None));
        assert!(futures::poll!(&mut waiting).is_pending(), "it waits for its turn to hash");
        drop(running);
        assert!(!waiting.await.unwrap());
    }

    #[tokio::test]
    async fn who_finds_the_queue_full_is_told_at_once() {
        let hasher = Hasher::new(4).await.unwrap();
        let all = u32::try_from(hasher.waiting.available_permits()).unwrap();
        let _everybody = hasher.waiting.acquire_many(all).await.unwrap();
        let fault = hasher.verify(password("correct horse"), None).await.unwrap_err();
        assert_eq!((fault.kind(), fault.because()), (FaultKind::ResourceExhausted, Some("busy")));
        assert!(fault.retry_delay().is_some());
    }
}
