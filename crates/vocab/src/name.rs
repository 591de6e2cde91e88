//! Names of accounts and characters.
//!
//! Both are unique without regard to case. Neither a collation nor a check before the insert decides that: [`key`]
//! gives the bytes that the unique index compares.
//!
//! [`key`]: CharacterName::key

use std::fmt;

use unicode_normalization::UnicodeNormalization;

/// Why a text cannot be a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Not 4 to 16 letters and digits of ASCII that start with a letter.
    #[error("4 to 16 letters a-z and digits, starting with a letter")]
    Username,
    /// Neither of the two forms of a character's name.
    #[error(
        "2 to 8 Hangul syllables and digits starting with Hangul, or 4 to 16 letters a-z and digits starting with a letter"
    )]
    CharacterName,
}

/// The name an account signs in with: 4 to 16 ASCII letters and digits, starting with a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username(String);

impl Username {
    /// Normalises to NFC and checks the form.
    ///
    /// # Errors
    /// `InvalidName::Username`.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let name: String = text.nfc().collect();
        if is_latin(&name) { Ok(Self(name)) } else { Err(InvalidName::Username) }
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What makes it unique: ASCII lower case.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name other players see: Hangul (2 to 8 syllables and digits) or Latin (as a username).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CharacterName(String);

impl CharacterName {
    /// Normalises to NFC, so that conjoining Jamo become syllables, and checks the form.
    ///
    /// # Errors
    /// `InvalidName::CharacterName`.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let name: String = text.nfc().collect();
        if is_hangul_name(&name) || is_latin(&name) { Ok(Self(name)) } else { Err(InvalidName::CharacterName) }
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What makes it unique: NFC, ASCII lower case.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl fmt::Display for CharacterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_latin(name: &str) -> bool {
    (4..=16).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn is_hangul_name(name: &str) -> bool {
    (2..=8).contains(&name.chars().count())
        && name.starts_with(is_syllable)
        && name.chars().all(|c| is_syllable(c) || c.is_ascii_digit())
}

fn is_syllable(c: char) -> bool {
    ('\u{AC00}'..='\u{D7A3}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames() {
        for good in ["abcd", "A1b2", "abcdefghijklmnop"] {
            assert!(Username::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "abc", "1abc", "abcdefghijklmnopq", "ab cd", "ab_cd", "ａｂｃｄ", "한글이름"] {
            assert_eq!(Username::parse(bad), Err(InvalidName::Username), "{bad}");
        }
        assert_eq!(Username::parse("AbCd").unwrap().key(), Username::parse("aBcD").unwrap().key());
    }

    #[test]
    fn character_names() {
        for good in ["용사", "용사2", "가나다라마바사아", "Hero", "hero1234567890ab"] {
            assert!(CharacterName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "용", "가나다라마바사아자", "2용사", "용사a", "ㄱㄴ", "용１", "her", "용 사", "Ｈｅｒｏ"]
        {
            assert_eq!(CharacterName::parse(bad), Err(InvalidName::CharacterName), "{bad}");
        }
    }

    #[test]
    fn jamo_become_the_syllable_they_spell() {
        let spelled = "\u{110B}\u{116D}\u{11BC}\u{1109}\u{1161}"; // 용사 in conjoining Jamo
        assert_eq!(CharacterName::parse(spelled).unwrap(), CharacterName::parse("용사").unwrap());
    }
}
