//! Bytes in, bytes compared, over an in-memory stream with paused time.

use tokio::io::{DuplexStream, duplex};
use tokio::task::JoinHandle;

use super::super::test_door::TestDoor;
use super::*;
use crate::base::ids::FeedName;

const LIMIT: usize = 64;

struct Case {
    door: Arc<TestDoor>,
    peer: DuplexStream,
    shutdown: CancellationToken,
    running: JoinHandle<(Ending, u64)>,
}

fn start() -> Case {
    start_with_buffer(64 * 1024)
}

/// `buffer`: how many bytes of answers the peer takes without reading.
fn start_with_buffer(buffer: usize) -> Case {
    let (peer, ours) = duplex(buffer);
    let door = TestDoor::new();
    let shutdown = CancellationToken::new();
    let address = "127.0.0.1:2575".parse().unwrap();
    let settings = ListenerSettings { frame_bytes_max: LIMIT, ..ListenerSettings::new(FeedName::new("emr"), address) };
    let info = PeerInfo { address, certificate_subject: None };
    let mut connection = Connection::new(ours, Arc::new(settings), door.clone(), info);
    let token = shutdown.clone();
    let running = tokio::spawn(async move {
        let ending = connection.run(&token).await;
        (ending, connection.frames_received())
    });
    Case { door, peer, shutdown, running }
}

impl Case {
    async fn send(&mut self, bytes: &[u8]) {
        self.peer.write_all(bytes).await.unwrap();
    }

    async fn expect(&mut self, bytes: &[u8]) {
        let mut found = vec![0; bytes.len()];
        self.peer.read_exact(&mut found).await.unwrap();
        assert_eq!(found.escape_ascii().to_string(), bytes.escape_ascii().to_string());
    }

