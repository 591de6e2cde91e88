//! The number of a connection that comes in, and which gateway has to hear that the one before it is over.

use std::sync::atomic::{AtomicBool, Ordering};

use backplane::{Connections, Numbered};
use service_kit::{Fault, Superseded};
use vocab::AccountId;

/// Attempts to number one connection.
#[derive(Debug, Default)]
pub(crate) struct Numbering {
    /// Whether an attempt was made that nobody answered. It may have been carried out all the same: then the gateway
    /// that took the last number is this one, and who held the account before is known to nobody.
    in_doubt: AtomicBool,
}

impl Numbering {
    /// Takes a number for a connection of `account`'s session of this `epoch` at `gateway`.
    pub(crate) async fn take(
        &self,
        connections: &dyn Connections,
        account: AccountId,
        epoch: u64,
        gateway: &str,
    ) -> Result<Numbered, Fault> {
        let in_doubt = self.in_doubt.swap(true, Ordering::Relaxed);
        let numbered = connections.next_connection(account, epoch, gateway).await?.ok_or(Superseded)?;
        Ok(Numbered { previous: numbered.previous.filter(|_| !in_doubt), ..numbered })
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use backplane::{BackplaneFault, Local};

    use super::*;

    /// Carries everything out, and loses the first answer.
    struct Deaf(Local, AtomicBool);

    #[async_trait]
    impl Connections for Deaf {
        async fn next_connection(
            &self,
            account: AccountId,
            epoch: u64,
            gateway: &str,
        ) -> Result<Option<Numbered>, BackplaneFault> {
            let answer = self.0.next_connection(account, epoch, gateway).await;
            if self.1.swap(false, Ordering::Relaxed) {
                Err(BackplaneFault::new("next_connection", "late"))
            } else {
                answer
            }
        }

        async fn latest(&self, accounts: &[AccountId]) -> Result<Vec<Option<u64>>, BackplaneFault> {
            self.0.latest(accounts).await
        }
    }

    const ANN: AccountId = AccountId::from_bytes([1; 16]);

    #[tokio::test]
    async fn after_an_attempt_in_doubt_nobody_knows_who_held_the_account() {
        let plane = Deaf(Local::new(), AtomicBool::new(false));
        Numbering::default().take(&plane, ANN, 1, "g1").await.unwrap();
        let at_once = Numbering::default().take(&plane, ANN, 1, "g2").await.unwrap();
        assert_eq!(at_once.previous.as_deref(), Some("g1"));
        plane.1.store(true, Ordering::Relaxed);
        let numbering = Numbering::default();
        numbering.take(&plane, ANN, 1, "g3").await.unwrap_err();
        let again = numbering.take(&plane, ANN, 1, "g3").await.unwrap();
        assert_eq!(again.previous, None, "it was g2, and not the g3 of the attempt before");
    }

    #[tokio::test]
    async fn a_session_that_is_over_is_replaced() {
        let plane = Local::new();
        Numbering::default().take(&plane, ANN, 2, "g1").await.unwrap();
        let refused = Numbering::default().take(&plane, ANN, 1, "g2").await.unwrap_err();
        assert_eq!(refused.because(), Some("session_replaced"));
    }
}
