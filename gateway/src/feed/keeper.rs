//! Keeps the stream from one instance open, reads it, and finds its battles another when it ends.

use std::sync::Arc;
use std::time::Duration;

use service_kit::Fault;
use tokio::time::Instant;

use super::Feed;
use super::link::Link;
use crate::backoff::Backoff;
use crate::clients::FeedStream;

/// The longest pause before a stream is opened again.
pub(super) const REOPEN_WITHIN: Duration = Duration::from_secs(1);

/// Whoever keeps a stream open. However that ends, the battles on it find another.
pub(super) struct Keeper {
    pub(super) feed: Arc<Feed>,
    pub(super) link: Arc<Link>,
}

impl Keeper {
    /// Keeps it open for as long as it is used.
    pub(super) async fn keep(self) {
        let stop = self.feed.tasks.stopping().wait();
        tokio::select! {
            () = self.keep_open() => {}
            () = self.feed.links.unused(&self.link) => {}
            () = stop => {}
        }
    }

    async fn keep_open(&self) {
        let mut backoff = Backoff::up_to(REOPEN_WITHIN);
        loop {
            let known_away = self.link.is_away();
            match self.link.open().await {
                Ok(stream) => {
                    let opened = Instant::now();
                    self.read(stream).await;
                    if opened.elapsed() > REOPEN_WITHIN {
                        backoff.reset();
                    }
                }
                Err(fault) if !known_away => {
                    tracing::warn!(error = ?fault, feed.address = self.link.address(), "feed not opened");
                }
                Err(_) => {}
            }
            backoff.wait().await;
        }
    }

    /// Reads one stream to its end.
    async fn read(&self, mut stream: FeedStream) {
        let broke = loop {
            match stream.message().await {
                Ok(Some(batch)) => batch.items.into_iter().for_each(|item| self.feed.hear(&self.link, item)),
                Ok(None) => break None,
                Err(status) => break Some(Fault::from(status)),
            }
        };
        self.link.closed();
        metrics::counter!("gateway_feed_broken_total").increment(1);
        match broke {
            Some(fault) => tracing::warn!(error = ?fault, feed.address = self.link.address(), "feed broke"),
            None => tracing::info!(feed.address = self.link.address(), "feed ended"),
        }
        self.feed.lost(&self.link);
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.feed.links.forget(&self.link);
        self.link.given_up();
        if !self.feed.tasks.stopping().begun() {
            self.feed.lost(&self.link);
        }
    }
}
