//! Codes back to what a table made them of.
//!
//! The way in puts the coding of the table before those of the sender. The way out takes it away again, so that the
//! sender reads his own code; for a coding that only the table can explain, the first code of the table that becomes it
//! is written.

use smol_str::SmolStr;

use crate::fhir::{Node, Object};
use crate::mapping::plan::Table;

/// How the code systems of HL7 v2 tables begin.
const V2_SYSTEM: &str = "http://terminology.hl7.org/CodeSystem/v2-";

/// A CodeableConcept or Coding as the sender had it, or `None` when the table has no part in it.
pub fn untranslate(element: &Node, table: &Table) -> Option<Node> {
    let Some(codings) = element.get("coding") else { return source_of(element, table) };
    let (first, rest) = codings.items().split_first()?;
    let codings = if rest.iter().any(|own| becomes(own, first, table)) {
        rest.to_vec()
    } else {
        let mut codings = vec![source_of(first, table)?];
        codings.extend_from_slice(rest);
        codings
    };
    let mut concept = element.as_object()?.clone();
    concept.set("coding", Node::Array(codings));
    Some(Node::Object(concept))
}

/// Whether the table makes `made` of the code of `own`.
fn becomes(own: &Node, made: &Node, table: &Table) -> bool {
    let code = own.get("code").and_then(Node::as_str).and_then(|code| table.find(code));
    code.is_some_and(|code| {
        Some(code.value.as_str()) == text(made, "code") && code.system.as_deref() == text(made, "system")
    })
}

/// The coding that the table makes this one of; `None` when it is left as it is.
fn source_of(coding: &Node, table: &Table) -> Option<Node> {
    let code = text(coding, "code")?;
    let source = table.sources.get(code)?;
    let mut source_coding = Object::new();
    source_coding.set("code", SmolStr::clone(source));
    if becomes(coding, coding, table) {
        // The systems of v2 have names in v2; another is only the table's.
        if text(coding, "system")?.starts_with(V2_SYSTEM) {
            return None;
        }
        if let Some(display) = coding.get("display") {
            source_coding.set("display", display.clone());
        }
    }
    Some(Node::Object(source_coding))
}

fn text<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    node.get(key).and_then(Node::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::plan::Code;

    fn table() -> Table {
        let code = |value: &str, system: &str| Code { value: value.into(), system: Some(system.into()), display: None };
        let rows = [
            ("A", code("L", "urn:v3")),
            ("E", code("L", "urn:v3")),
            ("M", code("M", "urn:v3")),
            ("S", code("S", "http://terminology.hl7.org/CodeSystem/v2-0002")),
        ];
        let sources = rows.iter().rev().map(|(source, code)| (code.value.clone(), SmolStr::from(*source))).collect();
        let codes = rows.into_iter().map(|(source, code)| (source.to_lowercase().into(), code)).collect();
        Table { name: "T".into(), codes, sources }
    }

    fn check(element: &str, expected: Option<&str>) {
        let element = Node::parse(element.as_bytes()).unwrap();
        let expected = expected.map(|expected| Node::parse(expected.as_bytes()).unwrap());
        assert_eq!(untranslate(&element, &table()), expected, "{element:?}");
    }

    #[test]
    fn the_senders_coding_stands_again() {
        check(
            r#"{"coding":[{"system":"urn:v3","code":"L"},{"code":"E","display":"E."}],"text":"t"}"#,
            Some(r#"{"coding":[{"code":"E","display":"E."}],"text":"t"}"#),
        );
    }

    #[test]
    fn a_coding_of_the_table_alone_is_translated_back() {
        check(r#"{"coding":[{"system":"urn:v3","code":"L"}]}"#, Some(r#"{"coding":[{"code":"A"}]}"#));
        check(r#"{"system":"urn:v3","code":"L"}"#, Some(r#"{"code":"A"}"#));
        check(
            r#"{"coding":[{"system":"urn:v3","code":"M","display":"wed"}]}"#,
            Some(r#"{"coding":[{"code":"M","display":"wed"}]}"#),
        );
    }

    #[test]
    fn what_the_table_leaves_or_lacks_stays() {
        check(
            r#"{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0002","code":"S","display":"single"}]}"#,
            None,
        );
        check(r#"{"coding":[{"system":"urn:x","code":"9"}]}"#, None);
        check(r#"{"text":"t"}"#, None);
    }
}
