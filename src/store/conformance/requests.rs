//! Cases: requests, journalled and in effect in one transaction.

use super::given::{
    Bench, at, bears, deletion, delivery, key, lanes, patient, referral_id, referral_write, request, search, write,
};
use crate::base::ids::MessageId;
use crate::record::{
    Committed, Criterion, Guard, MessageOutcome, Redirect, Request, ResourceKey, WorkItem, WorkItemKind,
};
use crate::store::{Load, MessageQuery};

fn done(committed: Committed) -> MessageId {
    let Committed::Done(id) = committed else { panic!("expected it done: {committed:?}") };
    id
}

pub async fn a_request_is_journalled_and_in_effect(bench: &Bench) {
    let mut asked = request(vec![write("Patient", "p", 0, &[("name", "smith")])]);
    asked.reception.control_id = "r1".into();
    let id = done(bench.commit(asked).await);
    let stored = bench.message(id).await;
    assert_eq!((stored.outcome, stored.concluded_at), (MessageOutcome::Processed, Some(at(1))));
    assert_eq!((&*stored.feed.0, &*stored.issues, &*stored.release), ("app", "[]", ""));
    let read = bench.store.read(&patient("p"), None).await.unwrap().expect("the resource");
    assert_eq!((read.version, &read.content[..], read.message), (1, &b"Patient/p after 0"[..], Some(id)));
    assert!(bench.claim().await.is_empty(), "nothing waits");
    let query = MessageQuery { outcome: Some(MessageOutcome::Processed), limit: 10, ..MessageQuery::default() };
    let listed = bench.store.messages(&query).await.unwrap();
    assert_eq!(listed.iter().map(|message| message.id).collect::<Vec<_>>(), [id]);
    let second = done(bench.put(vec![write("Patient", "p", 1, &[])]).await);
    assert!(second > id, "numbers rise");
}

pub async fn a_stale_request_changes_nothing(bench: &Bench) {
    let stale = vec![write("Patient", "new", 0, &[]), write("Patient", "p", 1, &[])];
    assert_eq!(bench.put(stale).await, Committed::Conflict);
    assert!(bench.store.read(&patient("new"), None).await.unwrap().is_none());
    let query = MessageQuery { limit: 10, ..MessageQuery::default() };
    assert!(bench.store.messages(&query).await.unwrap().is_empty(), "not in the journal either");
    done(bench.put(vec![write("Patient", "p", 0, &[])]).await);
    assert_eq!(bench.put(vec![write("Patient", "p", 0, &[])]).await, Committed::Conflict);
    assert_eq!(bench.put(vec![write("Patient", "p", 2, &[])]).await, Committed::Conflict);
}

/// A request that writes a patient with this number unless there is one.
fn unless_there(id: &str, number: &str) -> Request {
    let guard = Guard {
        name: format!("Patient?identifier={number}").into(),
        kind: "Patient".into(),
        criterion: bears("Patient", "identifier", number),
        found: None,
    };
    Request { guards: vec![guard], ..request(vec![write("Patient", id, 0, &[("identifier", number)])]) }
}

pub async fn a_guard_is_searched_again(bench: &Bench) {
    done(bench.commit(unless_there("a", "1")).await);
    assert_eq!(bench.commit(unless_there("b", "1")).await, Committed::GuardFailed(0));
    assert!(bench.store.read(&patient("b"), None).await.unwrap().is_none());
    let finding = |found: Option<&str>, number: &str| {
        let mut asked = request(vec![]);
        asked.guards = unless_there("x", "7").guards;
        asked.guards.extend(unless_there("x", number).guards);
        asked.guards[1].found = found.map(patient);
        asked
    };
    done(bench.commit(finding(Some("a"), "1")).await);
    assert_eq!(bench.commit(finding(Some("b"), "1")).await, Committed::GuardFailed(1));
    assert_eq!(bench.commit(finding(Some("a"), "2")).await, Committed::GuardFailed(1));
    done(bench.put(vec![write("Patient", "c", 0, &[("identifier", "1")])]).await);
    assert_eq!(bench.commit(finding(Some("a"), "1")).await, Committed::GuardFailed(1), "there are two");
    done(bench.put(vec![deletion("Patient", "a", 1)]).await);
    done(bench.commit(finding(Some("c"), "1")).await);
}

