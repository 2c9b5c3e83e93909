//! Composites: the values of the components of one element, one behind the other (FHIR R4 search 3.1.1.4.15).
//!
//! The first is a token and makes a *prefix*: once with its system and once without, so that either way of asking names
//! its beginning exactly. Then come a mark of the form of the last component, a number when there are three, and the
//! last component in that form.

use super::{BadValue, Emit, Find, Form, Span, Test, bounded};
use crate::record::Relation;

/// Behind a code whose system stands after it, and behind one without.
const SYSTEM_FOLLOWS: u8 = 0;
const ANY_SYSTEM: u8 = 1;

/// What one component gives.
pub type Emitted = Vec<(Form, Vec<u8>)>;

/// The byte that stands for a form within a composite; none for those that no composite can ask for.
pub const fn mark(form: Form) -> Option<u8> {
    match form {
        Form::Value => Some(1),
        Form::End => Some(2),
        Form::Canonical => Some(3),
        Form::CanonicalEnd => Some(4),
        _ => None,
    }
}

/// The keys of the values that the components of one element have together; only that they are there when none of them
/// can be searched.
pub fn emit_composite(components: &[Emitted], emit: &mut Emit<'_>) {
    let [first, middle @ .., last] = components else { return };
    if components.iter().any(Vec::is_empty) {
        return;
    }
    let mut searchable = false;
    for prefix in first.iter().filter(|(form, _)| *form == Form::Value).flat_map(|(_, token)| prefixes_of(token)) {
        for (form, value) in last {
            for rest in rests(middle, *form, value) {
                emit(Form::Value, &[&prefix, &rest]);
                searchable = true;
            }
        }
    }
    if !searchable {
        emit(Form::Bare, &[]);
    }
}

/// What stands behind the prefix: a mark, the numbers of the component in the middle if there is one, and the last value.
fn rests(middle: &[Emitted], form: Form, value: &[u8]) -> Vec<Vec<u8>> {
    let Some(mark) = mark(form) else { return Vec::new() };
    let Some(middle) = middle.first() else { return vec![[&[mark], value].concat()] };
    let numbers = middle.iter().filter(|(of, _)| (*of, form) == (Form::Value, Form::Value));
    numbers.map(|(_, number)| [&[mark], &number[..], value].concat()).collect()
}

/// A token's key, code, NUL and system, as prefixes.
fn prefixes_of(token: &[u8]) -> Vec<Vec<u8>> {
    let code = token.split(|byte| *byte == 0).next().unwrap_or_default();
    vec![[token, &[SYSTEM_FOLLOWS]].concat(), [code, &[ANY_SYSTEM]].concat()]
}

/// The prefixes that a token, by its parts, asks for. `implied` as for `token_finds`.
pub fn composite_prefixes(parts: &[String], implied: impl Fn(&str, &str) -> bool) -> Result<Vec<Vec<u8>>, BadValue> {
    let expected = BadValue("expected a code, or a system and a code, as the first part of a composite");
    let with_system = |code: &str, system: &str| {
        Ok([&*bounded(code).ok_or(expected)?, &[0], &*bounded(system).ok_or(expected)?, &[SYSTEM_FOLLOWS]].concat())
    };
    match parts {
        [code] if !code.is_empty() => Ok(vec![[&*bounded(code).ok_or(expected)?, &[ANY_SYSTEM]].concat()]),
        [system, code] if !code.is_empty() => {
            let mut prefixes = vec![with_system(code, system)?];
            if !system.is_empty() && implied(system, code) {
                prefixes.push(with_system(code, "")?);
            }
            Ok(prefixes)
        }
        _ => Err(expected),
    }
}

/// Finds of a number and of what stands behind it as finds of both: the range is that of the first.
pub fn both(number: &[Find], last: &[Find]) -> Vec<Find> {
    let of_value =
        |finds: &[Find]| -> Vec<Find> { finds.iter().filter(|find| find.form == Form::Value).cloned().collect() };
    let last = of_value(last);
    let with = |first: Find| {
        last.iter().map(move |second| Find { tests: [first.tests.clone(), as_tests(second)].concat(), ..first.clone() })
    };
    of_value(number).into_iter().flat_map(with).collect()
}

/// A find of a number that stands behind another number.
fn as_tests(find: &Find) -> Vec<Test> {
    const AT: usize = 16;
    let bound = |relation, bytes: [u8; 8]| Test { at: AT, length: Some(8), relation, value: bytes.to_vec() };
    let mut tests: Vec<Test> = find.tests.iter().map(|test| Test { at: AT + test.at, ..test.clone() }).collect();
    if let Span::Within { from, to, .. } = find.span {
        tests.extend(from.map(|from| bound(Relation::AtLeast, from)));
        tests.extend(to.map(|to| bound(Relation::Below, to)));
    }
    tests
}
