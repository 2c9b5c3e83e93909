//! The form in which texts are compared: without case, accents, punctuation and superfluous white space.

use std::sync::OnceLock;

/// What stands for U+00C0 to U+017F, Latin letters with diacritics and ligatures; `-` for what is no letter. By the
/// decompositions of Unicode 15, and by custom for letters that have none.
const LATIN: &str = "\
    a a a a a a ae c e e e e i i i i d n o o o o o - o u u u u y th ss a a a a a a ae c e e e e i i i i d n o o \
    o o o - o u u u u y th y a a a a a a c c c c c c c c d d d d e e e e e e e e e e g g g g g g g g h h h h i i \
    i i i i i i i i ij ij j j k k k l l l l l l l l l l n n n n n n n n n o o o o o o oe oe r r r r r r s s s s \
    s s s s t t t t t t u u u u u u u u u u u u w w y y y z z z z z z s";

/// The same for U+1E00 to U+1EFF.
const LATIN_ADDITIONAL: &str = "\
    a a b b b b b b c c d d d d d d d d d d e e e e e e e e e e f f g g h h h h h h h h h h i i i i k k k k k k \
    l l l l l l l l m m m m m m n n n n n n n n o o o o o o o o p p p p r r r r r r r r s s s s s s s s s s t t \
    t t t t t t u u u u u u u u u u v v v v w w w w w w w w w w x x x x y y z z z z z z h t w y a s s s ss d a a \
    a a a a a a a a a a a a a a a a a a a a a a e e e e e e e e e e e e e e e e i i i i o o o o o o o o o o o o \
    o o o o o o o o o o o o u u u u u u u u u u u u u u y y y y y y y y ll ll v v y y";

const LATIN_FROM: u32 = 0xC0;
const LATIN_ADDITIONAL_FROM: u32 = 0x1E00;

/// Marks that go with the letter before them.
const COMBINING: std::ops::RangeInclusive<char> = '\u{300}'..='\u{36F}';

fn letters() -> &'static [Vec<&'static str>; 2] {
    static LETTERS: OnceLock<[Vec<&'static str>; 2]> = OnceLock::new();
    LETTERS.get_or_init(|| [LATIN, LATIN_ADDITIONAL].map(|table| table.split(' ').collect()))
}

/// The letters that stand for one with a diacritic.
fn plain(sign: char) -> Option<&'static str> {
    let [latin, additional] = letters();
    let (table, from) = match u32::from(sign) {
        code @ LATIN_ADDITIONAL_FROM.. => (additional, code - LATIN_ADDITIONAL_FROM),
        code => (latin, code.checked_sub(LATIN_FROM)?),
    };
    table.get(usize::try_from(from).ok()?).copied().filter(|letters| *letters != "-")
}

/// The form in which strings are compared.
pub fn normal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut blank = false;
    for sign in text.chars() {
        if sign.is_alphanumeric() {
            if std::mem::take(&mut blank) && !out.is_empty() {
                out.push(' ');
            }
            push(sign, &mut out);
        } else if !COMBINING.contains(&sign) {
            blank = true;
        }
    }
    out
}

fn push(sign: char, out: &mut String) {
    match plain(sign) {
        _ if sign.is_ascii() => out.push(sign.to_ascii_lowercase()),
        Some(letters) => out.push_str(letters),
        None => out.extend(sign.to_lowercase()),
    }
}

/// The words of a text, for full-text search.
pub fn words(text: &str) -> Vec<smol_str::SmolStr> {
    normal(text).split(' ').filter(|word| !word.is_empty()).map(Into::into).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_and_punctuation_go() {
        for (text, expected) in [
            ("Chalmers", "chalmers"),
            ("  Müller-Lüdenscheidt,\tÆsa ", "muller ludenscheidt aesa"),
            ("O'Brien", "o brien"),
            ("Nguy\u{1ec5}n", "nguyen"),
            ("Nguye\u{302}\u{303}n", "nguyen"),
            ("STRASSE Straße \u{1e9e}", "strasse strasse ss"),
            ("\u{141}ódź", "lodz"),
            ("Иванов Ё", "иванов ё"),
            ("山田 太郎", "山田 太郎"),
            ("×÷ -!", ""),
            ("İx", "ix"),
            ("", ""),
        ] {
            assert_eq!(normal(text), expected, "{text}");
        }
        assert_eq!(words("Fever, Chills"), ["fever", "chills"]);
    }

    #[test]
    fn tables_are_whole() {
        let [latin, additional] = letters();
        assert_eq!((latin.len(), additional.len()), (0x180 - 0xC0, 0x100));
    }
}
