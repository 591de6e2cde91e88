//! Rulesets by id: this program's own, and those of older segments as far as this engine can run them.

use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use rules::Ruleset;
use service_kit::{Fault, FaultKind};

use crate::clients::Store;

/// So many older rulesets are kept at hand.
const KEPT: NonZeroUsize = NonZeroUsize::new(16).unwrap();

/// The rulesets this process can run.
#[derive(Debug)]
pub(crate) struct Rulesets {
    current: Arc<Ruleset>,
    older: Mutex<LruCache<String, Arc<Ruleset>>>,
    store: Store,
}

impl Rulesets {
    /// This program's own ruleset, and those that the store keeps.
    pub(crate) fn new(current: Arc<Ruleset>, store: Store) -> Self {
        Self { current, older: Mutex::new(LruCache::new(KEPT)), store }
    }

    /// The ruleset that new segments are made under.
    pub(crate) fn current(&self) -> &Arc<Ruleset> {
        &self.current
    }

    /// The ruleset of that id; `None` when only another engine can run it, or the store doesn't have it.
    pub(crate) async fn get(&self, id: &str) -> Result<Option<Arc<Ruleset>>, Fault> {
        if id == self.current.id() {
            return Ok(Some(Arc::clone(&self.current)));
        }
        if let Some(ruleset) = self.older.lock().get(id) {
            return Ok(Some(Arc::clone(ruleset)));
        }
        let pack = match self.store.ruleset(id).await {
            Ok(pack) => pack,
            Err(fault) if fault.kind() == FaultKind::NotFound => return Ok(None),
            Err(fault) => return Err(fault),
        };
        let read = Ruleset::from_pack(&pack).ok().filter(|ruleset| ruleset.id() == id);
        let ruleset = read.map(Arc::new);
        if let Some(ruleset) = &ruleset {
            self.older.lock().push(id.to_owned(), Arc::clone(ruleset));
        }
        Ok(ruleset)
    }
}
