//! The order of results: where a resource stands by the keys that it bears.

use std::cmp::Ordering;

use super::Keyed;
use crate::record::{IndexKey, Order};

/// The key by which a resource stands in an order: its least in the space or, descending, its greatest.
pub fn decisive<'k>(keys: &'k [IndexKey], order: &Order) -> Option<&'k IndexKey> {
    let start = keys.partition_point(|key| key.0[..] < order.space.0[..]);
    let count = keys[start..].partition_point(|key| key.0.starts_with(&order.space.0));
    let inside = &keys[start..start + count];
    if order.descending { inside.last() } else { inside.first() }
}

/// Where a resource stands among the results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rank {
    /// Its values in each order, without their spaces, so that resources of several types compare.
    pub values: Vec<Option<Vec<u8>>>,
    /// The number of its first version: those of the same values stand in the order of their creation, or against it
    /// when the first order descends.
    pub resource: i64,
}

impl Rank {
    pub fn of(keyed: &Keyed, order: &[Order]) -> Self {
        let value = |one| decisive(&keyed.keys, one).map(|key| key.0[one.space.0.len()..].to_vec());
        Self { values: order.iter().map(value).collect(), resource: keyed.resource }
    }

    pub fn compare(&self, other: &Self, order: &[Order]) -> Ordering {
        let by_values = order.iter().zip(self.values.iter().zip(&other.values));
        by_values
            .map(|(order, values)| match values {
                (Some(one), Some(other)) => turned(one.cmp(other), order.descending),
                (one, other) => other.is_some().cmp(&one.is_some()),
            })
            .find(|ordering| ordering.is_ne())
            .unwrap_or_else(|| turned(self.resource.cmp(&other.resource), descends(order)))
    }
}

/// Whether the first order descends: then numbers do, too.
pub fn descends(order: &[Order]) -> bool {
    order.first().is_some_and(|first| first.descending)
}

fn turned(ordering: Ordering, descending: bool) -> Ordering {
    if descending { ordering.reverse() } else { ordering }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Space, VersionNumber};

    #[test]
    fn values_come_first_then_creation_and_none_is_last() {
        let space = Space::of("Patient", "name");
        let keyed = |resource: i64, values: &[&str]| {
            let keys = values.iter().map(|value| space.key(value.as_bytes())).collect();
            Keyed { key: None, resource, version: VersionNumber(resource), kind: "Patient".into(), keys }
        };
        let all = [keyed(1, &["b", "d"]), keyed(2, &[]), keyed(3, &["a", "z"]), keyed(4, &["b"])];
        let check = |descending: bool, expected: [i64; 4]| {
            let order = [Order { space, descending }];
            let mut ranks: Vec<Rank> = all.iter().map(|keyed| Rank::of(keyed, &order)).collect();
            ranks.sort_by(|one, other| one.compare(other, &order));
            assert_eq!(ranks.iter().map(|rank| rank.resource).collect::<Vec<_>>(), expected, "{descending}");
        };
        check(false, [3, 1, 4, 2]);
        check(true, [3, 1, 4, 2]);
    }
}
