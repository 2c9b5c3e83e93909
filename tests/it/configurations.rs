//! The configurations that our own checks start the gateway with are valid, so that they do not rot between runs.

use super::support::checkout;

#[test]
fn configurations_of_the_checks_are_valid() {
    let fill = |text: String| {
        text.replace("@STORE@", "data = \"data\"")
            .replace("@SINK@", "127.0.0.1:2576")
            .replace("@FOLDER@", "folder")
            .replace("@NODE_HL7_SERVER@", "2577")
            .replace("@MEDPLUM@", "2578")
    };
    for path in ["benches/load/gateway.toml", "tests/interop/gateway.toml"] {
        let text = fill(checkout::read(path));
        let problems = loopgate::config::check(&text, path, &[]).err().unwrap_or_default();
        assert!(problems.is_empty(), "{}", loopgate::config::render(&problems));
    }
}
