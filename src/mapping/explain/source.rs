//! The populated places of a message, at the lowest level.

use crate::base::Location;
use crate::hl7v2::{Field, Message, Presence, Repetition, Segment};

/// A populated place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SourcePlace {
    /// With every number given.
    pub lowest: Location,
    /// As people write it: without the number of a part that stands alone.
    pub shown: Location,
}

/// Visits every populated subcomponent with its text, in order. A null (`""`) is an order to delete, not a value.
/// MSH-1 and MSH-2 are not data. A line that is no segment is one place without a field.
pub fn for_each_place(message: &Message, mut visit: impl FnMut(SourcePlace, &str)) {
    for segment in message.segments() {
        if segment.name().is_empty() {
            let line = segment.location();
            visit(SourcePlace { lowest: line.clone(), shown: line }, segment.raw());
            continue;
        }
        let first = if matches!(segment.name(), "MSH" | "BHS" | "FHS") { 3 } else { 1 };
        for (number, field) in segment.fields().filter(|(number, field)| *number >= first && field.is_valued()) {
            places_of_field(segment, number, field, &mut visit);
        }
    }
}

fn places_of_field(segment: Segment<'_>, number: u16, field: Field<'_>, visit: &mut impl FnMut(SourcePlace, &str)) {
    for (repetition, value) in (1..).zip(field.repetitions()) {
        let place = Location {
            field_repetition: Some(repetition),
            ..Location::field(segment.name(), segment.occurrence(), number)
        };
        places_of_repetition(&place, value, visit);
    }
}

fn places_of_repetition(place: &Location, value: Repetition<'_>, visit: &mut impl FnMut(SourcePlace, &str)) {
    let lone_component = value.components().count() == 1;
    for (component, part) in (1..).zip(value.components()) {
        let lone_subcomponent = part.subcomponents().count() == 1;
        for (subcomponent, text) in (1..).zip(part.subcomponents()) {
            if text.presence() != Presence::Valued {
                continue;
            }
            let lowest = Location { component: Some(component), subcomponent: Some(subcomponent), ..place.clone() };
            let shown = Location {
                component: lowest.component.filter(|_| !(lone_component && lone_subcomponent)),
                subcomponent: lowest.subcomponent.filter(|_| !lone_subcomponent),
                ..place.clone()
            };
            visit(SourcePlace { lowest, shown }, &text.text());
        }
    }
}

/// The lowest place that a place of any level stands for by its text: its first part.
pub fn lowest(location: &Location) -> Location {
    Location {
        segment_repetition: location.segment_repetition.or(Some(1)),
        field_repetition: location.field_repetition.or(Some(1)),
        component: location.component.or(Some(1)),
        subcomponent: location.subcomponent.or(Some(1)),
        ..location.clone()
    }
}

/// Whether a place, as a person names it, takes in another: `PID-3` every repetition and component of it, `OBX` every
/// field of every OBX, `PID-3[2].4` just that part.
pub fn covers(named: &str, location: &Location) -> bool {
    let without_numbers = Location { segment_repetition: None, field_repetition: None, ..location.clone() }.to_string();
    [without_numbers, location.to_string()]
        .iter()
        .any(|full| full.strip_prefix(named).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.', '['])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_populated_part_is_a_place() {
        let (message, _) = Message::parse("MSH|^~\\&|APP\rPID|1||17^^^&1.2&ISO~18||\"\"|^b\rbroken line\r");
        let mut found = Vec::new();
        for_each_place(&message, |place, text| found.push(format!("{}={text}", place.shown)));
        let expected =
            ["MSH-3=APP", "PID-1=1", "PID-3.1=17", "PID-3.4.2=1.2", "PID-3.4.3=ISO", "PID-3[2]=18", "PID-6.2=b"];
        assert_eq!(found[..7], expected);
        assert_eq!(found[7], "=broken line");
    }

    #[test]
    fn a_named_place_takes_in_what_is_below_it() {
        let place = Location {
            field_repetition: Some(2),
            component: Some(4),
            subcomponent: Some(1),
            ..Location::field("PID", 1, 3)
        };
        for (named, expected) in [
            ("PID", true),
            ("PID-3", true),
            ("PID-3[2]", true),
            ("PID-3.4", true),
            ("PID-3[2].4.1", true),
            ("PID-3[1]", false),
            ("PID-30", false),
            ("PI", false),
            ("PID-3.4.2", false),
        ] {
            assert_eq!(covers(named, &place), expected, "{named}");
        }
    }
}
