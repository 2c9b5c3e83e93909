//! Configurations in, settings or located problems out.

use super::*;

fn parse(text: &str) -> Result<Settings, Vec<Diagnostic>> {
    check(text, "loopgate.toml", &[])
}

fn problems(text: &str) -> Vec<String> {
    let faults = parse(text).err().unwrap_or_default();
    faults.iter().map(|fault| format!("{:?} {}: {}", fault.position.unwrap(), fault.code, fault.text)).collect()
}

#[test]
fn without_a_file_every_default_holds_and_listens_on_loopback() {
    let settings = parse("").unwrap();
    assert!(settings.admin_address.ip().is_loopback());
    assert_eq!(settings.telemetry, crate::telemetry::Settings::default());
    assert!(settings.feeds.is_empty() && settings.endpoints.is_empty() && settings.store.url.is_none());
    let feed = parse("[[feed]]\nname = \"emr\"").unwrap().feeds.remove(0);
    let expected = crate::connectors::mllp::ListenerSettings::new(
        crate::base::ids::FeedName::new("emr"),
        "127.0.0.1:2575".parse().unwrap(),
    );
    assert_eq!(feed.listener, expected, "the defaults of the table are those of base::limits");
}

const FULL: &str = r#"
[store]
url = "postgres://loopgate:canary-password@db/loopgate"

[log]
filter = "debug"
format = "json"

[admin]
address = "0.0.0.0:9575"
dangerous_listen_without_tls = true

[[feed]]
name = "emr"
address = "0.0.0.0:2575"
ack = "applied"
on_unknown_type = "refuse"
on_control_id_reuse = "refuse"
role = "filler"
default_charset = "8859/1"
default_zone = "Europe/Berlin"
processing_ids = ["P"]
connections_max = 7
tls = { certificate = "gateway.pem", key = "gateway.key", client_ca = "partners.pem" }

[[endpoint]]
name = "clinic"
kind = "mllp"
address = "clinic.example:2575"
timeout_ms = 5000
tls = { ca = "clinic.pem" }
notify = { facilities = ["EMR"], senders = ["APP|EMR"], authorities = ["urn:x"], events = ["accepted"], order_status = { accepted = "SC/IP", received = "RR/" } }

[[endpoint]]
name = "crm"
kind = "webhook"
url = "http://127.0.0.1:8080/canary-token"
secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
dangerous_allow_private_addresses = true
notify = { all_referrals = true }
"#;

#[test]
fn a_full_file_is_resolved() {
    let settings = parse(FULL).unwrap_or_else(|faults| panic!("{}", render(&faults)));
    let feed = &settings.feeds[0];
    assert_eq!((feed.ack, feed.role, feed.listener.connections_max), (AckTiming::Applied, Some(Role::Filler), 7));
    assert_eq!(feed.tls.as_ref().unwrap().authority.as_deref(), Some(std::path::Path::new("partners.pem")));
    assert_eq!(feed.processing_ids, ["P"]);
    let Target::Mllp { sender, server_name, .. } = &settings.endpoints[0].target else { panic!("mllp") };
    assert_eq!((sender.ack_timeout.as_secs(), server_name.as_str()), (5, "clinic.example"));
    let Notify { facilities, senders, authorities, events, order_status } = &settings.endpoints[0].notify;
    assert_eq!([facilities, senders, authorities, events], [&["EMR"], &["APP|EMR"], &["urn:x"], &["accepted"]]);
    let pairs: Vec<_> = order_status.iter().map(|(kind, pair)| (kind.as_str(), pair.as_str())).collect();
    assert_eq!(pairs, [("accepted", "SC/IP"), ("received", "RR/")]);
    assert!(settings.endpoints[1].notify.facilities.is_empty());
    assert_eq!(settings.endpoints[1].name().as_str(), "crm");
}

