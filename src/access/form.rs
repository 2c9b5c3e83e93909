//! The body of a token request: fields of `application/x-www-form-urlencoded` (RFC 6749 appendix B).

use smol_str::SmolStr;

/// Fields by name.
pub(super) struct Form(Vec<(SmolStr, String)>);

impl Form {
    /// None for bytes that are no form, and for a field that comes twice (RFC 6749 3.2).
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let mut fields: Vec<(SmolStr, String)> = Vec::new();
        for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let name = SmolStr::from(decode(&pair[..at])?);
            let value = decode(pair.get(at + 1..).unwrap_or_default())?;
            if fields.iter().any(|(other, _)| *other == name) {
                return None;
            }
            fields.push((name, value));
        }
        Some(Self(fields))
    }

    /// A field with a value: an empty one counts as absent (RFC 6749 3.2).
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(field, _)| field == name)?;
        Some(found.1.as_str()).filter(|value| !value.is_empty())
    }
}

fn decode(text: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(*rest.next()?)? << 4 | hex(*rest.next()?)?,
            byte => *byte,
        });
    }
    String::from_utf8(bytes).ok()
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded() {
        let form = Form::parse(b"scope=system%2FPatient.rs+system/Task.%72s&empty=&flag&ue=%C3%bc").unwrap();
        assert_eq!(form.get("scope"), Some("system/Patient.rs system/Task.rs"));
        assert_eq!((form.get("empty"), form.get("flag"), form.get("absent")), (None, None, None));
        assert_eq!(form.get("ue"), Some("ü"));
    }

    #[test]
    fn what_is_no_form_is_refused() {
        for body in ["a=1&a=2", "a=1&%61=2", "a=%", "a=%4", "a=%4x", "a=%ff"] {
            assert!(Form::parse(body.as_bytes()).is_none(), "{body}");
        }
    }
}
