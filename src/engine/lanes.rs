//! Which lanes a message stands in: the patient's, a merge in both patients', and the referral's; else the sender's.

use crate::base::ids::FeedName;
use crate::engine::fhir_message;
use crate::engine::identity::IDENTITY_TYPES;
use crate::fhir::Resource;
use crate::hl7v2::{Charset, Message, Repetition, Segment};
use crate::record::{Lane, Lanes};

/// The lanes of a message as it was received.
pub fn of_bytes(bytes: &[u8], feed: &FeedName) -> Lanes {
    if bytes.starts_with(b"{")
        && let Ok(bundle) = Resource::parse(bytes)
    {
        return fhir_message::lanes(&bundle, feed);
    }
    let (message, _, _) = Message::read(bytes, Charset::Ascii);
    of(&message, feed)
}

/// The lanes of a parsed message. One that names a referral stands in the referral's lane too, for others of that
/// referral may come without its patient. Messages without any number share their sender's lane: order is safer than
/// speed.
pub fn of(message: &Message, feed: &FeedName) -> Lanes {
    let patients = message.segments_named("PID").flat_map(patient_lanes);
    let merged = message.segments_named("MRG").flat_map(merged_lanes);
    let mut lanes = patients.chain(merged).chain(referral_lane(message));
    match lanes.next() {
        Some(first) => Lanes::new(first, lanes),
        None => Lanes::new(sender_lane(message, feed), []),
    }
}

/// One lane for each of the patient's record numbers (PID-3), or for the first number when none is of such a type.
fn patient_lanes(pid: Segment<'_>) -> Vec<Lane> {
    let numbers: Vec<Repetition<'_>> =
        pid.field(3).repetitions().filter(|number| number.component(1).is_valued()).collect();
    let records = numbers.iter().filter(|number| IDENTITY_TYPES.contains(&number.component(5).text().as_ref()));
    let mut lanes: Vec<Lane> = records.map(|number| patient_lane(*number)).collect();
    if lanes.is_empty() {
        lanes.extend(numbers.first().map(|number| patient_lane(*number)));
    }
    lanes
}

/// The lanes of the identity that a merge ends (MRG-1).
fn merged_lanes(mrg: Segment<'_>) -> Vec<Lane> {
    let numbers = mrg.field(1).repetitions().filter(|number| number.component(1).is_valued());
    numbers.map(patient_lane).collect()
}

/// A number with its authority: the universal id of CX.4, else its namespace.
fn patient_lane(number: Repetition<'_>) -> Lane {
    let authority = number.component(4);
    let universal = authority.subcomponent(2);
    let authority = if universal.is_valued() { universal.text() } else { authority.subcomponent(1).text() };
    Lane::of("patient", &authority, &number.component(1).text())
}

/// A status about a referral may come without its patient: then the referral number orders it.
fn referral_lane(message: &Message) -> Option<Lane> {
    const NUMBERS: [(&str, u16); 4] = [("ORC", 2), ("SCH", 26), ("RF1", 6), ("OBR", 2)];
    let mut numbers =
        NUMBERS.iter().filter_map(|(segment, field)| message.segment(segment).map(|segment| segment.field(*field)));
    let number = numbers.find(|number| number.is_valued())?.repetition(1);
    let universal = number.component(3);
    let authority = if universal.is_valued() { universal.text() } else { number.component(2).text() };
    Some(Lane::of("referral", &authority, &number.component(1).text()))
}

fn sender_lane(message: &Message, feed: &FeedName) -> Lane {
    let sender = message.segment("MSH").map(|msh| format!("{}|{}", msh.field(3).text(), msh.field(4).text()));
    Lane::of("sender", feed.as_str(), &sender.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes(segments: &str) -> Vec<Lane> {
        let text = format!("MSH|^~\\&|APP|FAC|||20260101||ADT^A08|1|P|2.5.1\r{segments}\r");
        of_bytes(text.as_bytes(), &FeedName::new("feed")).as_slice().to_vec()
    }

    #[test]
    fn the_patients_record_number_with_its_authority_is_the_lane() {
        let one = lanes("PID|1||17^^^A^MR~99^^^NAT^SS");
        assert_eq!(one, [Lane::of("patient", "A", "17")]);
        assert_eq!(lanes("PID|1||99^^^NAT^SS~17^^^A^MR"), one);
        assert_ne!(lanes("PID|1||17^^^B^MR"), one);
        assert_eq!(lanes("PID|1||17^^^&1.2.3&ISO^MRN"), [Lane::of("patient", "1.2.3", "17")]);
    }

    #[test]
    fn several_record_numbers_stand_in_several_lanes() {
        assert_eq!(lanes("PID|1||1^^^A^MR~2^^^B^MR"), [Lane::of("patient", "A", "1"), Lane::of("patient", "B", "2")]);
    }

    #[test]
    fn a_merge_fences_both_identities() {
        assert_eq!(
            lanes("PID|1||2^^^A^MR\rMRG|1^^^A^MR"),
            [Lane::of("patient", "A", "2"), Lane::of("patient", "A", "1")]
        );
    }

    #[test]
    fn without_a_patient_the_referral_and_then_the_sender_orders() {
        assert_eq!(lanes("ORC|OK|R1^X"), [Lane::of("referral", "X", "R1")]);
        let both = [Lane::of("patient", "A", "17"), Lane::of("referral", "X", "R1")];
        assert_eq!(lanes("PID|1||17^^^A^MR\rORC|NW|R1^X"), both);
        assert_eq!(lanes("ZZZ|1"), [Lane::of("sender", "feed", "APP|FAC")]);
        assert_eq!(lanes("PID|1||^^^A^MR"), lanes("ZZZ|1"));
    }
}
