//! MLLP frames out of a byte stream, as a pure state machine (HL7 v2 Minimal Lower Layer Protocol).
//!
//! `0x0B content 0x1C 0x0D`. However the stream is cut into reads, the events are the same. Every byte is looked at
//! once, and a frame is handed out without being copied.
//!
//! Decisions. `0x1C` ends a frame when `0x0D` follows, or `0x0B` (a sender that leaves the last byte out), with a
//! few LF, blanks or NUL between at most. Followed by anything else it is content: to end there would cut a message in half
//! and call it whole. `0x0B` anywhere else in a frame means that the frame was cut off. A sender that leaves the last
//! byte out and then waits is served by `flush_unterminated` after a short time-out, which the caller keeps.

use bytes::{Buf as _, BufMut, Bytes, BytesMut};

use crate::base::limits::FRAME_FILLER_BYTES_MAX;

const START: u8 = 0x0B;
const END: u8 = 0x1C;
const LAST: u8 = b'\r';
/// Bytes of a frame that is too long that are kept for its answer: any MSH is shorter.
const HEAD_BYTES: usize = 4096;

/// What the stream held next.
#[derive(Clone, PartialEq, Eq)]
pub enum FrameEvent {
    /// The content of a whole frame.
    Frame(Bytes),
    /// Bytes between frames, told when the next frame begins; they are gone.
    Stray { bytes: usize },
    /// A frame was cut off by the start of another; so many bytes of content are gone.
    Restarted { dropped_bytes: usize },
    /// A frame is longer than `limit` bytes. Its first bytes are in `head`, for its answer; all of it is discarded
    /// without another word.
    TooLong { limit: usize, head: Bytes },
}

impl std::fmt::Debug for FrameEvent {
    /// Sizes, never content (P8).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Frame(content) => write!(f, "Frame({} bytes)", content.len()),
            Self::Stray { bytes } => write!(f, "Stray({bytes} bytes)"),
            Self::Restarted { dropped_bytes } => write!(f, "Restarted({dropped_bytes} bytes)"),
            Self::TooLong { limit, .. } => write!(f, "TooLong(limit {limit} bytes)"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Outside,
    /// The buffer begins with the content of a frame.
    Inside,
    /// In a frame that is too long.
    Discarding,
}

/// Takes bytes in, gives events out. As an iterator it ends when it needs more bytes and goes on after `push`.
pub struct FrameReader {
    frame_bytes_max: usize,
    buffer: BytesMut,
    state: State,
    /// Inside a frame: so many bytes of the buffer are known to hold no end.
    scanned: usize,
    stray_bytes: usize,
}

impl FrameReader {
    pub fn new(frame_bytes_max: usize) -> Self {
        Self { frame_bytes_max, buffer: BytesMut::new(), state: State::Outside, scanned: 0, stray_bytes: 0 }
    }

    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// A frame has begun and not ended: the read deadline applies.
    pub fn in_frame(&self) -> bool {
        self.state != State::Outside
    }

    /// The end block has come but for its last byte: the short time-out for `flush_unterminated` applies.
    pub fn awaits_last_byte(&self) -> bool {
        self.state == State::Inside && self.end_but_for_last_byte(self.buffer.len()).is_some()
    }

    /// After a time-out: the frame whose end block lacks its last byte, when there is one. Line ends, blanks and
    /// NUL after the end block do not make it content.
    pub fn flush_unterminated(&mut self) -> Option<Bytes> {
        let held = self.buffer.len();
        let end = if self.state == State::Inside { self.end_but_for_last_byte(held) } else { None };
        end.map(|end| self.take(end, held))
    }

    /// Where the content ends, when the first `length` bytes end in `0x1C` and nothing that counts.
    fn end_but_for_last_byte(&self, length: usize) -> Option<usize> {
        let filler = |byte: &&u8| matches!(**byte, b'\n' | b' ' | b'\t' | 0);
        let tail = self.buffer[..length].iter().rev().take(FRAME_FILLER_BYTES_MAX);
        let trailing = tail.take_while(filler).count();
        let end = length.checked_sub(trailing + 1)?;
        (self.buffer[end] == END && end <= self.frame_bytes_max).then_some(end)
    }

    /// Looks for the start of a frame; what lies before it is stray.
    fn outside(&mut self) -> Step {
        let start = memchr::memchr(START, &self.buffer);
        let stray = start.unwrap_or(self.buffer.len());
        self.stray_bytes = self.stray_bytes.saturating_add(stray);
        self.buffer.advance(stray);
        if start.is_none() {
            return Step::Starved;
        }
        self.enter();
        match std::mem::take(&mut self.stray_bytes) {
            0 => Step::Continue,
            bytes => Step::Event(FrameEvent::Stray { bytes }),
        }
    }

