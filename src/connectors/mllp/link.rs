//! The sender's end of one connection: frames out, frames in, and whether the peer is still there.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};

use crate::base::limits::ACK_BYTES_MAX;
use crate::hl7v2::mllp::{FrameEvent, FrameReader};

/// A plain or a TLS connection.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// How a connection failed, as far as the receiver may have got the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkFault {
    /// Before the first byte left.
    NothingWritten,
    /// After.
    Lost,
}

/// One connection to a partner.
pub struct Link {
    stream: Box<dyn Stream>,
    frames: FrameReader,
    buffer: BytesMut,
}

impl Link {
    pub fn new(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Self {
        Self { stream: Box::new(stream), frames: FrameReader::new(ACK_BYTES_MAX), buffer: BytesMut::new() }
    }

    /// Writes a whole frame.
    pub async fn write(&mut self, frame: &[u8]) -> Result<(), LinkFault> {
        let mut written = 0;
        while written < frame.len() {
            match self.stream.write(&frame[written..]).await {
                Ok(count) if count > 0 => written += count,
                _ => return Err(if written == 0 { LinkFault::NothingWritten } else { LinkFault::Lost }),
            }
        }
        self.stream.flush().await.map_err(|_| LinkFault::Lost)
    }

    /// The next frame of the peer. Bytes outside frames and frames too long for an acknowledgement are passed over.
    pub async fn next_frame(&mut self) -> Result<Bytes, LinkFault> {
        loop {
            for event in self.frames.by_ref() {
                if let FrameEvent::Frame(frame) = event {
                    return Ok(frame);
                }
            }
            self.buffer.clear();
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(1..) => self.frames.push(&self.buffer),
                Ok(0) | Err(_) => return Err(LinkFault::Lost),
            }
        }
    }

    /// Whether the peer has left the connection open. What it sent meanwhile is kept for the next exchange.
    pub async fn is_alive(&mut self) -> bool {
        let mut space = [0; 4096];
        loop {
            let mut read = ReadBuf::new(&mut space);
            let state = poll_fn(|context| Poll::Ready(Pin::new(&mut self.stream).poll_read(context, &mut read))).await;
            match state {
                Poll::Pending => return true,
                Poll::Ready(Ok(())) if !read.filled().is_empty() => self.frames.push(read.filled()),
                Poll::Ready(_) => return false,
            }
        }
    }
}
