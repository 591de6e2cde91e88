//! A question to a server and its whole answer.

use diesel_async::{AnsiTransactionManager, TransactionManager};

use super::StoreError;
use super::mysql::Conn;

/// A stretch of work on a connection. Where it is cut off, by a limit of time, half an answer may be left in the
/// connection, which would be taken for the answer to somebody else's question. Neither the client library nor the pool
/// keeps such a connection back, so it is marked as broken here.
pub(super) struct Exchange<'c> {
    pub(super) conn: &'c mut Conn,
    whole: bool,
}

impl<'c> Exchange<'c> {
    /// Begins.
    pub(super) fn on(conn: &'c mut Conn) -> Self {
        Self { conn, whole: false }
    }

    /// All that was asked has been answered, be it by an error.
    pub(super) fn end(mut self) {
        self.whole = true;
    }

    /// The same, by this answer. Where the server takes nothing for now, the connection counts as broken as well: the
    /// next one may lead to a server that does.
    pub(super) fn end_with<T>(mut self, answer: &Result<T, StoreError>) {
        self.whole = !matches!(answer, Err(StoreError::Lost(_)));
    }
}

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        if !self.whole {
            AnsiTransactionManager::transaction_manager_status_mut(self.conn).set_in_error();
        }
    }
}
