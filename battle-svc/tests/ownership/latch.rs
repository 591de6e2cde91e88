//! A value that others wait for, and are told of in the order they came. (Tokio's own `watch` tells them in an order
//! left to chance.)

use parking_lot::Mutex;
use tokio::sync::Notify;

#[derive(Default)]
pub(crate) struct Latch<T> {
    value: Mutex<T>,
    changed: Notify,
}

impl<T> Latch<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: Mutex::new(value), changed: Notify::new() }
    }

    pub(crate) fn see<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.value.lock())
    }

    pub(crate) fn change(&self, with: impl FnOnce(&mut T)) {
        with(&mut self.value.lock());
        self.changed.notify_waiters();
    }

    /// Waits until the value gives something.
    pub(crate) async fn wait<R>(&self, gives: impl Fn(&T) -> Option<R>) -> R {
        loop {
            let changed = self.changed.notified();
            if let Some(given) = gives(&self.value.lock()) {
                return given;
            }
            changed.await;
        }
    }
}
