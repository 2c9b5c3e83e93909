//! Resources through XML and back, and texts that are refused, with their places.

use super::*;

/// Reads JSON, writes XML, reads it again; gives the XML without its declaration.
#[track_caller]
fn check(json: &str, expected: &str) {
    let resource = Resource::parse(json.as_bytes()).unwrap();
    let xml = String::from_utf8(write(&resource, false)).unwrap();
    let body = xml.split_once("?>").unwrap().1;
    assert_eq!(body.replace(" xmlns=\"http://hl7.org/fhir\"", ""), expected);
    for pretty in [false, true] {
        let back = read(&write(&resource, pretty)).unwrap_or_else(|fault| panic!("{fault}\n{xml}"));
        assert_eq!(String::from_utf8(back.to_json()).unwrap(), json);
    }
}

#[test]
fn primitives_are_attributes() {
    check(
        r#"{"resourceType":"Patient","id":"a","active":true,"multipleBirthInteger":2}"#,
        r#"<Patient><id value="a"/><active value="true"/><multipleBirthInteger value="2"/></Patient>"#,
    );
    check(
        r#"{"resourceType":"Basic","code":{"text":"a & <b> \"c\"\n\té😀"}}"#,
        "<Basic><code><text value=\"a &amp; &lt;b&gt; &quot;c&quot;&#10;&#9;é😀\"/></code></Basic>",
    );
}

#[test]
fn decimals_stay_to_the_digit() {
    check(
        r#"{"resourceType":"Observation","valueQuantity":{"value":1.50E-2}}"#,
        r#"<Observation><valueQuantity><value value="1.50E-2"/></valueQuantity></Observation>"#,
    );
}

#[test]
fn ids_and_extensions_of_primitives_stand_with_their_values() {
    check(
        r#"{"resourceType":"Patient","name":[{"id":"n","given":["A",null,"B"],"_given":[{"id":"g"},{"extension":[{"url":"u","valueCode":"x"}]},null]}],"_birthDate":{"extension":[{"url":"u","valueCode":"y"}]}}"#,
        r#"<Patient><name id="n"><given id="g" value="A"/><given><extension url="u"><valueCode value="x"/></extension></given><given value="B"/></name><birthDate><extension url="u"><valueCode value="y"/></extension></birthDate></Patient>"#,
    );
    check(
        r#"{"resourceType":"Patient","address":[{"_line":[{"extension":[{"url":"u","valueInteger":1}]}]}]}"#,
        r#"<Patient><address><line><extension url="u"><valueInteger value="1"/></extension></line></address></Patient>"#,
    );
}

#[test]
fn resources_stand_in_resources() {
    check(
        r#"{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient","contained":[{"resourceType":"Organization","id":"o"},{"resourceType":"Organization","id":"p"}]}}]}"#,
        r#"<Bundle><type value="batch"/><entry><resource><Patient><contained><Organization><id value="o"/></Organization></contained><contained><Organization><id value="p"/></Organization></contained></Patient></resource></entry></Bundle>"#,
    );
}

#[test]
fn elements_stand_in_the_order_of_the_definitions() {
    let resource = Resource::parse(
        br#"{"gender":"male","resourceType":"Patient","name":[{"given":["B"],"family":"A"}],"id":"1","_active":{"id":"x"}}"#,
    );
    let xml = String::from_utf8(write(&resource.unwrap(), false)).unwrap();
    let expected = r#"<id value="1"/><active id="x"/><name><family value="A"/><given value="B"/></name><gender value="male"/></Patient>"#;
    assert!(xml.ends_with(expected), "{xml}");
}

