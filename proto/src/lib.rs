//! The internal wire: generated messages, clients and servers of every gRPC service, and the descriptor set that
//! reflection serves.
//!
//! `src/generated` is made from `mud/**.proto` by `tests/generated.rs`, which also proves it fresh: after a change of a
//! `.proto` file run `make proto` and commit both. No message is written by hand here, and nothing of ours is imported:
//! services turn these messages into their own types at their doors (`wire` modules).

/// The encoded `FileDescriptorSet` of every package, for reflection.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!("generated/descriptors.bin");

/// Every method that takes one message and gives one, by path, and whether a repeat of a call changes nothing: whether
/// its `idempotency_level` is set.
pub const METHODS: &[(&str, bool)] = include!("generated/methods.rs");

/// The shape of `mud.common.v1.Envelope` that is written, and the newest that is understood.
pub const ENVELOPE_VERSION: u32 = 1;

macro_rules! packages {
    ($($(#[$doc:meta])* $package:ident),+ $(,)?) => {
        $(
            $(#[$doc])*
            pub mod $package {
                /// Version 1, the only one.
                #[allow(
                    missing_docs, unreachable_pub, rust_2018_idioms,
                    clippy::all, clippy::large_futures, clippy::wildcard_enum_match_arm, clippy::needless_pass_by_value,
                    reason = "generated"
                )]
                pub mod v1 {
                    include!(concat!("generated/mud.", stringify!($package), ".v1.rs"));
                }
            }
        )+
    };
}

packages! {
    /// What several services share.
    common,
    /// Accounts, sessions, characters and the record of battles.
    user,
    /// Battles.
    battle,
    /// Chat rooms.
    chat,
}
