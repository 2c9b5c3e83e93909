//! Fields that are left unmapped on purpose, each with its reason.
//!
//! A declaration says something about a field, not about a value: where a rule maps the field after all, the mapping
//! is what counts. As a list file: a place, a blank, the reason, one a line; `#` begins a comment.

use smol_str::SmolStr;

use super::source::covers;
use crate::base::Location;
use crate::hl7v2::Path;

/// All declarations that apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declarations(Vec<Declaration>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Declaration {
    /// `PID-1`, `PID-3.2` or `ZPI`.
    place: SmolStr,
    reason: SmolStr,
}

/// What is wrong with a line of a list file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeclarationFault {
    #[error("line {line}: expected a place such as PID-1 and a reason")]
    Place { line: usize },
    #[error("line {line}: expected a reason after the place")]
    Reason { line: usize },
}

impl Declarations {
    /// Reads a list file.
    pub fn parse(text: &str) -> Result<Self, DeclarationFault> {
        let mut list = Vec::new();
        for (line, text) in (1..).zip(text.lines()) {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let (place, reason) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
            place.parse::<Path>().map_err(|_| DeclarationFault::Place { line })?;
            let reason = reason.trim();
            if reason.is_empty() {
                return Err(DeclarationFault::Reason { line });
            }
            list.push(Declaration { place: place.into(), reason: reason.into() });
        }
        Ok(Self(list))
    }

    /// Adds one more.
    pub fn add(&mut self, place: impl Into<SmolStr>, reason: impl Into<SmolStr>) {
        self.0.push(Declaration { place: place.into(), reason: reason.into() });
    }

    /// Why the place is left unmapped; `None` when nobody said so.
    pub fn reason(&self, location: &Location) -> Option<&SmolStr> {
        self.0.iter().find(|declared| covers(&declared.place, location)).map(|declared| &declared.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_and_found_in() {
        let declared = Declarations::parse("# set ids\nPID-1  the order says it\n\nZPI of another system\n").unwrap();
        assert_eq!(declared.reason(&Location::field("PID", 1, 1)).unwrap(), "the order says it");
        assert_eq!(declared.reason(&Location::field("ZPI", 3, 9)).unwrap(), "of another system");
        assert_eq!(declared.reason(&Location::field("PID", 1, 11)), None);
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (text, expected) in [
            ("PID-1 x\npid-2 y", DeclarationFault::Place { line: 2 }),
            ("\nPID-1", DeclarationFault::Reason { line: 2 }),
        ] {
            assert_eq!(Declarations::parse(text), Err(expected));
        }
    }
}
