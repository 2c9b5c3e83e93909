//! Cases: order per lane, fences, and what people do with a parked lane (P3).

use super::given::{Bench, at, conclusion, lanes};
use crate::base::ids::MessageId;
use crate::base::{Issue, IssueCode};
use crate::record::{Cause, Conclusion, Lane, MessageOutcome};
use crate::store::{Concluded, LaneActed, LaneAction};

async fn park(bench: &Bench, id: MessageId) {
    let issues = vec![Issue::error(IssueCode::RequiredMissing, "expected PID-3")];
    let parked = Conclusion { outcome: MessageOutcome::Parked, issues, ..conclusion(Cause::Message(id)) };
    assert_eq!(bench.conclude(vec![parked]).await, Concluded::Done);
}

async fn act(bench: &Bench, lane: i64, action: LaneAction) -> LaneActed {
    bench.store.act_on_lane(Lane(lane), action, "operator", at(9)).await.unwrap()
}

pub async fn order_holds_within_a_lane(bench: &Bench) {
    let first = bench.admit_into(&[1]).await;
    let second = bench.admit_into(&[1]).await;
    let third = bench.admit_into(&[1]).await;
    for expected in [first, second, third] {
        assert_eq!(bench.claim().await, [expected]);
        bench.conclude_as(expected, MessageOutcome::Processed).await;
    }
    assert_eq!(bench.claim().await, []);
}

pub async fn a_message_out_of_turn_is_not_concluded(bench: &Bench) {
    let first = bench.admit_into(&[1]).await;
    let second = bench.admit_into(&[1]).await;
    assert_eq!(bench.conclude(vec![conclusion(Cause::Message(second))]).await, Concluded::LeaseLost);
    assert_eq!(bench.claim().await, [first]);
}

pub async fn lanes_do_not_wait_for_each_other(bench: &Bench) {
    let a = bench.admit_into(&[1]).await;
    bench.admit_into(&[1]).await;
    let b = bench.admit_into(&[2]).await;
    let c = bench.admit_into(&[3]).await;
    assert_eq!(bench.claim().await, [a, b, c]);
    let one = bench.store.claim_messages(&bench.lease, &[a].into(), 1).await.unwrap();
    assert_eq!(one.iter().map(|message| message.id).collect::<Vec<_>>(), [b]);
}

pub async fn a_merge_fences_both_lanes(bench: &Bench) {
    let before_1 = bench.admit_into(&[1]).await;
    let before_2 = bench.admit_into(&[2]).await;
    let merge = bench.admit_into(&[1, 2]).await;
    let after_1 = bench.admit_into(&[1]).await;
    let after_2 = bench.admit_into(&[2]).await;
    assert_eq!(bench.claim().await, [before_1, before_2]);
    bench.conclude_as(before_2, MessageOutcome::Processed).await;
    assert_eq!(bench.claim().await, [before_1]);
    bench.conclude_as(before_1, MessageOutcome::Processed).await;
    assert_eq!(bench.claim().await, [merge]);
    bench.conclude_as(merge, MessageOutcome::Processed).await;
    assert_eq!(bench.claim().await, [after_1, after_2]);
}

pub async fn a_parked_lane_stops_only_itself(bench: &Bench) {
    let bad = bench.admit_into(&[1]).await;
    bench.admit_into(&[1]).await;
    let other = bench.admit_into(&[2]).await;
    park(bench, bad).await;
    assert_eq!(bench.claim().await, [other]);
    let found = bench.message(bad).await;
    assert_eq!(found.outcome, MessageOutcome::Parked);
    assert_eq!(bench.conclude(vec![conclusion(Cause::Message(bad))]).await, Concluded::LeaseLost);
}

pub async fn a_parked_merge_holds_both_lanes(bench: &Bench) {
    let merge = bench.admit_into(&[1, 2]).await;
    let after_1 = bench.admit_into(&[1]).await;
    let after_2 = bench.admit_into(&[2]).await;
    park(bench, merge).await;
    assert_eq!(bench.claim().await, []);
    assert_eq!(act(bench, 2, LaneAction::Release).await, LaneActed::Done(merge));
    assert_eq!(bench.claim().await, [after_1, after_2]);
    assert_eq!(act(bench, 1, LaneAction::Release).await, LaneActed::NotParked);
}

