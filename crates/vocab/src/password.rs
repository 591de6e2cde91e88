//! Passwords on their way to the hash.

use std::fmt;

/// Why a text cannot be a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPassword {
    /// Fewer than 8 bytes.
    #[error("at least 8 bytes")]
    TooShort,
    /// More than 72 bytes: bcrypt would silently ignore the rest, so it is refused.
    #[error("at most 72 bytes")]
    TooLong,
}

/// A password of 8 to 72 bytes, any characters. Never printed: its `Debug` form hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Checks the length, in bytes.
    ///
    /// # Errors
    /// `InvalidPassword` with the bound that was broken.
    pub fn parse(text: &str) -> Result<Self, InvalidPassword> {
        match text.len() {
            0..8 => Err(InvalidPassword::TooShort),
            8..=72 => Ok(Self(text.to_owned())),
            _ => Err(InvalidPassword::TooLong),
        }
    }

    /// The text itself, for the hash function alone.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_counted_in_bytes() {
        assert_eq!(Password::parse("1234567"), Err(InvalidPassword::TooShort));
        assert!(Password::parse("12345678").is_ok());
        assert!(Password::parse(&"가".repeat(24)).is_ok());
        assert_eq!(Password::parse(&"가".repeat(25)), Err(InvalidPassword::TooLong));
    }

    #[test]
    fn debug_hides_it() {
        let shown = format!("{:?}", Password::parse("correct horse").unwrap());
        assert!(!shown.contains("horse"));
    }
}
