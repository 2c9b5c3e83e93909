//! Values with an extent: lowest and highest point, each eight bytes that sort as the values do.
//!
//! The key is the lowest point, then the highest. Values longer than a type's usual extent stand a second time with
//! the highest point first, so that "ends after" need not read all that began before: short ones began not long ago.

use super::{Find, Form, Span, Test};
use crate::record::Relation;

/// Both ends belong to it. The numbers sort as the values do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    pub low: u64,
    pub high: u64,
}

/// How a value of a resource must lie to the one that is searched (FHIR R4 search 3.1.1.4.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    StartsAfter,
    EndsBefore,
    Approximately,
}

impl Prefix {
    /// The prefix of a value and what is behind it.
    pub fn take(text: &str) -> (Self, &str) {
        let known = [
            ("eq", Self::Equal),
            ("ne", Self::NotEqual),
            ("gt", Self::Greater),
            ("lt", Self::Less),
            ("ge", Self::GreaterOrEqual),
            ("le", Self::LessOrEqual),
            ("sa", Self::StartsAfter),
            ("eb", Self::EndsBefore),
            ("ap", Self::Approximately),
        ];
        let found = known.into_iter().find_map(|(name, prefix)| Some((prefix, text.strip_prefix(name)?)));
        found.unwrap_or((Self::Equal, text))
    }
}

/// Where intervals stand, and what is asked of the bytes around them.
#[derive(Clone, Debug)]
pub struct Layout {
    pub form: Form,
    /// The form with the highest point first.
    pub end: Form,
    /// What stands before the interval.
    pub lead: Vec<u8>,
    /// What must stand behind the interval; whether as the whole rest or its beginning.
    pub tail: Option<(Vec<u8>, Tail)>,
    /// Longer values have a key of the end form.
    pub usual_extent: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    Whole,
    Beginning,
}

/// The finds of an interval. What is approximate the caller has widened: it must overlap. Greater or equal is what lasts
/// until the beginning of what is searched or longer: the specification's words leave out what ends within it after it
/// began before, which nobody who asks for an encounter from a day on means; less or equal likewise.
pub fn finds(prefix: Prefix, sought: Interval, layout: &Layout) -> Vec<Find> {
    let Interval { low, high } = sought;
    match prefix {
        Prefix::Equal => vec![layout.within(sought)],
        Prefix::NotEqual => vec![layout.beginning(None, Some(low)), layout.after(high), layout.reaching_out(sought)],
        Prefix::Greater => layout.ending_after(high),
        Prefix::Less => vec![layout.beginning(None, Some(low))],
        Prefix::GreaterOrEqual => layout.ending_after(low.saturating_sub(1)),
        Prefix::LessOrEqual => vec![layout.beginning(None, high.checked_add(1))],
        Prefix::StartsAfter => vec![layout.after(high)],
        Prefix::EndsBefore => {
            vec![layout.second(layout.beginning(None, Some(low)), Relation::Below, low)]
        }
        Prefix::Approximately => layout.overlapping(sought),
    }
}

impl Layout {
    /// Values that begin in a range, `to` not among it.
    fn beginning(&self, from: Option<u64>, to: Option<u64>) -> Find {
        self.find(self.form, from, to)
    }

    fn find(&self, form: Form, from: Option<u64>, to: Option<u64>) -> Find {
        let bytes = |bound: Option<u64>| bound.map(u64::to_be_bytes);
        let span = Span::Within { lead: self.lead.clone(), from: bytes(from), to: bytes(to) };
        let tests = self.tail.iter().map(|(tail, how)| Test {
            at: self.lead.len() + 16,
            length: (*how == Tail::Beginning).then_some(tail.len()),
            relation: Relation::Equal,
            value: tail.clone(),
        });
        Find { form, span, tests: tests.collect() }
    }

    /// The same with a test of the second point.
    fn second(&self, mut find: Find, relation: Relation, point: u64) -> Find {
        let value = point.to_be_bytes().to_vec();
        find.tests.push(Test { at: self.lead.len() + 8, length: Some(8), relation, value });
        find
    }

    fn after(&self, point: u64) -> Find {
        self.beginning(Some(point.saturating_add(1)), None)
    }

    fn within(&self, Interval { low, high }: Interval) -> Find {
        self.second(self.beginning(Some(low), high.checked_add(1)), Relation::AtMost, high)
    }

    /// Begins inside, ends outside.
    fn reaching_out(&self, Interval { low, high }: Interval) -> Find {
        self.second(self.beginning(Some(low), high.checked_add(1)), Relation::Above, high)
    }

    fn ending_after(&self, point: u64) -> Vec<Find> {
        let near = self.beginning(Some(point.saturating_add(1).saturating_sub(self.usual_extent)), None);
        let long = self.find(self.end, Some(point.saturating_add(1)), None);
        vec![self.second(near, Relation::Above, point), long]
    }

    fn overlapping(&self, Interval { low, high }: Interval) -> Vec<Find> {
        let near = self.beginning(Some(low.saturating_sub(self.usual_extent)), high.checked_add(1));
        let long = self.find(self.end, Some(low), None);
        vec![self.second(near, Relation::AtLeast, low), self.second(long, Relation::AtMost, high)]
    }
}

/// A signed number as one that sorts as it does.
pub const fn of_i64(value: i64) -> u64 {
    value.cast_unsigned() ^ (1 << 63)
}

/// A number as one that sorts as it does.
pub fn of_f64(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits ^ (1 << 63) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sort_as_they_are() {
        let numbers = [f64::NEG_INFINITY, -1e300, -2.5, -2.0, -1e-300, 0.0, 1e-300, 1.0, 2.0, 1e300, f64::INFINITY];
        assert!(numbers.windows(2).all(|pair| of_f64(pair[0]) < of_f64(pair[1])));
        assert_eq!(of_f64(-0.0), of_f64(0.0));
        assert!([i64::MIN, -1, 0, 1, i64::MAX].windows(2).all(|pair| of_i64(pair[0]) < of_i64(pair[1])));
    }
}
