//! Cases of our own, over a small resource. The official ones are in `tests/it/fhirpath.rs`.

use proptest::prelude::*;

use super::*;
use crate::base::limits::{FHIRPATH_DEPTH_MAX, FHIRPATH_TEXT_BYTES_MAX};
use crate::fhir::Resource;

fn patient() -> Resource {
    Resource::parse(
        br##"{"resourceType":"Patient","id":"p","active":true,"birthDate":"1974-12-25",
        "_birthDate":{"extension":[{"url":"urn:time","valueDateTime":"1974-12-25T14:35:45-05:00"}]},
        "name":[{"use":"official","family":"Doe","given":["Ann","Bea"],"_given":[null,{"id":"g2"}]},
            {"use":"usual","given":["Annie",null],"_given":[null,{"extension":[{"url":"urn:x","valueCode":"y"}]}]}],
        "contained":[{"resourceType":"Organization","id":"o","name":"Clinic"}],
        "managingOrganization":{"reference":"#o"},"generalPractitioner":[{"reference":"Practitioner/d"}],
        "extension":[{"url":"urn:weight","valueQuantity":{"value":70.50,"unit":"kg","system":"http://unitsofmeasure.org",
            "code":"kg"}},{"url":"urn:span","valueQuantity":{"value":1,"system":"http://unitsofmeasure.org","code":"a"}},
            {"url":"urn:about","valueQuantity":{"value":1,"comparator":"<","system":"http://unitsofmeasure.org","code":"kg"}}],
        "contact":[{"name":{"family":"Roe"}}],"deceasedBoolean":false,"multipleBirthInteger":2}"##,
    )
    .unwrap()
}

/// What the cases can see beside the patient.
struct World(Resource);

impl<'n> Environment<'n> for &'n World {
    fn now(&self) -> Option<jiff::Zoned> {
        "2026-03-12T08:45:00.25+01:00[+01:00]".parse().ok()
    }

    fn constant(&self, name: &str) -> Option<Collection<'n>> {
        (name == "answer").then(|| vec![Item::from(42)])
    }

    fn resources(&self, kind: &str) -> Collection<'n> {
        (kind == "Practitioner").then(|| Item::Element(Element::from(&self.0))).into_iter().collect()
    }

    fn resolve(&self, reference: &str) -> Option<Element<'n>> {
        (reference == "Practitioner/d").then(|| Element::from(&self.0))
    }

    fn is_member_of(&self, coded: &Item<'n>, value_set: &str) -> Option<bool> {
        (value_set == "urn:set").then(|| coded.text().is_some_and(|code| code == "usual"))
    }

    fn conforms_to(&self, _: Element<'n>, profile: &str) -> Option<bool> {
        (profile == "urn:profile").then_some(true)
    }
}

/// The texts of what comes out, separated by commas.
fn evaluated(expression: &str) -> Result<String, EvaluationFault> {
    let world = World(Resource::new("Practitioner", "d"));
    let resource = patient();
    let found = Expression::parse(expression).unwrap().evaluate(&Focus::from(&resource), &&world)?;
    Ok(found.iter().map(|item| item.text().unwrap_or_else(|| "-".into())).collect::<Vec<_>>().join(","))
}

#[track_caller]
fn check(expression: &str, expected: &str) {
    assert_eq!(evaluated(expression).as_deref(), Ok(expected), "{expression}");
}

#[test]
fn paths_lead_through_lists_choices_and_primitives() {
    check("Patient.name.given", "Ann,Bea,Annie,-");
    check("name.where(use = 'usual').given", "Annie,-");
    check("name.given.hasValue()", "false");
    check("name.given.select(hasValue())", "true,true,true,false");
    check("name.given.id", "g2");
    check("name.given.extension('urn:x').value", "y");
    check("birthDate.extension('urn:time').value", "1974-12-25T14:35:45-05:00");
    check("deceased", "false");
    check("deceasedBoolean", "false");
    check("multipleBirth + 1", "3");
    check("Patient.contact.name.family", "Roe");
    check("Encounter.id", "");
    check("Practitioner.id", "d");
    check("name[1].given.first()", "Annie");
    check("name[7]", "");
    check("children().ofType(HumanName).family", "Doe");
    check("descendants().ofType(code)", "official,usual,kg,a,<,kg,y");
}

#[test]
fn types_are_those_of_the_definitions() {
    check("type().name", "Patient");
    check("name.first().type().name", "HumanName");
    check("contact.type().name", "BackboneElement");
    check("(1.5).type().namespace", "System");
    check("Patient is DomainResource and Patient is Resource", "true");
    check("name.first().use is string", "true");
    check("name.first().use.as(string)", "");
    check("deceased is boolean and (deceased is Boolean).not()", "true");
    check("contained.ofType(Organization).name", "Clinic");
    check("contained.first() is Organization", "true");
    check("extension.where(url = 'urn:weight').value is Quantity", "true");
}

