//! Identifiers: UUIDs with a type each, hyphenated lower-case text on every wire, sixteen bytes in SQL.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// The text was not the hyphenated form of a UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected 36 characters such as 0190b5c2-7c1e-7d3a-9b7e-3f1c2d4e5f60")]
pub struct InvalidId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id. Ids made later sort after ids made earlier, to the millisecond.
            #[must_use]
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// The id stored in these sixteen bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The id of a stored row, whose column holds sixteen bytes.
            ///
            /// # Errors
            /// `InvalidId` when there are not exactly sixteen.
            pub fn from_slice(bytes: &[u8]) -> Result<Self, InvalidId> {
                Uuid::from_slice(bytes).map(Self).map_err(|_| InvalidId)
            }

            /// The sixteen bytes to store.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                // One spelling only, so that equal ids are equal texts.
                let id = Uuid::try_parse(text).map_err(|_| InvalidId)?;
                if text.len() == 36 && !text.bytes().any(|b| b.is_ascii_uppercase()) {
                    Ok(Self(id))
                } else {
                    Err(InvalidId)
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

id!(
    /// An account: a username and its password.
    AccountId
);
id!(
    /// The character an account plays.
    CharacterId
);
id!(
    /// One battle, from its start to its end.
    BattleId
);
id!(
    /// A piece of equipment, or a stack of potions or materials.
    ItemId
);
id!(
    /// The record of one thing an operator changed.
    AuditId
);

impl ItemId {
    /// The id of the `n`-th piece dropped in frame `seq` of a battle: the same drop always has the same id, so that
    /// booking it twice changes nothing.
    #[must_use]
    pub fn of_drop(battle: BattleId, seq: u64, n: u32) -> Self {
        Self(Uuid::new_v5(&battle.0, format!("{seq}:{n}").as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_one_spelling() {
        let id = BattleId::generate();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().to_uppercase().parse::<BattleId>(), Err(InvalidId));
        assert_eq!(id.to_string().replace('-', "").parse::<BattleId>(), Err(InvalidId));
    }

    #[test]
    fn a_drop_keeps_its_id() {
        let battle = BattleId::generate();
        assert_eq!(ItemId::of_drop(battle, 7, 0), ItemId::of_drop(battle, 7, 0));
        assert_ne!(ItemId::of_drop(battle, 7, 0), ItemId::of_drop(battle, 7, 1));
        assert_ne!(ItemId::of_drop(battle, 71, 0), ItemId::of_drop(battle, 7, 10));
    }
}
