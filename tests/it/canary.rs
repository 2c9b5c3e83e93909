//! P8: no patient data in logs, metrics or errors. Canaries are planted in every field a message has, in good and in
//! broken messages, and looked for in everything that is written while they are processed.

use std::io::Write;
use std::sync::{Arc, Mutex};

use loopgate::telemetry;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::gateway::Gateway;

/// No text of ours holds this.
const CANARY: &str = "XQZCANARY";

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Captured {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

fn message(kind: &str, control_id: &str, segments: &str) -> Vec<u8> {
    format!("MSH|^~\\&|APP|FAC|||20260301||{kind}|{control_id}|P|2.5.1\r{segments}\r").into_bytes()
}

/// One of each trouble that the message path knows.
fn messages() -> Vec<Vec<u8>> {
    let pid = format!(
        "PID|1||{CANARY}1^^^FAC^MR||{CANARY}^{CANARY}||19{CANARY}|{CANARY}|||{CANARY} street^^{CANARY}||{CANARY}"
    );
    let mut invalid = message("ADT^A08", "C4", &pid);
    invalid.extend_from_slice(b"NTE|1||\xff\xfe\r");
    vec![
        message("ADT^A08", "C1", &format!("{pid}\rPV1|1|{CANARY}|{CANARY}||||{CANARY}^{CANARY}")),
        message("ADT^A08", "C1", &format!("{pid}\rNTE|1||other content {CANARY}")),
        message("ZZZ^Z99", "C2", &pid),
        message(CANARY, "C3", &pid),
        message(
            "SIU^S12",
            "C5",
            &format!(
                "SCH||{CANARY}|||||{CANARY}|{CANARY}|x|{CANARY}|^^^{CANARY}^{CANARY}\r{pid}\r{CANARY}|garbage line"
            ),
        ),
        message("OSU^O51", "C6", &format!("{pid}\rORC|OK|{CANARY}^{CANARY}|||IP|||||{CANARY}||{CANARY}^{CANARY}")),
        message("OMG^O19", "C7", &format!("{pid}\rORC|NW|{CANARY}^{CANARY}\rOBR|1|{CANARY}||{CANARY}^{CANARY}")),
        message("ORU^R01", "C8", &format!("{pid}\rOBR|1|||{CANARY}||||||||||||||||||||Q\rOBX|1|NM|{CANARY}||{CANARY}")),
        message("ADT^A40", "C9", &format!("{pid}\rMRG|{CANARY}1^^^FAC^MR")),
        invalid,
        format!("{CANARY} is no message").into_bytes(),
        format!("MSH|^~\\&|{CANARY}|{CANARY}|||{CANARY}||ADT^A08||{CANARY}|{CANARY}\r{pid}\r").into_bytes(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_written_holds_patient_data() {
    let captured = Captured::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(captured.clone()).finish();
    let _ = tracing::subscriber::set_global_default(subscriber);
    let metrics = telemetry::install_metrics().expect("this is the only test that installs the recorder");
    telemetry::redaction::install_panic_hook();

    // The endpoint refuses connections, so that failures of delivery are written about too.
    let endpoint = "[[endpoint]]\nname = \"closed\"\nkind = \"mllp\"\naddress = \"127.0.0.1:9\"\nnotify = { all_referrals = true }\n";
    let gateway = Gateway::start("", endpoint).await;
    for message in messages() {
        let mut client = gateway.client().await;
        // Some of these cannot be answered; what matters here is what is written about them.
        let _ = client.exchange(&message, std::time::Duration::from_millis(500)).await;
    }
    for control_id in ["C1", "C2", "C5", "C6", "C7", "C8", "C9"] {
        gateway.concluded(control_id).await;
    }
    let panicked = std::thread::spawn(|| panic!("{CANARY} in a panic")).join();
    assert!(panicked.is_err());

    let store = gateway.store();
    let lanes = format!("{:?}", store.lanes(false, 100).await.unwrap());
    let items = format!("{:?}", store.work_items(100).await.unwrap());
    let rendered = metrics.render();
    gateway.stop().await;
    let logs = captured.text();
    assert!(logs.contains("listening for HL7 v2"), "the log was captured");
    assert!(rendered.contains("loopgate_"), "the metrics were captured");
    for (place, text) in [("logs", logs), ("metrics", rendered), ("lanes", lanes), ("work items", items)] {
        let found = text.lines().find(|line| line.contains(CANARY));
        assert_eq!(found, None, "in {place}");
    }
}
