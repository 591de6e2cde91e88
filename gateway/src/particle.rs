//! Korean particles: which of two forms a word takes depends on how its last syllable sounds.
//!
//! Texts write `JOSA($word, "이/가")`: the word, then the form it takes. No text of its own here.

use fluent_bundle::{FluentArgs, FluentValue};

/// The name of the function in texts.
pub(crate) const NAME: &str = "JOSA";

/// The first and the last syllable Unicode has, and how many of them share a beginning.
const SYLLABLES: (char, char) = ('가', '힣');
const FINALS: u32 = 28;
const FINAL_RIEUL: u32 = 8;

/// How a word ends when it is read aloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Vowel,
    /// The consonant ㄹ, after which 로 stays as after a vowel.
    Rieul,
    Consonant,
}

/// The function, as texts call it.
pub(crate) fn josa<'a>(positional: &[FluentValue<'a>], _named: &FluentArgs<'_>) -> FluentValue<'a> {
    let [word, FluentValue::String(forms)] = positional else { return FluentValue::Error };
    let word = match word {
        FluentValue::String(text) => text.clone(),
        FluentValue::Number(number) => number.as_string(),
        FluentValue::Custom(_) | FluentValue::None | FluentValue::Error => return FluentValue::Error,
    };
    match forms.split_once('/') {
        Some(forms) => format!("{word}{}", form(&word, forms)).into(),
        None => FluentValue::Error,
    }
}

/// The form after `word`, of the one after a consonant and the one after a vowel.
fn form<'a>(word: &str, (closed, open): (&'a str, &'a str)) -> &'a str {
    match ending(word) {
        Ending::Vowel => open,
        Ending::Rieul if open == "로" => open,
        Ending::Rieul | Ending::Consonant => closed,
    }
}

/// What isn't read, such as a bracket, doesn't count; digits and letters sound as they are called.
fn ending(word: &str) -> Ending {
    match word.chars().rev().find(|c| c.is_alphanumeric()) {
        Some(c) if (SYLLABLES.0..=SYLLABLES.1).contains(&c) => match (u32::from(c) - u32::from(SYLLABLES.0)) % FINALS {
            0 => Ending::Vowel,
            FINAL_RIEUL => Ending::Rieul,
            _ => Ending::Consonant,
        },
        // 일, 칠, 팔; 엘, 알.
        Some('1' | '7' | '8' | 'l' | 'L' | 'r' | 'R') => Ending::Rieul,
        // 영 or 십 and its like, 삼, 육; 엠, 엔.
        Some('0' | '3' | '6' | 'm' | 'M' | 'n' | 'N') => Ending::Consonant,
        Some(_) | None => Ending::Vowel,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_syllable_decides() {
        for (word, told) in [
            ("꼬마귀", "꼬마귀가"),
            ("민달팽이 왕", "민달팽이 왕이"),
            ("이끼 쥐 (정예)", "이끼 쥐 (정예)가"),
            ("골드 10", "골드 10이"),
            ("골드 12", "골드 12가"),
            ("Dragon", "Dragon이"),
            ("Troll", "Troll이"),
            ("Slime", "Slime가"),
            ("", "가"),
        ] {
            assert_eq!(format!("{word}{}", form(word, ("이", "가"))), told);
        }
    }

    #[test]
    fn rieul_counts_as_a_vowel_before_ro_alone() {
        assert_eq!(form("칼", ("으로", "로")), "로");
        assert_eq!(form("칼", ("을", "를")), "을");
        assert_eq!(form("몽둥이", ("으로", "로")), "로");
        assert_eq!(form("방패 7", ("으로", "로")), "로");
        assert_eq!(form("창", ("으로", "로")), "으로");
    }

    #[test]
    fn texts_that_call_it_wrongly_show() {
        let args = FluentArgs::new();
        assert!(matches!(josa(&["칼".into()], &args), FluentValue::Error));
        assert!(matches!(josa(&["칼".into(), "이".into()], &args), FluentValue::Error));
        assert!(matches!(josa(&[FluentValue::None, "이/가".into()], &args), FluentValue::Error));
        assert_eq!(josa(&[FluentValue::from(12), "을/를".into()], &args), "12를".into());
    }
}