    /// Looks for the end of the frame.
    fn inside(&mut self) -> Step {
        let found = memchr::memchr2(START, END, &self.buffer[self.scanned..]).map(|at| self.scanned + at);
        let content = found.unwrap_or(self.buffer.len());
        if content > self.frame_bytes_max {
            let head = Bytes::copy_from_slice(&self.buffer[..self.frame_bytes_max.min(HEAD_BYTES)]);
            self.buffer.advance(content);
            self.state = State::Discarding;
            return Step::Event(FrameEvent::TooLong { limit: self.frame_bytes_max, head });
        }
        self.scanned = content;
        match (self.buffer.get(content).copied(), self.buffer.get(content + 1).copied()) {
            (None, _) | (Some(END), None) => Step::Starved,
            (Some(END), Some(LAST)) => Step::Event(FrameEvent::Frame(self.take(content, content + 2))),
            (Some(END), Some(START)) => Step::Event(FrameEvent::Frame(self.take(content, content + 1))),
            (Some(END), Some(_)) => {
                self.scanned += 1;
                Step::Continue
            }
            (Some(_), _) => Step::Event(self.restart(content)),
        }
    }

    /// The start byte lies at `at`, inside the frame.
    fn restart(&mut self, at: usize) -> FrameEvent {
        if let Some(end) = self.end_but_for_last_byte(at) {
            return FrameEvent::Frame(self.take(end, at));
        }
        self.buffer.advance(at);
        self.enter();
        FrameEvent::Restarted { dropped_bytes: at }
    }

    /// Leaves the frame with its first `end` bytes; it took up `length`.
    fn take(&mut self, end: usize, length: usize) -> Bytes {
        let content = self.buffer.split_to(end).freeze();
        self.buffer.advance(length - end);
        self.leave();
        content
    }

    /// Steps over the rest of a frame that is too long.
    fn discarding(&mut self) -> Step {
        let found = memchr::memchr2(START, END, &self.buffer);
        self.buffer.advance(found.unwrap_or(self.buffer.len()));
        match (self.buffer.first().copied(), self.buffer.get(1).copied()) {
            (None, _) | (Some(END), None) => return Step::Starved,
            (Some(END), Some(LAST)) => {
                self.buffer.advance(2);
                self.leave();
            }
            (Some(END), Some(_)) => self.buffer.advance(1),
            (Some(_), _) => self.enter(),
        }
        Step::Continue
    }

    /// The buffer begins with the start byte.
    fn enter(&mut self) {
        self.buffer.advance(1);
        self.state = State::Inside;
        self.scanned = 0;
    }

    fn leave(&mut self) {
        self.state = State::Outside;
        self.scanned = 0;
    }
}

enum Step {
    Event(FrameEvent),
    Continue,
    Starved,
}

impl Iterator for FrameReader {
    type Item = FrameEvent;

    fn next(&mut self) -> Option<FrameEvent> {
        loop {
            let step = match self.state {
                State::Outside => self.outside(),
                State::Inside => self.inside(),
                State::Discarding => self.discarding(),
            };
            match step {
                Step::Event(event) => return Some(event),
                Step::Continue => {}
                Step::Starved => return None,
            }
        }
    }
}

impl std::fmt::Debug for FrameReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FrameReader({:?}, {} bytes held)", self.state, self.buffer.len())
    }
}

/// The content as a frame.
pub fn encode(content: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(content.len() + 3);
    encode_into(content, &mut frame);
    frame.freeze()
}

