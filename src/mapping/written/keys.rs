//! The keys of one YAML mapping, taken out one by one; what is left over is unknown.

use crate::mapping::diagnostic::{Mistake, Place, Reporter, meant};
use crate::mapping::yaml::{Kind, Scalar, Yaml};

pub fn scalars(tree: Yaml, reporter: &mut Reporter) -> Vec<Scalar> {
    let place = tree.place;
    match tree.kind {
        Kind::List(items) => items.into_iter().filter_map(|item| scalar(item, reporter)).collect(),
        Kind::Scalar(text) => vec![Scalar { place, text }],
        Kind::Mapping(_) => {
            reporter.report(Mistake::Shape, place, "expected a text or a list of texts", "");
            Vec::new()
        }
    }
}

pub fn scalar(tree: Yaml, reporter: &mut Reporter) -> Option<Scalar> {
    if let Kind::Scalar(text) = tree.kind {
        return Some(Scalar { place: tree.place, text });
    }
    reporter.report(Mistake::Shape, tree.place, "expected a text", "");
    None
}

/// The members of one mapping, taken out one by one; what is left over is unknown.
pub struct Keys {
    place: Place,
    members: Vec<(Scalar, Yaml)>,
    known: Vec<&'static str>,
}

impl Keys {
    pub fn of(tree: Yaml, reporter: &mut Reporter) -> Option<Self> {
        let place = tree.place;
        if let Kind::Mapping(members) = tree.kind {
            return Some(Self { place, members, known: Vec::new() });
        }
        reporter.report(Mistake::Shape, place, "expected a mapping of keys to values", "");
        None
    }

    pub fn first(&self) -> Option<String> {
        self.members.first().map(|(key, _)| key.text.clone())
    }

    pub fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(key, _)| key.text == name)
    }

    /// The value as it is.
    pub fn tree(&mut self, name: &'static str) -> Option<Yaml> {
        self.known.push(name);
        self.take(name).map(|(_, value)| value)
    }

    pub const fn place(&self) -> Place {
        self.place
    }

    fn take(&mut self, name: &str) -> Option<(Scalar, Yaml)> {
        let at = self.members.iter().position(|(key, _)| key.text == name)?;
        Some(self.members.remove(at))
    }

    /// Keys for people, which mean nothing here.
    pub fn ignored(&mut self, names: &[&'static str]) {
        for name in names {
            self.known.push(name);
            self.take(name);
        }
    }

    pub fn scalar(&mut self, name: &'static str, reporter: &mut Reporter) -> Option<Scalar> {
        self.known.push(name);
        let (_, value) = self.take(name)?;
        scalar(value, reporter)
    }

    pub fn required(&mut self, name: &'static str, reporter: &mut Reporter) -> Option<Scalar> {
        self.known.push(name);
        let Some((_, value)) = self.take(name) else {
            reporter.report(Mistake::MissingKey, self.place, format!("`{name}` is missing"), "");
            return None;
        };
        scalar(value, reporter)
    }

    pub fn list(&mut self, name: &'static str, reporter: &mut Reporter) -> Vec<Yaml> {
        self.known.push(name);
        let Some((_, value)) = self.take(name) else { return Vec::new() };
        if let Kind::List(items) = value.kind {
            return items;
        }
        reporter.report(Mistake::Shape, value.place, format!("`{name}` is a list"), "begin each item with a dash");
        Vec::new()
    }

    pub fn members(&mut self, name: &'static str, reporter: &mut Reporter) -> Vec<(Scalar, Yaml)> {
        self.known.push(name);
        let Some((_, value)) = self.take(name) else { return Vec::new() };
        if let Kind::Mapping(members) = value.kind {
            return members;
        }
        reporter.report(Mistake::Shape, value.place, format!("`{name}` is a mapping of keys to values"), "");
        Vec::new()
    }

    pub fn pairs(&mut self, name: &'static str, reporter: &mut Reporter) -> Vec<(Scalar, Scalar)> {
        let members = self.members(name, reporter);
        members.into_iter().filter_map(|(key, value)| Some((key, scalar(value, reporter)?))).collect()
    }

    pub fn scalars(&mut self, name: &'static str, reporter: &mut Reporter) -> Vec<Scalar> {
        self.known.push(name);
        self.take(name).map_or_else(Vec::new, |(_, value)| scalars(value, reporter))
    }

    pub fn finish(self, reporter: &mut Reporter) {
        for (key, _) in self.members {
            let known = || format!("known here: {}", self.known.join(", "));
            let hint = Some(meant(&key.text, self.known.iter().copied())).filter(|hint| !hint.is_empty());
            let hint = hint.unwrap_or_else(known);
            reporter.report(Mistake::UnknownKey, key.place, format!("the key `{}` is not known here", key.text), hint);
        }
    }
}
