//! Clients by address, for callers that learn at run time whom to ask.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use http::Uri;
use lru::LruCache;
use parking_lot::Mutex;

use super::{Channels, GrpcService};
use crate::Fault;

/// Connections kept; the one unused for longest is forgotten first, and made again when it is asked for.
const KEPT: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// Gives a client for an address. Clones share what they have dialled.
#[derive(Clone)]
pub struct Dialer(Arc<Dial>);

type Dial = dyn Fn(&str) -> Result<GrpcService, Fault> + Send + Sync;

impl Dialer {
    /// A dialer of one's own, such as a test's to servers in its own process.
    pub fn new(dial: impl Fn(&str) -> Result<GrpcService, Fault> + Send + Sync + 'static) -> Self {
        Self(Arc::new(dial))
    }

    /// A client of the instance at `url`.
    ///
    /// # Errors
    /// `internal` when `url` is not one of the form `http://HOST:PORT`: addresses come from other instances of the
    /// house, not from outside.
    pub fn to(&self, url: &str) -> Result<GrpcService, Fault> {
        (self.0)(url)
    }
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dialer")
    }
}

impl Channels {
    /// Connections by URL, each made once and shared.
    #[must_use]
    pub fn dialer(&self) -> Dialer {
        let (channels, kept) = (self.clone(), Mutex::new(LruCache::<String, GrpcService>::new(KEPT)));
        Dialer::new(move |url| {
            let mut kept = kept.lock();
            kept.try_get_or_insert_ref(url, || channels.dial(url)).cloned()
        })
    }

    fn dial(&self, url: &str) -> Result<GrpcService, Fault> {
        let uri: Uri = url.parse().map_err(|error| Fault::internal(format!("address {url:?}: {error}")))?;
        if uri.scheme_str() != Some("http") || uri.host().is_none() || uri.port().is_none() {
            return Err(Fault::internal(format!("address {url:?}: expected http://HOST:PORT")));
        }
        self.to(&uri).map_err(|error| Fault::internal(format!("address {url:?}: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FaultKind;

    #[tokio::test]
    async fn only_whole_addresses_are_dialled() {
        let dialer = Channels::default().dialer();
        assert!(dialer.to("http://127.0.0.1:50052").is_ok());
        for wrong in ["", "127.0.0.1:50052", "https://127.0.0.1:50052", "http://127.0.0.1", "http://a b:1"] {
            assert_eq!(dialer.to(wrong).unwrap_err().kind(), FaultKind::Internal, "{wrong}");
        }
    }
}
