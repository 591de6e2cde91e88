//! The service as its callers see it: every call over a real database, one per test. The same stories are told on each
//! back end.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail the test")]
#![expect(clippy::duplicate_mod, reason = "the stories are compiled once for each back end")]

mod way;

/// Which database the stories are told on.
#[derive(Debug, Clone, Copy)]
enum Backend {
    Sqlite,
    Mysql,
}

#[path = "."]
mod sqlite {
    const BACKEND: crate::Backend = crate::Backend::Sqlite;

    mod account;
    mod audit;
    mod audit_record;
    mod battle;
    mod crash;
    mod once;
    mod progress;
    mod seed;
    mod session;
    mod support;
}

#[path = "."]
mod mysql {
    const BACKEND: crate::Backend = crate::Backend::Mysql;

    mod account;
    mod audit;
    mod audit_record;
    mod battle;
    mod crash;
    mod once;
    mod progress;
    mod rivals;
    mod seed;
    mod session;
    mod support;
}
