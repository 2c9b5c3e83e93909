//! Several replicas on one PostgreSQL: any of them takes any message, and the order of each patient holds.

use loopgate::mapping::logical_id;
use loopgate::record::{MessageOutcome, ResourceKey};
use sqlx::{Connection as _, PgConnection};

use crate::support::gateway::Gateway;

const PATIENTS: usize = 12;
const UPDATES: usize = 6;

fn adt(patient: usize, update: usize) -> (String, Vec<u8>) {
    let control_id = format!("K{patient}-{update}");
    let text = format!(
        "MSH|^~\\&|EMR|NORTH|GW|HUB|20260301081500||ADT^A08^ADT_A01|{control_id}|P|2.5.1\r\
         EVN|A08|20260301081500\r\
         PID|1||{patient}^^^NORTH^MR||Testcase{update}^Ann||19710423|F\r"
    );
    (control_id, text.into_bytes())
}

/// A database of its own on the server of the tests.
#[expect(clippy::print_stdout, reason = "a skip is told loudly")]
async fn database() -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the address of the test server is the harness's business")]
    let server = std::env::var("LOOPGATE_TEST_POSTGRES").ok();
    let Some(server) = server else {
        #[expect(clippy::disallowed_methods, reason = "whether a skip is allowed is the harness's business")]
        let in_ci = std::env::var("CI").is_ok();
        assert!(!in_ci, "LOOPGATE_TEST_POSTGRES must be set in CI");
        println!("SKIPPED: set LOOPGATE_TEST_POSTGRES (tests/support/postgres.sh) to test several replicas");
        return None;
    };
    let name = format!("replicas_{}", std::process::id());
    let mut connection = PgConnection::connect(&server).await.expect("the test server answers");
    let statement = format!("CREATE DATABASE {name}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.expect("a database can be made");
    let (base, _) = server.rsplit_once('/').expect("the URL names a database");
    Some(format!("{base}/{name}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_replicas_share_the_work_and_keep_each_patients_order() {
    let Some(url) = database().await else { return };
    let one = Gateway::start_on(&url).await;
    let other = Gateway::start_on(&url).await;
    for update in 0..UPDATES {
        for patient in 0..PATIENTS {
            let (_, message) = adt(patient, update);
            let replica = if (patient + update) % 2 == 0 { &one } else { &other };
            replica.send(&message).await;
        }
    }
    for patient in 0..PATIENTS {
        for update in 0..UPDATES {
            let concluded = one.concluded(&adt(patient, update).0).await;
            assert_eq!(concluded.outcome, MessageOutcome::Processed);
        }
        let id = logical_id("Patient", "urn:loopgate:authority:NORTH", &patient.to_string());
        let history = one.store().history(&ResourceKey::new("Patient", id)).await.unwrap();
        let mut versions: Vec<(u32, String)> = history
            .iter()
            .map(|version| (version.version, String::from_utf8_lossy(&version.content).into_owned()))
            .collect();
        versions.sort();
        assert_eq!(versions.len(), UPDATES, "patient {patient}: one version for each update, none twice");
        for (update, (_, content)) in versions.iter().enumerate() {
            assert!(content.contains(&format!("Testcase{update}")), "patient {patient}, version {}", update + 1);
        }
    }
    one.stop().await;
    other.stop().await;
}