#[test]
fn problems_of_sections_and_feeds_are_located() {
    let cases = [
        ("[stroe]\n", "(1, 2) unknown-option: there is no option `stroe`"),
        ("[store]\ndata = 7", "(2, 8) wrong-type: `store.data` is an integer, expected a path, as a string"),
        (
            "[[feed]]\naddress = \"127.0.0.1:1\"",
            "(1, 1) missing-option: `feed.name` is missing: Unique name, in logs, metrics and commands.",
        ),
        (
            "[[feed]]\nname = \"a\"\nack = \"later\"",
            "(3, 7) bad-value: `feed.ack` must be one of \"commit\", \"applied\"",
        ),
        (
            "[[feed]]\nname = \"a\"\nconnections_max = 0",
            "(3, 19) bad-value: `feed.connections_max` must be from 1 to 100000",
        ),
        ("[[feed]]\nname = \"a\"\naddress = \"here\"", "(3, 11) bad-value: `address` is not an address with port"),
        (
            "[[feed]]\nname = \"a\"\naddress = \"0.0.0.0:1\"",
            "(3, 11) open-listener: 0.0.0.0:1 is reachable from other machines, and there is no TLS",
        ),
        (
            "[admin]\naddress = \"[::]:1\"",
            "(2, 11) open-listener: [::]:1 is reachable from other machines, and there is no TLS",
        ),
        ("[http]\naddress = \"127.0.0.1:8575\"", "(1, 2) unknown-option: there is no option `http`"),
        ("[[feed]]\nname = \"a b\"", "(2, 8) bad-value: `name` may hold letters, digits, `-`, `_` and `.` only"),
        ("[[feed]]\nname = \"a\"\n[[feed]]\nname = \"a\"", "(4, 8) conflict: there is another feed named `a`"),
        (
            "[[feed]]\nname = \"a\"\ndefault_zone = \"Mars/Olympus\"",
            "(3, 16) bad-value: `default_zone` is not a name of the IANA time zone database",
        ),
        (
            "[[feed]]\nname = \"a\"\ndefault_charset = \"EBCDIC\"",
            "(3, 19) bad-value: `default_charset` is not a code of HL7 table 0211",
        ),
        (
            "[[feed]]\nname = \"a\"\ntls = { key = \"k\" }",
            "(3, 7) missing-option: `feed.tls.certificate` is missing: PEM file: the certificate, then its intermediates.",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(problems(text), [expected], "{text}");
    }
}

#[test]
fn problems_of_endpoints_and_texts_are_located() {
    let webhook = "[[endpoint]]\nname = \"a\"\nkind = \"webhook\"\nnotify.all_referrals = true\nsecrets = [\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"]\n";
    let cases = [
        (
            "[[endpoint]]\nname = \"a\"\nnotify.all_referrals = true\nkind = \"mllp\"",
            "(1, 1) missing-option: an endpoint of kind \"mllp\" needs `address`",
        ),
        (
            "[[endpoint]]\nname = \"a\"\nnotify.all_referrals = true\nkind = \"mllp\"\naddress = \"a:1\"\nsecrets = [\"s\"]",
            "(6, 11) conflict: `secrets` means nothing for an endpoint of kind \"mllp\"",
        ),
        (
            "[[endpoint]]\nname = \"a\"\nnotify.all_referrals = true\nkind = \"mllp\"\naddress = \"a\"",
            "(5, 11) bad-value: `address` is not a host with port",
        ),
        (
            &format!("{webhook}url = \"http://a.example/\""),
            "(6, 7) bad-value: `url`: expected https; `dangerous_allow_http = true` permits http",
        ),
        (
            &format!("{webhook}url = \"https://10.0.0.1/\""),
            "(6, 7) bad-value: `url`: the host is an internal address; `dangerous_allow_private_addresses = true` permits it",
        ),
        (
            &format!("{webhook}url = \"https://a.example/\"\nurl_file = \"f\""),
            "(7, 12) conflict: `url` and `url_file` cannot both be given",
        ),
        (
            "[log]\nfilter = \"loopgate=loud\"",
            "(2, 10) bad-value: the log filter does not parse: expected directives such as `info` or `info,loopgate=debug`",
        ),
        ("[store]\nurl = \"mysql://x\"", "(2, 7) bad-value: `url` is not a PostgreSQL URL"),
    ];
    for (text, expected) in cases {
        assert_eq!(problems(text), [expected], "{text}");
    }
}

