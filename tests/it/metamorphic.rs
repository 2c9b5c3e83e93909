//! Variants of one message that must mean the same, and such that must be refused: with other line ends, delimiters,
//! character sets, framing, unknown segments, faults. The corpus beside the repository is read when it is there; the
//! variants made here always run.

use std::path::Path;

use loopgate::base::Digest;
use loopgate::fhir::{Node, Resource};
use loopgate::hl7v2::mllp::{FrameEvent, FrameReader};
use loopgate::hl7v2::{Charset, Header, Message};
use loopgate::mapping::{Context, Mapped, Release};

const OWN: &str = include_str!("../../mappings/v2/cases/adt_a08.hl7");

/// What a gateway makes of the bytes of a file, or at which place of the header it refuses them.
fn map(release: &Release, bytes: &[u8]) -> Result<(Mapped, Message), String> {
    let message_bytes = unframed(bytes);
    let header = Header::read(&message_bytes).map_err(|fault| format!("MSH: {fault}"))?;
    let kind = header.message_type();
    let plan = release.select(&kind).ok_or_else(|| format!("MSH-9: there is no message map for `{kind}`"))?;
    let (message, _, _) = Message::read(&message_bytes, Charset::Ascii);
    // Where a thing has no identifier its id is of the digest: the variants are to get the same.
    let context = Context {
        default_zone: jiff::tz::TimeZone::UTC,
        message_digest: Digest::of(b"a variant"),
        sender: header.sender(),
        trace: true,
    };
    Ok((plan.run(&message, &context), message))
}

fn unframed(bytes: &[u8]) -> Vec<u8> {
    let mut reader = FrameReader::new(64 << 20);
    reader.push(bytes);
    match reader.next() {
        Some(FrameEvent::Frame(content)) => content.to_vec(),
        _ => bytes.to_vec(),
    }
}

fn texts(mapped: &Mapped) -> Vec<String> {
    mapped.resources.iter().map(|resource| String::from_utf8(resource.to_json()).unwrap()).collect()
}

fn patient(mapped: &Mapped) -> &Resource {
    mapped.resources.iter().find(|resource| resource.kind() == "Patient").expect("a patient")
}

fn family(mapped: &Mapped) -> &str {
    patient(mapped).text(&["name", "family"]).unwrap_or_default()
}

/// Where two texts part.
fn difference(base: &str, variant: &str) -> String {
    let same = base.chars().zip(variant.chars()).take_while(|(one, other)| one == other).count();
    let around = |text: &str| text.chars().skip(same.saturating_sub(60)).take(120).collect::<String>();
    format!("{}\n  {}", around(base), around(variant))
}

