//! What callers prove themselves by.

use std::fmt;
use std::sync::Arc;

/// A secret of 8 to 256 visible ASCII characters. Its `Debug` form hides it.
#[derive(Clone)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Checks length and characters.
    ///
    /// # Errors
    /// A sentence about what is expected.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let fits = (8..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.into())) } else { Err("expected 8 to 256 visible ASCII characters") }
    }

    /// The value of the header that carries it.
    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weak_one_is_refused_and_none_is_shown() {
        for wrong in ["hunter2", "with a space in it", "über-mut-tut-nicht-gut", &"x".repeat(257)] {
            assert!(Secret::parse(wrong).is_err(), "{wrong}");
        }
        assert!(!format!("{:?}", Secret::parse("0123456789abcdef")).contains("0123"));
    }
}
