//! The FHIR door of the running gateway: what partners write moves referrals, and both doors mean the same thing.

use loopgate::fhir::{Node, Resource};
use loopgate::record::ResourceText;
use loopgate::store::{DeliveryQuery, MessageQuery};

use crate::support::gateway::{Gateway, PATIENCE};

const DOOR: &str = "[fhir]\naddress = \"127.0.0.1:0\"\nopen = true\n";

/// A partner that is told and refuses connections: what is owed to it stays in the store.
const PARTNER: &str = "[[endpoint]]\nname = \"referrer\"\nkind = \"mllp\"\naddress = \"127.0.0.1:9\"\nnotify = { all_referrals = true }\n";

/// A client of the door.
struct Client {
    http: reqwest::Client,
    base: String,
}

impl Client {
    fn of(gateway: &Gateway) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        Self { http, base: gateway.fhir() }
    }

    /// `line` is method and path; the status and the body.
    async fn ask(&self, line: &str, headers: &[(&str, &str)], body: &str) -> (u16, reqwest::header::HeaderMap, String) {
        let (method, path) = line.split_once(' ').unwrap();
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}/{path}", self.base) };
        let mut request = self.http.request(method.parse().unwrap(), url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/fhir+json").body(body.to_owned());
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        (status, headers, String::from_utf8(whole(answer).await).unwrap())
    }

    async fn expect(&self, status: u16, line: &str, body: &str) -> Resource {
        let (found, _, text) = self.ask(line, &[], body).await;
        assert_eq!(found, status, "{line}: {text}");
        Resource::parse(text.as_bytes()).unwrap_or_else(|_| Resource::new("Nothing", ""))
    }

    /// The resources that a search finds.
    async fn found(&self, search: &str) -> Vec<Resource> {
        let bundle = self.expect(200, &format!("GET {search}"), "").await;
        let entries = bundle.get("entry").into_iter().flat_map(Node::items);
        entries
            .map(|entry| {
                Resource::from_object(entry.get("resource").unwrap().as_object().unwrap().clone()).ok().unwrap()
            })
            .collect()
    }
}

/// The body, chunk by chunk.
async fn whole(mut answer: reqwest::Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.unwrap() {
        body.extend_from_slice(&chunk);
    }
    body
}

