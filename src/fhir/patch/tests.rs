//! Patches by both notations, and those that are refused and leave nothing.

use super::*;
use crate::fhir::definitions;

const PATIENT: &str = r#"{"resourceType":"Patient","id":"a","active":true,"name":[{"family":"F","given":["A","B"]},{"family":"G"}],"birthDate":"2000-01-01"}"#;

fn parse(text: &str) -> Resource {
    Resource::parse(text.as_bytes()).unwrap()
}

fn shown(outcome: Result<Resource, PatchFault>) -> String {
    match outcome {
        Ok(resource) => {
            let text = String::from_utf8(resource.to_json()).unwrap();
            text.strip_prefix(r#"{"resourceType":"Patient","id":"a""#).unwrap().to_owned()
        }
        Err(fault) => format!("{:?}: {fault}", fault.cause),
    }
}

#[track_caller]
fn json(resource: &str, operations: &str, expected: &str) {
    let patch = Node::parse(operations.as_bytes()).unwrap();
    assert_eq!(shown(json_patch(&parse(resource), &patch)), expected, "{operations}");
}

#[test]
fn json_operations() {
    let patient = r#"{"resourceType":"Patient","id":"a","name":[{"given":["A","B"]}]}"#;
    for (operations, expected) in [
        ("[]", r#","name":[{"given":["A","B"]}]}"#),
        (r#"[{"op":"add","path":"/active","value":true}]"#, r#","name":[{"given":["A","B"]}],"active":true}"#),
        (r#"[{"op":"add","path":"/name/0/given/1","value":"C"}]"#, r#","name":[{"given":["A","C","B"]}]}"#),
        (r#"[{"op":"add","path":"/name/0/given/-","value":"C"}]"#, r#","name":[{"given":["A","B","C"]}]}"#),
        (r#"[{"op":"add","path":"/name/0/given","value":["C"]}]"#, r#","name":[{"given":["C"]}]}"#),
        (r#"[{"op":"remove","path":"/name/0/given/0"}]"#, r#","name":[{"given":["B"]}]}"#),
        (r#"[{"op":"remove","path":"/name/0"}]"#, "}"),
        (r#"[{"op":"replace","path":"/name/0/given/1","value":"C"}]"#, r#","name":[{"given":["A","C"]}]}"#),
        (r#"[{"op":"move","from":"/name/0/given/0","path":"/name/0/given/1"}]"#, r#","name":[{"given":["B","A"]}]}"#),
        (
            r#"[{"op":"move","from":"/name/0/given/0","path":"/name/0/family"}]"#,
            r#","name":[{"given":["B"],"family":"A"}]}"#,
        ),
        (
            r#"[{"op":"copy","from":"/name/0/given/0","path":"/name/0/family"}]"#,
            r#","name":[{"given":["A","B"],"family":"A"}]}"#,
        ),
        (
            r#"[{"op":"test","path":"/name/0/given","value":["A","B"]},{"op":"remove","path":"/name/0/given/1"}]"#,
            r#","name":[{"given":["A"]}]}"#,
        ),
        (
            r#"[{"op":"replace","path":"","value":{"resourceType":"Patient","id":"a","active":false}}]"#,
            r#","active":false}"#,
        ),
        (r#"[{"op":"add","path":"/active","value":true,"more":1}]"#, r#","name":[{"given":["A","B"]}],"active":true}"#),
    ] {
        json(patient, operations, expected);
    }
}

#[test]
fn json_faults_name_the_operation() {
    let no_place = "NoPlace: operation 0: the resource has nothing at this path";
    let identity = "Protected: operation 0: the type and the id of a resource cannot be changed";
    for (operations, expected) in [
        ("{}", "Malformed: expected a JSON array of operations"),
        (r#"[{"op":"add","path":"/x/y","value":1}]"#, no_place),
        (r#"[{"op":"add","path":"/name/3","value":1}]"#, no_place),
        (r#"[{"op":"add","path":"/name/01","value":1}]"#, no_place),
        (r#"[{"op":"add","path":"/active/x","value":1}]"#, no_place),
        (r#"[{"op":"remove","path":"/name/-"}]"#, no_place),
        (r#"[{"op":"replace","path":"/gender","value":"male"}]"#, no_place),
        (r#"[{"op":"copy","from":"/gender","path":"/x"}]"#, no_place),
        (r#"[{"op":"add","path":"/active"}]"#, "Malformed: operation 0: expected a `value`"),
        (r#"[{"op":"add","path":"active","value":1}]"#, "Malformed: operation 0: a JSON pointer begins with `/`"),
        (
            r#"[{"op":"spoil","path":"/active"}]"#,
            "Malformed: operation 0: expected op to be add, remove, replace, move, copy or test",
        ),
        (
            r#"[{"op":"move","from":"/name","path":"/name/0/x"}]"#,
            "Malformed: operation 0: a value cannot be moved into itself",
        ),
        (
            r#"[{"op":"test","path":"/active","value":false}]"#,
            "TestFailed: operation 0: the resource does not have the value tested for",
        ),
        (r#"[{"op":"remove","path":"/id"}]"#, identity),
        (r#"[{"op":"replace","path":"/id","value":"b"}]"#, identity),
        (r#"[{"op":"replace","path":"/resourceType","value":"Group"}]"#, identity),
        (r#"[{"op":"replace","path":"","value":[]}]"#, identity),
        (r#"[{"op":"remove","path":""}]"#, identity),
        (
            r#"[{"op":"remove","path":"/active"},{"op":"test","path":"/gender","value":"x"}]"#,
            "TestFailed: operation 1: the resource does not have the value tested for",
        ),
    ] {
        json(PATIENT, operations, expected);
    }
}

#[test]
fn copies_of_copies_are_bounded() {
    let operation =
        |kind: &str| Node::parse(format!(r#"{{"op":"{kind}","from":"/name","path":"/name/-"}}"#).as_bytes()).unwrap();
    let outcome = json_patch(&parse(PATIENT), &Node::Array(vec![operation("copy"); 100]));
    assert_eq!(shown(outcome), "NoPlace: operation 16: the copies of this patch would make the resource too large");
    let deeper = |at: usize| {
        let path = "/x".repeat(at + 1);
        format!(r#"{{"op":"add","path":"{path}","value":{{}}}}"#)
    };
    let operations: Vec<String> = (0..100).map(deeper).collect();
    let outcome = json_patch(&parse(PATIENT), &Node::parse(format!("[{}]", operations.join(",")).as_bytes()).unwrap());
    assert_eq!(shown(outcome), "NoPlace: operation 63: the resource would be nested too deep");
}

/// `type path [name|index|source destination]` and the members of the value part.
fn operation(head: &str, value: &str) -> String {
    let mut words = head.split(' ');
    let (kind, path) = (words.next().unwrap(), words.next().unwrap());
    let mut parts = vec![
        format!(r#"{{"name":"type","valueCode":"{kind}"}}"#),
        format!(r#"{{"name":"path","valueString":"{path}"}}"#),
    ];
    let names: &[&str] = match kind {
        "add" => &["name"],
        "insert" => &["index"],
        "move" => &["source", "destination"],
        _ => &[],
    };
    for (name, word) in names.iter().zip(words) {
        let value =
            if *name == "name" { format!(r#""valueString":"{word}""#) } else { format!(r#""valueInteger":{word}"#) };
        parts.push(format!(r#"{{"name":"{name}",{value}}}"#));
    }
    if !value.is_empty() {
        parts.push(format!(r#"{{"name":"value",{value}}}"#));
    }
    format!(r#"{{"name":"operation","part":[{}]}}"#, parts.join(","))
}

#[track_caller]
fn path(resource: &str, head: &str, value: &str, expected: &str) {
    let parameters = parse(&format!(r#"{{"resourceType":"Parameters","parameter":[{}]}}"#, operation(head, value)));
    assert_eq!(shown(fhirpath_patch(&parse(resource), &parameters)), expected, "{head} {value}");
}

fn patient(members: &str) -> String {
    format!(r#"{{"resourceType":"Patient","id":"a"{members}}}"#)
}

#[test]
fn fhirpath_add() {
    for (before, head, value, after) in [
        ("", "add Patient birthDate", r#""valueDate":"1930-01-01""#, r#","birthDate":"1930-01-01"}"#),
        ("", "add Patient active", r#""valueBoolean":true"#, r#","active":true}"#),
        ("", "add Patient gender", r#""valueString":"male""#, r#","gender":"male"}"#),
        ("", "add Patient deceased", r#""valueBoolean":true"#, r#","deceasedBoolean":true}"#),
        ("", "add Patient deceased[x]", r#""valueDateTime":"2020""#, r#","deceasedDateTime":"2020"}"#),
        ("", "add Patient deceasedDateTime", r#""valueDateTime":"2020""#, r#","deceasedDateTime":"2020"}"#),
        ("", "add Patient name", r#""valueHumanName":{"family":"F"}"#, r#","name":[{"family":"F"}]}"#),
        (
            r#","name":[{"family":"F"}]"#,
            "add Patient name",
            r#""valueHumanName":{"family":"G"}"#,
            r#","name":[{"family":"F"},{"family":"G"}]}"#,
        ),
        (
            r#","name":[{"family":"F"},{"family":"G"}]"#,
            "add Patient.name[1] given",
            r#""valueString":"A""#,
            r#","name":[{"family":"F"},{"family":"G","given":["A"]}]}"#,
        ),
        (
            "",
            "add Patient contact",
            r#""part":[{"name":"relationship","valueCodeableConcept":{"text":"x"}},{"name":"relationship","valueCodeableConcept":{"text":"y"}},{"name":"name","valueHumanName":{"family":"F"}}]"#,
            r#","contact":[{"relationship":[{"text":"x"},{"text":"y"}],"name":{"family":"F"}}]}"#,
        ),
        (
            "",
            "add Patient contained",
            r#""resource":{"resourceType":"Organization","id":"o"}"#,
            r#","contained":[{"resourceType":"Organization","id":"o"}]}"#,
        ),
        (
            "",
            "add Patient extension",
            r#""part":[{"name":"url","valueUri":"u"},{"name":"value","valueQuantity":{"value":1.50}}]"#,
            r#","extension":[{"url":"u","valueQuantity":{"value":1.50}}]}"#,
        ),
        (
            r#","birthDate":"2000""#,
            "add Patient.birthDate extension",
            r#""part":[{"name":"url","valueUri":"u"},{"name":"valueCode","valueCode":"x"}]"#,
            r#","birthDate":"2000","_birthDate":{"extension":[{"url":"u","valueCode":"x"}]}}"#,
        ),
        (
            r#","name":[{"given":["A","B"]}]"#,
            "add Patient.name.given[1] id",
            r#""valueString":"x""#,
            r#","name":[{"given":["A","B"],"_given":[null,{"id":"x"}]}]}"#,
        ),
        (
            r#","name":[{"given":["A"]}]"#,
            "add Patient.name given",
            r#""_valueString":{"extension":[{"url":"u","valueCode":"x"}]}"#,
            r#","name":[{"given":["A",null],"_given":[null,{"extension":[{"url":"u","valueCode":"x"}]}]}]}"#,
        ),
    ] {
        path(&patient(before), head, value, after);
    }
}

#[test]
fn fhirpath_insert_and_move() {
    let names = |list: &[&str]| {
        let names: Vec<String> = list.iter().map(|family| format!(r#"{{"family":"{family}"}}"#)).collect();
        format!(r#","name":[{}]"#, names.join(","))
    };
    let name = r#""valueHumanName":{"family":"N"}"#;
    for (before, head, value, after) in [
        (names(&["A", "B"]), "insert Patient.name 0", name, names(&["N", "A", "B"])),
        (names(&["A", "B"]), "insert Patient.name 1", name, names(&["A", "N", "B"])),
        (names(&["A", "B"]), "insert Patient.name 2", name, names(&["A", "B", "N"])),
        (String::new(), "insert Patient.name 0", name, names(&["N"])),
        (names(&["A", "B", "C"]), "move Patient.name 0 2", "", names(&["B", "C", "A"])),
        (names(&["A", "B", "C"]), "move Patient.name 2 0", "", names(&["C", "A", "B"])),
        (names(&["A", "B"]), "move Patient.name.where(true) 1 0", "", names(&["B", "A"])),
        (
            r#","name":[{"given":["A",null],"_given":[null,{"id":"x"}]}]"#.to_owned(),
            "move Patient.name.given 1 0",
            "",
            r#","name":[{"given":[null,"A"],"_given":[{"id":"x"},null]}]"#.to_owned(),
        ),
    ] {
        path(&patient(&before), head, value, &format!("{after}}}"));
    }
}

#[test]
fn fhirpath_delete_and_replace() {
    for (before, head, value, after) in [
        (r#","birthDate":"2000","_birthDate":{"id":"x"}"#, "delete Patient.birthDate", "", "}"),
        ("", "delete Patient.birthDate", "", "}"),
        (r#","name":[{"family":"A"},{"family":"B"}]"#, "delete Patient.name[0]", "", r#","name":[{"family":"B"}]}"#),
        (
            r#","name":[{"family":"A"},{"family":"B"}]"#,
            "delete Patient.name.where(family='B')",
            "",
            r#","name":[{"family":"A"}]}"#,
        ),
        (r#","name":[{"family":"A"}]"#, "delete Patient.name.family", "", "}"),
        (r#","deceasedBoolean":true"#, "delete Patient.deceased", "", "}"),
        (r#","active":true"#, "replace Patient.active", r#""valueBoolean":false"#, r#","active":false}"#),
        (r#","birthDate":"2000""#, "replace Patient.birthDate", r#""valueDate":"2001""#, r#","birthDate":"2001"}"#),
        (
            r#","birthDate":"2000","_birthDate":{"id":"x"}"#,
            "replace Patient.birthDate",
            r#""valueDate":"2001""#,
            r#","birthDate":"2001"}"#,
        ),
        (
            r#","deceasedBoolean":true"#,
            "replace Patient.deceased",
            r#""valueDateTime":"2020""#,
            r#","deceasedDateTime":"2020"}"#,
        ),
        (
            r#","name":[{"family":"A"},{"family":"B"}]"#,
            "replace Patient.name[1]",
            r#""valueHumanName":{"text":"C"}"#,
            r#","name":[{"family":"A"},{"text":"C"}]}"#,
        ),
        (
            r#","name":[{"given":["A","B"],"_given":[{"id":"x"},null]}]"#,
            "replace Patient.name.given.first()",
            r#""valueString":"C""#,
            r#","name":[{"given":["C","B"]}]}"#,
        ),
        (
            r#","_birthDate":{"extension":[{"url":"u","valueCode":"x"}]}"#,
            "replace Patient.birthDate.extension('u').value",
            r#""valueString":"y""#,
            r#","_birthDate":{"extension":[{"url":"u","valueString":"y"}]}}"#,
        ),
        (
            r#","_birthDate":{"extension":[{"url":"u","valueCode":"x"}]}"#,
            "delete Patient.birthDate.extension('u')",
            "",
            "}",
        ),
        (
            r#","contained":[{"resourceType":"Organization","id":"o","name":"A"}]"#,
            "replace Patient.contained[0].name",
            r#""valueString":"B""#,
            r#","contained":[{"resourceType":"Organization","id":"o","name":"B"}]}"#,
        ),
    ] {
        path(&patient(before), head, value, after);
    }
}

#[test]
fn fhirpath_faults() {
    let not_one = "NoPlace: operation 0: the path must lead to exactly one element of the resource";
    let identity = "Protected: operation 0: the type and the id of a resource cannot be changed";
    let wrong_type = "Malformed: operation 0: a value of a type that the element does not have";
    let text = r#""valueString":"x""#;
    for (head, value, expected) in [
        ("add Patient.name family", text, not_one),
        ("add Patient.contact gender", r#""valueCode":"male""#, not_one),
        (
            "add Patient birthDate",
            r#""valueDate":"2000""#,
            "NoPlace: operation 0: the element is there already: use replace",
        ),
        ("add Patient nickname", text, "Malformed: operation 0: the type at this path has no element of this name"),
        ("add Patient gender", r#""valueBoolean":true"#, wrong_type),
        ("add Patient deceased", text, wrong_type),
        ("add Patient maritalStatus", text, wrong_type),
        ("add Patient gender", "", "Malformed: operation 0: an operation lacks a part that its type needs"),
        ("add Patient gender", r#""x":1"#, "Malformed: operation 0: expected one value[x], a resource, or parts"),
        ("delete Patient.name", "", not_one),
        ("delete Patient", "", identity),
        ("delete Patient.id", "", identity),
        ("replace Patient.id", r#""valueId":"b""#, identity),
        ("replace Patient", r#""resource":{"resourceType":"Patient"}"#, identity),
        ("replace Patient.gender", text, not_one),
        ("replace Patient.name.count()", r#""valueInteger":1"#, not_one),
        (
            "insert Patient.name 3",
            r#""valueHumanName":{"text":"x"}"#,
            "NoPlace: operation 0: the list does not reach that far",
        ),
        (
            "insert Patient.birthDate 0",
            r#""valueDate":"2000""#,
            "NoPlace: operation 0: the path must lead to one list of the resource",
        ),
        (
            "insert Patient.name -1",
            r#""valueHumanName":{"text":"x"}"#,
            "Malformed: operation 0: expected valueInteger, from 0, for an index",
        ),
        ("move Patient.name 0 2", "", "NoPlace: operation 0: the list does not reach that far"),
        ("move Patient.gender 0 1", "", "NoPlace: operation 0: the path must lead to one list of the resource"),
        ("delete Patient.(", "", "Malformed: operation 0: the path is no FHIRPath expression"),
        ("spoil Patient", "", "Malformed: operation 0: expected the type to be add, insert, delete, replace or move"),
    ] {
        path(PATIENT, head, value, expected);
    }
    let outcome = |parameters: &str| shown(fhirpath_patch(&parse(PATIENT), &parse(parameters)));
    assert_eq!(outcome(PATIENT), "Malformed: expected a Parameters resource");
    assert_eq!(
        outcome(r#"{"resourceType":"Parameters"}"#),
        "Malformed: expected a parameter `operation` for each change"
    );
    assert_eq!(
        outcome(r#"{"resourceType":"Parameters","parameter":[{"name":"op"}]}"#),
        "Malformed: operation 0: expected only parameters of the name `operation`"
    );
}

#[test]
fn every_type_of_value_can_be_given() {
    for element in definitions::elements("Parameters.parameter").iter().filter(|element| element.name == "value[x]") {
        for kind in element.types() {
            let member = format!("value{}{}", kind[..1].to_ascii_uppercase(), &kind[1..]);
            let value = if definitions::Primitive::of(kind).is_some() { r#""x""# } else { r#"{"id":"x"}"# };
            let head = "add Patient.extension value";
            let given = format!(r#""{member}":{value}"#);
            let expected = format!(r#","extension":[{{"url":"u","{member}":{value}}}]}}"#);
            path(&patient(r#","extension":[{"url":"u"}]"#), head, &given, &expected);
        }
    }
}
