//! What a player may say: the text of one line.
//!
//! The form is checked here and nowhere else. Text is text: nothing in it is ever taken for markup, and it never
//! reaches a log.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

/// Longest line, in characters.
pub(crate) const MAX_CHARS: usize = 500;

/// A line of 1 to 500 characters: normalised to NFC, without control characters, without blanks at its ends.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Text(String);

/// Why a text cannot be a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidText {
    /// Nothing is left to say.
    #[error("at least one character")]
    Empty,
    /// More than 500 characters are left.
    #[error("at most {MAX_CHARS} characters")]
    TooLong,
}

impl Text {
    /// Cleans the text, then checks its length.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidText> {
        let clean: String = text.nfc().filter(|c| !c.is_control()).collect();
        let clean = clean.trim();
        match clean.chars().count() {
            0 => Err(InvalidText::Empty),
            1..=MAX_CHARS => Ok(Self(clean.to_owned())),
            _ => Err(InvalidText::TooLong),
        }
    }

    /// The text, for the log of the room and its members.
    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str) -> Result<String, InvalidText> {
        Text::parse(text).map(Text::into_string)
    }

    #[test]
    fn ends_are_trimmed_and_control_characters_removed() {
        assert_eq!(clean("  hi \u{7}there\r\n"), Ok("hi there".to_owned()));
        assert_eq!(clean("\u{1b}[31mred"), Ok("[31mred".to_owned()));
        assert_eq!(clean("\u{0} a"), Ok("a".to_owned()), "a blank behind a control character is an end too");
    }

    #[test]
    fn markup_and_emoji_stay_what_they_are() {
        for text in ["<b>&amp;</b>", "👩\u{200d}🚀 go", "용사 만세"] {
            assert_eq!(clean(text), Ok(text.to_owned()));
        }
    }

    #[test]
    fn length_is_counted_in_characters_after_cleaning() {
        assert_eq!(clean(&"가".repeat(500)), Ok("가".repeat(500)));
        assert_eq!(clean(&format!(" {} \u{0}", "a".repeat(500))), Ok("a".repeat(500)));
        assert_eq!(clean(&"a".repeat(501)), Err(InvalidText::TooLong));
        for nothing in ["", "   ", "\u{0}\n\t", "\u{3000}"] {
            assert_eq!(clean(nothing), Err(InvalidText::Empty), "{nothing:?}");
        }
    }

    #[test]
    fn jamo_become_syllables() {
        assert_eq!(clean("\u{110B}\u{116D}\u{11BC}"), Ok("용".to_owned()));
    }

    #[test]
    fn debug_hides_it() {
        assert!(!format!("{:?}", Text::parse("secret plan")).contains("secret"));
    }
}
