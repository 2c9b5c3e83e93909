//! What a person should know before the feed is switched on, in sentences.

use super::{Findings, Keys, Samples};

/// The sentences, the weightiest first.
pub fn advice(findings: &Findings) -> Vec<String> {
    let samples = &findings.samples;
    let mut advice = order(&samples.keys, samples.messages);
    advice.extend(duplicates(samples));
    advice.extend(text_form(samples));
    advice.extend(mapping(findings));
    advice
}

/// What orders the messages.
fn order(keys: &Keys, messages: u64) -> Vec<String> {
    let mut advice = Vec::new();
    let always = keys.by_use().into_iter().filter(|(_, used)| used.messages == messages);
    let always: Vec<&str> = always.map(|(name, _)| name).collect();
    advice.push(match (always.is_empty(), keys.with_patient_number == messages) {
        (false, _) => format!("Order: {} stands in every message.", always.join(", ")),
        (true, true) => "Order: every message has a number in PID-3, though not always the same kind.".to_owned(),
        (true, false) => "Order: no identifier stands in every message.".to_owned(),
    });
    if keys.with_other_number > 0 {
        advice.push(format!(
            "{} messages have no patient number; they are ordered by the number of their order, appointment or referral.",
            keys.with_other_number
        ));
    }
    if keys.with_nothing > 0 {
        advice.push(format!(
            "{} messages have no number at all; they share one lane of their sender, and one that waits holds up the others.",
            keys.with_nothing
        ));
    }
    for (name, used) in keys.by_use() {
        if used.without_authority > 0 && name.starts_with("PID-3") {
            advice.push(format!(
                "{name} names no authority (CX.4) in {} messages: the number is then the sending facility's alone.",
                used.without_authority
            ));
        }
    }
    advice
}

fn duplicates(samples: &Samples) -> Vec<String> {
    let found = &samples.duplicates;
    let sentences = [
        (found.resent, "messages come again unchanged: they are taken once."),
        (
            found.reused_ids,
            "messages reuse a control id with other content: they are processed and flagged; `on_control_id_reuse` can refuse them.",
        ),
        (
            found.same_content,
            "messages repeat the content of another under a new control id: they are processed again.",
        ),
        (found.without_id, "messages have no control id (MSH-10): the sender cannot match their acknowledgements."),
    ];
    sentences.into_iter().filter(|(count, _)| *count > 0).map(|(count, text)| format!("{count} {text}")).collect()
}

fn text_form(samples: &Samples) -> Vec<String> {
    let ends = &samples.line_ends;
    let sentences = [
        (samples.unreadable, "messages have no header that can be read and would be refused."),
        (
            ends.line_feed + ends.both + ends.mixed,
            "messages do not end their segments with CR alone; they are read all the same.",
        ),
        (samples.undecodable, "messages hold bytes that are no characters of the set they declare."),
    ];
    sentences.into_iter().filter(|(count, _)| *count > 0).map(|(count, text)| format!("{count} {text}")).collect()
}

fn mapping(findings: &Findings) -> Vec<String> {
    let mut advice = Vec::new();
    let without: u64 = findings.unmapped_types.iter().map(|row| row.messages).sum();
    if without > 0 {
        advice.push(format!("{without} messages are of {} types without a map.", findings.unmapped_types.len()));
    }
    let total = &findings.coverage.total;
    if total.dropped > 0 {
        advice.push(format!(
            "{} of {} populated values reach nothing: `loopgate map coverage` lists them.",
            total.dropped, total.populated
        ));
    }
    let codes = findings.coverage.unmapped_codes.len();
    if codes > 0 {
        advice.push(format!("{codes} codes are in no table: the overlay lists them."));
    }
    advice
}
