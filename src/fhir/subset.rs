//! Parts of a resource: `_summary` and `_elements` (R4 3.1.1.5.8, 3.1.1.5.9).
//!
//! A part says in `meta.tag` that it is one (SUBSETTED), so that nobody takes it for the whole and writes it back. It
//! stays valid: what is mandatory or changes the meaning is always there, and so are the contained resources that are
//! still referred to.

use super::definitions::{self, Element, Primitive};
use super::{Node, Object, Resource};

/// What `_summary` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Summary {
    /// The elements that R4 marks as summary.
    True,
    /// The narrative, `id`, `meta` and what is mandatory.
    Text,
    /// All but the narrative.
    Data,
    /// Of a Bundle only its total.
    Count,
    /// Everything.
    False,
}

impl Summary {
    /// By the value of `_summary`; `None` for another word.
    pub fn of(word: &str) -> Option<Self> {
        Some(match word {
            "true" => Self::True,
            "text" => Self::Text,
            "data" => Self::Data,
            "count" => Self::Count,
            "false" => Self::False,
            _ => return None,
        })
    }
}

/// The resource as `_summary` asks for it.
pub fn summary(resource: &Resource, summary: Summary) -> Resource {
    match summary {
        Summary::True => part(resource, |element| element.summary, true),
        Summary::Text => part(resource, |element| element.name == "text", false),
        Summary::Data => without(resource, "text"),
        Summary::Count if resource.kind() == "Bundle" => without(resource, "entry"),
        Summary::Count | Summary::False => resource.clone(),
    }
}

/// The resource with these top elements, those that are mandatory, `id` and `meta`. A name is that of the definitions or
/// of JSON, alone or behind the type (`Patient.name`); a choice may be named by its stem.
pub fn elements(resource: &Resource, names: &[&str]) -> Resource {
    let names: Vec<&str> = names.iter().map(|name| top_name(resource.kind(), name)).collect();
    let asked = |element: &Element| {
        let stem = element.name.trim_end_matches("[x]");
        names.iter().any(|name| *name == stem || (stem.len() < element.name.len() && name.starts_with(stem)))
    };
    part(resource, asked, false)
}

fn top_name<'n>(kind: &str, name: &'n str) -> &'n str {
    let name = name.strip_prefix(kind).and_then(|rest| rest.strip_prefix('.')).unwrap_or(name);
    let name = name.split('.').next().unwrap_or(name);
    name.trim_end_matches("[x]")
}

/// Always there: what is mandatory, what identifies, and what changes the meaning of the rest.
fn stays(element: &Element) -> bool {
    element.required || matches!(element.name, "id" | "meta" | "implicitRules" | "modifierExtension")
}

fn part(resource: &Resource, asked: impl Fn(&Element) -> bool, is_deep: bool) -> Resource {
    let Some(kind) = definitions::resource(resource.kind()) else { return tagged(resource.clone()) };
    let whole = resource.object();
    let mut kept = members(kind, whole, &|element| asked(element) || stays(element), is_deep);
    if kept.get("contained").is_none()
        && let Some(contained) = whole.get("contained")
    {
        let used = contained.items().iter().filter(|inner| is_used(inner, &kept)).cloned();
        let used: Vec<Node> = used.collect();
        if !used.is_empty() {
            kept.set("contained", used);
        }
    }
    kept.set_first("resourceType", kind);
    Resource::from_object(kept).map_or_else(|_| resource.clone(), tagged)
}

/// The members of an object that are kept; `is_deep` applies the same rule inside of data types.
fn members(kind: &'static str, object: &Object, keeps: &dyn Fn(&Element) -> bool, is_deep: bool) -> Object {
    let mut kept = Object::with_capacity(object.len());
    for (name, node) in object.iter() {
        let stem = name.strip_prefix('_').unwrap_or(name);
        let Some((element, of)) = definitions::locate(kind, stem).filter(|(element, _)| keeps(element)) else {
            continue;
        };
        // Beside a value, ids and extensions of a primitive are no part of a summary.
        if is_deep && name != stem && !lacks_value(object.get(stem)) && !element.name.starts_with("modifier") {
            continue;
        }
        let is_whole = !is_deep || Primitive::of(of).is_some() || matches!(of, "Resource" | "Extension" | "Element");
        kept.push(name.into(), if is_whole { node.clone() } else { inside(of, node, keeps) });
    }
    kept
}

fn lacks_value(values: Option<&Node>) -> bool {
    values.is_none_or(|values| values.items().contains(&Node::Null))
}

fn inside(kind: &'static str, node: &Node, keeps: &dyn Fn(&Element) -> bool) -> Node {
    match node {
        Node::Object(object) => Node::Object(members(kind, object, keeps, true)),
        Node::Array(items) => Node::Array(items.iter().map(|item| inside(kind, item, keeps)).collect()),
        other => other.clone(),
    }
}

/// Whether a contained resource is referred to from what is kept.
fn is_used(contained: &Node, kept: &Object) -> bool {
    contained.get("id").and_then(Node::as_str).is_some_and(|id| kept.iter().any(|(_, node)| refers(node, id)))
}

