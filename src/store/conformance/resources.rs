//! Cases: versions, the index and redirects.

use super::given::{Bench, conclusion, identifier, patient, patient_write};
use crate::record::{Cause, Redirect, ResourceKey};
use crate::store::{Concluded, Load};

async fn bearers(bench: &Bench, value: &str) -> Vec<ResourceKey> {
    let wanted = Load { identifiers: [identifier(value)].into(), ..Load::default() };
    bench.load(wanted).await.identifiers.into_iter().map(|(_, bearer)| bearer).collect()
}

async fn write(bench: &Bench, follows: u32, record_numbers: &[&str]) -> Concluded {
    let write = patient_write("p", follows, record_numbers);
    bench.conclude_with(|done| done.resources = vec![write]).await
}

async fn merge(bench: &Bench, from: &str, to: &str) {
    let redirect = Redirect { from: patient(from), to: patient(to) };
    assert_eq!(bench.conclude_with(|done| done.redirects = vec![redirect]).await, Concluded::Done);
}

pub async fn versions_follow_each_other(bench: &Bench) {
    for follows in 0..3 {
        assert_eq!(write(bench, follows, &[]).await, Concluded::Done);
    }
    assert_eq!(bench.resource(&patient("p")).await, Some((3, "p after 2".into())));
    let history = bench.store.history(&patient("p")).await.unwrap();
    let versions: Vec<_> = history.iter().map(|one| (one.version, &one.content[..])).collect();
    assert_eq!(versions, [(3, &b"p after 2"[..]), (2, b"p after 1"), (1, b"p after 0")]);
    assert_eq!(history[1].digest, patient_write("p", 1, &[]).digest);
    assert!(!history[0].deleted);
    assert!(bench.store.history(&patient("nobody")).await.unwrap().is_empty());
}

pub async fn a_batch_may_write_successive_versions(bench: &Bench) {
    let mut batch = Vec::new();
    for follows in 0..3 {
        let mut one = conclusion(Cause::Message(bench.admit_into(&[i64::from(follows)]).await));
        one.resources = vec![patient_write("p", follows, &[&format!("n{follows}")])];
        batch.push(one);
    }
    assert_eq!(bench.conclude(batch).await, Concluded::Done);
    assert_eq!(bench.store.history(&patient("p")).await.unwrap().len(), 3);
    assert_eq!(bearers(bench, "n0").await, []);
    assert_eq!(bearers(bench, "n2").await, [patient("p")]);
}

pub async fn a_wrong_version_conflicts(bench: &Bench) {
    assert_eq!(write(bench, 1, &[]).await, Concluded::Conflict);
    assert_eq!(write(bench, 0, &[]).await, Concluded::Done);
    assert_eq!(write(bench, 0, &[]).await, Concluded::Conflict);
    assert_eq!(write(bench, 2, &[]).await, Concluded::Conflict);
}

pub async fn identifiers_follow_the_index(bench: &Bench) {
    write(bench, 0, &["1", "2", "2"]).await;
    assert_eq!(bearers(bench, "1").await, [patient("p")]);
    write(bench, 1, &["2", "3"]).await;
    assert_eq!(bearers(bench, "1").await, []);
    assert_eq!(bearers(bench, "2").await, [patient("p")]);
    assert_eq!(bearers(bench, "3").await, [patient("p")]);
    bench.conclude_with(|done| done.resources = vec![patient_write("q", 0, &["3"])]).await;
    let mut both = bearers(bench, "3").await;
    both.sort();
    assert_eq!(both, [patient("p"), patient("q")]);
}

pub async fn redirects_collapse(bench: &Bench) {
    for id in ["a", "b", "c"] {
        bench.conclude_with(|done| done.resources = vec![patient_write(id, 0, &[])]).await;
    }
    merge(bench, "a", "b").await;
    merge(bench, "b", "c").await;
    merge(bench, "c", "a").await; // leads back to itself: changes nothing
    let wanted = Load { resources: [patient("a"), patient("b")].into(), ..Load::default() };
    let mut loaded = bench.load(wanted).await;
    loaded.redirects.sort_by(|one, other| one.from.cmp(&other.from));
    let to_c = |from| Redirect { from: patient(from), to: patient("c") };
    assert_eq!(loaded.redirects, [to_c("a"), to_c("b")]);
    let keys: Vec<_> = loaded.resources.iter().map(|found| found.key.clone()).collect();
    assert_eq!(keys, [patient("c")], "the survivor, once");
    let all = Load { resources: ["a", "b", "c", "unknown"].map(patient).into(), ..Load::default() };
    assert_eq!(bench.load(all).await.resources.len(), 1);
    merge(bench, "d", "a").await;
    let wanted = Load { resources: [patient("d")].into(), ..Load::default() };
    assert_eq!(bench.load(wanted).await.redirects, [to_c("d")]);
}

pub async fn identifiers_lead_to_the_survivor(bench: &Bench) {
    bench
        .conclude_with(|done| done.resources = vec![patient_write("a", 0, &["1"]), patient_write("b", 0, &["1"])])
        .await;
    merge(bench, "a", "b").await;
    assert_eq!(bearers(bench, "1").await, [patient("b")]);
}