#[test]
fn quantities_of_fhir_are_those_of_fhirpath() {
    check("extension('urn:weight').value = 70500 'g'", "true");
    check("extension('urn:weight').value * 2", "141.00 'kg'");
    check("extension('urn:span').value = 1 year", "true");
    check("extension('urn:about').value = 1 'kg'", "");
    check("name.first() = 'Doe'", "false");
    check("2 'm' + 5 'cm'", "2.05 'm'");
    check("1 'm' + 1 's'", "");
    check("'5 mg'.toQuantity()", "");
    check("'5 \\'mg\\''.toQuantity('g')", "0.005 'g'");
}

#[test]
fn the_environment_tells_what_is_outside() {
    check("%answer", "42");
    check("managingOrganization.resolve().name", "Clinic");
    check("generalPractitioner.resolve().id", "d");
    check("generalPractitioner.resolve() is Practitioner", "true");
    check("name.use.where($this.memberOf('urn:set'))", "usual");
    check("conformsTo('urn:profile')", "true");
    check("now()", "2026-03-12T08:45:00.250+01:00");
    check("today()", "2026-03-12");
    check("timeOfDay()", "08:45:00.250");
    check("%resource.id & %rootResource.id & %context.id", "ppp");
    check("%`ext-x` | %`vs-y`", "http://hl7.org/fhir/StructureDefinition/x,http://hl7.org/fhir/ValueSet/y");
}

#[test]
fn variables_live_as_long_as_their_chain() {
    check("name.defineVariable('n').given.select(%n.family)", "Doe,Doe,Doe,Doe");
    check("defineVariable('a', 1).select(%a + 1)", "2");
    check("select(defineVariable('a', 1).select(%a)) | select(defineVariable('a', 2).select(%a))", "1,2");
    for (expression, at) in [("defineVariable('a').id | %a", 25), ("defineVariable('resource')", 0)] {
        assert_eq!(evaluated(expression).map_err(|fault| fault.at), Err(at), "{expression}");
    }
}

#[test]
fn functions_do_what_their_names_say() {
    check("(1 | 2 | 3).aggregate($this + $total, 10)", "16");
    check("(3 | 1 | 2).sort($this desc)", "3,2,1");
    check("('b' | 'a').sort()", "a,b");
    check("(1 | 2 | 3).where($index > 0)", "2,3");
    check("(1 | 2 | 3 | 4).sum() | (1 | 2).avg() | (1 | 5).max() | (7 | 6).min()", "10,1.5,5,6");
    check("'a,b'.split(',').join('-')", "a-b");
    check("'Äö'.length() | 'Äö'.substring(1) | 'Äö'.indexOf('ö').toString()", "2,ö,1");
    check("'abc'.lastIndexOf('c')", "2");
    check("'2026-03-12'.replaceMatches('(\\\\d+)-(\\\\d+)-(\\\\d+)', '$3.$2.$1')", "12.03.2026");
    check("'ab'.matchesFull('a') | 'ab'.matches('a')", "false,true");
    check("'\\\\u00e4\\\\n'.unescape('json') = 'ä\\n'", "true");
    check("'x\\\\q'.unescape('json')", "");
    check("'ä'.encode('hex') | 'c3a4'.decode('hex')", "c3a4,ä");
    check("'c3a'.decode('hex')", "");
    check("@2026-03-12T08:45:00+01:00.hourOf() | @2026-03-12.monthOf()", "8,3");
    check("@2026-03-12T08:45:00+01:00.dateOf().toString() | @2026-03-12T08:45.timeOf().toString()", "2026-03-12,08:45");
    check("'2026-03-12T08:45'.toDate() | '25:00'.toTime()", "");
    check("coalesce({}, name.family, 'x')", "Doe");
    check("iif(deceased, 'x')", "");
    check("1.0.precision() | 1.5.lowBoundary() | @2026-02.highBoundary()", "1,1.45000000,2026-02-28");
}

#[test]
fn numbers_are_exact_and_what_does_not_fit_is_nothing() {
    check("0.1 + 0.2", "0.3");
    check("2147483647 + 1", "");
    check("-5 div 2 | -5 mod 2", "-2,-1");
    check("7 / 2", "3.5");
    check("10.power(40)", "");
    check("2.power(0.5).round(4)", "1.4142");
    check("(-1).sqrt()", "");
    check("'abc' & {} & 'd'", "abcd");
    check("@2024-01-31 + 1 month", "2024-02-29");
}

#[test]
fn faults_of_evaluation_have_their_place() {
    for (expression, at) in [
        ("name.single()", 5),
        ("name.given.where(length() > 'a')", 26),
        ("active and name", 7),
        ("1 + 'a'", 2),
        ("name.first().as(Nothing)", 13),
        ("%nothing", 0),
        ("'a'.matches('(')", 4),
        ("name.first().conformsTo('urn:other')", 13),
        ("id.memberOf('urn:other')", 3),
    ] {
        assert_eq!(evaluated(expression).map_err(|fault| fault.at), Err(at), "{expression}");
    }
}

