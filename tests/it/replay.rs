//! Running messages again: what waits for a code, what is selected, and what a replay may change.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use loopgate::engine::replay::{self, Selection};
use loopgate::mapping::builtin_files;
use loopgate::record::{MessageOutcome, ResourceKey};

use crate::support::gateway::{Gateway, PATIENCE, next_change};

const SEXES: &str = "mappings/v2/code/AdministrativeSex.yaml";

fn adt(control_id: &str, patient: &str, sex: &str) -> Vec<u8> {
    let text = format!(
        "MSH|^~\\&|EMR|NORTH|GW|HUB|20260301081500||ADT^A08^ADT_A01|{control_id}|P|2.5.1\r\
         EVN|A08|20260301081500\rPID|1||{patient}^^^NORTH^MR||Testcase^Ann||19710423|{sex}\rPV1|1|O|CARD^R1\r"
    );
    text.into_bytes()
}

/// Writes the built-in mapping files to a folder, with one more line at the end of the table of sexes.
fn write_mappings(folder: &Path, line: &str) {
    for (name, text) in builtin_files() {
        let file = folder.join(&name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let more = if name == SEXES { line } else { "" };
        std::fs::write(file, format!("{}\n{more}", text.trim_end())).unwrap();
    }
}

async fn gateway_with(mappings: &Path) -> Gateway {
    Gateway::start("", &format!("[mapping]\ndirectory = \"{}\"\n", mappings.display())).await
}

async fn gender(gateway: &Gateway, patient: &ResourceKey) -> Option<String> {
    let version = gateway.store().history(patient).await.unwrap().into_iter().next()?;
    let value: serde_json::Value = serde_json::from_slice(&version.content).unwrap();
    value.get("gender").and_then(|gender| gender.as_str()).map(str::to_owned)
}

/// The patient of the only message.
fn patient() -> ResourceKey {
    let id = loopgate::mapping::logical_id("Patient", "urn:loopgate:authority:NORTH", "1");
    ResourceKey::new("Patient", id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_gets_its_map_runs_its_messages_again() {
    let mappings = tempfile::tempdir().unwrap();
    write_mappings(mappings.path(), "");
    let gateway = gateway_with(mappings.path()).await;
    gateway.send(&adt("K1", "1", "X9")).await;
    gateway.concluded("K1").await;
    let store = gateway.store();
    let waiting = store.waiting_codes(10).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(
        (waiting[0].table.as_str(), waiting[0].code.as_str(), waiting[0].messages),
        ("AdministrativeSex", "X9", 1)
    );
    assert_eq!(gender(&gateway, &patient()).await, None);

    write_mappings(mappings.path(), "  X9: other");
    gateway.reload();
    let corrected = async {
        while gender(&gateway, &patient()).await.as_deref() != Some("other") {
            next_change(store.as_ref()).await;
        }
    };
    tokio::time::timeout(PATIENCE, corrected).await.expect("the message is run again");
    assert!(store.waiting_codes(10).await.unwrap().is_empty());
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_with_a_mistake_leaves_the_release_at_work() {
    let mappings = tempfile::tempdir().unwrap();
    write_mappings(mappings.path(), "");
    let gateway = gateway_with(mappings.path()).await;
    gateway.send(&adt("K1", "1", "F")).await;
    let before = gateway.concluded("K1").await.release;
    write_mappings(mappings.path(), "no table at all");
    gateway.reload();
    gateway.send(&adt("K2", "1", "F")).await;
    assert_eq!(gateway.concluded("K2").await.release, before);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_selected_oldest_first_and_put_back_once() {
    let gateway = Gateway::start("", "").await;
    let store = gateway.store();
    for (control_id, patient) in [("K1", "1"), ("K2", "2"), ("K3", "3")] {
        gateway.send(&adt(control_id, patient, "F")).await;
        gateway.concluded(control_id).await;
    }
    let selected = replay::select(store.as_ref(), &Selection::default(), None).await.unwrap();
    assert_eq!(selected.messages.len(), 3);
    assert!(selected.messages.is_sorted());
    let other = Selection { message_type: Some("SIU".to_owned()), ..Selection::default() };
    assert!(replay::select(store.as_ref(), &other, None).await.unwrap().messages.is_empty());
    let mut reached = 0;
    let requeued =
        replay::run(store.as_ref(), &selected.messages, Duration::ZERO, |place| reached = place).await.unwrap();
    assert_eq!((requeued, reached), (3, 3));
    for control_id in ["K1", "K2", "K3"] {
        assert_eq!(gateway.concluded(control_id).await.outcome, MessageOutcome::Processed);
    }
    let history = store.history(&patient()).await.unwrap();
    assert_eq!(history.len(), 1, "run again under the same release, nothing is written");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_is_dry_and_leaves_out_what_is_up_to_date() {
    let gateway = Gateway::start("", "").await;
    gateway.send(&adt("K1", "1", "F")).await;
    gateway.concluded("K1").await;
    let data = gateway.stop().await;
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), "[[feed]]\nname = \"feed\"\n").unwrap();
    let replay = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loopgate"));
        command.args(["replay", "--json", "--data"]).arg(data.path()).arg("--config").arg(config.path());
        let output = command.args(more).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()
    };
    let fresh = replay(&[]);
    assert_eq!((fresh["upToDate"].as_u64(), fresh["messages"].as_array().map(Vec::len)), (Some(1), Some(0)));
    let again = replay(&["--again", "--since", "1h"]);
    assert_eq!((again["dry"].as_bool(), again["messages"].as_array().map(Vec::len)), (Some(true), Some(1)));
    let gone = replay(&["--again", "--go"]);
    assert_eq!(gone["dry"].as_bool(), Some(false));
    assert_eq!(replay(&["--again"])["messages"].as_array().map(Vec::len), Some(0), "it is at work");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_listed_and_mapped_by_command_and_its_message_is_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let overlay = folder.path().join("feed-codes.yaml");
    let data = folder.path().join("data");
    let config = |overlays: &str| {
        let file = folder.path().join("loopgate.toml");
        let text = format!(
            "[store]\ndata = \"{}\"\n[[feed]]\nname = \"feed\"\naddress = \"127.0.0.1:0\"\noverlays = [{overlays}]\n",
            data.display()
        );
        std::fs::write(&file, text).unwrap();
        file
    };
    let gateway = Gateway::start("", "").await;
    gateway.send(&adt("K1", "1", "X9")).await;
    gateway.concluded("K1").await;
    let stored = gateway.stop().await;
    std::fs::rename(stored.path(), &data).unwrap();

    let file = config(&format!("\"arrival\", \"{}\"", overlay.display()));
    let code = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loopgate"));
        command.arg("code").args(more).arg("--config").arg(&file).output().unwrap()
    };
    let list = String::from_utf8(code(&["list"]).stdout).unwrap();
    assert!(list.contains("AdministrativeSex") && list.contains("X9"), "{list}");
    let wrong = code(&["map", "NoSuchTable", "X9=other", "--feed", "feed", "--reason", "agreed"]);
    assert_eq!(wrong.status.code(), Some(78), "{}", String::from_utf8_lossy(&wrong.stderr));
    assert!(!overlay.exists(), "nothing is left of rows that do not compile");
    let right = code(&["map", "AdministrativeSex", "X9=other", "--feed", "feed", "--reason", "agreed by phone"]);
    assert!(right.status.success(), "{}", String::from_utf8_lossy(&right.stderr));
    let again = code(&["map", "AdministrativeSex", "X8=unknown", "--feed", "feed", "--reason", "the same day"]);
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));

    let text = format!("overlays = [\"{}\"]", overlay.display());
    let gateway = Gateway::start_at(&data, &text).await;
    let store = gateway.store();
    let corrected = async {
        while gender(&gateway, &patient()).await.as_deref() != Some("other") {
            next_change(store.as_ref()).await;
        }
    };
    tokio::time::timeout(PATIENCE, corrected).await.expect("the message is run again when the gateway starts");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_over_the_store_is_applied_to_what_it_names() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_mappings(old.path(), "");
    write_mappings(new.path(), "  X9: other");
    let gateway = gateway_with(old.path()).await;
    gateway.send(&adt("K1", "1", "X9")).await;
    gateway.send(&adt("K2", "2", "F")).await;
    for control_id in ["K1", "K2"] {
        gateway.concluded(control_id).await;
    }
    let concerned = gateway.concluded("K1").await.id.to_string();
    let data = gateway.stop().await;
    let file = data.path().join("plan.json");
    let config = data.path().join("loopgate.toml");
    let command = |mappings: &Path, arguments: &[&str]| {
        let text = format!("[mapping]\ndirectory = \"{}\"\n[[feed]]\nname = \"feed\"\n", mappings.display());
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_loopgate"));
        command.args(arguments).arg("--config").arg(&config).arg("--data").arg(data.path()).output().unwrap()
    };
    let (to, out) = (new.path().display().to_string(), file.display().to_string());
    let planned = command(old.path(), &["plan", "--since", "1h", "--to", &to, "--out", &out, "--json"]);
    assert_eq!(planned.status.code(), Some(1), "{}", String::from_utf8_lossy(&planned.stderr));
    let summary: serde_json::Value = serde_json::from_slice(&planned.stdout).unwrap();
    assert_eq!((summary["exact"].as_u64(), summary["newlyFailing"].as_u64()), (Some(1), Some(0)), "{summary}");
    let plan: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let named: Vec<&str> =
        plan["messages"].as_array().unwrap().iter().filter_map(|one| one["message"].as_str()).collect();
    assert_eq!(named, [concerned.as_str()]);

    let too_soon = command(old.path(), &["apply", &out]);
    assert_eq!(too_soon.status.code(), Some(78), "the configured mapping is not the planned one");
    let applied = command(new.path(), &["apply", &out]);
    assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    let pending = command(new.path(), &["message", "list", "--outcome", "pending", "--json"]);
    let pending: Vec<serde_json::Value> =
        String::from_utf8(pending.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ids: Vec<&str> = pending.iter().filter_map(|message| message["id"].as_str()).collect();
    assert_eq!(ids, [concerned.as_str()], "exactly what the plan named");
}
