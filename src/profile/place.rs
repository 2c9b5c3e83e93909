//! Where in a resource: a chain of steps on the stack, written out as FHIRPath when there is something to say.

use std::fmt;

/// One place; it borrows the one above it, so that walking a resource allocates nothing.
#[derive(Clone, Copy)]
pub struct Place<'p> {
    above: Option<&'p Place<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    /// A member, or the type that a path begins with.
    Name(&'p str),
    /// The stem of a choice element and the type chosen.
    Choice(&'p str, &'p str),
    Index(usize),
}

impl<'p> Place<'p> {
    /// The root: the type of the resource.
    pub const fn root(kind: &'p str) -> Self {
        Self { above: None, step: Step::Name(kind) }
    }

    pub const fn member(&'p self, name: &'p str) -> Self {
        Self { above: Some(self), step: Step::Name(name) }
    }

    /// The element of this name in the definitions (`value[x]`), as the type chosen.
    pub fn element(&'p self, name: &'p str, kind: &'p str) -> Self {
        let step = name.strip_suffix("[x]").map_or(Step::Name(name), |stem| Step::Choice(stem, kind));
        Self { above: Some(self), step }
    }

    pub const fn index(&'p self, index: usize) -> Self {
        Self { above: Some(self), step: Step::Index(index) }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(above) = self.above {
            write!(f, "{above}")?;
            if !matches!(self.step, Step::Index(_)) {
                f.write_str(".")?;
            }
        }
        match self.step {
            Step::Name(name) if is_name(name) => f.write_str(name),
            Step::Name(_) => f.write_str("(no name of an element)"),
            Step::Choice(stem, kind) => write!(f, "{stem}.ofType({kind})"),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// What may be shown: anything else in the place of a name could be a value (P8).
fn is_name(name: &str) -> bool {
    name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_read_as_fhirpath() {
        let root = Place::root("Observation");
        let component = root.member("component");
        let first = component.index(0);
        assert_eq!(first.element("value[x]", "Quantity").member("unit").to_string().replace(' ', ""), {
            "Observation.component[0].value.ofType(Quantity).unit"
        });
        assert_eq!(root.member("Mr. Smith").to_string(), "Observation.(no name of an element)");
    }
}
