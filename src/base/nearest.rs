//! The name that was probably meant, for hints.

/// The candidate with the fewest letters to change, if that is few enough to be a slip: two of four, or a third of more.
pub fn nearest<'c>(written: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let closest = candidates.into_iter().map(|candidate| (distance(candidate, written), candidate)).min()?;
    let slip = if closest.0 <= 2 { closest.0 * 2 } else { closest.0 * 3 };
    (slip <= closest.1.len()).then_some(closest.1)
}

/// Levenshtein distance, without regard to case.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in right.bytes().enumerate() {
            let substituted = diagonal + usize::from(!a.eq_ignore_ascii_case(&b));
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_seen_and_strangers_are_not() {
        let names = ["identifier", "name", "birthDate"];
        assert_eq!(nearest("birthdate", names), Some("birthDate"));
        assert_eq!(nearest("identifer", names), Some("identifier"));
        assert_eq!(nearest("telecom", names), None);
    }
}
