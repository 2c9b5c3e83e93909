//! Reading a profile package.
//!
//! The text has one fact a line, and its depth is told by blanks:
//!
//! ```text
//! profile URL VERSION TYPE
//!   context PATH PATH             where an extension may stand
//!  PATH MIN..MAX : TYPE TYPE(URL|URL)
//!   fixed JSON
//!   pattern JSON
//!   codes URL                     a required binding
//!   slices open|closed KIND:PATH
//!   rule KEY SEVERITY SENTENCE
//!    FHIRPATH
//! codes URL
//!  SYSTEM CODE CODE
//! ```
//!
//! A path is that of element ids, without the type: `component:systolic.code`; `$this` is the root.

use std::collections::HashMap;
use std::ops::Range;

use smol_str::SmolStr;

use super::super::invariant::Rule;
use super::{CodeList, Profile, Shape, Slicing, TypeRule};
use crate::base::issue::Severity;
use crate::fhir::Node;

type Index = (Vec<(SmolStr, Range<usize>)>, HashMap<SmolStr, CodeList>);

/// Where each profile stands in the text, and the code lists.
pub fn index(text: &str) -> Index {
    let (mut profiles, mut codes) = (Vec::<(SmolStr, Range<usize>)>::new(), HashMap::<SmolStr, CodeList>::new());
    let (mut at, mut list) = (0, None);
    for line in text.split_inclusive('\n') {
        let end = at + line.len();
        if let Some(rest) = line.strip_prefix("profile ") {
            profiles.push((rest.split(' ').next().unwrap_or_default().into(), at..end));
            list = None;
        } else if let Some(url) = line.strip_prefix("codes ") {
            list = Some(SmolStr::from(url.trim_end()));
        } else if let Some(url) = &list {
            codes.entry(url.clone()).or_default().0.extend(codes_of_system(line));
        } else if let Some((_, range)) = profiles.last_mut() {
            range.end = end;
        }
        at = end;
    }
    (profiles, codes)
}

fn codes_of_system(line: &str) -> Option<(SmolStr, Vec<SmolStr>)> {
    let mut words = line.split_whitespace();
    Some((words.next()?.into(), words.map(SmolStr::from).collect()))
}

/// Reads the lines of one profile; `None` when they are not of this form.
pub fn profile(text: &str) -> Option<Profile> {
    let mut lines = text.lines();
    let mut head = lines.next()?.split(' ').skip(1);
    let (url, _version, kind) = (head.next()?, head.next()?, head.next()?);
    let mut profile = Profile { url: url.into(), kind: kind.into(), contexts: Vec::new(), root: Shape::named(kind) };
    let (mut path, mut rule) = ("$this", None);
    for line in lines {
        if let Some(expression) = line.strip_prefix("   ") {
            at(&mut profile.root, path).rules.push(rule_of(rule.take()?, expression)?);
        } else if let Some(facet) = line.strip_prefix("  ") {
            let (word, rest) = facet.split_once(' ').unwrap_or((facet, ""));
            match word {
                "context" => profile.contexts = rest.split(' ').map(SmolStr::from).collect(),
                "rule" => rule = Some(rest),
                _ => set_facet(at(&mut profile.root, path), word, rest)?,
            }
        } else {
            path = element(&mut profile.root, line.trim_start())?;
        }
    }
    Some(profile)
}

fn at<'s>(root: &'s mut Shape, path: &str) -> &'s mut Shape {
    if path == "$this" { root } else { root.at_mut(path) }
}

/// `PATH MIN..MAX : TYPE TYPE`; gives the path.
fn element<'t>(root: &mut Shape, line: &'t str) -> Option<&'t str> {
    let (head, types) = line.split_once(" : ").unwrap_or((line, ""));
    let (path, cardinality) = head.split_once(' ').unwrap_or((head, ""));
    let shape = at(root, path);
    if let Some((min, max)) = cardinality.split_once("..") {
        shape.min = min.parse().ok()?;
        shape.max = if max == "*" { None } else { Some(max.parse().ok()?) };
    }
    shape.types = types.split(' ').filter(|text| !text.is_empty()).map(type_rule).collect();
    Some(path)
}

fn type_rule(text: &str) -> TypeRule {
    let (code, profiles) = text.strip_suffix(')').and_then(|text| text.split_once('(')).unwrap_or((text, ""));
    let profiles = profiles.split('|').filter(|url| !url.is_empty()).map(SmolStr::from).collect();
    TypeRule { code: code.into(), profiles }
}

fn set_facet(shape: &mut Shape, word: &str, rest: &str) -> Option<()> {
    match word {
        "fixed" => shape.fixed = Some(Node::parse(rest.as_bytes()).ok()?),
        "pattern" => shape.pattern = Some(Node::parse(rest.as_bytes()).ok()?),
        "codes" => shape.codes = Some(rest.into()),
        "slices" => shape.slicing = Some(slicing(rest)),
        _ => return None,
    }
    Some(())
}

fn slicing(text: &str) -> Slicing {
    let mut words = text.split(' ');
    let is_closed = words.next() == Some("closed");
    let pair = |word: &str| word.split_once(':').map(|(kind, path)| (kind.into(), path.into()));
    Slicing { is_closed, discriminators: words.filter_map(pair).collect() }
}

/// `KEY SEVERITY SENTENCE`, and the expression.
fn rule_of(head: &str, expression: &str) -> Option<Rule> {
    let (key, rest) = head.split_once(' ')?;
    let (severity, sentence) = rest.split_once(' ')?;
    let severity = if severity == "warning" { Severity::Warning } else { Severity::Error };
    Some(Rule::new(severity, format!("{key}: {sentence}").into(), expression.to_owned().into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::binding::Codes as _;

    const TEXT: &str = "# comment\n\
        profile http://a.org/p 1 Observation\n \
         $this\n  \
          rule p-1 error A sentence.\n   \
           value.exists()\n \
         component 1..*\n  \
          slices closed value:code type:value\n \
         component:one 0..1 : BackboneElement\n \
         component:one.code 1..1\n  \
          pattern {\"text\":\"x\"}\n \
         subject 1..1 : Reference(http://a.org/q|http://a.org/r) Group\n\
        codes http://a.org/v\n \
         http://a.org/s a b\n";

    #[test]
    fn a_package_reads_as_it_is_written() {
        let (profiles, codes) = index(TEXT);
        let read = profile(&TEXT[profiles[0].1.clone()]).unwrap();
        assert_eq!((profiles[0].0.as_str(), read.kind.as_str(), read.name()), ("http://a.org/p", "Observation", "p"));
        assert_eq!(read.root.rules[0].text, "p-1: A sentence.");
        let component = read.root.member("component").unwrap();
        assert_eq!((component.min, component.max, component.slices.len()), (1, None, 1));
        let slicing = component.slicing.as_ref().unwrap();
        assert!(slicing.is_closed && slicing.discriminators[1] == ("type".into(), "value".into()));
        assert_eq!(component.slices[0].member("code").unwrap().pattern.as_ref().unwrap().text(&["text"]), Some("x"));
        let subject = read.root.member("subject").unwrap();
        assert_eq!((subject.types[0].profiles.len(), subject.types[1].code.as_str()), (2, "Group"));
        let list = &codes["http://a.org/v"];
        assert!(list.contains(Some("http://a.org/s"), "b") && !list.contains(Some("http://a.org/t"), "b"));
    }
}
