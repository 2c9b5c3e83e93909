//! Cases: the delivery queue.

use std::collections::HashSet;

use super::given::{Bench, at, delivery, delivery_id};
use crate::base::ids::EndpointName;
use crate::record::delivery::AfterFailure;
use crate::record::{Attempt, DeliveryState, FailureClass, NewDelivery, WorkItemKind};
use crate::store::{AttemptStart, Concluded, DeliveryQuery, Lease};

async fn queue(bench: &Bench, deliveries: Vec<NewDelivery>) {
    assert_eq!(bench.conclude_with(|done| done.deliveries = deliveries).await, Concluded::Done);
}

async fn claim(bench: &Bench, now: i64) -> Vec<u128> {
    bench.claim_deliveries(now).await.iter().map(|one| one.id.0.as_u128()).collect()
}

async fn begin(bench: &Bench, number: u128) -> AttemptStart {
    bench.store.begin_attempt(&bench.lease, delivery_id(number), at(3)).await.unwrap()
}

async fn finish(bench: &Bench, number: u128, attempt: u32, outcome: Attempt) {
    bench.store.finish_attempt(delivery_id(number), attempt, outcome, at(4)).await.unwrap();
}

fn succeeded() -> Attempt {
    Attempt::Succeeded { receipt: "AA".into() }
}

fn failed(next: AfterFailure) -> Attempt {
    Attempt::Failed { class: FailureClass::Transient, code: "connect-refused".into(), next }
}

async fn get(bench: &Bench, number: u128) -> crate::record::Delivery {
    let all = bench.store.deliveries(&DeliveryQuery { limit: 100, ..DeliveryQuery::default() }).await.unwrap();
    all.into_iter().find(|one| one.id == delivery_id(number)).expect("the delivery")
}

pub async fn order_holds_per_subject(bench: &Bench) {
    let elsewhere = NewDelivery { endpoint: EndpointName::new("lab"), ..delivery(4, "s", 1) };
    queue(bench, vec![delivery(1, "s", 1), delivery(2, "s", 2), delivery(3, "t", 1), elsewhere]).await;
    assert_eq!(claim(bench, 9).await, [1, 3, 4]);
    assert_eq!(begin(bench, 2).await, AttemptStart::AlreadyDone, "not its turn");
    assert_eq!(begin(bench, 1).await, AttemptStart::Started { number: 1 });
    finish(bench, 1, 1, succeeded()).await;
    assert_eq!(claim(bench, 9).await, [2, 3, 4]);
    let done = get(bench, 1).await;
    assert_eq!((done.state, done.attempts, done.concluded_at), (DeliveryState::Delivered, 1, Some(at(4))));
}

pub async fn due_times_hold(bench: &Bench) {
    let later = NewDelivery { due_at: at(50), ..delivery(1, "s", 1) };
    queue(bench, vec![later, delivery(2, "t", 1)]).await;
    assert_eq!(claim(bench, 1).await, [0; 0]);
    assert_eq!(claim(bench, 2).await, [2]);
    assert_eq!(bench.store.next_due(&bench.lease).await.unwrap(), Some(at(2)));
    begin(bench, 2).await;
    finish(bench, 2, 1, failed(AfterFailure::RetryAt(at(70)))).await;
    assert_eq!(bench.store.next_due(&bench.lease).await.unwrap(), Some(at(50)));
    assert_eq!(claim(bench, 70).await, [1, 2], "oldest due first");
    let retried = get(bench, 2).await;
    assert_eq!((retried.state, retried.due_at, retried.attempts), (DeliveryState::Pending, at(70), 1));
    assert_eq!(retried.last_failure, "connect-refused");
}

pub async fn attempts_are_counted_and_finished_once(bench: &Bench) {
    queue(bench, vec![delivery(1, "s", 1)]).await;
    assert_eq!(begin(bench, 1).await, AttemptStart::Started { number: 1 });
    assert_eq!(begin(bench, 1).await, AttemptStart::Started { number: 2 }, "the first was cut off");
    finish(bench, 1, 1, failed(AfterFailure::GiveUp)).await;
    assert_eq!(get(bench, 1).await.state, DeliveryState::Pending, "an overtaken failure decides nothing");
    finish(bench, 1, 2, succeeded()).await;
    finish(bench, 1, 2, failed(AfterFailure::GiveUp)).await;
    assert_eq!(get(bench, 1).await.state, DeliveryState::Delivered);
    assert_eq!(begin(bench, 1).await, AttemptStart::AlreadyDone);
    assert_eq!(begin(bench, 99).await, AttemptStart::AlreadyDone);
    let stale = Lease { token: bench.lease.token + 77, ..bench.lease.clone() };
    queue(bench, vec![delivery(2, "s", 2)]).await;
    let start = bench.store.begin_attempt(&stale, delivery_id(2), at(3)).await.unwrap();
    assert_eq!(start, AttemptStart::LeaseLost);
    assert_eq!(get(bench, 2).await.attempts, 0);
}