    /// Lets the connection do all it can without time passing.
    async fn settle(&self) {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    async fn end(mut self) -> (Ending, Vec<u8>, Arc<TestDoor>) {
        let mut rest = Vec::new();
        self.peer.read_to_end(&mut rest).await.unwrap();
        (self.running.await.unwrap().0, rest, self.door)
    }
}

#[tokio::test(start_paused = true)]
async fn frames_are_answered_however_they_are_cut() {
    let cases: [(&[&[u8]], &[u8]); 8] = [
        (&[b"\x0BA\x1C\r"], b"\x0BA:A\x1C\r"),
        (&[b"\x0BA\x1C\r\x0BB\x1C\r\x0BC\x1C\r"], b"\x0BA:A\x1C\r\x0BA:B\x1C\r\x0BA:C\x1C\r"),
        (&[b"\x0B", b"A", b"\x1C", b"\r\x0BB", b"\x1C\r"], b"\x0BA:A\x1C\r\x0BA:B\x1C\r"),
        (&[b"\r\n\0\x0BA\x1C\r\n"], b"\x0BA:A\x1C\r"),
        (&[b"\x0Bcut off\x0BA\x1C\r"], b"\x0BA:A\x1C\r"),
        (&[b"\x0BNE\x1C\r\x0BA\x1C\r"], b"\x0BA:A\x1C\r"),
        (&[b"\x0BMSH", &[b'x'; LIMIT], b"\x1C\r\x0BA\x1C\r"], b"\x0BA:too long\x1C\r\x0BA:A\x1C\r"),
        (&[b"\x0B", &[b'x'; LIMIT * 3], b"\x1C\r\x0BA\x1C\r"], b"\x0BA:A\x1C\r"),
    ];
    for (sent, expected) in cases {
        let mut case = start();
        for part in sent {
            case.send(part).await;
            case.settle().await;
        }
        case.expect(expected).await;
        case.peer.shutdown().await.unwrap();
        let (ending, rest, _) = case.end().await;
        assert!(matches!(ending, Ending::Closed) && rest.is_empty(), "{ending:?}, {rest:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn answers_keep_the_order_of_arrival_and_frames_do_not_wait_for_them() {
    let mut case = start();
    case.send(b"\x0BSLOW\x1C\r\x0BB\x1C\r\x0BC\x1C\r").await;
    case.settle().await;
    assert_eq!(case.door.received().len(), 3, "all are handed over while the first is under way");
    assert_eq!(case.door.answered(), []);
    case.door.release.add_permits(1);
    case.expect(b"\x0BA:SLOW\x1C\r\x0BA:B\x1C\r\x0BA:C\x1C\r").await;
    case.settle().await;
    assert_eq!(case.door.answered(), [(1, true), (2, true), (3, true)]);
}

#[tokio::test(start_paused = true)]
async fn no_more_than_the_limit_are_under_way() {
    use crate::base::limits::PIPELINE_MAX;
    let mut case = start();
    case.send(&b"\x0BSLOW\x1C\r".repeat(PIPELINE_MAX + 6)).await;
    case.settle().await;
    assert_eq!(case.door.received().len(), PIPELINE_MAX);
    case.door.release.add_permits(PIPELINE_MAX + 6);
    case.expect(&b"\x0BA:SLOW\x1C\r".repeat(PIPELINE_MAX + 6)).await;
}

#[tokio::test(start_paused = true)]
async fn between_frames_a_connection_may_be_silent_for_days() {
    let mut case = start();
    tokio::time::sleep(Duration::from_hours(72)).await;
    case.send(b"\x0BA\x1C\r").await;
    case.expect(b"\x0BA:A\x1C\r").await;
}

#[tokio::test(start_paused = true)]
async fn silence_in_mid_frame_ends_the_connection() {
    let mut case = start();
    let began = Instant::now();
    case.send(b"\x0BA\x1C\r\x0BMSH|^~").await;
    let (ending, rest, _) = case.end().await;
    assert!(matches!(ending, Ending::Silent), "{ending:?}");
    assert_eq!(rest, b"\x0BA:A\x1C\r");
    assert!(began.elapsed() >= crate::base::limits::FRAME_READ_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn a_missing_last_byte_is_not_waited_for_long() {
    let mut case = start();
    let began = Instant::now();
    case.send(b"\x0BA\x1C").await;
    case.expect(b"\x0BA:A\x1C\r").await;
    assert!(began.elapsed() < Duration::from_secs(1));
    case.send(b"\r\x0BB\x1C\r").await;
    case.expect(b"\x0BA:B\x1C\r").await;
}

#[tokio::test(start_paused = true)]
async fn a_half_closed_peer_gets_its_answers() {
    let mut case = start();
    case.send(b"\x0BSLOW\x1C\r\x0BB\x1C").await;
    case.peer.shutdown().await.unwrap();
    case.settle().await;
    case.door.release.add_permits(1);
    let (ending, rest, _) = case.end().await;
    assert!(matches!(ending, Ending::Closed), "{ending:?}");
    assert_eq!(rest, b"\x0BA:SLOW\x1C\r\x0BA:B\x1C\r");
}

#[tokio::test(start_paused = true)]
async fn when_nothing_can_be_promised_the_connection_closes_after_the_answers_before() {
    let mut case = start();
    case.send(b"\x0BA\x1C\r\x0BCLOSE\x1C\r\x0BB\x1C\r").await;
    let (ending, rest, door) = case.end().await;
    assert!(matches!(ending, Ending::Refused), "{ending:?}");
    assert_eq!(rest, b"\x0BA:A\x1C\r");
    assert_eq!(door.answered(), [(1, true), (3, false)], "the door knows who was not told");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_cannot_be_written_is_told_to_the_door() {
    let mut case = start();
    case.send(b"\x0BSLOW\x1C\r\x0BSLOW\x1C\r").await;
    case.settle().await;
    drop(case.peer);
    case.door.release.add_permits(2);
    let (ending, frames) = case.running.await.unwrap();
    assert!(matches!(ending, Ending::Broken(_)), "{ending:?}");
    assert_eq!(frames, 2);
    assert_eq!(case.door.answered(), [(1, false), (2, false)]);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_no_answer_is_given_up() {
    let mut case = start_with_buffer(8);
    let began = Instant::now();
    case.send(b"\x0BABCDEF\x1C\r").await;
    let (ending, _) = case.running.await.unwrap();
    assert!(matches!(&ending, Ending::Broken(error) if error.kind() == std::io::ErrorKind::TimedOut), "{ending:?}");
    assert!(began.elapsed() >= ANSWER_WRITE_TIMEOUT);
    assert_eq!(case.door.answered(), [(1, false)]);
}

#[tokio::test(start_paused = true)]
async fn draining_finishes_the_frame_in_hand() {
    let mut case = start();
    case.send(b"\x0BSLOW\x1C\r\x0BB").await;
    case.settle().await;
    case.shutdown.cancel();
    case.settle().await;
    case.send(b"C\x1C\r").await;
    case.settle().await;
    case.door.release.add_permits(1);
    let (ending, rest, _) = case.end().await;
    assert!(matches!(ending, Ending::Drained), "{ending:?}");
    assert_eq!(rest, b"\x0BA:SLOW\x1C\r\x0BA:BC\x1C\r");
}

#[tokio::test(start_paused = true)]
async fn draining_an_idle_connection_closes_it() {
    let case = start();
    case.shutdown.cancel();
    let (ending, rest, _) = case.end().await;
    assert!(matches!(ending, Ending::Drained) && rest.is_empty(), "{ending:?}");
}
