//! Which segments, fields and components HL7 v2 has, over all versions from 2.1 to 2.9.1.
//!
//! The facts stand compactly in `dictionary/segments.txt` and `dictionary/datatypes.txt`, written by
//! `dictionary/generate.py`: a line holds a segment or data type and the types of its fields or components in order,
//! `CE/CWE` where versions differ, `-` where none is known. What any version has is known here: a sender of one version
//! may fill what another one added or withdrew.

use std::collections::HashMap;
use std::sync::OnceLock;

/// The types without components (HL7 v2.9.1 chapter 2A).
const PRIMITIVES: [&str; 13] = ["ST", "ID", "IS", "NM", "SI", "DT", "TM", "DTM", "TX", "FT", "GTS", "SNM", "TN"];

/// Types that stand for one another as versions went by, or as senders use them.
const FAMILIES: [&[&str]; 6] = [
    &PRIMITIVES,
    &["CE", "CWE", "CNE", "CF", "IS", "ID", "ST"],
    &["TS", "DTM", "DT", "DR"],
    &["XPN", "PN"],
    &["XCN", "CN", "CNN", "NDL", "PPN"],
    &["XTN", "TN"],
];

type Table = HashMap<&'static str, Vec<&'static str>>;

fn read(text: &'static str) -> Table {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let parts = lines.filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.next()?, words.collect()))
    });
    parts.collect()
}

fn segments_table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| read(include_str!("dictionary/segments.txt")))
}

fn datatypes_table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| read(include_str!("dictionary/datatypes.txt")))
}

/// The types that a field or component has had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kinds(Vec<&'static str>);

impl Kinds {
    fn of<'t>(parts: impl IntoIterator<Item = &'t &'static str>) -> Self {
        let mut kinds: Vec<&str> = parts.into_iter().flat_map(|part| part.split('/')).collect();
        kinds.sort_unstable();
        kinds.dedup();
        Self(kinds)
    }

    /// Nothing is known of the type.
    pub const fn open() -> Self {
        Self(Vec::new())
    }

    /// What may be of any of these types; open when one of them is.
    pub fn any_of(all: impl IntoIterator<Item = Self>) -> Self {
        let mut kinds = Vec::new();
        for one in all {
            if one.is_open() {
                return Self::open();
            }
            kinds.extend(one.0);
        }
        Self::of(&kinds)
    }

    /// Nothing is known of the type, or it is told by the data.
    pub fn is_open(&self) -> bool {
        self.0.is_empty() || self.0.iter().any(|kind| matches!(*kind, "varies" | "-" | "CM"))
    }

    /// Whether data of this type may stand here, in this or another version, or as senders do.
    pub fn admit(&self, datatype: &str) -> bool {
        let related = |kind: &&str| {
            *kind == datatype || FAMILIES.iter().any(|family| family.contains(kind) && family.contains(&datatype))
        };
        self.is_open() || self.0.iter().any(related)
    }

    /// The types of a component; `None` when no version has it. A primitive is its own first component.
    pub fn component(&self, number: u16) -> Option<Self> {
        if self.is_open() {
            return Some(Self(Vec::new()));
        }
        let at = usize::from(number.checked_sub(1)?);
        let parts = self.0.iter().filter_map(|kind| match datatypes_table().get(kind) {
            Some(components) => components.get(at),
            None => (at == 0).then_some(kind),
        });
        let parts: Vec<&&str> = parts.collect();
        (!parts.is_empty()).then(|| Self::of(parts))
    }

    /// How many components the longest of the types has.
    pub fn components(&self) -> usize {
        self.0.iter().map(|kind| datatypes_table().get(kind).map_or(1, Vec::len)).max().unwrap_or(1)
    }
}

impl std::fmt::Display for Kinds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join(" or "))
    }
}

/// Whether some version has the segment. Names with Z are free for all (HL7 v2.5.1 2.10.2).
pub fn is_segment(name: &str) -> bool {
    name.starts_with('Z') || segments_table().contains_key(name)
}

/// All segments, in no order.
pub fn segments() -> impl Iterator<Item = &'static str> {
    segments_table().keys().copied()
}

/// How many fields the segment has; `None` when nothing is known of them.
pub fn fields(segment: &str) -> Option<usize> {
    segments_table().get(segment).map(Vec::len).filter(|count| *count > 0)
}

/// The types of a field; `None` when no version has it.
pub fn field(segment: &str, number: u16) -> Option<Kinds> {
    let Some(fields) = segments_table().get(segment).filter(|fields| !fields.is_empty()) else {
        return Some(Kinds(Vec::new()));
    };
    fields.get(usize::from(number.checked_sub(1)?)).map(|field| Kinds::of([field]))
}

/// Whether some version has the data type.
pub fn is_datatype(name: &str) -> bool {
    PRIMITIVES.contains(&name) || datatypes_table().contains_key(name)
}

/// All data types, in no order.
pub fn datatypes() -> impl Iterator<Item = &'static str> {
    datatypes_table().keys().copied().chain(PRIMITIVES)
}

/// The type of that name; one that is not known is open.
pub fn datatype(name: &str) -> Kinds {
    let known = datatypes_table().get_key_value(name).map(|(name, _)| *name);
    let known = known.or_else(|| PRIMITIVES.into_iter().find(|primitive| *primitive == name));
    Kinds(known.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(segment: &str, number: u16) -> String {
        field(segment, number).map_or_else(|| "none".to_owned(), |kinds| kinds.to_string())
    }

    #[test]
    fn fields_have_the_types_of_all_versions() {
        assert_eq!(kinds("PID", 5), "PN or XPN");
        assert_eq!(kinds("PID", 99), "none");
        assert_eq!(kinds("PID", 0), "none");
        assert_eq!(kinds("PV1", 54), "CX");
        assert_eq!(fields("SCH"), Some(27));
        assert!(field("OBX", 5).unwrap().is_open());
        assert!(field("ZPD", 7).unwrap().is_open() && field("GSP", 3).unwrap().is_open());
        assert!(is_segment("ZZ1") && is_segment("PID") && !is_segment("PIX"));
    }

    #[test]
    fn components_go_down_to_primitives() {
        let cx = datatype("CX");
        assert_eq!(cx.component(4).unwrap().to_string(), "HD");
        assert_eq!(cx.component(4).unwrap().component(2).unwrap().to_string(), "ST");
        assert_eq!((cx.component(13), cx.components()), (None, 12));
        let set_id = field("PID", 1).unwrap();
        assert!(set_id.component(1).is_some() && set_id.component(2).is_none());
    }

    #[test]
    fn related_types_are_admitted_and_others_are_not() {
        let admits = |segment, number, datatype| field(segment, number).unwrap().admit(datatype);
        assert!(admits("PID", 3, "CX") && !admits("PID", 3, "XPN"));
        assert!(admits("PV1", 4, "CE") && admits("PID", 8, "ST") && admits("OBX", 5, "ED"));
        assert!(!admits("PID", 5, "CX"));
    }

    #[test]
    fn every_type_that_is_named_is_known() {
        let all = segments_table().values().chain(datatypes_table().values()).flatten();
        let strange: Vec<_> = all
            .flat_map(|part| part.split('/'))
            .filter(|kind| !is_datatype(kind) && !matches!(*kind, "varies" | "-" | "CM"))
            .collect();
        assert!(strange.is_empty(), "{strange:?}");
    }
}
