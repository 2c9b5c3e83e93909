//! A criterion held against the keys of one resource in memory, as the store does it with all.

use crate::record::{Criterion, IndexKey, KeyTest, Range, Relation, Scan};

/// Whether a resource with these keys (sorted, as `index` gives them) and this id meets a criterion; `None` when that
/// depends on other resources or on full text.
pub fn matches(keys: &[IndexKey], id: &str, criterion: &Criterion) -> Option<bool> {
    let one = |criterion: &Criterion| matches(keys, id, criterion);
    match criterion {
        Criterion::Bears(scans) => Some(scans.iter().any(|scan| bears(keys, scan))),
        Criterion::Id(ids) => Some(ids.iter().any(|one| one == id)),
        Criterion::Not(inner) => one(inner).map(|met| !met),
        Criterion::All(all) => settle(all.iter().map(one), false),
        Criterion::Any(any) => settle(any.iter().map(one), true),
        Criterion::Text { .. } | Criterion::RefersTo { .. } | Criterion::ReferredBy { .. } => None,
    }
}

/// One answer that is `decisive` decides; else one that cannot be told leaves it open.
fn settle(answers: impl Iterator<Item = Option<bool>>, decisive: bool) -> Option<bool> {
    let mut result = Some(!decisive);
    for answer in answers {
        match answer {
            Some(met) if met == decisive => return Some(decisive),
            None => result = None,
            Some(_) => {}
        }
    }
    result
}

fn bears(keys: &[IndexKey], scan: &Scan) -> bool {
    let range = match &scan.range {
        Range::Exactly(key) => return keys.binary_search(key).is_ok_and(|at| passes(&keys[at], &scan.tests)),
        Range::Within { from, to } => {
            let first = keys.partition_point(|key| key < from);
            let end = keys.partition_point(|key| key < to);
            first..end.max(first)
        }
    };
    keys[range].iter().any(|key| passes(key, &scan.tests))
}

fn passes(key: &IndexKey, tests: &[KeyTest]) -> bool {
    tests.iter().all(|test| {
        let from = test.at.min(key.0.len());
        let end = test.length.map_or(key.0.len(), |length| (from + length).min(key.0.len()));
        holds(&key.0[from..end], test.relation, &test.value)
    })
}

fn holds(found: &[u8], relation: Relation, value: &[u8]) -> bool {
    match relation {
        Relation::Below => found < value,
        Relation::AtMost => found <= value,
        Relation::Equal => found == value,
        Relation::AtLeast => found >= value,
        Relation::Above => found > value,
        Relation::Contains => memchr::memmem::find(found, value).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_told_is_left_open_unless_it_does_not_matter() {
        let open = || Criterion::Text { part: crate::record::TextPart::Content, words: Vec::new() };
        let yes = || Criterion::Id(vec!["a".into()]);
        let no = || Criterion::Any(Vec::new());
        for (criterion, expected) in [
            (Criterion::All(Vec::new()), Some(true)),
            (no(), Some(false)),
            (Criterion::Not(Box::new(open())), None),
            (Criterion::All(vec![open(), no()]), Some(false)),
            (Criterion::All(vec![open(), yes()]), None),
            (Criterion::Any(vec![open(), yes()]), Some(true)),
            (Criterion::Any(vec![open(), no()]), None),
        ] {
            assert_eq!(matches(&[], "a", &criterion), expected, "{criterion:?}");
        }
    }
}
