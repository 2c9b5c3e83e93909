//! The way from a listener into the engine.
//!
//! The listener owns sockets, frames, deadlines and the order of answers; what stands behind the door owns everything
//! that a frame means: header, admission, acknowledgement.
//!
//! Promise asked of the door: `receive` takes the frame's place in line before its future first yields. The listener
//! calls it in the order of arrival and polls each future once before it calls again, so that messages of one
//! connection are admitted in their order although several are under way.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;

use bytes::Bytes;
use smol_str::SmolStr;

use crate::base::ids::{FeedName, MessageId};

/// Who is at the other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerInfo {
    pub address: SocketAddr,
    /// The subject of the client certificate (`CN=emr,O=General Hospital`), when mutual TLS has proved one.
    pub certificate_subject: Option<SmolStr>,
}

/// What goes back to the sender.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// Write these bytes: an acknowledgement, not yet framed. `message` is told back with `answered`.
    Answer { bytes: Bytes, message: Option<MessageId> },
    /// Nothing: the sender asked for none (MSH-15 NE).
    Silence,
    /// Nothing can be promised: close the connection, so that the sender keeps the message and tries again.
    Close,
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Answer { bytes, message } => write!(f, "Answer({} bytes, {message:?})", bytes.len()),
            Self::Silence => f.write_str("Silence"),
            Self::Close => f.write_str("Close"),
        }
    }
}

/// The answer to one frame, on its way.
pub type Receiving = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// What a listener needs of the engine. Shared by all connections of a listener.
pub trait Door: Send + Sync {
    /// A complete frame, without its framing bytes. See the promise in the module header.
    fn receive(&self, feed: &FeedName, frame: Bytes, peer: &PeerInfo) -> Receiving;

    /// A frame longer than the limit: its first bytes, enough for the header, and how many bytes it had. Never
    /// admitted; the answer is AE or CE where the header can be read (STANDARDS 6.1).
    fn refuse_too_long(&self, feed: &FeedName, head: Bytes, peer: &PeerInfo) -> Reply;

    /// Whether the answer of `message` was written whole to the connection. `false` means that the sender does not
    /// know and will send it again.
    fn answered(&self, feed: &FeedName, message: MessageId, delivered: bool);
}
