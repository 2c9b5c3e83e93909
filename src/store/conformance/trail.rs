//! Cases: what mapping leaves beside its results.

use bytes::Bytes;

use super::given::{Bench, conclusion, lanes, patient, patient_write, reception};
use crate::base::ids::{FeedName, MessageId};
use crate::record::{
    Cause, Conclusion, MessageOutcome, Reception, ResourceWrite, StoredTrace, Trail, UnmappedCode, WaitingCode,
};
use crate::store::Concluded;

fn unmapped(table: &str, code: &str) -> UnmappedCode {
    UnmappedCode { table: table.into(), code: code.into(), place: "PID-8[1]".into() }
}

async fn conclude_with_trail(bench: &Bench, id: MessageId, release: &str, trail: Trail) {
    let done = Conclusion { release: release.into(), trail, ..conclusion(Cause::Message(id)) };
    assert_eq!(bench.conclude(vec![done]).await, Concluded::Done);
}

async fn waiting(bench: &Bench) -> Vec<WaitingCode> {
    bench.store.waiting_codes(10).await.unwrap()
}

pub async fn a_trace_is_found_again(bench: &Bench) {
    let id = bench.admit_into(&[1]).await;
    assert_eq!(bench.store.trace(id).await.unwrap(), None);
    for (release, trace) in [("first", &b"\x00\xff1"[..]), ("second", b"2")] {
        let trail = Trail { trace: Bytes::from_static(trace), unmapped: vec![] };
        conclude_with_trail(bench, id, release, trail).await;
        let expected = StoredTrace { release: release.into(), trace: Bytes::from_static(trace) };
        assert_eq!(bench.store.trace(id).await.unwrap(), Some(expected));
        assert!(bench.store.requeue(id, lanes(&[1])).await.unwrap());
        assert_eq!(bench.store.trace(id).await.unwrap(), None, "what the last run left no longer holds");
    }
}

pub async fn codes_wait_until_the_message_runs_again(bench: &Bench) {
    let lab = Reception { feed: FeedName::new("lab"), ..reception("c", &[3]) };
    let ids = bench.admit_ids(vec![reception("a", &[1]), reception("b", &[2]), lab]).await;
    for id in &ids {
        let trail = Trail { unmapped: vec![unmapped("Sex", "X"), unmapped("Sex", "X")], ..Trail::default() };
        conclude_with_trail(bench, *id, "r", trail).await;
    }
    let found = waiting(bench).await;
    let shape: Vec<_> = found.iter().map(|one| (one.feed.as_str(), one.messages, one.first)).collect();
    assert_eq!(shape, [("emr", 2, ids[0]), ("lab", 1, ids[2])]);
    assert_eq!((found[0].table.as_str(), found[0].code.as_str()), ("Sex", "X"));
    assert_eq!(bench.store.waiting_messages(&found[0], MessageId(0), 10).await.unwrap(), ids[..2]);
    assert_eq!(bench.store.waiting_messages(&found[0], ids[0], 10).await.unwrap(), [ids[1]]);
    assert!(bench.store.requeue(ids[0], lanes(&[1])).await.unwrap());
    assert_eq!(bench.store.waiting_messages(&found[0], MessageId(0), 10).await.unwrap(), [ids[1]]);
    bench.conclude_as(ids[0], MessageOutcome::Processed).await;
    assert_eq!(waiting(bench).await[0].messages, 1, "run again without trouble, it waits no more");
}

pub async fn versions_name_their_message(bench: &Bench) {
    let id = bench.admit_into(&[1]).await;
    let mut done = conclusion(Cause::Message(id));
    done.resources = vec![ResourceWrite { message: Some(id), ..patient_write("p", 0, &[]) }];
    assert_eq!(bench.conclude(vec![done]).await, Concluded::Done);
    let history = bench.store.history(&patient("p")).await.unwrap();
    assert_eq!(history[0].message, Some(id));
    let wanted = crate::store::Load { resources: [patient("p")].into(), ..crate::store::Load::default() };
    assert_eq!(bench.load(wanted).await.resources[0].message, Some(id));
}
