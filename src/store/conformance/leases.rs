//! Cases: leases as both backends keep them; sharing among replicas is PostgreSQL's own and tested there.

use super::given::{Bench, at, conclusion};
use crate::base::limits::PARTITIONS;
use crate::record::Cause;
use crate::store::Concluded;

pub async fn a_lease_covers_all_partitions(bench: &Bench) {
    let mut partitions = bench.lease.partitions.clone();
    partitions.sort_unstable();
    assert_eq!(partitions, (0..PARTITIONS).collect::<Vec<_>>());
    assert_eq!(bench.lease.until, at(60));
}

pub async fn renewal_keeps_the_token(bench: &Bench) {
    let renewed = bench.store.lease("one", at(30), at(90)).await.unwrap();
    assert_eq!((renewed.token, renewed.until), (bench.lease.token, at(90)));
    let id = bench.admit_into(&[1]).await;
    assert_eq!(bench.conclude(vec![conclusion(Cause::Message(id))]).await, Concluded::Done);
}

pub async fn a_released_lease_is_lost(bench: &Bench) {
    let id = bench.admit_into(&[1]).await;
    bench.store.release("one").await.unwrap();
    assert_eq!(bench.conclude(vec![conclusion(Cause::Message(id))]).await, Concluded::LeaseLost);
    let next = bench.store.lease("two", at(1), at(60)).await.unwrap();
    assert_ne!(next.token, bench.lease.token);
    assert_eq!(next.partitions.len(), usize::from(PARTITIONS));
}

pub async fn an_ousted_lease_is_lost(bench: &Bench) {
    let id = bench.admit_into(&[1]).await;
    let next = bench.store.lease("two", at(61), at(120)).await.unwrap();
    assert_eq!(next.partitions.len(), usize::from(PARTITIONS), "the first has expired");
    let batch = vec![conclusion(Cause::Message(id))];
    assert_eq!(bench.conclude(batch.clone()).await, Concluded::LeaseLost);
    assert_eq!(bench.store.conclude(&next, batch).await.unwrap(), Concluded::Done);
}