#[test]
fn faults_of_syntax_have_their_place() {
    for (text, at) in [
        ("", 0),
        ("a..b", 2),
        ("a b", 2),
        ("a.where(b = 'x)", 12),
        ("a.nothing()", 2),
        ("a.where()", 2),
        ("a.first(1)", 2),
        ("1 + ", 4),
        ("'\\q'", 1),
        ("@2015-13", 0),
        ("{ 1 }", 2),
        ("a # b", 2),
        ("/* a", 0),
        ("$that", 0),
    ] {
        assert_eq!(Expression::parse(text).map_err(|fault| fault.at).err(), Some(at), "{text:?}");
    }
}

#[test]
fn depth_and_work_end() {
    let nested = |count: usize| format!("{}1{}", "(".repeat(count), ")".repeat(count));
    assert!(Expression::parse(&nested(FHIRPATH_DEPTH_MAX - 1)).is_ok());
    for text in [nested(100_000), "-".repeat(20_000) + "1", "1+".repeat(5_000) + "1", "a is b ".repeat(2_000)] {
        let text = &text[..text.len().min(FHIRPATH_TEXT_BYTES_MAX)];
        assert!(Expression::parse(text).is_err());
    }
    let long = format!("{}1", "1 + ".repeat(FHIRPATH_DEPTH_MAX - 2));
    assert_eq!(evaluated(&long).map(|text| text.len()), Ok(2));
    let doubled =
        "iif(true, 'aaaaaaaa')".to_owned() + &".replace('a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')".repeat(9);
    for costly in [
        "repeat($this)",
        "repeatAll($this)",
        "(1|2|3|4|5|6|7|8|9|10|11|12|13|14|15|16|17|18|19|20|21|22).aggregate($total.combine($total), 1)",
        &doubled,
    ] {
        let ended = evaluated(costly).map_err(|fault| fault.cause);
        assert!(matches!(ended, Err(Cause::TooMuchWork)) || costly == "repeat($this)", "{costly}: {ended:?}");
    }
}

proptest! {
    #[test]
    fn reading_never_panics(text in "\\PC{0,60}") {
        let _ = Expression::parse(&text);
    }

    #[test]
    fn what_can_be_read_can_be_evaluated(text in expressions()) {
        let expression = Expression::parse(&text).unwrap();
        let resource = patient();
        let _ = expression.check("Patient");
        let _ = expression.evaluate(&Focus::from(&resource), &&World(Resource::new("Practitioner", "d")));
    }
}

const LEAVES: &[&str] = &[
    "name",
    "name.given",
    "Patient",
    "birthDate",
    "deceased",
    "extension.value",
    "$this",
    "$index",
    "$total",
    "%resource",
    "{}",
    "true",
    "0",
    "1",
    "-1",
    "2147483647",
    "2.50",
    "-0.000001",
    "99999999999999999999999999999999999999",
    "''",
    "'a'",
    "'ä€𝄞 b'",
    "'.*'",
    "'base64'",
    "'1e9'",
    "@2015",
    "@2015-02-28",
    "@0001-01-01",
    "@9999-12-31",
    "@T10:30",
    "@T23:59:59.999",
    "@2015-02-04T14:34:28.5+10:00",
    "@2015-02-04T14",
    "3 days",
    "1 year",
    "2147483647 months",
    "4 'mg'",
    "0 's'",
    "1 'm2/s-1'",
];

const OPERATORS: &[&str] = &[
    "and", "or", "xor", "implies", "=", "!=", "~", "!~", "<", "<=", ">", ">=", "|", "+", "-", "*", "/", "div", "mod",
    "&", "in", "contains",
];

/// Expressions that can be read, of every operator and every function.
fn expressions() -> impl Strategy<Value = String> {
    let functions: Vec<&functions::Function> = functions::all().collect();
    proptest::sample::select(LEAVES).prop_map(str::to_owned).prop_recursive(5, 40, 4, move |inner| {
        let arguments = proptest::collection::vec(inner.clone(), 3);
        let call = (inner.clone(), proptest::sample::select(functions.clone()), arguments, 0..3_usize);
        prop_oneof![
            1 => (inner.clone(), proptest::sample::select(OPERATORS), inner.clone())
                .prop_map(|(left, operator, right)| format!("({left} {operator} {right})")),
            1 => (inner.clone(), inner).prop_map(|(input, index)| format!("{input}[{index}]")),
            4 => call.prop_map(|(input, function, arguments, wanted)| {
                let count = (wanted..4).chain(0..wanted).find(|count| function.takes(*count)).unwrap_or(0);
                let of_type = function.reads == functions::Reads::Type;
                let arguments = if of_type { "string".to_owned() } else { arguments[..count].join(", ") };
                format!("({input}).{}({arguments})", function.name)
            }),
        ]
    })
}
