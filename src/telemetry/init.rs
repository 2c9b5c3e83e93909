//! Sets up logging, tracing and the metrics recorder, once, before anything else runs.
//!
//! Logs go to stderr: readable text when it is a terminal, one JSON object a line otherwise, or as configured. Spans
//! go to an OpenTelemetry collector when one is configured.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use super::names::{Metric, MetricKind};
use super::otlp;

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    Text,
    Json,
}

/// What to log, how, and where spans go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Directives of `tracing_subscriber::EnvFilter`: `info`, `info,loopgate::connectors=debug`.
    pub filter: String,
    pub format: LogFormat,
    /// Base URL of an OTLP/HTTP collector: `http://127.0.0.1:4318`.
    pub otlp_endpoint: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::Auto, otlp_endpoint: None }
    }
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    #[error("the log filter does not parse: expected directives such as `info` or `info,loopgate=debug`")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    #[error("the span exporter cannot be built")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    #[error("spans can be exported only from within the runtime")]
    NoRuntime(#[from] tokio::runtime::TryCurrentError),
    #[error("logging is already set up in this process")]
    AlreadySet(#[from] tracing_subscriber::util::TryInitError),
    #[error("the metrics recorder is already set up in this process")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
}

/// Keeps the exporter alive; flushes what is buffered when dropped.
#[derive(Debug)]
#[must_use = "dropping the guard stops the export of spans"]
pub struct Guard {
    tracing: Option<opentelemetry_sdk::trace::SdkTracerProvider>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(provider) = &self.tracing {
            // Nobody is left to tell: the process is ending.
            let _ = provider.shutdown();
        }
    }
}

/// Checks a filter without installing it; for the configuration check.
pub fn check_filter(filter: &str) -> Result<(), InitError> {
    EnvFilter::try_new(filter).map(drop).map_err(InitError::from)
}

/// Installs the subscriber and the panic hook of this process. `terminal` says whether stderr is one.
pub fn init(settings: &Settings, terminal: bool) -> Result<Guard, InitError> {
    let provider = settings.otlp_endpoint.as_deref().map(otlp::provider).transpose()?;
    let filter = EnvFilter::try_new(&settings.filter)?;
    let spans = provider.as_ref().map(otlp::layer);
    tracing_subscriber::registry().with(lines(settings.format, terminal)).with(spans).with(filter).try_init()?;
    super::redaction::install_panic_hook();
    Ok(Guard { tracing: provider })
}

fn lines(format: LogFormat, terminal: bool) -> Box<dyn Layer<Registry> + Send + Sync> {
    let text = match format {
        LogFormat::Auto => terminal,
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    let layer = fmt::layer().with_writer(std::io::stderr);
    if text { layer.with_ansi(terminal).boxed() } else { layer.json().flatten_event(true).boxed() }
}

/// Installs the metrics recorder of this process; the handle renders `/metrics`.
pub fn install_metrics() -> Result<PrometheusHandle, InitError> {
    let recorder = builder()?.build_recorder();
    let handle = recorder.handle();
    // A second installation is a mistake of ours that only tests can make; the first recorder stays.
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("the metrics recorder was already installed; `/metrics` shows nothing of this one");
    }
    describe();
    Ok(handle)
}

/// Buckets from half a millisecond, well under a commit, to the longest time-out of a receiver.
const SECONDS_BUCKETS: [f64; 14] =
    [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 20.0, 60.0];
/// Batch sizes, by doubling up to `ADMIT_BATCH_MAX`.
const MESSAGES_BUCKETS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

fn builder() -> Result<PrometheusBuilder, metrics_exporter_prometheus::BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS_BUCKETS)?
        .set_buckets_for_metric(Matcher::Suffix("_messages".to_owned()), &MESSAGES_BUCKETS)
}

/// Gives every metric its help text.
fn describe() {
    for metric in Metric::ALL {
        match metric.kind() {
            MetricKind::Counter => metrics::describe_counter!(metric.name(), metric.help()),
            MetricKind::Gauge => metrics::describe_gauge!(metric.name(), metric.help()),
            MetricKind::Histogram => metrics::describe_histogram!(metric.name(), metric.help()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::names::{Label, count, observe};

    #[test]
    fn metrics_render_with_help_and_labels() {
        let recorder = builder().unwrap().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            describe();
            count(Metric::MessagesReceived, &[(Label::Feed, "emr")]);
            observe(Metric::AnswerSeconds, 0.003, &[(Label::Feed, "emr")]);
        });
        let page = handle.render();
        for expected in [
            "# HELP loopgate_messages_received_total Complete frames handed to intake.",
            "loopgate_messages_received_total{feed=\"emr\"} 1",
            "loopgate_answer_seconds_bucket{feed=\"emr\",le=\"0.005\"} 1",
        ] {
            assert!(page.contains(expected), "no `{expected}` in:\n{page}");
        }
    }

    #[test]
    fn filters_are_checked() {
        assert!(check_filter("info,loopgate::connectors=debug").is_ok());
        assert!(check_filter("loopgate=loud").is_err());
    }
}
