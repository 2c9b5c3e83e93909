//! Messages: whatever the bytes, reading keeps all of them, and everything built on a header can be done.
#![no_main]

use libfuzzer_sys::fuzz_target;
use loopgate_fuzz::hl7v2::{Ack, AckStage, Charset, Header, Message, ReceivedAck, Verdict, batch};

fuzz_target!(|bytes: &[u8]| {
    let (message, issues, _) = Message::read(bytes, Charset::Ascii);
    let text = message.text();
    let kept: String = message.segments().map(|segment| segment.raw()).collect();
    assert_eq!(kept, text.replace(['\r', '\n'], ""));
    for segment in message.segments() {
        for (_, field) in segment.fields() {
            for repetition in field.repetitions() {
                for component in repetition.components() {
                    component.subcomponents().for_each(|sub| drop(sub.text()));
                }
            }
        }
    }
    let (batch, _) = batch::split(bytes);
    for range in batch.messages {
        assert!(range.end <= bytes.len() && range.start < range.end);
    }
    let Ok(header) = Header::read(bytes) else { return };
    let _ = header.content_digest(bytes);
    for stage in [AckStage::Accept, AckStage::Application] {
        let ack = Ack {
            header: &header,
            stage,
            verdict: Verdict::Reject,
            issues: &issues,
            sent_at: "20260312084500",
            control_id: "1",
            expected_sequence_number: None,
        };
        let _ = ReceivedAck::read(&ack.write());
    }
});
