//! Query strings and forms as pairs, and back (WHATWG URL 5: `application/x-www-form-urlencoded`).

use super::Fault;
use crate::base::limits;

/// Names and values in order, decoded.
pub type Pairs = Vec<(String, String)>;

/// The pairs of a query string or a form.
pub fn decode(text: &str) -> Result<Pairs, Fault> {
    let parts = text.split('&').filter(|part| !part.is_empty());
    let pairs: Pairs = parts.map(pair).collect::<Result<_, _>>()?;
    if pairs.len() > limits::QUERY_PARAMETERS_MAX {
        return Err(Fault::invalid(format!("at most {} parameters are taken", limits::QUERY_PARAMETERS_MAX)));
    }
    Ok(pairs)
}

fn pair(part: &str) -> Result<(String, String), Fault> {
    let (name, value) = part.split_once('=').unwrap_or((part, ""));
    Ok((unescape(name, true)?, unescape(value, true)?))
}

/// Text with its percent signs resolved; in a query a plus sign is a blank.
pub fn unescape(text: &str, plus_is_blank: bool) -> Result<String, Fault> {
    let fault = || Fault::invalid("a percent sign stands before two hexadecimal digits, and the text is UTF-8");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        bytes.push(match byte {
            b'+' if plus_is_blank => b' ',
            b'%' => {
                let (digits, after) = rest.split_at_checked(2).ok_or_else(fault)?;
                rest = after;
                hexadecimal(digits).ok_or_else(fault)?
            }
            plain => plain,
        });
    }
    String::from_utf8(bytes).map_err(|_| fault())
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(digits[0])? * 16 + digit(digits[1])?).ok()
}

/// The query string of pairs. What search values hold plainly (`|`, `,`, `:`, `/`, `$`) stays plain where RFC 3986 3.4
/// lets it, so that links can be read.
pub fn encode<'p>(pairs: impl IntoIterator<Item = (&'p str, &'p str)>) -> String {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        escape(name, &mut out);
        out.push('=');
        escape(value, &mut out);
    }
    out
}

fn escape(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:,/$*@!()".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.extend(['%', char::from(HEX[usize::from(byte >> 4)]), char::from(HEX[usize::from(byte & 15)])]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_and_written() {
        let cases: [(&str, &[(&str, &str)]); 5] = [
            ("", &[]),
            ("name=a&name=b", &[("name", "a"), ("name", "b")]),
            ("identifier=urn%3Ax%7C1%202", &[("identifier", "urn:x|1 2")]),
            ("a+b=c%2Bd", &[("a b", "c+d")]),
            ("&_count=&", &[("_count", "")]),
        ];
        for (text, expected) in cases {
            let pairs = decode(text).unwrap();
            let borrowed: Vec<(&str, &str)> = pairs.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            assert_eq!(borrowed, expected, "{text}");
            assert_eq!(decode(&encode(borrowed)).unwrap(), pairs, "{text}");
        }
    }

    #[test]
    fn broken_escapes_are_refused() {
        for text in ["a=%", "a=%4", "a=%zz", "a=%ff", "%+1=a"] {
            assert_eq!(decode(text).unwrap_err().status(), 400, "{text}");
        }
    }
}
