//! Export of spans to an OpenTelemetry collector over OTLP/HTTP.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, Tracer};
use tokio::runtime::Handle;
use tracing_opentelemetry::OpenTelemetryLayer;

use super::InitError;

/// How long one export may take: a collector that is slower loses spans rather than holding memory.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// A provider that exports batches to `endpoint`, the collector's base URL. Needs a running runtime.
pub fn provider(endpoint: &str) -> Result<SdkTracerProvider, InitError> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_timeout(EXPORT_TIMEOUT)
        .build()?;
    let exporter = OnRuntime { inner: exporter, runtime: Handle::try_current()? };
    let resource = Resource::builder_empty().with_service_name("loopgate").build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

/// The layer that turns spans of `tracing` into spans of the provider.
pub fn layer<S>(provider: &SdkTracerProvider) -> OpenTelemetryLayer<S, Tracer>
where
    S: tracing::Subscriber + for<'span> tracing_subscriber::registry::LookupSpan<'span>,
{
    tracing_opentelemetry::layer().with_tracer(provider.tracer("loopgate"))
}

/// The batch processor exports from a thread of its own, where the HTTP client finds no runtime: lend it ours.
#[derive(Debug)]
struct OnRuntime {
    inner: SpanExporter,
    runtime: Handle,
}

impl opentelemetry_sdk::trace::SpanExporter for OnRuntime {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        Entered { future: Box::pin(self.inner.export(batch)), runtime: self.runtime.clone() }
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// A future polled with the runtime entered.
struct Entered<F> {
    future: Pin<Box<F>>,
    runtime: Handle,
}

impl<F: Future> Future for Entered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let runtime = self.runtime.clone();
        let _entered = runtime.enter();
        self.future.as_mut().poll(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tracing_subscriber::layer::SubscriberExt as _;

    /// A span ends up as one POST at the collector.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn spans_reach_the_collector() {
        let collector = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = super::provider(&format!("http://{}", collector.local_addr().unwrap())).unwrap();
        let subscriber = tracing_subscriber::registry().with(super::layer(&provider));
        tracing::subscriber::with_default(subscriber, || tracing::info_span!("engine.process").in_scope(|| {}));
        let flush = tokio::task::spawn_blocking(move || provider.force_flush());
        let (mut stream, _) = collector.accept().await.unwrap();
        let mut head = vec![0; 1024];
        let count = stream.read(&mut head).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        assert!(head[..count].starts_with(b"POST /v1/traces HTTP/1.1\r\n"), "an export request");
        flush.await.unwrap().unwrap();
    }
}