/// An endpoint that is told of everything gives away the data of every patient: only by an explicit word.
#[test]
fn who_is_told_of_which_referrals_is_said() {
    let told = |kind: &str, notify: &str| {
        let way = match kind {
            "mllp" => "address = \"a:1\"",
            _ => "url = \"https://a.example/\"\nsecrets = [\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"]",
        };
        problems(&format!("[[endpoint]]\nname = \"a\"\nkind = \"{kind}\"\n{notify}\n{way}"))
    };
    let open = "open-endpoint: this partner would be told of every referral, with the data of the patient";
    for kind in ["mllp", "webhook"] {
        for (notify, expected) in [
            ("notify.all_referrals = true", None),
            ("notify.facilities = [\"A\"]", None),
            ("notify.senders = [\"A|B\"]", None),
            ("notify.authorities = [\"urn:x\"]", None),
            ("", Some(format!("(1, 1) {open}"))),
            ("notify.facilities = []", Some(format!("(4, 1) {open}"))),
            ("notify = { events = [\"report\"] }", Some(format!("(4, 10) {open}"))),
            ("notify = { all_referrals = false }", Some(format!("(4, 10) {open}"))),
            (
                "notify = { all_referrals = true, senders = [\"A|B\"] }",
                Some("(4, 28) conflict: `notify.senders` and `notify.all_referrals` cannot both be given".into()),
            ),
            ("notify.senders = [\"A\"]", Some("(4, 18) bad-value: `A` is no sender".into())),
        ] {
            assert_eq!(told(kind, notify), Vec::from_iter(expected), "{kind} {notify}");
        }
    }
    for (written, expected) in [
        ("accepted = \"OK\"", Some("(4, 62) bad-value: `accepted` is no order status")),
        ("accepted = \"/IP\"", Some("(4, 62) bad-value: `accepted` is no order status")),
        (
            "acepted = \"OK/IP\"",
            Some("(4, 51) unknown-option: there is no option `endpoint.notify.order_status.acepted`"),
        ),
        ("no-show = \"SC/A\"", None),
    ] {
        let notify = format!("notify = {{ all_referrals = true, order_status = {{ {written} }} }}");
        let expected: Vec<_> = expected.into_iter().collect();
        assert_eq!(told("mllp", &notify), expected, "{written}");
    }
    let webhook = told("webhook", "notify = { all_referrals = true, order_status = { report = \"SC/CM\" } }");
    assert!(
        webhook[0].contains("`notify.order_status` means nothing for an endpoint of kind \"webhook\""),
        "{webhook:?}"
    );
}

