//! Sums over small synthetic corpora, and their drift.

use super::*;
use crate::base::Digest;
use crate::hl7v2::Message;
use crate::mapping::Context;
use crate::mapping::explain::{Declarations, tests::release};

const PATIENT: &str = "\
map: PID -> Patient
rules:
  - { from: PID-3, to: identifier, as: CX-Identifier }
  - { from: PID-7, to: birthDate }
  - { from: PID-8, to: gender, code: AdministrativeSex }
";

/// The report over messages of these segments, each as type and segments.
fn report(patient: &str, messages: &[(&str, &str)]) -> Report {
    let (release, declared) = (release(patient), Declarations::parse("PID-1 the order says it").expect("a list"));
    let mut coverage = Coverage::default();
    for (number, (kind, segments)) in messages.iter().enumerate() {
        let text = format!("MSH|^~\\&|||||||{kind}\r{segments}\r");
        let (message, _) = Message::parse(text.as_str());
        let context = Context {
            default_zone: jiff::tz::TimeZone::UTC,
            message_digest: Digest::of(text.as_bytes()),
            sender: SmolStr::default(),
            trace: true,
        };
        let mapped = release.select(kind).map(|plan| plan.run(&message, &context));
        let explanation = match &mapped {
            Some(mapped) => Explanation::new(&message, mapped, &declared),
            None => Explanation::without_map(&message, &declared),
        };
        coverage.add(&format!("{number}.hl7"), kind, &explanation, mapped.as_ref());
    }
    coverage.report("digest".to_owned())
}

fn counts(report: &Report, path: &str) -> [u64; 4] {
    let field = report.fields.iter().find(|field| field.path == path).unwrap_or_else(|| panic!("no {path}"));
    [field.counts.populated, field.counts.mapped, field.counts.declared, field.counts.dropped]
}

#[test]
fn every_populated_part_is_counted_once() {
    let report = report(PATIENT, &[("ADT^A01", "PID|1||17^x~18||||never|F"), ("ADT^A01", "PID|1||17|||||Q\rZPI|x")]);
    assert_eq!(counts(&report, "PID-1"), [2, 0, 2, 0]);
    assert_eq!(counts(&report, "PID-3"), [4, 3, 0, 1]);
    assert_eq!(counts(&report, "PID-7"), [1, 0, 0, 1]);
    assert_eq!(counts(&report, "PID-8"), [2, 1, 0, 1]);
    assert_eq!(counts(&report, "ZPI-1"), [1, 0, 0, 1]);
    assert_eq!(report.total.populated, report.fields.iter().map(|field| field.counts.populated).sum::<u64>());
    assert_eq!((report.messages, report.unmapped_codes[0].code.as_str()), (2, "Q"));
    assert_eq!((report.issues[0].kind.as_str(), report.issues[0].path.as_str()), ("data-type", "PID-7"));
    let dropped: Vec<_> = report.dropped().iter().map(|part| part.path.clone()).collect();
    assert_eq!(&dropped[dropped.len() - 4..], ["PID-3.2.1", "PID-7.1.1", "PID-8.1.1", "ZPI-1.1.1"]);
}

#[test]
fn a_report_reads_back_as_it_was_written() {
    let report = report(PATIENT, &[("ADT^A01", "PID|1||17^x"), ("ADT^A99", "PID|1")]);
    let json = report.to_json().expect("JSON");
    assert_eq!(Report::parse(&json).expect("a report"), report);
    assert!(Report::parse("{}").is_err());
    assert!(Report::parse(&json.replace(FORMAT, "loopgate-coverage-0")).is_err());
}

#[test]
fn drift_is_what_got_worse() {
    let message = ("ADT^A01", "PID|1||17||||19700131|F");
    let before = report(PATIENT, &[message]);
    let check = |now: &Report, expected: &[&str]| {
        let found: Vec<_> = drifts(&before, now, 0.0).iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    };
    check(&before, &[]);
    check(&report(PATIENT, &[message, message]), &[]);
    let new_field = report(PATIENT, &[message, ("ADT^A01", "PID|1||17\rZPI|x")]);
    check(&new_field, &["ZPI-1.1.1 is new and goes nowhere, 1 times, first in 1.hl7"]);
    let without_birth_date = PATIENT.replace("  - { from: PID-7, to: birthDate }\n", "");
    check(
        &report(&without_birth_date, &[message]),
        &["PID-7 is accounted for in 0.0 % of its values, before in 100.0 %"],
    );
    check(
        &report(PATIENT, &[message, message, ("ADT^A01", "PID|1||17|||||Q")]),
        &[
            "PID-8 is accounted for in 66.7 % of its values, before in 100.0 %",
            "the code Q is new and not in AdministrativeSex, first in 2.hl7",
        ],
    );
    check(&report(PATIENT, &[message, ("ADT^A99", "")]), &["no map takes ADT^A99"]);
}

#[test]
fn a_share_may_move_within_the_tolerance() {
    let (good, bad) = (("ADT^A01", "PID|||17|||||F"), ("ADT^A01", "PID|||17|||||Q"));
    let before = report(PATIENT, &[good, good, good, good, bad]);
    let now = report(PATIENT, &[good, good, good, bad]);
    assert_eq!(drifts(&before, &now, 5.0), []);
    assert_eq!(drifts(&before, &now, 4.9).len(), 1);
}

#[test]
fn past_the_limit_the_rest_is_counted_together() {
    let mut rows: BTreeMap<SmolStr, u64> = BTreeMap::new();
    for number in 0..REPORT_ROWS_MAX + 5 {
        *row(&mut rows, format_smolstr!("{number}")) += 1;
    }
    assert_eq!(rows.len(), REPORT_ROWS_MAX + 1);
    assert_eq!(rows[""], 5);
}
