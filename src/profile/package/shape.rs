//! What a profile says about an element.

use smol_str::SmolStr;

use super::super::invariant::Rule;
use crate::fhir::Node;

/// A profile of one type.
pub struct Profile {
    pub url: SmolStr,
    /// The type it constrains.
    pub kind: SmolStr,
    /// Where an extension may stand, as element paths; empty for anywhere.
    pub contexts: Vec<SmolStr>,
    pub root: Shape,
}

impl Profile {
    /// The last part of its URL, to speak of it by.
    pub fn name(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or(&self.url)
    }
}

/// What holds for an element, or for a slice of it, beyond R4.
#[derive(Default)]
pub struct Shape {
    /// The element's name as in the definitions (`value[x]`), or the name of the slice.
    pub name: SmolStr,
    pub min: u32,
    /// `None` for any number.
    pub max: Option<u32>,
    /// Empty for those of R4.
    pub types: Vec<TypeRule>,
    pub fixed: Option<Node>,
    pub pattern: Option<Node>,
    /// The value set that a code must be of.
    pub codes: Option<SmolStr>,
    pub rules: Vec<Rule>,
    pub slicing: Option<Slicing>,
    pub slices: Vec<Shape>,
    pub members: Vec<Shape>,
}

/// A type, with the profiles of which its values meet one, or the targets of a reference.
pub struct TypeRule {
    pub code: SmolStr,
    pub profiles: Vec<SmolStr>,
}

/// How the values of a list are told apart.
pub struct Slicing {
    /// A value that fits no slice is an error.
    pub is_closed: bool,
    /// Kind (`value`, `pattern`, `exists`, `type`, `profile`) and path.
    pub discriminators: Vec<(SmolStr, SmolStr)>,
}

impl Shape {
    pub fn named(name: &str) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The profile that an extension slice is made of.
    pub fn extension_url(&self) -> Option<&str> {
        let rule = self.types.iter().find(|rule| rule.code == "Extension")?;
        rule.profiles.first().map(SmolStr::as_str)
    }

    /// The shape at a path of names and slices, made where there is none.
    pub fn at_mut(&mut self, path: &str) -> &mut Self {
        path.split('.').fold(self, |shape, step| {
            let (name, slice) = step.split_once(':').map_or((step, None), |(name, slice)| (name, Some(slice)));
            let member = named(&mut shape.members, name);
            match slice {
                None => member,
                Some(slice) => named(&mut member.slices, slice),
            }
        })
    }

    /// The shape of a member of this name; a choice may be named by its stem.
    pub fn member(&self, name: &str) -> Option<&Self> {
        self.members.iter().find(|member| member.name == name || member.name.strip_suffix("[x]") == Some(name))
    }
}

fn named<'s>(shapes: &'s mut Vec<Shape>, name: &str) -> &'s mut Shape {
    let at = shapes.iter().position(|shape| shape.name == name).unwrap_or_else(|| {
        shapes.push(Shape::named(name));
        shapes.len() - 1
    });
    &mut shapes[at]
}
