//! Every transport that is open, by the name the transport library gave it.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::delivery::Line;

/// The open lines.
#[derive(Default)]
pub(crate) struct Lobby(Mutex<HashMap<String, Arc<Line>>>);

impl Lobby {
    /// A transport opened.
    pub(crate) fn enter(&self, line: &Arc<Line>) {
        self.0.lock().insert(line.id().to_owned(), Arc::clone(line));
    }

    /// It is gone.
    pub(crate) fn leave(&self, id: &str) {
        self.0.lock().remove(id);
    }

    /// The line of a transport.
    pub(crate) fn line(&self, id: &str) -> Option<Arc<Line>> {
        self.0.lock().get(id).cloned()
    }

    /// All of them.
    pub(crate) fn lines(&self) -> Vec<Arc<Line>> {
        self.0.lock().values().cloned().collect()
    }
}
