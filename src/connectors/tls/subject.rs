//! The subject of a certificate as text: just enough of DER and X.509 (RFC 5280 4.1) to name the peer.
//!
//! The certificate was verified before; this reads it again for its name only and answers `None` for anything odd.

use smol_str::{SmolStr, SmolStrBuilder};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
const EXPLICIT_VERSION: u8 = 0xA0;
/// UTF8String, PrintableString, T61String, IA5String: the string types whose bytes can be read as UTF-8.
const STRINGS: [u8; 4] = [0x0C, 0x13, 0x14, 0x16];

/// Attribute types by the content of their object identifier (RFC 4514 3).
const ATTRIBUTES: [(&[u8], &str); 7] = [
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 5], "SERIALNUMBER"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
];

/// The subject of a DER certificate: `CN=emr,O=General Hospital`, in the order of the certificate.
pub fn subject(certificate: &[u8]) -> Option<SmolStr> {
    let mut outer = Der(certificate).expect(SEQUENCE)?;
    let mut fields = outer.expect(SEQUENCE)?;
    if fields.0.first() == Some(&EXPLICIT_VERSION) {
        fields.next()?;
    }
    // Serial number, signature algorithm, issuer and validity come before the subject.
    for _ in 0..4 {
        fields.next()?;
    }
    name(fields.expect(SEQUENCE)?)
}

fn name(mut relative_names: Der<'_>) -> Option<SmolStr> {
    let mut text = SmolStrBuilder::new();
    let mut separator = "";
    while !relative_names.0.is_empty() {
        let mut set = relative_names.expect(SET)?;
        while !set.0.is_empty() {
            let mut attribute = set.expect(SEQUENCE)?;
            let kind = attribute.expect(OBJECT_IDENTIFIER)?;
            let (tag, value) = attribute.next()?;
            if let Some((_, label)) = ATTRIBUTES.iter().find(|(oid, _)| *oid == kind.0) {
                text.push_str(separator);
                text.push_str(label);
                text.push('=');
                push_escaped(&mut text, STRINGS.contains(&tag).then_some(value.0)?);
                separator = ",";
            }
        }
    }
    Some(text.finish())
}

/// RFC 4514 2.4: what would be read as structure is escaped; control characters have no place in a log.
fn push_escaped(text: &mut SmolStrBuilder, value: &[u8]) {
    for character in String::from_utf8_lossy(value).chars().filter(|character| !character.is_control()) {
        if ",+\"\\<>;=".contains(character) {
            text.push('\\');
        }
        text.push(character);
    }
}

/// A cursor over DER elements.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The next element's tag and content.
    fn next(&mut self) -> Option<(u8, Der<'a>)> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let (digits, rest) =
                rest.split_at_checked(usize::from(first & 0x7F)).filter(|(digits, _)| digits.len() <= 4)?;
            (digits.iter().fold(0, |length, digit| (length << 8) | usize::from(*digit)), rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, Der(content)))
    }

    fn expect(&mut self, tag: u8) -> Option<Der<'a>> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connectors::tls::test_material::Authority;

    #[test]
    fn the_subject_is_read_and_escaped() {
        for (common_name, expected) in
            [("emr", "CN=emr,O=General Hospital"), ("a,b=c", "CN=a\\,b\\=c,O=General Hospital")]
        {
            let issued = Authority::new("Root").issue(common_name);
            assert_eq!(subject(&issued.der).as_deref(), Some(expected));
        }
    }

    #[test]
    fn any_cut_or_change_of_the_bytes_is_survived() {
        let der = Authority::new("Root").issue("emr").der;
        for cut in 0..der.len() {
            let _ = subject(&der[..cut]);
            let mut changed = der.clone();
            changed[cut] ^= 0xFF;
            let _ = subject(&changed);
        }
        assert_eq!(subject(b""), None);
    }
}
