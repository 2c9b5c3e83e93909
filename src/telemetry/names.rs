//! The registry of names: metrics, their labels, spans and log fields, and the only callers of the metric macros.
//!
//! Grammar of a metric: `loopgate_<noun>_<what>_<unit or total>`, lower case, underscores. Counters end in `_total`,
//! histograms in their unit, gauges in the noun or unit they show. To add one, add a row to the table below; the test
//! checks the grammar.

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution.
    Histogram,
}

macro_rules! metrics_table {
    ($($(#[doc = $help:literal])+ $variant:ident: $kind:ident $name:literal,)+) => {
        /// Every metric of the gateway.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Metric {
            $($(#[doc = $help])+ $variant,)+
        }

        impl Metric {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            pub const fn kind(self) -> MetricKind {
                match self { $(Self::$variant => MetricKind::$kind),+ }
            }

            /// The help text shown on `/metrics`: the documentation of the variant.
            pub const fn help(self) -> &'static str {
                match self { $(Self::$variant => concat!($($help),+).trim_ascii_start()),+ }
            }
        }
    };
}

metrics_table! {
    /// Complete frames handed to intake. Labels: feed.
    MessagesReceived: Counter "loopgate_messages_received_total",
    /// Acknowledgements written. Labels: feed.
    MessagesAnswered: Counter "loopgate_messages_answered_total",
    /// Acknowledgements by MSA-1. Labels: feed, code.
    Acknowledgements: Counter "loopgate_acknowledgements_total",
    /// Answers that could not be written because the connection broke. Labels: feed.
    AnswersUnheard: Counter "loopgate_answers_unheard_total",
    /// From the last byte of a frame to the written answer, in seconds. Labels: feed.
    AnswerSeconds: Histogram "loopgate_answer_seconds",
    /// Connections accepted. Labels: feed.
    ConnectionsAccepted: Counter "loopgate_connections_accepted_total",
    /// Connections open now. Labels: feed.
    ConnectionsOpen: Gauge "loopgate_connections_open",
    /// Times a listener reached its connection limit and let peers wait. Labels: feed.
    ConnectionLimitReached: Counter "loopgate_connection_limit_reached_total",
    /// TLS handshakes that failed. Labels: feed.
    HandshakesFailed: Counter "loopgate_handshakes_failed_total",
    /// Frames longer than the limit. Labels: feed.
    FramesTooLong: Counter "loopgate_frames_too_long_total",
    /// Frames cut off by the peer: a new start block, silence or the end of the connection. Labels: feed.
    FramesCutOff: Counter "loopgate_frames_cut_off_total",
    /// Bytes outside frames. Labels: feed.
    StrayBytes: Counter "loopgate_stray_bytes_total",
    /// From asking for admission to its commit, in seconds.
    AdmitSeconds: Histogram "loopgate_admit_seconds",
    /// Messages that came again with the same content. Labels: feed.
    MessagesDuplicate: Counter "loopgate_messages_duplicate_total",
    /// Messages concluded. Labels: outcome.
    MessagesConcluded: Counter "loopgate_messages_concluded_total",
    /// Messages in one concluding commit.
    ConcludeBatchMessages: Histogram "loopgate_conclude_batch_messages",
    /// Time of one concluding commit, in seconds.
    ConcludeSeconds: Histogram "loopgate_conclude_seconds",
    /// Time to parse and map one batch, in seconds.
    MapSeconds: Histogram "loopgate_map_seconds",
    /// Issues found in messages. Labels: code.
    IssuesFound: Counter "loopgate_issues_found_total",
    /// Batches given up because the lease was lost or the world had moved on. Labels: outcome.
    ConclusionsRepeated: Counter "loopgate_conclusions_repeated_total",
    /// Messages waiting to be processed.
    MessagesPending: Gauge "loopgate_messages_pending",
    /// Age of the oldest message still waiting, in seconds.
    OldestPendingSeconds: Gauge "loopgate_oldest_pending_seconds",
    /// Lanes that wait for a person.
    LanesParked: Gauge "loopgate_lanes_parked",
    /// Workflow events applied. Labels: event.
    WorkflowEvents: Counter "loopgate_workflow_events_total",
    /// Timers that ran out. Labels: kind.
    TimersFired: Counter "loopgate_timers_fired_total",
    /// Deliveries waiting.
    DeliveriesPending: Gauge "loopgate_deliveries_pending",
    /// Deliveries given up.
    DeliveriesDead: Gauge "loopgate_deliveries_dead",
    /// Attempts to deliver. Labels: endpoint, outcome.
    DeliveryAttempts: Counter "loopgate_delivery_attempts_total",
    /// Time of one attempt, in seconds. Labels: endpoint.
    DeliverySeconds: Histogram "loopgate_delivery_seconds",
    /// Acknowledgements received that match no message in flight; never credited. Labels: endpoint.
    AcksQuarantined: Counter "loopgate_acks_quarantined_total",
    /// Reloads of certificates. Labels: outcome.
    CertificateReloads: Counter "loopgate_certificate_reloads_total",
    /// Messages turned away because too many waited for a commit. Labels: feed.
    IntakeOverloads: Counter "loopgate_intake_overloads_total",
    /// Times the store did not answer. Labels: kind.
    StoreErrors: Counter "loopgate_store_errors_total",
    /// Requests at the FHIR door. Labels: interaction, code.
    FhirRequests: Counter "loopgate_fhir_requests_total",
    /// From a request at the FHIR door to its answer, in seconds. Labels: interaction.
    FhirRequestSeconds: Histogram "loopgate_fhir_request_seconds",
    /// Panics caught at a task boundary.
    Panics: Counter "loopgate_panics_total",
}

/// Every label of a metric. Values are configured names or codes of ours, never message content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Label {
    Feed,
    Endpoint,
    Outcome,
    Code,
    Event,
    Interaction,
    Kind,
}

impl Label {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Feed => "feed",
            Self::Endpoint => "endpoint",
            Self::Outcome => "outcome",
            Self::Code => "code",
            Self::Event => "event",
            Self::Interaction => "interaction",
            Self::Kind => "kind",
        }
    }
}

