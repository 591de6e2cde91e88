//! Attempts to prove a password: each is counted before it costs a hash, and the count is forgiven to who succeeds. So
//! what a limit stops are failures, and neither an account's owner nor a crowd behind one address.
//!
//! Every way to a password goes through here: signing in, a sign-up sent again, deleting the account. So nobody gets
//! more tries by another door.

use std::time::Duration;

use backplane::{BackplaneFault, Rate, Throttle, Verdict};
use service_kit::Fault;
use vocab::{AccountId, Password};

use crate::password::Hasher;
use crate::store::rows::Credentials;

/// Attempts on one account: a person who mistypes never meets it.
const PER_ACCOUNT: Rate = Rate { every: Duration::from_secs(10), burst: 10 };
/// Attempts from one address, behind which a whole school may sit.
const PER_ADDRESS: Rate = Rate { every: Duration::from_millis(500), burst: 120 };
/// Sign-ups from one address.
const SIGN_UPS: Rate = Rate { every: Duration::from_millis(500), burst: 1_000 };

/// Somebody who says they are the owner of a name.
pub(crate) struct Attempt<'a> {
    /// The name as it is compared; none when what was given can't be one.
    pub(crate) name: Option<&'a str>,
    /// The account of that name, if there is one.
    pub(crate) known: Option<Credentials>,
    pub(crate) password: &'a str,
    /// Where it comes from; none of a tool, and of who is signed in.
    pub(crate) address: Option<&'a str>,
}

/// An account and the password that was proved to be its own.
pub(crate) struct Proven {
    pub(crate) account: AccountId,
    /// What it was checked against: whoever acts on it makes sure that it still stands.
    pub(crate) hash: String,
    pub(crate) password: Password,
}

impl Attempt<'_> {
    /// Checks the password; nothing when it is not the account's. An unknown account costs a hash like any other.
    pub(crate) async fn prove(self, throttle: &dyn Throttle, hasher: &Hasher) -> Result<Option<Proven>, Fault> {
        let from = self.address.map(|address| format!("sign-in:address:{address}"));
        if let Some(from) = &from {
            count(throttle, from, PER_ADDRESS).await?;
        }
        let tries = self.name.map(|name| format!("sign-in:account:{name}"));
        if let Some(tries) = &tries {
            count(throttle, tries, PER_ACCOUNT).await?;
        }
        let Ok(password) = Password::parse(self.password) else { return Ok(None) };
        let hash = self.known.as_ref().map(|known| known.password_hash.as_str());
        if !hasher.verify(password.clone(), hash).await? {
            return Ok(None);
        }
        if let Some(from) = &from {
            forgiven(throttle.give_back(from, PER_ADDRESS).await);
        }
        if let Some(tries) = &tries {
            forgiven(throttle.forgive(tries).await);
        }
        Ok(self.known.map(|known| Proven { account: known.id, hash: known.password_hash, password }))
    }
}

/// Counts a sign-up against its address.
pub(crate) async fn count_sign_up(throttle: &dyn Throttle, address: Option<&str>) -> Result<(), Fault> {
    match address {
        Some(address) => count(throttle, &format!("sign-up:address:{address}"), SIGN_UPS).await,
        None => Ok(()),
    }
}

/// The hash changed between the proof and the act: it was made anew by another sign-in, or the account is gone. Whoever
/// tries again finds out.
pub(crate) fn overtaken() -> Fault {
    Fault::unavailable("store-busy")
}

async fn count(throttle: &dyn Throttle, key: &str, rate: Rate) -> Result<(), Fault> {
    match throttle.throttle(key, rate).await? {
        Verdict::Allowed => Ok(()),
        Verdict::RetryAfter(delay) => {
            metrics::counter!("sign_ins_throttled_total").increment(1);
            Err(Fault::exhausted("too-many-attempts").reason("too_many_attempts").retry_after(delay))
        }
    }
}

/// Who has proved the password is let in, even when the count can't be taken back.
fn forgiven(done: Result<(), BackplaneFault>) {
    if let Err(error) = done {
        tracing::warn!(error = %error, "attempts at a password not forgiven");
    }
}

#[cfg(test)]
mod tests {
    use service_kit::FaultKind;

    use super::*;

    /// Lets everything happen, or nothing, and can't forgive.
    struct Rigid(Verdict);

    #[async_trait::async_trait]
    impl Throttle for Rigid {
        async fn throttle(&self, _: &str, _: Rate) -> Result<Verdict, BackplaneFault> {
            Ok(self.0)
        }

        async fn give_back(&self, _: &str, _: Rate) -> Result<(), BackplaneFault> {
            Err(BackplaneFault::new("give_back", "nothing comes back"))
        }

        async fn forgive(&self, _: &str) -> Result<(), BackplaneFault> {
            Err(BackplaneFault::new("forgive", "no forgiveness"))
        }
    }

    async fn attempt(verdict: Verdict, password: &str) -> Result<Option<Proven>, Fault> {
        let hasher = Hasher::new(4).await.unwrap();
        let password_hash = hasher.hash(Password::parse("correct horse").unwrap()).await.unwrap();
        let known = Credentials {
            id: AccountId::generate(),
            username_key: "mina".into(),
            password_hash,
            signup_key: None,
            created_at: 0,
        };
        Attempt { name: Some("mina"), known: Some(known), password, address: Some("203.0.113.7") }
            .prove(&Rigid(verdict), &hasher)
            .await
    }

    #[tokio::test]
    async fn who_is_right_is_let_in_although_nothing_can_be_forgiven() {
        assert!(attempt(Verdict::Allowed, "correct horse").await.unwrap().is_some());
        assert!(attempt(Verdict::Allowed, "wrong horse").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn who_tries_too_often_is_not_even_heard() {
        let fault = attempt(Verdict::RetryAfter(Duration::from_secs(1)), "correct horse").await.err().unwrap();
        assert_eq!(fault.kind(), FaultKind::ResourceExhausted);
    }
}
