//! The cases beside the base maps come out as written.

use loopgate::fhir::Node;
use loopgate::mapping::{Release, cases};

#[test]
fn every_case_comes_out_as_written_beside_it() {
    let release = Release::builtin();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("mappings/v2/cases");
    let mut count = 0;
    for file in std::fs::read_dir(folder).expect("the folder of cases is there") {
        let case = file.expect("a readable folder").path();
        if case.extension().is_some_and(|extension| extension == "hl7") {
            count += 1;
            let message = std::fs::read_to_string(&case).expect("a readable case");
            let got = cases::outcome(&release, &message).expect("a case that can be run");
            let expected = std::fs::read(case.with_extension("json")).expect("an outcome beside the case");
            let expected = Node::parse(&expected).expect("JSON");
            let differences = cases::differences(&expected, &got);
            assert!(differences.is_empty(), "{}:\n{}", case.display(), differences.join("\n"));
        }
    }
    assert!(count >= 14, "a case for every message type, but there are {count}");
}