fn refers(node: &Node, id: &str) -> bool {
    match node {
        Node::Array(items) => items.iter().any(|item| refers(item, id)),
        Node::Object(object) => object.iter().any(|(name, node)| match node {
            Node::String(text) => name == "reference" && text.strip_prefix('#') == Some(id),
            other => refers(other, id),
        }),
        _ => false,
    }
}

fn without(resource: &Resource, name: &str) -> Resource {
    let mut resource = resource.clone();
    resource.object_mut().remove(name);
    tagged(resource)
}

/// Marks a part, once (`v3-ObservationValue`).
fn tagged(mut resource: Resource) -> Resource {
    const SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";
    let tag: Object = [("system", SYSTEM), ("code", "SUBSETTED")].into_iter().collect();
    let meta = resource.object_mut().entry("meta", || Object::new().into());
    if let Node::Object(meta) = meta
        && let Node::Array(tags) = meta.entry("tag", || Vec::new().into())
        && !tags.iter().any(|known| known.text(&["code"]) == Some("SUBSETTED"))
    {
        tags.push(tag.into());
    }
    resource
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENT: &str = r##"{"resourceType":"Patient","id":"a","meta":{"versionId":"1"},"text":{"status":"generated","div":"<div/>"},"contained":[{"resourceType":"Organization","id":"o"},{"resourceType":"Organization","id":"p"}],"extension":[{"url":"u","valueCode":"x"}],"modifierExtension":[{"url":"m","valueCode":"y"}],"name":[{"id":"n","extension":[{"url":"u","valueCode":"x"}],"family":"F"}],"_birthDate":{"extension":[{"url":"u","valueCode":"x"}]},"deceasedBoolean":true,"_deceasedBoolean":{"id":"d"},"maritalStatus":{"text":"M"},"photo":[{"data":"QQ=="}],"managingOrganization":{"reference":"#o"}}"##;

    #[track_caller]
    fn check(outcome: &Resource, expected: &str) {
        let text = String::from_utf8(outcome.to_json()).unwrap();
        let tag = r#"{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}"#;
        assert!(text.contains(tag), "{text}");
        let start = r#"{"resourceType":"Patient","id":"a","meta":{"versionId":"1","tag":["#;
        assert_eq!(text.replace(tag, "").strip_prefix(start).unwrap().strip_prefix("]}").unwrap(), expected);
    }

    fn patient() -> Resource {
        Resource::parse(PATIENT.as_bytes()).unwrap()
    }

    #[test]
    fn summaries() {
        check(
            &summary(&patient(), Summary::True),
            r##","modifierExtension":[{"url":"m","valueCode":"y"}],"name":[{"id":"n","family":"F"}],"_birthDate":{"extension":[{"url":"u","valueCode":"x"}]},"deceasedBoolean":true,"managingOrganization":{"reference":"#o"},"contained":[{"resourceType":"Organization","id":"o"}]}"##,
        );
        check(
            &summary(&patient(), Summary::Text),
            r#","text":{"status":"generated","div":"<div/>"},"modifierExtension":[{"url":"m","valueCode":"y"}]}"#,
        );
        let data = summary(&patient(), Summary::Data);
        assert!(data.get("text").is_none() && data.object().len() == patient().object().len() - 1);
        assert!(summary(&patient(), Summary::False) == patient());
        assert!(summary(&patient(), Summary::Count) == patient());
    }

    #[test]
    fn mandatory_elements_stay() {
        let observation = Resource::parse(
            br#"{"resourceType":"Observation","status":"final","code":{"text":"c"},"note":[{"text":"n"}],"valueInteger":1}"#,
        );
        let names =
            |outcome: Resource| outcome.object().iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>().join(" ");
        let observation = observation.unwrap();
        assert_eq!(names(summary(&observation, Summary::Text)), "resourceType status code meta");
        assert_eq!(names(elements(&observation, &["note"])), "resourceType status code note meta");
        assert_eq!(names(elements(&observation, &[])), "resourceType status code meta");
        for name in ["value", "value[x]", "valueInteger", "Observation.value"] {
            assert_eq!(names(elements(&observation, &[name])), "resourceType status code valueInteger meta", "{name}");
        }
    }

    #[test]
    fn elements_are_kept_whole() {
        check(
            &elements(&patient(), &["name", "birthDate"]),
            r#","modifierExtension":[{"url":"m","valueCode":"y"}],"name":[{"id":"n","extension":[{"url":"u","valueCode":"x"}],"family":"F"}],"_birthDate":{"extension":[{"url":"u","valueCode":"x"}]}}"#,
        );
        check(&elements(&elements(&patient(), &[]), &[]), r#","modifierExtension":[{"url":"m","valueCode":"y"}]}"#);
    }

    #[test]
    fn a_count_has_no_entries() {
        let bundle =
            Resource::parse(br#"{"resourceType":"Bundle","type":"searchset","total":2,"entry":[{}]}"#).unwrap();
        let count = summary(&bundle, Summary::Count);
        assert!(count.get("entry").is_none() && count.get("total").is_some());
    }
}
