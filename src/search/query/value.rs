//! Values of search parameters: parted at commas, bars and dollars, which a backslash takes their meaning (FHIR R4
//! search 3.1.1.4.16).

/// The parts between the separators that no backslash stands before. Escapes stay in them.
pub(super) fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut from, mut escaped) = (0, false);
    for (at, sign) in text.char_indices() {
        if sign == separator && !escaped {
            parts.push(&text[from..at]);
            from = at + sign.len_utf8();
        }
        escaped = sign == '\\' && !escaped;
    }
    parts.push(&text[from..]);
    parts
}

/// The text that is meant.
pub(super) fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match signs.peek() {
            Some(next @ (',' | '|' | '$' | '\\')) if sign == '\\' => {
                out.push(*next);
                signs.next();
            }
            _ => out.push(sign),
        }
    }
    out
}

/// Parts at bars, as they are meant.
pub(super) fn parts(text: &str) -> Vec<String> {
    split(text, '|').into_iter().map(unescape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_separators_part_nothing() {
        for (text, expected) in [
            (r"a,b", vec!["a", "b"]),
            (r"a\,b,c", vec![r"a\,b", "c"]),
            (r"a\\,b", vec![r"a\\", "b"]),
            ("", vec![""]),
            (",", vec!["", ""]),
            (r"\", vec![r"\"]),
            ("é,ü", vec!["é", "ü"]),
        ] {
            assert_eq!(split(text, ','), expected, "{text}");
        }
        for (text, expected) in [(r"a\,b\|c\$d\\e\f\", r"a,b|c$d\e\f\"), ("", "")] {
            assert_eq!(unescape(text), expected);
        }
        assert_eq!(parts(r"http://x\|y|z"), ["http://x|y", "z"]);
    }
}
