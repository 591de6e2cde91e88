//! How many clients are being looked after, and when none is left.

use std::sync::Arc;

use tokio::sync::watch;

/// Counts stays.
#[derive(Debug, Clone)]
pub(crate) struct Stays(Arc<watch::Sender<usize>>);

/// One stay, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Stay(Stays);

impl Stays {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    /// One more begins.
    pub(crate) fn begin(&self) -> Stay {
        self.0.send_modify(|count| *count += 1);
        Stay(self.clone())
    }

    /// Ends when there is none.
    pub(crate) async fn ended(&self) {
        // The sender lives in self, so waiting cannot fail.
        _ = self.0.subscribe().wait_for(|count| *count == 0).await;
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        self.0.0.send_modify(|count| *count -= 1);
    }
}
