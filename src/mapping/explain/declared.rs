//! Fields that are left unmapped on purpose, each with its reason.
//!
//! A declaration says something about a field, not about a value: where a rule maps the field after all, the mapping
//! is what counts. As a list file: a place, a blank, the reason, one a line; `#` begins a comment.

use smol_str::SmolStr;

use super::source::covers;
use crate::base::Location;
use crate::hl7v2::Path;
use crate::hl7v2::dictionary::{self, Kinds};
use crate::mapping::Release;

/// All declarations that apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Declarations(Vec<Declaration>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Declaration {
    left_out: LeftOut,
    reason: SmolStr,
}

/// What is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
enum LeftOut {
    /// `PID-1`, `PID-3.2` or `ZPI`.
    Place(SmolStr),
    /// `CX.2`, wherever data of that type stands.
    Part { datatype: SmolStr, component: u16, subcomponent: u16 },
}

impl LeftOut {
    fn covers(&self, location: &Location) -> bool {
        match self {
            Self::Place(place) => covers(place, location),
            Self::Part { datatype, component, subcomponent } => {
                stands_in(location, datatype, [*component, *subcomponent])
            }
        }
    }
}

/// Whether the place is that part of a field, or of a component, of this type.
fn stands_in(location: &Location, datatype: &str, [component, subcomponent]: [u16; 2]) -> bool {
    let Some(field) = location.field.and_then(|field| dictionary::field(&location.segment, field)) else {
        return false;
    };
    let is_of_type = |kinds: &Kinds| !kinds.is_open() && kinds.admit(datatype);
    let [own_component, own_subcomponent] = [location.component, location.subcomponent].map(|part| part.unwrap_or(1));
    let of_field = own_component == component && (subcomponent == 0 || own_subcomponent == subcomponent);
    let of_component = subcomponent == 0 && own_subcomponent == component;
    (of_field && is_of_type(&field))
        || (of_component && field.component(own_component).is_some_and(|kinds| is_of_type(&kinds)))
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
            list.push(Declaration { left_out: LeftOut::Place(place.into()), reason: reason.into() });
        }
        Ok(Self(list))
    }

    /// Those that the mapping files of a release make.
    pub fn of(release: &Release) -> Self {
        let declared = release.declared().iter().map(|declared| {
            let left_out = if declared.is_datatype {
                let (component, subcomponent) = (declared.component, declared.subcomponent);
                LeftOut::Part { datatype: declared.owner.clone(), component, subcomponent }
            } else {
                let numbers = [declared.field, declared.component, declared.subcomponent];
                let named = numbers.into_iter().take_while(|number| *number > 0).zip(["-", ".", "."]);
                let path =
                    named.fold(declared.owner.to_string(), |path, (number, mark)| format!("{path}{mark}{number}"));
                LeftOut::Place(path.into())
            };
            Declaration { left_out, reason: declared.reason.clone() }
        });
        Self(declared.collect())
    }

    /// Adds those of another list.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Why the place is left unmapped; `None` when nobody said so.
    pub fn reason(&self, location: &Location) -> Option<&SmolStr> {
        self.0.iter().find(|declared| declared.left_out.covers(location)).map(|declared| &declared.reason)
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
    fn mapping_files_declare_fields_and_parts_of_data_types() {
        let files = [
            (
                "message/ADT_A01.yaml",
                "message: ADT_A01\nevents: [ADT^A01]\nstructure: MSH PID\nresources:\n  - { from: PID, make: Patient, maps: [PID-Patient] }\n",
            ),
            (
                "segment/PID-Patient.yaml",
                "map: PID -> Patient\nunmapped:\n  - { from: PID-1, reason: the order says it }\n\
                 rules:\n  - { from: PID-3, to: identifier, as: CX-Identifier }\n",
            ),
            (
                "datatype/CX-Identifier.yaml",
                "datatype: CX -> Identifier\nunmapped:\n  - { from: CX.2, reason: a check digit }\n\
                 rules:\n  - { from: CX.1, to: value }\n",
            ),
        ];
        let files = files.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
        let release = Release::compile(&files).unwrap_or_else(|found| panic!("{found:?}"));
        let declared = Declarations::of(&release);
        let reason = |field: u16, component: u16| {
            let place =
                Location { component: Some(component), subcomponent: Some(1), ..Location::field("PID", 1, field) };
            declared.reason(&place).map(SmolStr::as_str)
        };
        assert_eq!(reason(1, 1), Some("the order says it"));
        assert_eq!(reason(3, 2), Some("a check digit"));
        assert_eq!(reason(18, 2), Some("a check digit"));
        assert_eq!(reason(3, 1), None);
        assert_eq!(reason(5, 2), None);
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
