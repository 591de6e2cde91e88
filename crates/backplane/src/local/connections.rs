//! Connection numbers: one counter serves all accounts, since what rises for all rises for each.

use async_trait::async_trait;
use vocab::AccountId;

use super::Local;
use crate::connections::Connections;
use crate::fault::Result;

#[async_trait]
impl Connections for Local {
    async fn next_connection(&self, _account: AccountId) -> Result<u64> {
        let mut last = self.last_connection.lock();
        *last = self.clock.now_ms().max(*last + 1);
        Ok(*last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_starts_at_the_time_and_never_repeats() {
        let world = Local::at(5_000);
        let account = AccountId::from_bytes([1; 16]);
        assert_eq!(world.next_connection(account).await.unwrap(), 5_000);
        assert_eq!(world.next_connection(account).await.unwrap(), 5_001);
    }
}