pub async fn a_dead_one_frees_the_next(bench: &Bench) {
    queue(bench, vec![delivery(1, "s", 1), delivery(2, "s", 2)]).await;
    begin(bench, 1).await;
    finish(bench, 1, 1, failed(AfterFailure::GiveUp)).await;
    finish(bench, 1, 1, failed(AfterFailure::GiveUp)).await;
    assert_eq!(claim(bench, 9).await, [2]);
    assert_eq!(get(bench, 1).await.state, DeliveryState::Dead);
    let items = bench.store.work_items(10).await.unwrap();
    assert_eq!(items.len(), 1, "one work item, however often it is finished");
    assert_eq!(items[0].kind, WorkItemKind::DeadDelivery);
    let backlog = bench.store.backlog().await.unwrap();
    assert_eq!((backlog.deliveries_pending, backlog.deliveries_dead), (1, 1));
}

pub async fn the_same_id_is_queued_once(bench: &Bench) {
    queue(bench, vec![delivery(1, "s", 1), delivery(1, "s", 1)]).await;
    begin(bench, 1).await;
    finish(bench, 1, 1, succeeded()).await;
    queue(bench, vec![delivery(1, "s", 1)]).await;
    assert_eq!(claim(bench, 9).await, [0; 0]);
}

pub async fn paused_endpoints_wait(bench: &Bench) {
    queue(bench, vec![delivery(1, "s", 1), delivery(2, "t", 1)]).await;
    let paused = HashSet::from([EndpointName::new("clinic")]);
    let claimed = bench.store.claim_deliveries(&bench.lease, at(9), &HashSet::new(), &paused, 10).await.unwrap();
    assert!(claimed.is_empty());
    let except = HashSet::from([delivery_id(1)]);
    let claimed = bench.store.claim_deliveries(&bench.lease, at(9), &except, &HashSet::new(), 10).await.unwrap();
    assert_eq!(claimed.iter().map(|one| one.id).collect::<Vec<_>>(), [delivery_id(2)]);
}

pub async fn an_earlier_sequence_goes_first(bench: &Bench) {
    queue(bench, vec![delivery(2, "s", 2)]).await;
    queue(bench, vec![delivery(1, "s", 1)]).await;
    assert_eq!(claim(bench, 9).await, [1]);
    begin(bench, 1).await;
    finish(bench, 1, 1, succeeded()).await;
    assert_eq!(claim(bench, 9).await, [2]);
}

pub async fn deliveries_are_listed(bench: &Bench) {
    let elsewhere = NewDelivery { endpoint: EndpointName::new("lab"), ..delivery(3, "t", 1) };
    queue(bench, vec![delivery(1, "s", 1), delivery(2, "t", 1), elsewhere]).await;
    begin(bench, 1).await;
    finish(bench, 1, 1, succeeded()).await;
    let all = DeliveryQuery { limit: 10, ..DeliveryQuery::default() };
    let cases = [
        ("all", all.clone(), vec![3, 2, 1]),
        ("limit", DeliveryQuery { limit: 1, ..all.clone() }, vec![3]),
        ("endpoint", DeliveryQuery { endpoint: Some(EndpointName::new("lab")), ..all.clone() }, vec![3]),
        ("state", DeliveryQuery { state: Some(DeliveryState::Delivered), ..all.clone() }, vec![1]),
        ("subject", DeliveryQuery { subject: Some("t".into()), ..all.clone() }, vec![3, 2]),
    ];
    for (name, query, expected) in cases {
        let found = bench.store.deliveries(&query).await.unwrap();
        assert_eq!(found.iter().map(|one| one.id.0.as_u128()).collect::<Vec<_>>(), expected, "{name}");
    }
    let first = get(bench, 2).await;
    assert_eq!((first.subject.as_str(), first.sequence, first.event.as_str()), ("t", 1, "referral.accepted"));
    assert_eq!((first.payload.content_type.as_str(), &first.payload.bytes[..]), ("application/json", &b"{}"[..]));
    assert_eq!((first.created_at, first.due_at), (at(2), at(2)));
}
