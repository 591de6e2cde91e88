//! The moment a program begins to stop, seen by everything that has to.

use std::future::Future;
use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::TaskGroup;

/// A shared, one-way switch: once begun, a shutdown stays begun. Clones are the same switch; a [`child`] can begin
/// alone but also begins with its parent.
///
/// [`child`]: Shutdown::child
#[derive(Debug, Clone, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// A switch that has not been thrown.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins on SIGTERM and on ctrl-c, for as long as `tasks` run.
    ///
    /// # Errors
    /// When the system refuses the signal handlers.
    pub fn on_signals(tasks: &TaskGroup) -> io::Result<Self> {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let shutdown = Self::new();
        let (switch, stopped) = (shutdown.clone(), tasks.stopping());
        tasks.spawn("signals", async move {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
                () = stopped.wait() => return,
            };
            tracing::info!(signal.name = name, "shutdown began");
            switch.begin();
        });
        Ok(shutdown)
    }

    /// Throws the switch.
    pub fn begin(&self) {
        self.0.cancel();
    }

    /// Whether it was thrown.
    #[must_use]
    pub fn begun(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Ends when it is thrown.
    pub fn wait(&self) -> impl Future<Output = ()> + Send + use<> {
        self.0.clone().cancelled_owned()
    }

    /// A switch that this one throws too, but not the other way round.
    #[must_use]
    pub fn child(&self) -> Self {
        Self(self.0.child_token())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_child_follows_its_parent_and_not_the_other_way_round() {
        let parent = Shutdown::new();
        let (one, two) = (parent.child(), parent.child());
        one.begin();
        assert!(one.begun() && !parent.begun() && !two.begun());
        parent.begin();
        two.wait().await;
    }
}
