//! MLLP as a client and as a sink see it: frames over a blocking socket, acknowledgements read and written.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const START: u8 = 0x0b;
const END: [u8; 2] = [0x1c, 0x0d];

/// One connection, with what was read beyond the last frame.
pub struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
    chunk: Vec<u8>,
}

impl Connection {
    pub fn open(address: SocketAddr, timeout: Duration) -> io::Result<Self> {
        Self::over(TcpStream::connect_timeout(&address, Duration::from_secs(5))?, Some(timeout))
    }

    /// `timeout` bounds each read; none waits for as long as the peer stays.
    pub fn over(stream: TcpStream, timeout: Option<Duration>) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(timeout)?;
        stream.set_write_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { stream, unread: Vec::new(), chunk: vec![0; 64 * 1024] })
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// The content of the next frame.
    pub fn read_frame(&mut self) -> io::Result<Vec<u8>> {
        let mut searched = 0;
        loop {
            if let Some(end) = find(&self.unread[searched..], END).map(|at| at + searched) {
                let start = self.unread[..end].iter().rposition(|byte| *byte == START).map_or(0, |at| at + 1);
                let content = self.unread[start..end].to_vec();
                self.unread.drain(..end + END.len());
                return Ok(content);
            }
            searched = self.unread.len().saturating_sub(1);
            let count = self.stream.read(&mut self.chunk)?;
            if count == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "closed by the peer"));
            }
            self.unread.extend_from_slice(&self.chunk[..count]);
        }
    }
}

fn find(bytes: &[u8], pair: [u8; 2]) -> Option<usize> {
    bytes.windows(2).position(|window| window == pair)
}

/// Puts `content` between the frame's bytes.
pub fn frame_into(content: &[u8], out: &mut Vec<u8>) {
    out.push(START);
    out.extend_from_slice(content);
    out.extend_from_slice(&END);
}

/// A field of the first segment of that name, counted as HL7 does (MSH-1 is the separator).
pub fn field<'a>(message: &'a [u8], segment: &str, number: usize) -> &'a [u8] {
    let is_end = |byte: &u8| *byte == b'\r' || *byte == b'\n';
    let wanted = |line: &&[u8]| line.starts_with(segment.as_bytes()) && line.get(3) == Some(&b'|');
    let Some(line) = message.split(is_end).find(wanted) else { return b"" };
    let index = if segment == "MSH" { number - 1 } else { number };
    line.split(|byte| *byte == b'|').nth(index).unwrap_or_default()
}

/// What an acknowledgement says of the message that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// AA or CA.
    Accepted,
    /// Another code for our message.
    Refused,
    /// It answers another message, or none.
    Mismatched,
}

pub fn verdict(ack: &[u8], control_id: &str) -> Verdict {
    if field(ack, "MSA", 2) != control_id.as_bytes() {
        return Verdict::Mismatched;
    }
    match field(ack, "MSA", 1) {
        b"AA" | b"CA" => Verdict::Accepted,
        _ => Verdict::Refused,
    }
}

/// A positive answer to `message`, framed.
pub fn accept(message: &[u8]) -> Vec<u8> {
    let control_id = String::from_utf8_lossy(field(message, "MSH", 10)).into_owned();
    let ack = format!(
        "MSH|^~\\&|SINK|SINK|LOOPGATE|GATEWAY|20270101000000||ACK|A{control_id}|P|2.5.1\rMSA|AA|{control_id}\r"
    );
    let mut framed = Vec::with_capacity(ack.len() + 3);
    frame_into(ack.as_bytes(), &mut framed);
    framed
}

#[cfg(test)]
mod tests {
    use super::{Verdict, accept, field, verdict};

    #[test]
    fn reads_fields_and_verdicts() {
        let message = b"MSH|^~\\&|A|B|C|D|20270101||ADT^A08|X1|P|2.5.1\rPID|1||77\r";
        assert_eq!(field(message, "MSH", 10), b"X1");
        assert_eq!(field(message, "PID", 3), b"77");
        assert_eq!(field(message, "ZZZ", 3), b"");
        let answer = accept(message);
        assert_eq!(verdict(&answer[1..answer.len() - 2], "X1"), Verdict::Accepted);
        assert_eq!(verdict(&answer[1..answer.len() - 2], "X2"), Verdict::Mismatched);
        assert_eq!(verdict(b"MSH|^~\\&|\rMSA|AR|X1\r", "X1"), Verdict::Refused);
    }
}