pub async fn requests_of_one_moment_do_not_disturb_each_other(bench: &Bench) {
    done(bench.put(vec![write("Patient", "p", 0, &[("identifier", "1")])]).await);
    let (update, stale, guarded, create) = tokio::join!(
        bench.put(vec![write("Patient", "p", 1, &[("identifier", "1")])]),
        bench.put(vec![write("Patient", "half", 0, &[]), write("Patient", "p", 7, &[])]),
        bench.commit(unless_there("q", "1")),
        bench.put(vec![write("Observation", "o", 0, &[])]),
    );
    done(update);
    assert_eq!(stale, Committed::Conflict);
    assert_eq!(guarded, Committed::GuardFailed(0));
    done(create);
    assert!(bench.store.read(&patient("half"), None).await.unwrap().is_none());
}

pub async fn one_of_two_creations_wins(bench: &Bench) {
    let create = || bench.put(vec![write("Patient", "p", 0, &[("identifier", "1")])]);
    let (one, two, three) = tokio::join!(create(), create(), create());
    let won = [one, two, three].iter().filter(|one| matches!(one, Committed::Done(_))).count();
    assert_eq!(won, 1, "{one:?} {two:?} {three:?}");
    assert_eq!(bench.find(&search("Patient", Criterion::All(vec![]))).await, ["Patient/p"]);
}

pub async fn a_guard_lets_one_through(bench: &Bench) {
    let create = |id: &'static str| bench.commit(unless_there(id, "1"));
    let (a, b, c, d) = tokio::join!(create("a"), create("b"), create("c"), create("d"));
    let through = [a, b, c, d].iter().filter(|one| matches!(one, Committed::Done(_))).count();
    assert_eq!(through, 1, "{a:?} {b:?} {c:?} {d:?}");
    assert_eq!(bench.find(&search("Patient", bears("Patient", "identifier", "1"))).await.len(), 1);
}

pub async fn a_request_moves_all_that_a_message_moves(bench: &Bench) {
    let mut asked = request(vec![write("Task", "t", 0, &[]), write("Task", "t", 1, &[("status", "accepted")])]);
    asked.conclusion.referrals = vec![referral_write(1, 0)];
    asked.conclusion.deliveries = vec![delivery(1, "r1", 1)];
    asked.conclusion.redirects = vec![Redirect { from: patient("a"), to: patient("b") }];
    let item = WorkItem { kind: WorkItemKind::Identity, referral: None, text: "look".into() };
    asked.conclusion.work_items = vec![item.clone()];
    asked.conclusion.release = "release".into();
    let id = done(bench.commit(asked.clone()).await);
    assert_eq!(&*bench.message(id).await.release, "release");
    assert_eq!(bench.store.work_items(10).await.unwrap(), [item]);
    assert_eq!(bench.claim_deliveries(10).await.len(), 1);
    let wanted = Load { referrals: [referral_id(1)].into(), ..Load::default() };
    assert_eq!(bench.load(wanted).await.referrals.len(), 1);
    assert_eq!(bench.find(&search("Task", bears("Task", "status", "accepted"))).await, ["Task/t"]);
    asked.conclusion.resources = vec![write("Task", "other", 0, &[])];
    assert_eq!(bench.commit(asked).await, Committed::Conflict, "the referral has moved on");
    assert!(bench.store.read(&ResourceKey::new("Task", "other"), None).await.unwrap().is_none());
}

pub async fn a_request_is_never_put_to_work(bench: &Bench) {
    let plain = done(bench.put(vec![write("Patient", "p", 0, &[])]).await);
    let mut noted = request(vec![]);
    noted.conclusion.release = "release".into();
    let noted = done(bench.commit(noted).await);
    for id in [plain, noted] {
        assert!(!bench.store.requeue(id, lanes(&[1])).await.unwrap());
    }
    assert!(bench.claim().await.is_empty());
}

pub async fn a_deleted_resource_is_read_as_deleted(bench: &Bench) {
    done(bench.put(vec![write("Patient", "p", 0, &[("name", "smith")])]).await);
    done(bench.put(vec![deletion("Patient", "p", 1)]).await);
    let read = bench.store.read(&patient("p"), None).await.unwrap().expect("its deletion");
    assert_eq!((read.version, read.deleted, read.content.len()), (2, true, 0));
    let before = bench.store.read(&patient("p"), Some(1)).await.unwrap().expect("its first version");
    assert!(!before.deleted);
    done(bench.put(vec![write("Patient", "p", 2, &[("name", "jones")])]).await);
    assert!(!bench.store.read(&patient("p"), None).await.unwrap().expect("it is back").deleted);
    assert_eq!(bench.find(&search("Patient", bears("Patient", "name", "jones"))).await, ["Patient/p"]);
    assert!(bench.find(&search("Patient", bears("Patient", "name", "smith"))).await.is_empty());
    assert!(key("Patient", "name", "smith").0.len() > 8);
}