/// What is wrong with a variant of a message; `base` is the message itself.
fn judge(release: &Release, base: Option<&Mapped>, bytes: &[u8], expect: &str, note: &str) -> Option<String> {
    let (mapped, message) = match map(release, bytes) {
        Ok(mapped) => mapped,
        Err(place) if expect.starts_with("reject") || note.contains("UTF-16") => {
            return (!place.starts_with("MSH")).then_some(place);
        }
        Err(place) => return Some(format!("refused: {place}")),
    };
    let same = |wrong: &str| {
        let base = base.expect("variants come after their base");
        let differs = texts(base).into_iter().zip(texts(&mapped)).find(|(base, variant)| base != variant);
        let count = base.resources.len() != mapped.resources.len();
        let first = differs.map(|(base, variant)| format!("{wrong}\n  {}", difference(&base, &variant)));
        first.or_else(|| count.then(|| format!("{wrong}: {} resources", mapped.resources.len())))
    };
    let kinds = |mapped: &Mapped| mapped.resources.iter().map(|r| r.kind().to_owned()).collect::<Vec<_>>();
    match expect {
        "base" | "same" | "same*" => base.and_then(|_| same("not the same")),
        "same+kept" => same("not the same").or_else(|| {
            let unused = mapped.trace.as_ref().expect("asked for").unused(&message);
            let told = unused.iter().any(|place| place.segment.starts_with('Z'));
            (!told).then(|| "the Z segment is not told".to_owned())
        }),
        "same-minus-field" => {
            let located = mapped.issues.iter().any(|issue| issue.location.is_some());
            let whole = base.is_some_and(|base| kinds(base) == kinds(&mapped));
            (!located || !whole).then(|| format!("issues {:?}, resources {:?}", mapped.issues, kinds(&mapped)))
        }
        "same+note" => {
            let text = texts(&mapped).into_iter().map(|text| text.len()).max().unwrap_or(0);
            let whole = base.is_some_and(|base| kinds(&mapped).starts_with(&kinds(base)[..1]));
            (!whole || mapped.resources.is_empty()).then(|| format!("the longest resource has {text} bytes"))
        }
        "same+50ids" => {
            let count = patient(&mapped).get("identifier").map_or(0, |node| node.items().len());
            (count < 50).then(|| format!("{count} identifiers"))
        }
        "delete" => {
            let literal = texts(&mapped).iter().any(|text| text.contains(r#""\"\"""#));
            (literal || mapped.cleared.is_empty()).then(|| format!("{} elements cleared", mapped.cleared.len()))
        }
        // UTF-16 cannot travel in MLLP, whose end bytes are letters of it (HL7 v2.5.1 2.15.9.18): it is refused at MSH.
        "charset" => {
            let wanted = note.rsplit("decode to ").next().unwrap_or_default();
            (family(&mapped) != wanted).then(|| format!("the family is {:?}, not {wanted:?}", family(&mapped)))
        }
        "escapes" => {
            let wanted = note.split('"').nth(1).unwrap_or_default().replace("<newline>", "\n").replace("\\\\", "\\");
            (family(&mapped) != wanted).then(|| format!("the family is {:?}, not {wanted:?}", family(&mapped)))
        }
        "reject" => Some("it was not refused".to_owned()),
        // Either is right; that it ended is what counts.
        "reject-or-same" | "reject-or-partial" => None,
        other => Some(format!("no test for `{other}`")),
    }
}

/// Variants that are not as the manifest has them, decided with a reason.
const DECIDED: [(&str, &str); 2] = [
    ("ADT-A01-01__null-fields.hl7", "the null is in PID-32, for which there is no element to delete"),
    ("ORU-R01-01__delims0.hl7", "the base has a bare separator within a text, which is kept as it was written"),
];

#[test]
fn variants_of_the_corpus_mean_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/messages/variants-metamorphic");
    let Ok(manifest) = std::fs::read_to_string(folder.join("MANIFEST.tsv")) else {
        eprintln!("SKIPPED: {} is not there", folder.display());
        return;
    };
    let release = Release::builtin();
    let rows: Vec<Vec<&str>> = manifest.lines().skip(1).map(|line| line.split('\t').collect()).collect();
    let mut bases = std::collections::BTreeMap::new();
    for row in rows.iter().filter(|row| row[2] == "base") {
        let Ok(bytes) = std::fs::read(folder.join(row[0])) else { continue };
        let (mapped, _) = map(&release, &bytes).unwrap_or_else(|place| panic!("{}: {place}", row[0]));
        bases.insert(row[1], mapped);
    }
    let mut wrong = Vec::new();
    let mut count = 0;
    // Batches are taken apart before they come here: `hl7v2::batch` has tests of its own.
    for row in rows.iter().filter(|row| !row[2].contains("messages")) {
        // The manifest lists a few files that the folder does not have.
        let Ok(bytes) = std::fs::read(folder.join(row[0])) else { continue };
        let fault = judge(&release, bases.get(row[1]), &bytes, row[2], row.get(3).copied().unwrap_or_default());
        let decided = DECIDED.iter().any(|(file, _)| *file == row[0]);
        assert!(!decided || fault.is_some(), "{} is as it should be: take it off the list", row[0]);
        wrong.extend(fault.filter(|_| !decided).map(|fault| format!("{} ({}): {fault}", row[0], row[2])));
        count += 1;
    }
    assert!(wrong.is_empty(), "{} of {count}\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 100, "the folder has {count} variants");
}

fn with_delimiters(text: &str, from: &str, to: &str) -> String {
    let swap = |c: char| from.find(c).and_then(|at| to[at..].chars().next()).unwrap_or(c);
    text.chars().map(swap).collect()
}

#[test]
fn variants_of_our_own_message_mean_the_same() {
    let release = Release::builtin();
    let base = OWN.trim_end().replace('\n', "\r");
    let (mapped, _) = map(&release, base.as_bytes()).expect("a message of ours");
    let check = |name: &str, bytes: &[u8], expect: &str, note: &str| {
        let fault = judge(&release, Some(&mapped), bytes, expect, note);
        assert_eq!(fault, None, "{name}");
    };
    let changed = |from: &str, to: &str| {
        assert!(base.contains(from), "{from}");
        base.replacen(from, to, 1)
    };
    check("LF", base.replace('\r', "\n").as_bytes(), "same", "");
    check("CR LF", base.replace('\r', "\r\n").as_bytes(), "same", "");
    check("empty lines", base.replace('\r', "\r\r").as_bytes(), "same", "");
    check("a last CR", format!("{base}\r").as_bytes(), "same", "");
    check("a byte order mark", format!("\u{feff}{base}").as_bytes(), "same", "");
    check("a frame", format!("\u{b}{base}\r\u{1c}\r").as_bytes(), "same", "");
    check("trailing fields", base.replace('\r', "||||\r").as_bytes(), "same", "");
    check("other delimiters", with_delimiters(&base, "|^~&", "#*!%").as_bytes(), "same", "");
    check("a Z segment", format!("{base}\rZZ1|1|x").as_bytes(), "same+kept", "");
    check("a Z segment within", changed("\rPV1|", "\rZZ1|1|x\rPV1|").as_bytes(), "same+kept", "");
    check("a bad date", changed("|19700615|", "|19701399|").as_bytes(), "same-minus-field", "");
    check("a null", changed("|19700615|", "|\"\"|").as_bytes(), "delete", "");
    check("an escape", changed("||Muster^", "||O\\T\\N\\S\\x^").as_bytes(), "escapes", "\"O&N^x\"");
    for (name, charset, encoding) in [("8859/1", "8859/1", "M\u{fc}ller"), ("undeclared", "", "M\u{fc}ller")] {
        let text = base.replacen("||UTF-8", &format!("||{charset}"), 1).replacen("||Muster^", "||M\u{1}ller^", 1);
        let mut bytes = text.into_bytes();
        bytes.iter_mut().filter(|byte| **byte == 1).for_each(|byte| *byte = 0xfc);
        check(name, &bytes, "charset", &format!("decode to {encoding}"));
    }
    check("nothing", b"", "reject", "");
    check("no header", &base.as_bytes()[base.find("\rPID").unwrap() + 1..], "reject", "");
    check("an unknown type", changed("ADT^A08^ADT_A01", "XXX^X99").as_bytes(), "reject", "");
}

#[test]
fn a_message_out_of_order_or_of_an_unknown_version_is_mapped_as_far_as_it_goes() {
    let release = Release::builtin();
    let base = OWN.trim_end().replace('\n', "\r");
    let (whole, _) = map(&release, base.as_bytes()).expect("a message of ours");
    let kinds = |text: &str| {
        let (mapped, _) = map(&release, text.as_bytes()).expect("a message with a header");
        let mut kinds: Vec<String> = mapped.resources.iter().map(|resource| resource.kind().to_owned()).collect();
        kinds.sort();
        (kinds, family(&mapped).to_owned())
    };
    let mut lines: Vec<&str> = base.split('\r').collect();
    let all = kinds(&base);
    lines[1..].reverse();
    assert_eq!(kinds(&lines.join("\r")), all, "segments in the opposite order");
    assert_eq!(kinds(&base.replacen("|2.5.1|", "|9.9|", 1)), all, "a version that does not exist");
    assert_eq!(kinds(&base.replace("\rAL1", "\rQQQ|1|x\rAL1")), all, "a segment that HL7 does not have");
    assert_eq!(all.1, family(&whole));
    let half = &base[..base.find("\rDG1").unwrap()];
    assert!(kinds(half).0.iter().all(|kind| all.0.contains(kind)), "a message that was cut");
}

#[test]
fn a_bad_value_costs_that_field_alone_with_an_issue_at_its_path() {
    let release = Release::builtin();
    let oru = include_str!("../../mappings/v2/cases/oru_r01.hl7").trim_end().replace('\n', "\r");
    let adt = OWN.trim_end().replace('\n', "\r");
    let check = |base: &str, from: &str, to: &str, place: &str, resource: &str, lost: &str| {
        assert!(base.contains(from), "{from}");
        let (whole, _) = map(&release, base.as_bytes()).expect("a message of ours");
        let (mapped, _) = map(&release, base.replacen(from, to, 1).as_bytes()).expect("a message of ours");
        let issues: Vec<String> =
            mapped.issues.iter().map(|issue| issue.location.as_ref().unwrap().to_string()).collect();
        let unmapped: Vec<String> = mapped.unmapped.iter().map(|code| code.location.to_string()).collect();
        let told = issues.iter().chain(&unmapped).any(|told| told == place);
        assert!(told, "{place}: issues {issues:?}, unmapped {unmapped:?}");
        let mut differs = Vec::new();
        assert_eq!(whole.resources.len(), mapped.resources.len(), "{place}");
        for (before, after) in whole.resources.iter().zip(&mapped.resources) {
            for (key, node) in before.object().iter().filter(|(key, node)| after.get(key) != Some(*node)) {
                differs.push(format!("{}.{key} {}", before.kind(), matches!(node, Node::Null)));
            }
        }
        assert_eq!(differs, [format!("{resource}.{lost} false")], "{place}");
    };
    check(&adt, "|19700615|", "|19701399|", "PID-7", "Patient", "birthDate");
    check(&adt, "|19700615|F|", "|19700615|QQ|", "PID-8", "Patient", "gender");
    check(&oru, "||72|", "||seventy-two|", "OBX-5", "Observation", "valueQuantity");
}
