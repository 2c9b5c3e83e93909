//! A criterion held against the keys of one resource in memory, as the store does it with all.

use crate::record::{Criterion, IndexKey};

/// Whether a resource with these keys (sorted, as `index` gives them) and this id meets a criterion; `None` when that
/// depends on other resources or on full text.
pub fn matches(_keys: &[IndexKey], id: &str, criterion: &Criterion) -> Option<bool> {
    match criterion {
        Criterion::Id(ids) => Some(ids.iter().any(|one| one == id)),
        _ => None,
    }
}
