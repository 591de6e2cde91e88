//! Every script, each of which is one step for everybody who looks. Their text is in `lua/`.

use std::time::Duration;

use redis::Script;

use crate::rooms::{LOG_AGE, LOG_ENTRIES, LONGEST_GRACE, ONCE_KEYS};

const PRELUDE: &str = include_str!("lua/prelude.lua");
const CONNECTIONS: &str = include_str!("lua/connections.lua");
const ROOMS: &str = include_str!("lua/rooms.lua");
const LOG: &str = include_str!("lua/log.lua");

/// A script and what it is called where calls are measured.
pub(super) struct Operation {
    /// Its name, as the trait calls it.
    pub(super) name: &'static str,
    /// Its text, and the hash of it.
    pub(super) script: Script,
}

macro_rules! scripts {
    ($($name:ident: [$($library:ident),*],)*) => {
        /// The scripts by name.
        pub(super) struct Scripts {
            $(pub(super) $name: Operation,)*
        }

        impl Scripts {
            /// The scripts as the server's clock stood `shift` later; zero but in tests.
            pub(super) fn later(shift: Duration) -> Self {
                let constants = constants(shift);
                Self {
                    $($name: Operation {
                        name: stringify!($name),
                        script: Script::new(&[
                            &constants,
                            PRELUDE,
                            $($library,)*
                            include_str!(concat!("lua/", stringify!($name), ".lua")),
                        ].concat()),
                    },)*
                }
            }
        }
    };
}

scripts! {
    next_connection: [CONNECTIONS],
    confirm: [CONNECTIONS],
    life: [ROOMS],
    renew: [],
    release: [],
    living: [],
    throttle: [],
    give_back: [],
    forgive: [],
    enter: [ROOMS],
    leave: [ROOMS],
    mark_leaving: [ROOMS],
    mark_all_leaving: [ROOMS],
    take_due_leaves: [ROOMS],
    find: [ROOMS],
    members: [ROOMS],
    standing: [ROOMS],
    list_rooms: [ROOMS],
    gateways: [ROOMS],
    reassert: [ROOMS],
    append: [ROOMS, LOG],
    append_once: [ROOMS, LOG],
    read: [ROOMS, LOG],
}

fn constants(shift: Duration) -> String {
    format!(
        "local LOG_ENTRIES, ONCE_KEYS, LOG_AGE_MS, LONGEST_GRACE_MS, SHIFT_US = {LOG_ENTRIES}, {ONCE_KEYS}, {}, {}, {}\n",
        LOG_AGE.as_millis(),
        LONGEST_GRACE.as_millis(),
        shift.as_micros(),
    )
}
