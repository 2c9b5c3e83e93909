//! One MLLP connection: bytes to frames, frames to the door, answers back in order.
//!
//! It reads only what it can hold: at most `PIPELINE_MAX` messages are under way, and while they are, the peer's bytes
//! wait in the socket. There is a deadline only in mid-frame; between frames a connection may be silent for days.

use std::sync::Arc;
use std::time::Instant as StdInstant;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Duration, Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::replies::Replies;
use super::settings::ListenerSettings;
use crate::base::ids::MessageId;
use crate::base::limits::{ANSWER_WRITE_TIMEOUT, DRAIN_TIMEOUT, FRAME_END_TIMEOUT};
use crate::connectors::door::{Door, PeerInfo, Reply};
use crate::hl7v2::mllp::{self, FrameEvent, FrameReader};
use crate::telemetry::{Label, Metric, count, count_many, observe};

/// How long the last answers are given to reach a peer that is still sending: closing a socket with unread bytes
/// would reset it and could take the answers along.
const LINGER: Duration = Duration::from_millis(200);

/// Why a connection is over.
#[derive(Debug)]
pub enum Ending {
    /// The peer ended it.
    Closed,
    /// We are stopping; what was received is answered.
    Drained,
    /// The door could not promise anything.
    Refused,
    /// The peer fell silent in mid-frame.
    Silent,
    Broken(std::io::Error),
}

/// What may still come from the peer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Input {
    Open,
    /// Only the rest of the frame in hand.
    Draining,
    Ended,
}

/// The state of one connection.
pub struct Connection<S> {
    stream: S,
    settings: Arc<ListenerSettings>,
    door: Arc<dyn Door>,
    peer: PeerInfo,
    frames: FrameReader,
    replies: Replies,
    input: Input,
    /// When the peer was last heard, for the deadline in mid-frame.
    heard_at: Instant,
    received: u64,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub fn new(stream: S, settings: Arc<ListenerSettings>, door: Arc<dyn Door>, peer: PeerInfo) -> Self {
        let frames = FrameReader::new(settings.frame_bytes_max);
        Self {
            stream,
            settings,
            door,
            peer,
            frames,
            replies: Replies::default(),
            input: Input::Open,
            heard_at: Instant::now(),
            received: 0,
        }
    }

    /// Complete frames so far.
    pub fn frames_received(&self) -> u64 {
        self.received
    }

    /// Serves the peer until one side is done.
    pub async fn run(&mut self, shutdown: &CancellationToken) -> Ending {
        let ending = self.serve(shutdown).await;
        self.abandon_replies().await;
        let _ = timeout(LINGER, self.close(&ending)).await;
        ending
    }

    async fn serve(&mut self, shutdown: &CancellationToken) -> Ending {
        loop {
            self.hand_over_frames().await;
            if self.is_done() {
                return if self.input == Input::Ended { Ending::Closed } else { Ending::Drained };
            }
            let (reading, in_frame) = (self.wants_input(), self.frames.in_frame());
            let deadline = self.silence_deadline();
            let step = tokio::select! {
                biased;
                () = shutdown.cancelled(), if self.input == Input::Open => { self.input = Input::Draining; Ok(()) }
                (reply, began) = self.replies.next(), if !self.replies.is_empty() => self.answer(reply, began).await,
                read = self.stream.read_buf(self.frames.writer()), if reading => self.heard(read).await,
                () = sleep_until(deadline), if reading && in_frame => self.silent().await,
            };
            if let Err(ending) = step {
                return ending;
            }
        }
    }

    fn is_done(&self) -> bool {
        let more = match self.input {
            Input::Open => true,
            Input::Draining => self.frames.in_frame(),
            Input::Ended => false,
        };
        !more && self.replies.is_empty()
    }

    fn wants_input(&self) -> bool {
        let open = match self.input {
            Input::Open => true,
            Input::Draining => self.frames.in_frame(),
            Input::Ended => false,
        };
        open && !self.replies.is_full()
    }

    async fn heard(&mut self, read: std::io::Result<usize>) -> Result<(), Ending> {
        let bytes = read.map_err(Ending::Broken)?;
        self.heard_at = Instant::now();
        if bytes == 0 {
            self.input = Input::Ended;
            self.end_frame_in_hand().await;
        }
        Ok(())
    }

    /// No more bytes come: a frame that lacks only its last byte is taken as it is, any other is cut off.
    async fn end_frame_in_hand(&mut self) {
        if let Some(frame) = self.frames.flush_unterminated() {
            self.receive(frame).await;
        } else if self.frames.in_frame() {
            count(Metric::FramesCutOff, &self.labels());
        }
    }