/// What the reference says of an event left out is what the workflow does, and every event stands in the table.
#[test]
fn the_order_statuses_of_the_reference_are_those_of_the_workflow() {
    use crate::record::AnnouncementKind;

    assert_eq!(options::ORDER_STATUS.len(), AnnouncementKind::ALL.len());
    for (option, kind) in options::ORDER_STATUS.iter().zip(AnnouncementKind::ALL) {
        assert_eq!(option.key, kind.as_str());
        let usual = crate::workflow::announce::order_status(kind);
        let pair = usual.map_or("Unset: ".into(), |pair| format!("`{}/{}`", pair.control, pair.status));
        assert!(option.doc.contains(&pair), "{}: {pair}", option.key);
        assert_eq!(option.doc.contains('`'), pair != "Unset: ", "{}", option.key);
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let found = problems("[log]\nformat = \"xml\"\n[[feed]]\nname = 3\nack = \"x\"\n[[feed]]\nrole = \"x\"\n");
    assert_eq!(found.len(), 5, "{found:#?}");
}

#[test]
fn a_problem_is_shown_like_a_compiler_does() {
    let faults = parse("[[feed]]\nname = \"emr\"\nadress = \"127.0.0.1:2575\"\n").err().unwrap();
    let expected = "\
error[unknown-option]: there is no option `feed.adress`
  --> loopgate.toml:3:1
  |
3 | adress = ****************
  | ^^^^^^
  = did you mean `address`?

1 problem in the configuration
";
    assert_eq!(render(&faults), expected);
}

/// Whatever is wrong on the same line, secrets are not in the report.
#[test]
fn secrets_are_never_shown() {
    let endpoint = "[[endpoint]]\nname = \"a\"\nkind = \"webhook\"\n";
    for text in [
        "store = { url = \"mysql://canary\", data = 7 }",
        "[store]\nulr = \"canary\"",
        "[stoer]\nurl = \"canary\"",
        "stoer = { url = \"canary\", inner = { deep = [\"canary\"] } }",
        &format!("{endpoint}url = \"http://canary.example/canary\"\nsecrets = [\"canary\"]"),
        &format!("{endpoint}url = \"https://user:canary@a.example/\"\nsecrets = [\"whsec_canary\", 7]"),
        &format!("{endpoint}secrets = [\"whsec_canary\""),
        &format!("{endpoint}secrets = \"whsec_canary"),
    ] {
        let report = render(&parse(text).err().unwrap());
        assert!(!report.contains("canary"), "{report}");
    }
}

#[test]
fn the_environment_overrides_the_file() {
    let file = "[[feed]]\nname = \"emr\"\naddress = \"127.0.0.1:1\"";
    let set = |name: &str, value: &str| check(file, "f", &[(name.to_owned(), value.to_owned())]);
    assert_eq!(set("LOOPGATE__STORE__DATA", "/srv/x").unwrap().store.data, std::path::PathBuf::from("/srv/x"));
    assert_eq!(set("LOOPGATE__FEED__0__ADDRESS", "127.0.0.1:9").unwrap().feeds[0].listener.address.port(), 9);
    assert_eq!(set("LOOPGATE__FEED__0__CONNECTIONS_MAX", "9").unwrap().feeds[0].listener.connections_max, 9);
    assert_eq!(set("LOOPGATE__FEED__0__PROCESSING_IDS", "P, T").unwrap().feeds[0].processing_ids, ["P", "T"]);
    assert!(set("PATH", "/bin").is_ok());
    for (name, value, code) in [
        ("LOOPGATE__STORE__DATUM", "x", "unknown-option"),
        ("LOOPGATE__FEED__1__ADDRESS", "127.0.0.1:9", "unknown-option"),
        ("LOOPGATE__FEED__0__CONNECTIONS_MAX", "many", "wrong-type"),
        ("LOOPGATE__ADMIN__ADDRESS", "0.0.0.0:1", "open-listener"),
    ] {
        let faults = set(name, value).err().unwrap();
        assert_eq!(faults.len(), 1, "{name}");
        assert_eq!((faults[0].code, faults[0].origin.as_str(), faults[0].position), (code, name, None));
        assert!(render(&faults).contains(&format!("--> environment variable {name}")));
    }
}

#[test]
fn any_text_is_survived() {
    for end in (0..FULL.len()).filter(|end| FULL.is_char_boundary(*end)) {
        if let Err(faults) = parse(&FULL[..end]) {
            assert!(!render(&faults).contains("canary"), "cut at {end}: {}", render(&faults));
        }
    }
}

#[test]
fn files_are_read_and_what_is_wrong_with_them_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let url = write("url", "http://127.0.0.1:9/hooks\n");
    let secrets =
        write("secrets", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n\nwhsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n");
    let config = |secrets: &str| {
        let flags = "kind = \"webhook\"\nnotify.all_referrals = true\ndangerous_allow_private_addresses = true";
        format!("[[endpoint]]\nname = \"crm\"\n{flags}\nurl_file = \"{url}\"\nsecrets_file = \"{secrets}\"\n")
    };
    let clock: std::sync::Arc<dyn crate::base::Clock> = std::sync::Arc::new(crate::base::FrozenClock::default());
    let start = |text: &str| {
        let path = write("loopgate.toml", text);
        load(Some(std::path::Path::new(&path)), &[]).and_then(|settings| senders(&settings, &clock))
    };
    let senders = start(&config(&secrets)).unwrap();
    assert_eq!(senders.keys().map(crate::base::ids::EndpointName::as_str).collect::<Vec<_>>(), ["crm"]);
    assert!(matches!(start(&config(&write("empty", "\n"))), Err(LoadError::NoSecrets { .. })));
    assert!(matches!(start(&config(&write("bad", "secret\n"))), Err(LoadError::Secrets { .. })));
    assert!(matches!(start(&config("absent")), Err(LoadError::Unreadable { .. })));
}

/// Rewrites the page when `UPDATE_REFERENCE` is set, and fails on a difference otherwise.
#[test]
#[expect(clippy::disallowed_methods, reason = "a switch of the developer, not of the gateway")]
fn the_reference_is_what_the_table_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference/configuration.md");
    if std::env::var("UPDATE_REFERENCE").is_ok() {
        std::fs::write(path, options::reference()).unwrap();
    }
    let page = std::fs::read_to_string(path).unwrap_or_default();
    assert!(page == options::reference(), "stale: run UPDATE_REFERENCE=1 cargo test --lib config::");
}