pub async fn retry_runs_the_head_again(bench: &Bench) {
    let bad = bench.admit_into(&[1]).await;
    let next = bench.admit_into(&[1]).await;
    park(bench, bad).await;
    assert_eq!(act(bench, 1, LaneAction::Retry).await, LaneActed::Done(bad));
    assert_eq!(bench.message(bad).await.outcome, MessageOutcome::Pending);
    assert_eq!(bench.claim().await, [bad]);
    bench.conclude_as(bad, MessageOutcome::Processed).await;
    assert_eq!(bench.claim().await, [next]);
}

pub async fn back_to_work_means_fresh_tries(bench: &Bench) {
    let bad = bench.admit_into(&[1]).await;
    for back in ["retry", "requeue"] {
        assert_eq!(bench.store.count_try(bad).await.unwrap(), 1, "before {back}");
        assert_eq!(bench.store.count_try(bad).await.unwrap(), 2, "before {back}");
        park(bench, bad).await;
        assert_eq!(bench.message(bad).await.tries, 2, "a person sees how often it was tried");
        if back == "retry" {
            act(bench, 1, LaneAction::Retry).await;
        } else {
            act(bench, 1, LaneAction::Divert).await;
            assert!(bench.store.requeue(bad, lanes(&[1])).await.unwrap());
        }
        assert_eq!(bench.claim_except([]).await[0].tries, 0, "after {back}");
    }
}

pub async fn release_and_divert_let_the_next_up(bench: &Bench) {
    let cases = [(LaneAction::Release, MessageOutcome::Released), (LaneAction::Divert, MessageOutcome::Diverted)];
    for (lane, (action, outcome)) in (1..).zip(cases) {
        let bad = bench.admit_into(&[lane]).await;
        let next = bench.admit_into(&[lane]).await;
        park(bench, bad).await;
        assert_eq!(act(bench, lane, action).await, LaneActed::Done(bad));
        let found = bench.message(bad).await;
        assert_eq!((found.outcome, found.concluded_at), (outcome, Some(at(9))));
        assert!(found.issues.contains("PID-3"), "the reason stays: {}", found.issues);
        assert_eq!(bench.claim().await, [next]);
        bench.conclude_as(next, MessageOutcome::Processed).await;
    }
}

pub async fn an_absent_or_working_lane_cannot_be_acted_on(bench: &Bench) {
    bench.admit_into(&[1]).await;
    assert_eq!(act(bench, 1, LaneAction::Release).await, LaneActed::NotParked);
    assert_eq!(act(bench, 77, LaneAction::Retry).await, LaneActed::NoSuchLane);
}

pub async fn what_is_in_work_is_not_claimed_again(bench: &Bench) {
    let a = bench.admit_into(&[1]).await;
    let b = bench.admit_into(&[2]).await;
    let claimed = bench.claim_except([a]).await;
    assert_eq!(claimed.iter().map(|message| message.id).collect::<Vec<_>>(), [b]);
}

pub async fn requeue_goes_to_the_end(bench: &Bench) {
    let bad = bench.admit_into(&[1]).await;
    assert!(!bench.store.requeue(bad, lanes(&[1])).await.unwrap(), "unfinished messages are not put back");
    park(bench, bad).await;
    act(bench, 1, LaneAction::Divert).await;
    let waiting = bench.admit_into(&[1]).await;
    assert!(bench.store.requeue(bad, lanes(&[1])).await.unwrap());
    let later = bench.admit_into(&[1]).await;
    for expected in [waiting, bad, later] {
        assert_eq!(bench.claim().await, [expected]);
        assert_eq!(bench.message(expected).await.outcome, MessageOutcome::Pending);
        bench.conclude_as(expected, MessageOutcome::Processed).await;
    }
    assert!(!bench.store.requeue(MessageId(i64::MAX), lanes(&[1])).await.unwrap(), "unknown messages are not");
}

pub async fn lanes_are_listed(bench: &Bench) {
    let bad = bench.admit_into(&[1]).await;
    bench.admit_into(&[1]).await;
    let waiting = bench.admit_into(&[2]).await;
    park(bench, bad).await;
    let parked = bench.store.lanes(true, 10).await.unwrap();
    assert_eq!(parked.len(), 1);
    let lane = &parked[0];
    assert_eq!((lane.lane, lane.head, lane.parked, lane.depth), (Lane(1), bad, true, 2));
    assert_eq!((lane.reason.as_str(), lane.since), ("expected PID-3", at(2)));
    let all = bench.store.lanes(false, 10).await.unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(all[0], *lane);
    assert_eq!((all[1].head, all[1].parked, all[1].depth, all[1].since), (waiting, false, 1, at(1)));
}
