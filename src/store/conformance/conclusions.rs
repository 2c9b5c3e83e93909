//! Cases: a batch of conclusions is written whole or not at all (P6).

use super::given::{Bench, at, conclusion, patient, patient_write, reception, referral_write};
use crate::base::ids::{FeedName, MessageId};
use crate::base::{Issue, IssueCode};
use crate::record::{Cause, Conclusion, MessageOutcome, Reception};
use crate::store::{Backlog, Concluded, Lease, MessageQuery};

pub async fn a_conclusion_is_found_again(bench: &Bench) {
    let id = bench.admit_into(&[1]).await;
    let issues = vec![Issue::warning(IssueCode::DataType, "expected a date")];
    let done = Conclusion { issues, release: "abc".into(), ..conclusion(Cause::Message(id)) };
    assert_eq!(bench.conclude(vec![done]).await, Concluded::Done);
    let found = bench.message(id).await;
    assert_eq!((found.outcome, found.concluded_at), (MessageOutcome::Processed, Some(at(2))));
    assert_eq!(found.release, "abc");
    assert!(found.issues.contains("expected a date"), "{}", found.issues);
}

pub async fn a_message_is_concluded_once(bench: &Bench) {
    let id = bench.admit_into(&[1]).await;
    bench.conclude_as(id, MessageOutcome::Processed).await;
    assert_eq!(bench.conclude(vec![conclusion(Cause::Message(id))]).await, Concluded::LeaseLost);
    assert_eq!(bench.conclude(vec![conclusion(Cause::Message(MessageId(4711)))]).await, Concluded::LeaseLost);
    let twice = bench.admit_into(&[2]).await;
    let batch = vec![conclusion(Cause::Message(twice)), conclusion(Cause::Message(twice))];
    assert_eq!(bench.conclude(batch).await, Concluded::LeaseLost);
    assert_eq!(bench.claim().await, [twice], "nothing of the batch was written");
}

/// A good conclusion and a bad one in a batch: nothing may be left of the good one.
async fn check_undone(bench: &Bench, expected: Concluded, lease: &Lease, spoil: impl FnOnce(&mut Conclusion)) {
    let first = bench.admit_into(&[1]).await;
    let second = bench.admit_into(&[2]).await;
    let mut good = conclusion(Cause::Message(first));
    good.resources = vec![patient_write("good", 0, &["1"])];
    good.referrals = vec![referral_write(900, 0)];
    good.deliveries = vec![super::given::delivery(900, "s", 1)];
    let mut bad = conclusion(Cause::Message(second));
    spoil(&mut bad);
    assert_eq!(bench.store.conclude(lease, vec![good, bad]).await.unwrap(), expected);
    assert_eq!(bench.claim().await, [first, second]);
    assert_eq!(bench.message(first).await.outcome, MessageOutcome::Pending);
    assert_eq!(bench.resource(&patient("good")).await, None);
    assert!(bench.store.referrals(10).await.unwrap().is_empty());
    assert!(bench.claim_deliveries(10).await.is_empty());
}

pub async fn a_conflict_undoes_the_batch(bench: &Bench) {
    check_undone(bench, Concluded::Conflict, &bench.lease, |bad| {
        bad.resources = vec![patient_write("other", 0, &[]), patient_write("other", 3, &[])];
    })
    .await;
}

pub async fn a_lost_lease_undoes_the_batch(bench: &Bench) {
    let stale = Lease { token: bench.lease.token + 77, ..bench.lease.clone() };
    check_undone(bench, Concluded::LeaseLost, &stale, |_| {}).await;
}

pub async fn no_mapping_frees_the_lane(bench: &Bench) {
    let unmapped = bench.admit_into(&[1]).await;
    let next = bench.admit_into(&[1]).await;
    bench.conclude_as(unmapped, MessageOutcome::NoMapping).await;
    assert_eq!(bench.claim().await, [next]);
}

