//! Which life of the server's memory this is: a number that only lies there until it is emptied, beside the name of the
//! process that serves it.

use async_trait::async_trait;

use super::Redis;
use crate::epoch::random_epoch;
use crate::fault::Result;
use crate::memory::Memory;

#[async_trait]
impl Memory for Redis {
    async fn life(&self) -> Result<u64> {
        self.door.run(&self.scripts.life, random_epoch()).await
    }
}