    fn silence_deadline(&self) -> Instant {
        let lacks_last_byte = self.frames.awaits_last_byte();
        self.heard_at + if lacks_last_byte { FRAME_END_TIMEOUT } else { self.settings.frame_read_timeout }
    }

    async fn silent(&mut self) -> Result<(), Ending> {
        self.end_frame_in_hand().await;
        if self.frames.in_frame() { Err(Ending::Silent) } else { Ok(()) }
    }

    async fn hand_over_frames(&mut self) {
        while !self.replies.is_full() {
            let Some(event) = self.frames.next() else { return };
            match event {
                FrameEvent::Frame(frame) => self.receive(frame).await,
                FrameEvent::TooLong { limit, head } => self.refuse_too_long(head, limit),
                FrameEvent::Restarted { .. } => count(Metric::FramesCutOff, &self.labels()),
                FrameEvent::Stray { bytes } => {
                    count_many(Metric::StrayBytes, bytes as u64, &self.labels());
                    tracing::debug!(feed = %self.settings.feed, peer = %self.peer.address, bytes, "bytes outside a frame were ignored");
                }
            }
        }
    }

    async fn receive(&mut self, frame: Bytes) {
        self.received += 1;
        count(Metric::MessagesReceived, &self.labels());
        let receiving = self.door.receive(&self.settings.feed, frame, &self.peer);
        self.replies.begin(receiving).await;
    }

    fn refuse_too_long(&mut self, head: Bytes, limit: usize) {
        count(Metric::FramesTooLong, &self.labels());
        tracing::warn!(feed = %self.settings.feed, peer = %self.peer.address, bytes = limit, "a frame longer than `frame_bytes_max` was refused");
        self.replies.put(self.door.refuse_too_long(&self.settings.feed, head, &self.peer));
    }

    /// Writes this reply and those that are ready behind it, in one go.
    async fn answer(&mut self, first: Reply, began: StdInstant) -> Result<(), Ending> {
        let mut out = BytesMut::new();
        let mut answers: Vec<(Option<MessageId>, StdInstant)> = Vec::new();
        let mut refused = false;
        let mut next = Some((first, began));
        while let Some((reply, began)) = next {
            match reply {
                Reply::Answer { bytes, message } => {
                    mllp::encode_into(&bytes, &mut out);
                    answers.push((message, began));
                }
                Reply::Silence => {}
                Reply::Close => {
                    refused = true;
                    break;
                }
            }
            next = self.replies.next_ready();
        }
        let written = self.write(&out).await;
        self.report(&answers, written.is_ok());
        self.heard_at = Instant::now();
        written.map_err(Ending::Broken)?;
        if refused { Err(Ending::Refused) } else { Ok(()) }
    }

    async fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let writing = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        timeout(ANSWER_WRITE_TIMEOUT, writing).await.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
    }

    fn report(&self, answers: &[(Option<MessageId>, StdInstant)], delivered: bool) {
        let outcome = if delivered { Metric::MessagesAnswered } else { Metric::AnswersUnheard };
        count_many(outcome, answers.len() as u64, &self.labels());
        for (message, began) in answers {
            observe(Metric::AnswerSeconds, began.elapsed().as_secs_f64(), &self.labels());
            if let Some(message) = message {
                self.door.answered(&self.settings.feed, *message, delivered);
            }
        }
    }

    /// Replies that nobody is left to hear: the door learns of each that its sender does not know.
    async fn abandon_replies(&mut self) {
        let all = async {
            while !self.replies.is_empty() {
                if let (Reply::Answer { message, .. }, began) = self.replies.next().await {
                    self.report(&[(message, began)], false);
                }
            }
        };
        // What is not decided by then was not admitted either, or is told to its sender when it comes again.
        let _ = timeout(DRAIN_TIMEOUT, all).await;
    }

    async fn close(&mut self, ending: &Ending) {
        let shut = self.stream.shutdown().await;
        if shut.is_err() || matches!(ending, Ending::Closed | Ending::Broken(_)) {
            return;
        }
        let mut ignored = [0; 4096];
        while matches!(self.stream.read(&mut ignored).await, Ok(1..)) {}
    }

    fn labels(&self) -> [(Label, &str); 1] {
        [(Label::Feed, self.settings.feed.as_str())]
    }
}

#[cfg(test)]
mod tests;
