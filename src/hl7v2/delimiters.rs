//! The delimiters a message declares in MSH-1 and MSH-2 (HL7 v2.5.1 2.5.4, v2.7 for the truncation character).

use crate::base::{Issue, IssueCode, Location};

/// The separating characters of one message. All are ASCII; a level that the sender does not declare is `None`, and
/// text is then not split or unescaped at that level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Delimiters {
    pub field: u8,
    pub component: Option<u8>,
    pub repetition: Option<u8>,
    pub escape: Option<u8>,
    pub subcomponent: Option<u8>,
    /// v2.7 and later.
    pub truncation: Option<u8>,
}

impl Default for Delimiters {
    /// `|^~\&`, the recommended set.
    fn default() -> Self {
        Self {
            field: b'|',
            component: Some(b'^'),
            repetition: Some(b'~'),
            escape: Some(b'\\'),
            subcomponent: Some(b'&'),
            truncation: None,
        }
    }
}

impl Delimiters {
    /// For text that is not to be split below the field: MSH-1 and MSH-2.
    pub(super) const fn opaque(field: u8) -> Self {
        Self { field, component: None, repetition: None, escape: None, subcomponent: None, truncation: None }
    }

    /// Reads what follows the three letters of MSH, FHS or BHS. The second part names what was wrong; the
    /// delimiters are then completed from the recommended set as far as it can serve.
    pub fn read(after_name: &[u8]) -> (Self, Vec<DelimiterFault>) {
        let Some(&field) = after_name.first().filter(|byte| may_separate(**byte)) else {
            return (Self::default(), vec![DelimiterFault::FieldSeparator]);
        };
        let declared = declared(field, &after_name[1..]);
        if declared.is_empty() {
            let recommended = Self { field, ..Self::default() };
            return (recommended.without_clashes(), vec![DelimiterFault::NoEncodingCharacters]);
        }
        let mut faults = Vec::new();
        let mut taken = vec![field];
        let mut take = |at: usize| match declared.get(at) {
            Some(byte) if may_separate(*byte) && !taken.contains(byte) => {
                taken.push(*byte);
                Some(*byte)
            }
            Some(_) => {
                faults.push(DelimiterFault::Unusable { position: at + 1 });
                None
            }
            None => None,
        };
        let (component, repetition, escape, subcomponent, truncation) = (take(0), take(1), take(2), take(3), take(4));
        if declared.len() < 4 {
            faults.push(DelimiterFault::Short { found: declared.len() });
        }
        if declared.len() > 5 {
            faults.push(DelimiterFault::Long { found: declared.len() });
        }
        (Self { field, component, repetition, escape, subcomponent, truncation }, faults)
    }

    /// MSH-2 as these delimiters would be declared.
    pub fn encoding_characters(&self) -> String {
        [self.component, self.repetition, self.escape, self.subcomponent, self.truncation]
            .into_iter()
            .map_while(|byte| byte.map(char::from))
            .collect()
    }

    fn without_clashes(mut self) -> Self {
        let field = self.field;
        for level in [&mut self.component, &mut self.repetition, &mut self.escape, &mut self.subcomponent] {
            *level = level.filter(|byte| *byte != field);
        }
        self
    }
}

/// The bytes of MSH-2: up to the next field separator or line end.
fn declared(field: u8, rest: &[u8]) -> &[u8] {
    let end = rest.iter().position(|byte| *byte == field || matches!(byte, b'\r' | b'\n')).unwrap_or(rest.len());
    &rest[..end]
}

/// Letters, digits, blanks and control characters would take text apart, and non-ASCII bytes mean different
/// characters in different sets.
fn may_separate(byte: u8) -> bool {
    byte.is_ascii_punctuation()
}

/// What can be wrong with MSH-1 and MSH-2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DelimiterFault {
    #[error("expected a punctuation character as field separator in MSH-1; took '|'")]
    FieldSeparator,
    #[error("expected four or five encoding characters in MSH-2, found none; took '^~\\&'")]
    NoEncodingCharacters,
    #[error("expected four or five encoding characters in MSH-2, found {found}; the missing ones are not in use")]
    Short { found: usize },
    #[error("expected four or five encoding characters in MSH-2, found {found}; the others mean nothing")]
    Long { found: usize },
    #[error(
        "expected a punctuation character of its own as encoding character {position} of MSH-2; that one is not in use"
    )]
    Unusable { position: usize },
}

impl DelimiterFault {
    pub fn to_issue(self, segment: &str) -> Issue {
        let field = if self == Self::FieldSeparator { 1 } else { 2 };
        Issue::warning(IssueCode::DataType, self.to_string()).at(Location::field(segment, 1, field))
    }
}
