//! The path of a message through the running gateway: what is answered, what is kept, what becomes of it.

use loopgate::hl7v2::ack::AckCode;
use loopgate::record::MessageOutcome;
use loopgate::store::{LaneAction, MessageQuery};

use crate::support::gateway::Gateway;

fn adt(control_id: &str, patient: &str, family: &str) -> Vec<u8> {
    let text = format!(
        "MSH|^~\\&|EMR|NORTH|GW|HUB|20260301081500||ADT^A08^ADT_A01|{control_id}|P|2.5.1\r\
         EVN|A08|20260301081500\r\
         PID|1||{patient}^^^NORTH^MR||{family}^Ann||19710423|F\r\
         PV1|1|O|CARD^R1\r"
    );
    text.into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_acknowledged_mapped_and_kept() {
    let gateway = Gateway::start("", "").await;
    let ack = gateway.send(&adt("K1", "1", "Testcase")).await;
    assert_eq!((ack.code, ack.control_id.as_str()), (AckCode::Aa, "K1"));
    let message = gateway.concluded("K1").await;
    assert_eq!(message.outcome, MessageOutcome::Processed);
    assert_eq!(message.bytes, adt("K1", "1", "Testcase"));
    assert!(!message.release.is_empty());
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resend_hears_the_first_answer_again_and_has_no_effect() {
    let gateway = Gateway::start("", "").await;
    let mut client = gateway.client().await;
    let first = client.exchange(&adt("K1", "1", "Testcase"), crate::support::gateway::PATIENCE).await.unwrap();
    gateway.concluded("K1").await;
    let second = client.exchange(&adt("K1", "1", "Testcase"), crate::support::gateway::PATIENCE).await.unwrap();
    assert_eq!(first, second);
    let all = gateway.store().messages(&MessageQuery { limit: 10, ..MessageQuery::default() }).await.unwrap();
    assert_eq!(all.len(), 1);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_id_with_other_content_is_flagged_or_refused_as_the_feed_says() {
    let gateway = Gateway::start("", "").await;
    gateway.send(&adt("K1", "1", "Testcase")).await;
    assert_eq!(gateway.send(&adt("K1", "1", "Othercase")).await.code, AckCode::Aa);
    assert!(gateway.concluded("K1").await.control_id_reused);
    gateway.stop().await;

    let gateway = Gateway::start("on_control_id_reuse = \"refuse\"", "").await;
    gateway.send(&adt("K1", "1", "Testcase")).await;
    let ack = gateway.send(&adt("K1", "1", "Othercase")).await;
    assert_eq!((ack.code, ack.error_code.as_str()), (AckCode::Ae, "205"));
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_type_is_kept_without_holding_its_lane_or_refused_as_the_feed_says() {
    let unknown = b"MSH|^~\\&|EMR|NORTH|||20260301||ZZZ^Z01|K1|P|2.5.1\rPID|1||1^^^NORTH^MR\r";
    let gateway = Gateway::start("", "").await;
    assert_eq!(gateway.send(unknown).await.code, AckCode::Aa);
    assert_eq!(gateway.concluded("K1").await.outcome, MessageOutcome::NoMapping);
    gateway.send(&adt("K2", "1", "Testcase")).await;
    assert_eq!(gateway.concluded("K2").await.outcome, MessageOutcome::Processed);
    gateway.stop().await;

    let gateway = Gateway::start("on_unknown_type = \"refuse\"", "").await;
    let ack = gateway.send(unknown).await;
    assert_eq!((ack.code, ack.error_code.as_str()), (AckCode::Ar, "201"));
    assert_eq!(gateway.concluded("K1").await.outcome, MessageOutcome::Refused);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_accepted_is_answered_with_place_and_code() {
    let gateway = Gateway::start("", "").await;
    let cases: [(&str, AckCode, &str, &str); 4] = [
        ("MSH|^~\\&|A|B|||20260301||ADT^A08|K1|X|2.5.1\r", AckCode::Ar, "202", "K1"),
        ("MSH|^~\\&|A|B|||20260301||ADT^A08|K2|P|3.0\r", AckCode::Ar, "203", "K2"),
        ("MSH|^~\\&|A|B|||20260301|||K3|P|2.5.1\r", AckCode::Ar, "200", "K3"),
        ("MSH|^~\\&|A|B|||20260301||ADT^A08||P|2.5.1\r", AckCode::Ar, "101", ""),
    ];
    for (message, code, error, control_id) in cases {
        let ack = gateway.send(message.as_bytes()).await;
        assert_eq!(
            (ack.code, ack.error_code.as_str(), ack.control_id.as_str()),
            (code, error, control_id),
            "{message}"
        );
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn enhanced_mode_is_answered_as_asked() {
    let gateway = Gateway::start("", "").await;
    let with = |accept: &str, application: &str, id: &str| {
        format!("MSH|^~\\&|A|B|||20260301||ADT^A08|{id}|P|2.5.1|||{accept}|{application}\rPID|1||1^^^B^MR\r")
            .into_bytes()
    };
    assert_eq!(gateway.send(&with("AL", "NE", "K1")).await.code, AckCode::Ca);
    assert_eq!(gateway.send(&with("NE", "AL", "K2")).await.code, AckCode::Aa);
    let mut client = gateway.client().await;
    let nothing = client.exchange(&with("NE", "NE", "K3"), std::time::Duration::from_millis(300)).await;
    assert!(nothing.is_err(), "NE asks for no answer");
    assert_eq!(gateway.concluded("K3").await.outcome, MessageOutcome::Processed);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn applied_mode_answers_after_the_effects() {
    let gateway = Gateway::start("ack = \"applied\"", "").await;
    assert_eq!(gateway.send(&adt("K1", "1", "Testcase")).await.code, AckCode::Aa);
    let query = MessageQuery { control_id: Some("K1".to_owned()), limit: 1, ..MessageQuery::default() };
    let stored = gateway.store().messages(&query).await.unwrap().remove(0);
    assert_eq!(stored.outcome, MessageOutcome::Processed, "before the answer came");
    let unknown = b"MSH|^~\\&|EMR|NORTH|||20260301||ZZZ^Z01|K2|P|2.5.1\rPID|1||1^^^NORTH^MR\r";
    assert_eq!(gateway.send(unknown).await.code, AckCode::Ae);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_without_a_header_are_kept_and_the_connection_lives() {
    let gateway = Gateway::start("", "").await;
    let mut client = gateway.client().await;
    assert!(client.exchange(b"no message at all", std::time::Duration::from_millis(300)).await.is_err());
    let answer = client.exchange(&adt("K1", "1", "Testcase"), crate::support::gateway::PATIENCE).await.unwrap();
    assert!(!answer.is_empty());
    let query = MessageQuery { outcome: Some(MessageOutcome::Refused), limit: 10, ..MessageQuery::default() };
    let refused = gateway.store().messages(&query).await.unwrap();
    assert_eq!(refused.len(), 1);
    assert_eq!(&refused[0].bytes[..], b"no message at all");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_admitted_before_a_stop_is_there_after_the_start() {
    let gateway = Gateway::start("", "").await;
    for number in 0..20 {
        gateway.send(&adt(&format!("K{number}"), &number.to_string(), "Testcase")).await;
    }
    let folder = gateway.stop().await;
    let gateway = Gateway::start_in(folder, "", "").await;
    for number in 0..20 {
        assert_eq!(gateway.concluded(&format!("K{number}")).await.outcome, MessageOutcome::Processed);
    }
    assert!(gateway.store().lanes(false, 10).await.unwrap().is_empty());
    let acted = gateway
        .store()
        .act_on_lane(
            "00000000000000ff".parse().unwrap(),
            LaneAction::Retry,
            "test",
            loopgate::base::Timestamp::default(),
        )
        .await;
    assert_eq!(acted.unwrap(), loopgate::store::LaneActed::NoSuchLane);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_as_many_messages_and_is_answered_as_one() {
    let gateway = Gateway::start("", "").await;
    let mut batch = b"FHS|^~\\&|EMR\rBHS|^~\\&|EMR\r".to_vec();
    batch.extend(adt("K1", "1", "Testcase"));
    batch.extend(adt("K2", "2", "Testcase"));
    batch.extend(b"BTS|2\rFTS|1\r");
    let answer = gateway.client().await.exchange(&batch, crate::support::gateway::PATIENCE).await.unwrap();
    let text = String::from_utf8(answer.to_vec()).unwrap();
    let lines: Vec<&str> = text.split_terminator('\r').collect();
    assert_eq!(lines.iter().filter(|line| line.starts_with("MSA|AA|K")).count(), 2, "{text}");
    assert_eq!((lines[0], lines[lines.len() - 1]), ("BHS|^~\\&", "BTS|2"));
    for control_id in ["K1", "K2"] {
        assert_eq!(gateway.concluded(control_id).await.outcome, MessageOutcome::Processed);
    }
    gateway.stop().await;
}