pub async fn tries_are_counted(bench: &Bench) {
    let id = bench.admit_into(&[1]).await;
    assert_eq!(bench.store.count_try(id).await.unwrap(), 1);
    assert_eq!(bench.store.count_try(id).await.unwrap(), 2);
    let claimed = bench.claim_except([]).await;
    assert_eq!((claimed[0].tries, claimed[0].outcome), (2, MessageOutcome::Pending));
    bench.conclude_as(id, MessageOutcome::Processed).await;
    assert_eq!(bench.message(id).await.tries, 2);
}

pub async fn messages_are_listed(bench: &Bench) {
    let a = bench.admit_ids(vec![reception("a", &[1])]).await[0];
    let b = bench.admit_ids(vec![Reception { feed: FeedName::new("lab"), ..reception("b", &[2]) }]).await[0];
    let c = bench.admit_ids(vec![reception("c", &[3])]).await[0];
    bench.conclude_as(a, MessageOutcome::Processed).await;
    bench.conclude_as(b, MessageOutcome::NoMapping).await;
    let all = MessageQuery { limit: 10, ..MessageQuery::default() };
    let of = |outcome| MessageQuery { outcome: Some(outcome), ..all.clone() };
    let cases = [
        ("all", all.clone(), vec![c, b, a]),
        ("limit", MessageQuery { limit: 2, ..all.clone() }, vec![c, b]),
        ("before", MessageQuery { before: Some(c), ..all.clone() }, vec![b, a]),
        ("feed", MessageQuery { feed: Some(FeedName::new("lab")), ..all.clone() }, vec![b]),
        ("control id", MessageQuery { control_id: Some("a".into()), ..all.clone() }, vec![a]),
        (
            "control id and outcome",
            MessageQuery { control_id: Some("a".into()), ..of(MessageOutcome::Pending) },
            vec![],
        ),
        ("pending", of(MessageOutcome::Pending), vec![c]),
        ("processed", of(MessageOutcome::Processed), vec![a]),
        ("no mapping", of(MessageOutcome::NoMapping), vec![b]),
        ("parked", of(MessageOutcome::Parked), vec![]),
    ];
    for (name, query, expected) in cases {
        let found = bench.store.messages(&query).await.unwrap();
        assert_eq!(found.iter().map(|message| message.id).collect::<Vec<_>>(), expected, "{name}");
    }
}

pub async fn the_backlog_counts(bench: &Bench) {
    assert_eq!(bench.store.backlog().await.unwrap(), Backlog::default());
    bench.store.probe().await.unwrap();
    let parked = bench.admit_into(&[1]).await;
    bench.admit_into(&[1]).await;
    bench.admit_into(&[2]).await;
    bench.conclude_as(parked, MessageOutcome::Parked).await;
    bench.conclude_with(|done| done.deliveries = vec![super::given::delivery(1, "s", 1)]).await;
    let expected = Backlog {
        messages_pending: 2,
        lanes_parked: 1,
        deliveries_pending: 1,
        deliveries_dead: 0,
        oldest_pending: Some(at(1)),
    };
    assert_eq!(bench.store.backlog().await.unwrap(), expected);
}

pub async fn many_callers_share_commits(bench: &Bench) {
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..64_i64 {
        let store = bench.store.clone();
        callers.spawn(async move { store.admit(vec![reception(&format!("c{number}"), &[number % 8])]).await.unwrap() });
    }
    let admitted: std::collections::HashSet<String> =
        callers.join_all().await.into_iter().map(|one| format!("{one:?}")).collect();
    assert_eq!(admitted.len(), 64, "each has a number of its own");
    let mut concluded = 0;
    while let batch @ [_, ..] = &bench.claim().await[..] {
        assert_eq!(batch.len(), 8, "one per lane");
        let batch: Vec<_> = batch.iter().map(|id| conclusion(Cause::Message(*id))).collect();
        concluded += batch.len();
        assert_eq!(bench.conclude(batch).await, Concluded::Done);
    }
    assert_eq!(concluded, 64);
}