/// Appends the content as a frame.
pub fn encode_into(content: &[u8], frame: &mut BytesMut) {
    frame.reserve(content.len() + 3);
    frame.put_u8(START);
    frame.put_slice(content);
    frame.put_slice(&[END, LAST]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: usize = 16;

    fn events(stream: &[u8]) -> Vec<FrameEvent> {
        let mut reader = FrameReader::new(LIMIT);
        reader.push(stream);
        reader.collect()
    }

    fn frame(content: &'static [u8]) -> FrameEvent {
        FrameEvent::Frame(Bytes::from_static(content))
    }

    fn too_long() -> FrameEvent {
        FrameEvent::TooLong { limit: LIMIT, head: Bytes::from_static(b"0123456789abcdef") }
    }

    #[test]
    fn streams_and_their_events() {
        use FrameEvent::{Restarted, Stray};
        let cases: &[(&[u8], Vec<FrameEvent>)] = &[
            (b"", vec![]),
            (b"\x0BA\x1C\r", vec![frame(b"A")]),
            (b"\x0B\x1C\r", vec![frame(b"")]),
            (b"\x0BA\x1C\r\x0BB\x1C\r", vec![frame(b"A"), frame(b"B")]),
            (b"\x0BA\x1C\r\r\n\0\x0BB\x1C\r", vec![frame(b"A"), Stray { bytes: 3 }, frame(b"B")]),
            (b"\x0BA\nB\r\nC\x1C\r", vec![frame(b"A\nB\r\nC")]),
            (b"\x0BA\x1C\x0BB\x1C\r", vec![frame(b"A"), frame(b"B")]),
            (b"\x0BA\x1C\n\x0BB\x1C\r", vec![frame(b"A"), frame(b"B")]),
            (b"\x0BA\x1CB\x1C\r", vec![frame(b"A\x1CB")]),
            (b"\x0BA\x1C\x1C\r", vec![frame(b"A\x1C")]),
            (b"\x0BAB\x0BC\x1C\r", vec![Restarted { dropped_bytes: 2 }, frame(b"C")]),
            (b"\x0B\x0BC\x1C\r", vec![Restarted { dropped_bytes: 0 }, frame(b"C")]),
            (b"\x0B0123456789abcdef\x1C\r", vec![frame(b"0123456789abcdef")]),
            (b"\x0B0123456789abcdef\x1C\x0BB\x1C\r", vec![frame(b"0123456789abcdef"), frame(b"B")]),
            (b"\x0B0123456789abcdefg\x1C\r\x0BB\x1C\r", vec![too_long(), frame(b"B")]),
            (b"\x0B0123456789abcdef\x1CX\x1C\r\x0BB\x1C\r", vec![too_long(), frame(b"B")]),
            (b"\x0B0123456789abcdefghi\x0BB\x1C\r", vec![too_long(), frame(b"B")]),
            (b"\x0B0123456789abcdefghi\x1C\x0BB\x1C\r", vec![too_long(), frame(b"B")]),
            (b"\x1C\rA\x1C\r", vec![]),
        ];
        for (stream, expected) in cases {
            assert_eq!(&events(stream), expected, "{stream:?}");
        }
    }

    #[test]
    fn every_single_cut_gives_the_same_events() {
        let stream = b"x\x0BA\x1CB\x1C\r\n\x0BC\x0BD\x1C\x0B0123456789abcdefghi\x1C\r\x0BE\x1C\r";
        let whole = events(stream);
        assert_eq!(whole.len(), 7);
        for cut in 0..stream.len() {
            let mut reader = FrameReader::new(LIMIT);
            reader.push(&stream[..cut]);
            let mut found: Vec<_> = reader.by_ref().collect();
            reader.push(&stream[cut..]);
            found.extend(reader);
            assert_eq!(found, whole, "cut at {cut}");
        }
    }

    #[test]
    fn an_end_block_without_its_last_byte_is_served_by_flushing() {
        let cases: &[(&[u8], Option<&[u8]>)] = &[
            (b"\x0BA\x1C", Some(b"A")),
            (b"\x0BA\x1C\n", Some(b"A")),
            (b"\x0BA\x1C\0", Some(b"A")),
            (b"\x0BA\x1CB", None),
            (b"\x0BA", None),
            (b"A\x1C", None),
            (b"", None),
            (b"\x0B0123456789abcdefghi\x1C", None),
        ];
        for (stream, expected) in cases {
            let mut reader = FrameReader::new(LIMIT);
            reader.push(stream);
            assert!(reader.all(|event| matches!(event, FrameEvent::TooLong { .. })));
            assert_eq!(reader.awaits_last_byte(), expected.is_some(), "{stream:?}");
            assert_eq!(reader.flush_unterminated().as_deref(), *expected, "{stream:?}");
            reader.push(b"\r\x0BB\x1C\r");
            assert_eq!(reader.last(), Some(frame(b"B")), "{stream:?}");
        }
    }

    #[test]
    fn filler_after_the_end_block_is_bounded() {
        for (count, served) in [(FRAME_FILLER_BYTES_MAX, true), (FRAME_FILLER_BYTES_MAX + 1, false)] {
            let mut reader = FrameReader::new(1000);
            reader.push(b"\x0BA\x1C");
            reader.push(&vec![b'\n'; count]);
            assert_eq!(reader.next(), None);
            assert_eq!(reader.flush_unterminated().is_some(), served);
        }
    }

    #[test]
    fn the_read_deadline_applies_in_mid_frame_only() {
        let mut reader = FrameReader::new(LIMIT);
        for (bytes, in_frame) in [(&b"junk"[..], false), (b"\x0B", true), (b"A\x1C", true), (b"\r", false)] {
            reader.push(bytes);
            while reader.next().is_some() {}
            assert_eq!(reader.in_frame(), in_frame, "{bytes:?}");
        }
    }

    #[test]
    fn a_reader_never_holds_more_than_a_frame() {
        let mut reader = FrameReader::new(LIMIT);
        reader.push(b"\x0B");
        for _ in 0..100 {
            reader.push(b"0123456789");
            while reader.next().is_some() {}
            assert!(reader.buffer.len() <= LIMIT + 1, "{reader:?}");
        }
    }

    proptest! {
        #[test]
        fn any_cuts_give_the_same_events(
            stream in prop::collection::vec(prop::sample::select(&b"AB\r\n\x0B\x1C"[..]), 0..200),
            cuts in prop::collection::vec(1_usize..9, 0..200),
        ) {
            let mut reader = FrameReader::new(LIMIT);
            let (mut found, mut rest) = (Vec::new(), &stream[..]);
            for cut in cuts {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                reader.push(now);
                found.extend(reader.by_ref());
                rest = later;
            }
            reader.push(rest);
            found.extend(reader);
            prop_assert_eq!(found, events(&stream));
        }

        #[test]
        fn what_is_encoded_is_read_back(content in prop::collection::vec(0x20_u8..0x7F, 0..LIMIT)) {
            prop_assert_eq!(events(&encode(&content)), vec![FrameEvent::Frame(content.into())]);
        }
    }
}