/// Names of spans: the room, then the deed.
pub mod span {
    pub const ADMIT: &str = "intake.admit";
    pub const PROCESS: &str = "engine.process";
    pub const CONCLUDE: &str = "store.conclude";
    pub const DELIVER: &str = "delivery.attempt";
    pub const ALL: &[&str] = &[ADMIT, PROCESS, CONCLUDE, DELIVER];
}

/// Fields of log lines, with what they hold; `docs/logging.md` lists them. None holds message content.
pub const FIELDS: &[(&str, &str)] = &[
    ("feed", "configured name of an inbound feed"),
    ("endpoint", "configured name of an outbound endpoint"),
    ("peer", "address and port of the other side"),
    ("address", "address and port of ours"),
    ("message", "our number of a received message, `m17`"),
    ("delivery", "id of a delivery"),
    ("referral", "id of a referral"),
    ("lane", "digest of what orders messages"),
    ("control_id", "digest or own control id of a message; a peer's control id is never logged"),
    ("messages", "a count of messages"),
    ("frames", "a count of frames"),
    ("bytes", "a count of bytes"),
    ("code", "a stable code of ours or of an HL7 table"),
    ("class", "failure class: transient, ambiguous, permanent"),
    ("outcome", "what became of it"),
    ("attempt", "number of an attempt"),
    ("elapsed_ms", "a duration in milliseconds"),
    ("reason", "one sentence for a person"),
    ("error", "the chain of an error of the world"),
    ("location", "file and line of our code"),
    ("thread", "name of a thread"),
];

fn labels(pairs: &[(Label, &str)]) -> Vec<metrics::Label> {
    pairs.iter().map(|(label, value)| metrics::Label::new(label.as_str(), (*value).to_owned())).collect()
}

/// Adds one to a counter.
pub fn count(metric: Metric, pairs: &[(Label, &str)]) {
    count_many(metric, 1, pairs);
}

/// Adds `amount` to a counter.
#[expect(clippy::disallowed_macros, reason = "the one place that names counters to the recorder")]
pub fn count_many(metric: Metric, amount: u64, pairs: &[(Label, &str)]) {
    debug_assert_eq!(metric.kind(), MetricKind::Counter);
    metrics::counter!(metric.name(), labels(pairs)).increment(amount);
}

/// Sets a gauge.
#[expect(clippy::disallowed_macros, reason = "the one place that names gauges to the recorder")]
pub fn gauge(metric: Metric, value: f64, pairs: &[(Label, &str)]) {
    debug_assert_eq!(metric.kind(), MetricKind::Gauge);
    metrics::gauge!(metric.name(), labels(pairs)).set(value);
}

/// Moves a gauge by `change`.
#[expect(clippy::disallowed_macros, reason = "the one place that names gauges to the recorder")]
pub fn gauge_change(metric: Metric, change: f64, pairs: &[(Label, &str)]) {
    debug_assert_eq!(metric.kind(), MetricKind::Gauge);
    metrics::gauge!(metric.name(), labels(pairs)).increment(change);
}

/// Records one value of a distribution.
#[expect(clippy::disallowed_macros, reason = "the one place that names histograms to the recorder")]
pub fn observe(metric: Metric, value: f64, pairs: &[(Label, &str)]) {
    debug_assert_eq!(metric.kind(), MetricKind::Histogram);
    metrics::histogram!(metric.name(), labels(pairs)).record(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metric_names_follow_the_grammar() {
        for metric in Metric::ALL {
            let name = metric.name();
            assert!(name.starts_with("loopgate_"), "{name}: namespace");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{name}: letters");
            assert_eq!(
                name.ends_with("_total"),
                metric.kind() == MetricKind::Counter,
                "{name}: counters end in _total"
            );
            if metric.kind() == MetricKind::Histogram {
                assert!(["_seconds", "_messages"].iter().any(|unit| name.ends_with(unit)), "{name}: unit");
            }
            assert!(metric.help().ends_with('.') && !metric.help().starts_with(' '), "{name}: help is a sentence");
        }
    }

    #[test]
    fn metric_names_are_unique() {
        let names: std::collections::HashSet<_> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        assert_eq!(names.len(), Metric::ALL.len());
    }

    #[test]
    fn span_names_are_room_and_deed() {
        for name in span::ALL {
            let parts: Vec<_> = name.split('.').collect();
            assert_eq!(parts.len(), 2, "{name}");
            assert!(parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_lowercase())), "{name}");
        }
    }

    #[test]
    fn log_fields_are_documented() {
        let page = include_str!("../../docs/logging.md");
        for (field, _) in FIELDS {
            assert!(page.contains(&format!("| `{field}` |")), "docs/logging.md lacks the field {field}");
        }
    }
}
