//! Names of metrics, spans and log fields in one registry; the set-up of logging and tracing; what panics may say.
//!
//! Promise: nothing that passes through here holds message content (P8). It knows no room of the gateway; every room
//! may use `names`.

pub mod init;
pub mod names;
mod otlp;
pub mod redaction;

pub use metrics_exporter_prometheus::PrometheusHandle as MetricsHandle;

pub use init::{Guard, InitError, LogFormat, Settings, init, install_metrics};
pub use names::{Label, Metric, count, count_many, gauge, gauge_change, observe};
