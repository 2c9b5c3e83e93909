//! Cases: referrals, timelines, timers and work for people.

use super::given::{Bench, at, conclusion, patient, referral_id, referral_write};
use crate::record::{Cause, Conclusion, Redirect, ReferralWrite, Timer, TimerChange, WorkItem, WorkItemKind};
use crate::store::{Concluded, Load, TimelineEntry};

async fn write(bench: &Bench, write: ReferralWrite) -> Concluded {
    bench.conclude_with(|done| done.referrals = vec![write]).await
}

pub async fn versions_are_checked(bench: &Bench) {
    assert_eq!(write(bench, referral_write(1, 0)).await, Concluded::Done);
    assert_eq!(write(bench, referral_write(1, 0)).await, Concluded::Conflict);
    assert_eq!(write(bench, referral_write(2, 1)).await, Concluded::Conflict);
    assert_eq!(write(bench, referral_write(1, 1)).await, Concluded::Done);
    let wanted = Load { referrals: [referral_id(1), referral_id(2)].into(), ..Load::default() };
    let found = bench.load(wanted).await.referrals;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].version, &found[0].state[..]), (2, &b"{\"after\":1}"[..]));
    assert_eq!((found[0].stage.as_str(), found[0].open, &found[0].patient), ("received", true, &patient("p")));
    assert_eq!(bench.store.referrals(10).await.unwrap().len(), 1);
}

pub async fn timeline_keeps_the_order(bench: &Bench) {
    let event = |name: &str| (name.into(), format!("{name} noted").into());
    write(bench, ReferralWrite { events: vec![event("sent"), event("received")], ..referral_write(1, 0) }).await;
    write(bench, ReferralWrite { events: vec![event("accepted")], ..referral_write(1, 1) }).await;
    let expected = ["sent", "received", "accepted"].map(|name| TimelineEntry {
        at: at(2),
        event: name.into(),
        note: format!("{name} noted"),
    });
    assert_eq!(bench.store.timeline(referral_id(1)).await.unwrap(), expected);
}

pub async fn open_referrals_follow_merges(bench: &Bench) {
    let closed = |mut write: ReferralWrite| {
        write.referral.open = false;
        write
    };
    write(bench, referral_write(1, 0)).await;
    write(bench, closed(referral_write(2, 0))).await;
    let redirect = Redirect { from: patient("p"), to: patient("q") };
    bench.conclude_with(|done| done.redirects = vec![redirect]).await;
    for (who, expected) in [("p", 1), ("q", 1), ("r", 0)] {
        let wanted = Load { open_referrals_of: [patient(who)].into(), ..Load::default() };
        assert_eq!(bench.load(wanted).await.referrals.len(), expected, "{who}");
    }
    write(bench, closed(referral_write(1, 1))).await;
    let wanted = Load { open_referrals_of: [patient("p")].into(), ..Load::default() };
    assert!(bench.load(wanted).await.referrals.is_empty());
}

fn timer(kind: &str, seconds: i64) -> Timer {
    Timer { referral: referral_id(1), kind: kind.into(), due_at: at(seconds) }
}

pub async fn a_timer_fires_and_not_its_neighbour(bench: &Bench) {
    let timers = ["T1", "T2"].map(|kind| TimerChange::Start { kind: kind.into(), due_at: at(10) });
    write(bench, ReferralWrite { timers: timers.to_vec(), ..referral_write(1, 0) }).await;
    assert_eq!(bench.conclude(vec![conclusion(Cause::Timer(timer("T2", 10)))]).await, Concluded::Done);
    assert_eq!(bench.store.due_timers(&bench.lease, at(10), 10).await.unwrap(), [timer("T1", 10)]);
    assert_eq!(bench.conclude(vec![conclusion(Cause::Timer(timer("T2", 10)))]).await, Concluded::LeaseLost);
}

pub async fn timers_fire_once(bench: &Bench) {
    let start = |kind: &str, seconds| TimerChange::Start { kind: kind.into(), due_at: at(seconds) };
    let timers = vec![start("T1", 10), start("T2", 20), start("T3", 5)];
    write(bench, ReferralWrite { timers, ..referral_write(1, 0) }).await;
    let timers = vec![start("T1", 30), TimerChange::Stop { kind: "T3".into() }];
    write(bench, ReferralWrite { timers, ..referral_write(1, 1) }).await;
    let due = async |seconds| bench.store.due_timers(&bench.lease, at(seconds), 10).await.unwrap();
    assert_eq!(due(19).await, []);
    assert_eq!(due(20).await, [timer("T2", 20)]);
    assert_eq!(due(30).await.len(), 2);
    let fired = |seconds| conclusion(Cause::Timer(timer("T2", seconds)));
    assert_eq!(bench.conclude(vec![fired(10)]).await, Concluded::LeaseLost, "it was not due then");
    let restart = ReferralWrite { timers: vec![start("T2", 40)], ..referral_write(1, 2) };
    let firing = Conclusion { referrals: vec![restart], ..fired(20) };
    assert_eq!(bench.conclude(vec![firing]).await, Concluded::Done);
    assert_eq!(bench.conclude(vec![fired(20)]).await, Concluded::LeaseLost, "it has fired");
    assert_eq!(due(50).await.iter().map(|timer| timer.due_at).collect::<Vec<_>>(), [at(30), at(40)]);
}

pub async fn work_items_are_kept(bench: &Bench) {
    let item = |kind, referral, text: &str| WorkItem { kind, referral, text: text.into() };
    let first = item(WorkItemKind::NotApplicable, Some(referral_id(1)), "look at the referral");
    let second = item(WorkItemKind::UnmappedCode, None, "map the code");
    bench.conclude_with(|done| done.work_items = vec![first.clone()]).await;
    bench.conclude_with(|done| done.work_items = vec![second.clone()]).await;
    assert_eq!(bench.store.work_items(10).await.unwrap(), [second.clone(), first]);
    assert_eq!(bench.store.work_items(1).await.unwrap(), [second]);
}
