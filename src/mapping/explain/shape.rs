//! The shape of a text: what it looks like, without what it says (P8).
//!
//! Capitals become `A`, other letters `a`, digits `9`; punctuation and blanks stay, since they tell a date from a
//! number and a name from a sentence: `O'Neill` is `A'Aaaaa`, `2026-03-12` is `9999-99-99`.

use crate::base::limits::SHAPE_LENGTH_MAX;

/// The shape of a text. A long one is cut and says how many characters there are.
pub fn shape(text: &str) -> String {
    let shape: String = text.chars().take(SHAPE_LENGTH_MAX).map(class).collect();
    let length = text.chars().count();
    if length > SHAPE_LENGTH_MAX {
        return format!("{shape}… ({length} characters)");
    }
    shape
}

fn class(c: char) -> char {
    match c {
        _ if c.is_uppercase() => 'A',
        _ if c.is_alphabetic() => 'a',
        _ if c.is_numeric() => '9',
        ' ' => ' ',
        _ if c.is_control() || c.is_whitespace() => '␣',
        _ if c.is_ascii_punctuation() => c,
        _ => '·',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_show_the_form_and_nothing_else() {
        for (text, expected) in [
            ("Everyman", "Aaaaaaaa"),
            ("O'Neill-Ærø", "A'Aaaaa-Aaa"),
            ("2026-03-12T08:30:00+01:00", "9999-99-99A99:99:99+99:99"),
            ("17^x", "99^a"),
            ("two\nlines", "aaa␣aaaaa"),
            ("東京 1", "aa 9"),
            ("👍", "·"),
            ("", ""),
        ] {
            assert_eq!(shape(text), expected, "{text}");
        }
        let long = shape(&"word ".repeat(100));
        assert!(long.starts_with("aaaa aaaa") && long.ends_with("… (500 characters)"), "{long}");
    }
}