async fn told(gateway: &Gateway) -> Vec<String> {
    let query = DeliveryQuery { limit: 100, ..DeliveryQuery::default() };
    let mut deliveries = gateway.store().deliveries(&query).await.unwrap();
    deliveries.reverse();
    deliveries.into_iter().map(|delivery| delivery.event.to_string()).collect()
}

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p1","identifier":[{"type":{"coding":[{"code":"MR"}]},"system":"urn:oid:1.2.3","value":"17"}],"name":[{"family":"Testcase","given":["Ann"]}],"gender":"female"}"#;
const REQUEST: &str = r#"{"resourceType":"ServiceRequest","id":"sr1","status":"active","intent":"order","subject":{"reference":"Patient/p1"},"identifier":[{"type":{"coding":[{"code":"PLAC"}]},"system":"urn:north","value":"R1"}],"code":{"text":"Cardiology"}}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_referral_goes_round_by_fhir_alone() {
    let gateway = Gateway::start("", &format!("{DOOR}{PARTNER}")).await;
    let client = Client::of(&gateway);
    client.expect(201, "PUT Patient/p1", PATIENT).await;
    client.expect(201, "PUT ServiceRequest/sr1", REQUEST).await;
    let mut task = client.found("Task?focus=ServiceRequest/sr1&status=received").await.remove(0);
    assert_eq!(told(&gateway).await, ["referral.received"]);

    // A note moves nothing; it stays when the machine writes the Task again.
    let path = format!("PUT Task/{}", task.id().unwrap());
    let note = Node::parse(br#"[{"text":"called the practice"}]"#).unwrap();
    task.object_mut().set("note", note);
    let text = |task: &Resource| String::from_utf8(task.to_json()).unwrap();
    let mut task = client.expect(200, &path, &text(&task)).await;
    assert_eq!(told(&gateway).await, ["referral.received"]);
    task.object_mut().set("status", "accepted");
    let task = client.expect(200, &path, &text(&task)).await;
    assert_eq!(told(&gateway).await, ["referral.received", "referral.accepted"]);
    assert_eq!(task.text(&["note", "text"]), Some("called the practice"));
    assert_eq!(task.text(&["status"]), Some("accepted"));

    let booked = r#"{"resourceType":"Appointment","id":"a1","status":"booked","start":"2026-12-01T10:00:00Z","end":"2026-12-01T10:30:00Z","basedOn":[{"reference":"ServiceRequest/sr1"}],"participant":[{"actor":{"reference":"Patient/p1"},"status":"accepted"}]}"#;
    client.expect(201, "PUT Appointment/a1", booked).await;
    client.expect(200, "PUT Appointment/a1", &booked.replace("booked", "noshow")).await;
    assert_eq!(
        told(&gateway).await,
        ["referral.received", "referral.accepted", "referral.scheduled", "referral.no-show"]
    );
    // The same again is no news.
    client.expect(200, "PUT Appointment/a1", &booked.replace("booked", "noshow")).await;
    assert_eq!(told(&gateway).await.len(), 4);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_by_hl7_is_found_by_fhir_with_its_provenance() {
    let gateway = Gateway::start("", DOOR).await;
    let client = Client::of(&gateway);
    let adt = "MSH|^~\\&|EMR|NORTH|GW|HUB|20260301081500||ADT^A08^ADT_A01|K1|P|2.5.1\rEVN|A08|20260301081500\rPID|1||17^^^&1.2.3&ISO^MR||Testcase^Ann||19710423|F\rPV1|1|O|CARD^R1\r";
    gateway.send(adt.as_bytes()).await;
    let message = gateway.concluded("K1").await;
    let patient = client.found("Patient?identifier=urn:oid:1.2.3|17&family=testc&birthdate=1971-04").await.remove(0);
    let target = format!("Patient/{}", patient.id().unwrap());
    // The map makes Provenance of its own from the message; the computed one tells of the version.
    let is_computed = |one: &Resource| one.id().is_some_and(|id| id.starts_with("version-"));
    let found = client.found(&format!("Provenance?target={target}")).await;
    let provenance = found.into_iter().find(is_computed).unwrap();
    let entities: Vec<&str> = provenance
        .get("entity")
        .unwrap()
        .items()
        .iter()
        .filter_map(|one| one.text(&["what", "identifier", "value"]))
        .collect();
    assert_eq!(entities, [message.id.to_string(), message.release.to_string()]);
    let included = client.found("Patient?identifier=urn:oid:1.2.3|17&_revinclude=Provenance:target").await;
    assert!(included.iter().any(|one| one.id() == provenance.id()));
    let read = client.expect(200, &format!("GET Provenance/{}", provenance.id().unwrap()), "").await;
    assert!(read == provenance);
    gateway.stop().await;
}

const MESSAGE: &str = r#"{"resourceType":"Bundle","type":"message","timestamp":"2026-03-01T08:15:00Z","entry":[
    {"fullUrl":"http://a/fhir/MessageHeader/h1","resource":{"resourceType":"MessageHeader","id":"h1","eventCoding":{"system":"http://terminology.hl7.org/CodeSystem/v2-0003","code":"A04"},
      "source":{"endpoint":"http://a/fhir"},"focus":[{"reference":"http://a/fhir/Encounter/e"}]}},
    {"fullUrl":"http://a/fhir/Patient/p","resource":{"resourceType":"Patient","id":"p","identifier":[{"type":{"coding":[{"code":"MR"}]},"system":"urn:oid:1.2.3","value":"17"}],"birthDate":"1971-04-23"}},
    {"fullUrl":"http://a/fhir/Encounter/e","resource":{"resourceType":"Encounter","id":"e","status":"arrived","class":{"code":"AMB"},"subject":{"reference":"Patient/p"}}}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_fhir_message_is_taken_once_and_meets_what_hl7_said() {
    let gateway = Gateway::start("", DOOR).await;
    let client = Client::of(&gateway);
    let adt = "MSH|^~\\&|EMR|NORTH|GW|HUB|20260301081500||ADT^A08^ADT_A01|K1|P|2.5.1\rPID|1||17^^^&1.2.3&ISO^MR||Testcase^Ann\r";
    gateway.send(adt.as_bytes()).await;
    gateway.concluded("K1").await;
    let first = client.expect(200, "POST $process-message", MESSAGE).await;
    let again = client.expect(200, "POST $process-message", MESSAGE).await;
    assert!(first == again, "a resend hears the same");
    let header = first.get("entry").unwrap().items()[0].get("resource").unwrap();
    assert_eq!(
        (header.text(&["response", "code"]), header.text(&["response", "identifier"])),
        (Some("ok"), Some("h1"))
    );
    let patients = client.found("Patient").await;
    assert_eq!(patients.len(), 1, "one patient by both doors");
    assert_eq!(
        (patients[0].text(&["birthDate"]), patients[0].text(&["name", "family"])),
        (Some("1971-04-23"), Some("Testcase"))
    );
    let encounters = client.found(&format!("Encounter?subject=Patient/{}", patients[0].id().unwrap())).await;
    assert_eq!(encounters.len(), 1);
    let query = MessageQuery { control_id: Some("h1".into()), limit: 10, ..MessageQuery::default() };
    assert_eq!(gateway.store().messages(&query).await.unwrap().len(), 1);
    client.expect(422, "POST $process-message", r#"{"resourceType":"Bundle","type":"message"}"#).await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn merged_patients_are_read_as_they_are_and_led_to_the_survivor() {
    let gateway = Gateway::start("", DOOR).await;
    let client = Client::of(&gateway);
    client.expect(201, "PUT Patient/old", &PATIENT.replace("\"p1\"", "\"old\"")).await;
    client.expect(201, "PUT Patient/new", &PATIENT.replace("\"p1\"", "\"new\"").replace("\"17\"", "\"18\"")).await;
    let matched = client
        .expect(
            200,
            "POST Patient/$match",
            &format!(r#"{{"resourceType":"Parameters","parameter":[{{"name":"resource","resource":{PATIENT}}}]}}"#),
        )
        .await;
    let first = &matched.get("entry").unwrap().items()[0];
    assert_eq!(first.text(&["resource", "id"]), Some("old"));
    assert_eq!(first.text(&["search", "extension", "valueCode"]), Some("certain"));
    let merge = r#"{"resourceType":"Parameters","parameter":[{"name":"source-patient","valueReference":{"reference":"Patient/old"}},{"name":"target-patient","valueReference":{"reference":"Patient/new"}}]}"#;
    client.expect(200, "POST Patient/$merge", merge).await;
    let old = client.expect(200, "GET Patient/old", "").await;
    assert_eq!(old.text(&["link", "other", "reference"]), Some("Patient/new"));
    let adt = "MSH|^~\\&|EMR|NORTH|GW|HUB|20260301081500||ADT^A08^ADT_A01|K9|P|2.5.1\rPID|1||17^^^&1.2.3&ISO^MR||Testcase^Ann||19710423\r";
    gateway.send(adt.as_bytes()).await;
    gateway.concluded("K9").await;
    assert_eq!(client.expect(200, "GET Patient/new", "").await.text(&["birthDate"]), Some("1971-04-23"));
    assert_eq!(client.expect(200, "GET Patient/old", "").await.text(&["birthDate"]), None);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_the_state_at_its_start() {
    let gateway = Gateway::start("", DOOR).await;
    let client = Client::of(&gateway);
    client.expect(201, "PUT Patient/p1", PATIENT).await;
    client.expect(201, "PUT Observation/o1", r#"{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"}}"#).await;
    client.expect(201, "PUT Organization/x", r#"{"resourceType":"Organization","id":"x","name":"Clinic"}"#).await;
    assert_eq!(client.ask("GET Patient/$export", &[], "").await.0, 400);
    let (status, headers, _) = client.ask("GET Patient/$export", &[("prefer", "respond-async")], "").await;
    assert_eq!(status, 202);
    client.expect(200, "PUT Patient/p1", &PATIENT.replace("female", "male")).await;
    let status_url = headers["content-location"].to_str().unwrap().to_owned();
    let manifest = poll(&client, &status_url).await;
    let manifest = Node::parse(manifest.as_bytes()).unwrap();
    let output: Vec<(&str, &str)> = manifest
        .get("output")
        .unwrap()
        .items()
        .iter()
        .map(|one| (one.text(&["type"]).unwrap(), one.text(&["url"]).unwrap()))
        .collect();
    assert_eq!(output.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), ["Observation", "Patient"]);
    let (_, _, lines) = client.ask(&format!("GET {}", output[1].1), &[("accept", "application/fhir+ndjson")], "").await;
    assert_eq!(lines.lines().count(), 1);
    assert!(lines.contains("\"female\""), "as it was: {lines}");
    assert_eq!(client.ask(&format!("DELETE {status_url}"), &[], "").await.0, 202);
    assert_eq!(client.ask(&format!("GET {status_url}"), &[], "").await.0, 404);
    gateway.stop().await;
}

/// Asks until it is complete.
async fn poll(client: &Client, url: &str) -> String {
    let polling = async {
        loop {
            let (status, _, body) = client.ask(&format!("GET {url}"), &[], "").await;
            if status == 200 {
                return body;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, polling).await.expect("the export is completed")
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_and_conversion_answer() {
    let gateway = Gateway::start("", DOOR).await;
    let client = Client::of(&gateway);
    client.expect(201, "PUT Organization/x", r#"{"resourceType":"Organization","id":"x","name":"Clinic"}"#).await;
    let patient =
        PATIENT.replace("\"gender\"", "\"managingOrganization\":{\"reference\":\"Organization/x\"},\"gender\"");
    client.expect(201, "PUT Patient/p1", &patient).await;
    client.expect(201, "PUT Observation/o1", r#"{"resourceType":"Observation","id":"o1","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p1"}}"#).await;
    let all: Vec<String> =
        client.found("Patient/p1/$everything").await.iter().map(|one| one.kind().to_owned()).collect();
    assert_eq!(all, ["Patient", "Observation", "Organization"]);
    let adt =
        "MSH|^~\\&|EMR|NORTH|GW|HUB|20260301081500||ADT^A08^ADT_A01|K1|P|2.5.1\rPID|1||17^^^NORTH^MR||Testcase^Ann\r";
    let url = format!("{}/$convert?trace=true", client.base);
    let answer = client.http.post(url).header("content-type", "text/plain").body(adt).send().await.unwrap();
    let parameters = Resource::parse(&whole(answer).await).unwrap();
    let text = String::from_utf8(parameters.to_json()).unwrap();
    assert!(text.contains("PID-5.1") && text.contains("name[0].family"), "{text}");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_of_other_definitions_is_made_anew() {
    let gateway = Gateway::start("", DOOR).await;
    Client::of(&gateway).expect(201, "PUT Patient/p1", PATIENT).await;
    let current = gateway.store().current_after(None, 10).await.unwrap();
    let emptied: Vec<_> = current.iter().map(|version| (version.number, Vec::new(), ResourceText::default())).collect();
    gateway.store().reindex(&emptied).await.unwrap();
    assert!(Client::of(&gateway).found("Patient?family=Testcase").await.is_empty());
    gateway.store().set_indexed_by(loopgate::base::Digest::of(b"an older release")).await.unwrap();
    let gateway = Gateway::start_in(gateway.stop().await, "", DOOR).await;
    assert_eq!(Client::of(&gateway).found("Patient?family=Testcase").await.len(), 1);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_comes_with_its_request_is_the_task_of_the_referral() {
    let gateway = Gateway::start("", &format!("{DOOR}{PARTNER}")).await;
    let client = Client::of(&gateway);
    client.expect(201, "PUT Patient/p1", PATIENT).await;
    let task = r#"{"resourceType":"Task","status":"requested","intent":"order","code":{"coding":[{"system":"http://hl7.org/fhir/CodeSystem/task-code","code":"fulfill","display":"Fulfill"}]},"focus":{"reference":"urn:uuid:1"},"for":{"reference":"Patient/p1","display":"Ann"},"owner":{"display":"the laboratory"}}"#;
    let request = REQUEST.replace(r#""id":"sr1","#, "");
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"transaction","entry":[{{"fullUrl":"urn:uuid:1","resource":{request},"request":{{"method":"POST","url":"ServiceRequest"}}}},{{"resource":{task},"request":{{"method":"POST","url":"Task"}}}}]}}"#
    );
    client.expect(200, "POST ", &bundle).await;
    let mut tasks = client.found("Task").await;
    assert_eq!(tasks.len(), 1, "the partner's, and no other");
    let mut task = tasks.remove(0);
    assert_eq!((task.text(&["status"]), task.text(&["for", "display"])), (Some("requested"), Some("Ann")));
    assert_eq!(task.text(&["code", "coding", "display"]), Some("Fulfill"));
    assert_eq!(told(&gateway).await, ["referral.received"]);
    task.object_mut().set("status", "accepted");
    let path = format!("PUT Task/{}", task.id().unwrap());
    client.expect(200, &path, &String::from_utf8(task.to_json()).unwrap()).await;
    assert_eq!(told(&gateway).await, ["referral.received", "referral.accepted"]);
    let done = String::from_utf8(task.to_json()).unwrap().replace("\"accepted\"", "\"completed\"");
    assert_eq!(client.expect(200, &path, &done).await.text(&["status"]), Some("completed"));
    gateway.stop().await;
}
