//! Cases: what intake learns of a reception, and what is kept.

use super::given::{Bench, at, reception, with_content};
use crate::base::ids::FeedName;
use crate::base::limits::DUPLICATE_WINDOW;
use crate::base::{Issue, IssueCode};
use crate::record::{Disposition, MessageOutcome, Reception, ReusePolicy, WorkItemKind};
use crate::store::Admission;

pub async fn numbers_follow_the_order_of_arrival(bench: &Bench) {
    let batch = ["a", "b", "c"].map(|id| reception(id, &[1]));
    let mut ids = bench.admit_ids(batch.to_vec()).await;
    ids.extend(bench.admit_ids(vec![reception("d", &[2])]).await);
    assert!(ids.is_sorted_by(|earlier, later| earlier < later), "{ids:?}");
}

pub async fn what_was_admitted_comes_back_whole(bench: &Bench) {
    let sent = reception("a", &[1]);
    let id = bench.admit_ids(vec![sent.clone()]).await[0];
    let found = bench.message(id).await;
    assert_eq!(found.bytes, sent.bytes);
    assert_eq!((found.feed, found.sender, found.control_id), (sent.feed, sent.sender, sent.control_id));
    assert_eq!((found.charset_declared, found.charset_detected), (sent.charset_declared, sent.charset_detected));
    assert_eq!((found.message_type, found.received_at), (sent.message_type, sent.received_at));
    assert_eq!((found.outcome, found.concluded_at, found.tries), (MessageOutcome::Pending, None, 0));
    assert_eq!((found.issues.as_str(), found.release.as_str(), found.control_id_reused), ("[]", "", false));
}

fn duplicate_of(first: crate::base::ids::MessageId, outcome: MessageOutcome) -> Admission {
    Admission::Duplicate { first, received_at: at(1), outcome }
}

pub async fn a_resend_is_a_duplicate_across_batches(bench: &Bench) {
    let first = bench.admit_ids(vec![reception("a", &[1])]).await[0];
    let again = Reception { received_at: at(5), ..reception("a", &[1]) };
    assert_eq!(bench.admit(vec![again]).await, [duplicate_of(first, MessageOutcome::Pending)]);
    assert_eq!(bench.claim().await, [first]);
}

pub async fn a_resend_is_a_duplicate_within_a_batch(bench: &Bench) {
    let batch = vec![reception("a", &[1]), reception("b", &[1]), reception("a", &[1])];
    let admitted = bench.admit(batch).await;
    let Admission::Stored(first) = admitted[0] else { panic!("expected a stored message: {admitted:?}") };
    assert_eq!(admitted[2], duplicate_of(first, MessageOutcome::Pending));
    let reused = with_content(reception("c", &[1]), "other");
    let admitted = bench.admit(vec![reception("c", &[1]), reused]).await;
    assert!(matches!(admitted[..], [Admission::Stored(_), Admission::StoredReused(_)]), "{admitted:?}");
}

pub async fn a_duplicate_carries_the_outcome_of_now(bench: &Bench) {
    let first = bench.admit_ids(vec![reception("a", &[1])]).await[0];
    bench.conclude_as(first, MessageOutcome::NoMapping).await;
    assert_eq!(bench.admit(vec![reception("a", &[1])]).await, [duplicate_of(first, MessageOutcome::NoMapping)]);
}

pub async fn an_empty_control_id_is_never_a_duplicate(bench: &Bench) {
    let admitted = bench.admit(vec![reception("", &[1]), reception("", &[1])]).await;
    assert!(matches!(admitted[..], [Admission::Stored(_), Admission::Stored(_)]), "{admitted:?}");
}

pub async fn another_sender_or_feed_is_no_duplicate(bench: &Bench) {
    let batch = vec![
        reception("a", &[1]),
        Reception { sender: "OTHER|NORTH".into(), ..reception("a", &[1]) },
        Reception { feed: FeedName::new("lab"), ..reception("a", &[1]) },
    ];
    let admitted = bench.admit(batch).await;
    assert!(admitted.iter().all(|one| matches!(one, Admission::Stored(_))), "{admitted:?}");
}

pub async fn reuse_is_flagged_or_refused(bench: &Bench) {
    let first = bench.admit_ids(vec![reception("a", &[1])]).await[0];
    let other = with_content(reception("a", &[1]), "other");
    let refusing = Reception { reuse_policy: ReusePolicy::Refuse, ..with_content(reception("a", &[1]), "third") };
    let admitted = bench.admit(vec![other.clone(), refusing.clone()]).await;
    let [Admission::StoredReused(flagged), Admission::ReuseRefused { kept }] = admitted[..] else {
        panic!("expected one flagged and one refused: {admitted:?}")
    };
    assert!(bench.message(flagged).await.control_id_reused);
    let asked = bench.store.work_items(10).await.unwrap();
    assert_eq!(asked.iter().map(|item| item.kind).collect::<Vec<_>>(), [WorkItemKind::ControlIdReused]);
    assert!(asked[0].text.contains(&flagged.to_string()), "{}", asked[0].text);
    let kept = bench.message(kept).await;
    assert_eq!((kept.outcome, kept.bytes), (MessageOutcome::Refused, refusing.bytes));
    assert_eq!(bench.admit(vec![other]).await, [duplicate_of(flagged, MessageOutcome::Pending)]);
    assert_eq!(bench.claim().await, [first]);
}

pub async fn a_refused_message_is_kept_and_never_first(bench: &Bench) {
    let issue = Issue::error(IssueCode::RequiredMissing, "expected MSH-9");
    let refused = Reception { disposition: Disposition::Refused(vec![issue]), ..reception("a", &[1]) };
    let kept = bench.admit_ids(vec![refused]).await[0];
    let found = bench.message(kept).await;
    assert_eq!(found.outcome, MessageOutcome::Refused);
    assert!(found.issues.contains("expected MSH-9"), "{}", found.issues);
    assert_eq!(bench.claim().await, []);
    let admitted = bench.admit(vec![reception("a", &[1])]).await;
    assert!(matches!(admitted[..], [Admission::Stored(_)]), "{admitted:?}");
}

pub async fn an_old_control_id_may_come_again(bench: &Bench) {
    bench.admit_ids(vec![reception("a", &[1])]).await;
    let later = |received_at| Reception { received_at, ..reception("a", &[1]) };
    let within = bench.admit(vec![later(at(1).plus(DUPLICATE_WINDOW))]).await;
    assert!(matches!(within[..], [Admission::Duplicate { .. }]), "{within:?}");
    let after = bench.admit(vec![later(at(2).plus(DUPLICATE_WINDOW))]).await;
    assert!(matches!(after[..], [Admission::Stored(_)]), "{after:?}");
}

pub async fn an_unheard_answer_is_noted(bench: &Bench) {
    let id = bench.admit_into(&[1]).await;
    bench.store.note_unheard(id).await.unwrap();
    assert_eq!(bench.message(id).await.outcome, MessageOutcome::Pending);
    assert_eq!(bench.claim().await, [id]);
    bench.conclude_as(id, MessageOutcome::Processed).await;
    bench.store.note_unheard(id).await.unwrap();
    assert_eq!(bench.message(id).await.outcome, MessageOutcome::Processed);
}
