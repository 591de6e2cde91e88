//! What the tests of several packages share; a dependency of tests alone. The house's import table is held by
//! `tests/import_table`.
//!
//! Only what at least two packages use belongs here. A package's own builders stay with its tests, and free folders are
//! `tempfile`'s business.

mod eventually;
pub mod mariadb;
pub mod process;
pub mod redis;

pub use eventually::eventually;
