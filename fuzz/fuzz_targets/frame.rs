//! Frames: any two ways of cutting a stream give the same events, and no event holds more than the limit.
#![no_main]

use libfuzzer_sys::fuzz_target;
use loopgate_fuzz::hl7v2::mllp::{FrameEvent, FrameReader};

const LIMIT: usize = 24;

fuzz_target!(|input: (Vec<u8>, Vec<u8>)| {
    let (stream, cuts) = input;
    let mut whole = FrameReader::new(LIMIT);
    whole.push(&stream);
    let expected: Vec<_> = whole.collect();

    let mut reader = FrameReader::new(LIMIT);
    let (mut found, mut rest) = (Vec::new(), &stream[..]);
    for cut in cuts {
        let (now, later) = rest.split_at(usize::from(cut % 8).min(rest.len()));
        reader.push(now);
        found.extend(reader.by_ref());
        rest = later;
    }
    reader.push(rest);
    found.extend(reader.by_ref());
    assert_eq!(found, expected);
    for event in &found {
        assert!(!matches!(event, FrameEvent::Frame(content) if content.len() > LIMIT));
    }
    let _ = reader.flush_unterminated();
});