#[test]
fn narratives_are_kept_as_they_were_written() {
    let div =
        r#"<div xmlns=\"http://www.w3.org/1999/xhtml\">\n  a &lt;<b  class='x'>é&#160;</b>\t<!-- c --><br />\n</div>"#;
    check(
        &format!(r#"{{"resourceType":"Patient","text":{{"status":"generated","div":"{div}"}}}}"#),
        &format!(
            r#"<Patient><text><status value="generated"/>{}</text></Patient>"#,
            div.replace("\\n", "\n").replace("\\t", "\t").replace('\\', "")
        ),
    );
}

#[test]
fn a_narrative_that_is_no_xhtml_cannot_pass_for_elements() {
    let written = |div: &str| {
        let mut resource = Resource::new("Patient", "a");
        let mut text = crate::fhir::Object::new();
        text.set("div", div);
        resource.object_mut().set("text", text);
        let xml = write(&resource, false);
        assert_eq!(read(&xml).map(|resource| resource.id().map(str::to_owned)), Ok(Some("a".to_owned())));
        String::from_utf8(xml)
            .unwrap()
            .split_once("<text>")
            .unwrap()
            .1
            .replace(" xmlns=\"http://www.w3.org/1999/xhtml\"", "")
    };
    for (div, expected) in [
        ("<div>a</div>", "<div>a</div></text></Patient>"),
        ("<div>a&nbsp;b</div>", "<div>a&#160;b</div></text></Patient>"),
        ("x", "<div>x</div></text></Patient>"),
        ("</text><active value=\"true\"/>", "<div>&lt;/text&gt;&lt;active value=\"true\"/&gt;</div></text></Patient>"),
        ("<div/></text><active value=\"true\"/>", "<div>&lt;div/&gt;&lt;/text&gt;"),
        ("<div>\u{1}</div>", "<div>&lt;div&gt;\u{fffd}&lt;/div&gt;</div>"),
    ] {
        assert!(written(div).starts_with(expected), "{}", written(div));
    }
}

#[test]
fn what_other_writers_do_is_read() {
    let read = |xml: &str| read(xml.as_bytes()).map(|resource| String::from_utf8(resource.to_json()).unwrap());
    let expected = Ok(r#"{"resourceType":"Patient","id":"a","active":true}"#.to_owned());
    for xml in [
        "\u{feff}<?xml version='1.0' encoding='utf-8' standalone='yes'?>\r\n<!-- c -->\n<Patient xmlns='http://hl7.org/fhir'><id value='a'></id><active value='true'/></Patient>\n<!-- d -->",
        "<f:Patient xmlns:f=\"http://hl7.org/fhir\"><f:id value=\"a\"/><f:active value=\"true\"/></f:Patient>",
        "<?xml-stylesheet x?><Patient xmlns=\"http://hl7.org/fhir\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:schemaLocation=\"http://hl7.org/fhir ../fhir.xsd\"><id value=\"&#97;\"/><active value=\"true\"/></Patient>",
    ] {
        assert_eq!(read(xml), expected, "{xml}");
    }
}

#[test]
fn what_is_no_fhir_is_refused_with_its_place() {
    let refused = |body: &str, expected: &str| {
        let xml = format!("<Patient xmlns=\"http://hl7.org/fhir\">\n  {body}\n</Patient>");
        assert_eq!(read(xml.as_bytes()).map(|_| ()).unwrap_err().to_string(), expected, "{body}");
    };
    refused("<nam/>", "line 2, column 3: an element that this type does not have");
    refused("<active value=\"true\"/><active value=\"true\"/>", "line 2, column 25: an element that does not repeat");
    refused("<active value=\"yes\"/>", "line 2, column 3: expected true or false");
    refused("<active/>", "line 2, column 3: an element without a value and without extensions");
    refused("<name/>", "line 2, column 3: an element without a value and without children");
    refused("<name value=\"A\"/>", "line 2, column 3: an attribute that FHIR does not have here");
    refused("<name><id value=\"a\"/></name>", "line 2, column 9: an element that this type does not have");
    refused("<active value=\"true\" x=\"1\"/>", "line 2, column 3: an attribute that FHIR does not have here");
    refused("<active value=\"\"/>", "line 2, column 3: an attribute that is empty: leave it out");
    refused("<active value=\"true\" value=\"true\"/>", "line 2, column 3: expected each attribute once");
    refused(
        "<gender value=\"&evil;\"/>",
        "line 2, column 3: expected only the references `&lt; &gt; &amp; &quot; &apos; &#n;`",
    );
    refused("<gender value=\"&#1;\"/>", "line 2, column 3: a character that XML does not allow");
    refused("<gender value=\"<\"/>", "line 2, column 3: a `<` in an attribute: write `&lt;`");
    refused("male", "line 1, column 38: text between elements: a value stands in the attribute `value`");
    refused("<![CDATA[x]]>", "line 2, column 3: text between elements: a value stands in the attribute `value`");
    refused(
        "<active xmlns=\"urn:x\" value=\"true\"/>",
        "line 2, column 3: expected an element of the namespace http://hl7.org/fhir",
    );
    refused("<x:active value=\"true\"/>", "line 2, column 3: expected an element of the namespace http://hl7.org/fhir");
    refused(
        "<contained><Patients/></contained>",
        "line 2, column 14: expected an element that names a type of resource of R4",
    );
    refused(
        "<contained><Basic><id value=\"1\"/></Basic><Basic/></contained>",
        "line 2, column 44: expected one resource here",
    );
    refused(
        "<name><family value=\"A\"/></nam>",
        "line 2, column 28: expected an end tag for each start tag, in order, and no `--` in comments",
    );
    refused(
        "<text><div>x</div></text>",
        "line 2, column 9: expected the div of a narrative with its own xmlns=\"http://www.w3.org/1999/xhtml\"",
    );
    refused(
        "<text><div xmlns=\"http://www.w3.org/1999/xhtml\">&nbsp;</div></text>",
        "line 2, column 51: a reference that XML does not know: write the character, or `&#160;`",
    );
}

#[test]
fn what_is_no_plain_xml_is_refused_with_its_place() {
    let patient = "<Patient xmlns=\"http://hl7.org/fhir\"/>";
    for (xml, expected) in [
        ("", "line 1, column 1: expected an element that names a type of resource"),
        ("{}", "line 1, column 1: text between elements: a value stands in the attribute `value`"),
        ("<Patient/>", "line 1, column 1: expected an element of the namespace http://hl7.org/fhir"),
        ("<Patient xmlns=\"http://hl7.org/fhir\">", "line 1, column 38: expected an end tag for each start tag"),
        ("<Patient xmlns=\"http://hl7.org/fhir\"><name", "line 1, column 38: markup that does not end"),
        (&format!("{patient}{patient}"), "line 1, column 39: expected the end of the text"),
        (
            &format!("<!DOCTYPE Patient [<!ENTITY a \"b\">]>\n{patient}"),
            "line 1, column 1: a document type, which FHIR does not allow: leave it out",
        ),
        (
            &format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{patient}"),
            "line 1, column 1: expected the declaration of XML 1.0 in UTF-8, at the beginning",
        ),
        ("<Patient xmlns=\"http://hl7.org/fhir\">\n\u{1}", "line 2, column 1: a character that XML does not allow"),
    ] {
        assert_eq!(read(xml.as_bytes()).map(|_| ()).unwrap_err().to_string(), expected, "{xml}");
    }
    assert_eq!(read(b"\n\xff").map(|_| ()).unwrap_err().to_string(), "line 2, column 1: expected UTF-8");
}

#[test]
fn nesting_is_bounded() {
    let deep = |name: &str, count: usize| {
        let open = format!("<{name} url=\"u\">").repeat(count);
        let close = format!("</{name}>").repeat(count);
        format!("<Patient xmlns=\"http://hl7.org/fhir\">{open}<valueCode value=\"x\"/>{close}</Patient>")
    };
    let read = |xml: &str| read(xml.as_bytes()).map_err(|fault| fault.text);
    let fits = read(&deep("extension", 31)).unwrap();
    assert!(Resource::parse(&fits.to_json()).is_ok(), "what is read can be read again as JSON");
    assert_eq!(read(&deep("extension", 32)).map(|_| ()), Err("elements that are nested too deep"));
    let div = |count: usize| {
        let (open, close) = ("<p>".repeat(count), "</p>".repeat(count));
        let div = format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{open}{close}</div>");
        format!("<Patient xmlns=\"http://hl7.org/fhir\"><text>{div}</text></Patient>")
    };
    assert!(read(&div(255)).is_ok());
    assert_eq!(read(&div(100_000)).map(|_| ()), Err("elements of a narrative that are nested too deep"));
}
