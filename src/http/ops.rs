//! The admin port: `/livez`, `/readyz`, `/metrics`. For probes and scrapers, without credentials, hence on loopback by
//! default and without any data of patients.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::base::limits::ADMIN_BODY_BYTES_MAX;

/// How long an answer of the readiness check is used again: probes of several balancers cost one durable write.
const READINESS_AGE_MAX: Duration = Duration::from_secs(1);

/// How long a readiness check may take: a store that answers later is not ready.
const READINESS_TIMEOUT: Duration = Duration::from_secs(5);

/// One thing that keeps the gateway from taking messages.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct NotReady {
    /// `store`, `intake` …
    pub part: &'static str,
    /// One sentence for the operator, without data of messages.
    pub reason: String,
}

/// What the gateway knows of its own readiness.
pub trait Readiness: Send + Sync {
    /// What is not ready; empty when all is. May probe the store.
    fn check(&self) -> Pin<Box<dyn Future<Output = Vec<NotReady>> + Send + '_>>;
}

/// Renders the metrics in the Prometheus text format.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// An answer of the readiness check and when it was given.
type Checked = (Instant, Vec<NotReady>);

#[derive(Clone)]
struct Ops {
    readiness: Arc<dyn Readiness>,
    latest: Arc<Mutex<Option<Checked>>>,
    metrics: RenderMetrics,
}

/// The routes of the admin port.
pub fn router(readiness: Arc<dyn Readiness>, metrics: RenderMetrics) -> Router {
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(render_metrics))
        .layer(DefaultBodyLimit::max(ADMIN_BODY_BYTES_MAX))
        .with_state(Ops { readiness, latest: Arc::default(), metrics })
}

/// The process runs and its runtime schedules tasks.
async fn livez() -> &'static str {
    "ok\n"
}

async fn readyz(State(ops): State<Ops>) -> Response {
    let not_ready = ops.not_ready().await;
    let (status, ready) =
        if not_ready.is_empty() { (StatusCode::OK, true) } else { (StatusCode::SERVICE_UNAVAILABLE, false) };
    (status, Json(serde_json::json!({ "ready": ready, "not_ready": not_ready }))).into_response()
}

async fn render_metrics(State(ops): State<Ops>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], (ops.metrics)()).into_response()
}

impl Ops {
    /// The latest check, or a new one when it is too old. The lock is held over the check on purpose: probes that come
    /// meanwhile share its answer.
    async fn not_ready(&self) -> Vec<NotReady> {
        let mut latest = self.latest.lock().await;
        if let Some((at, answer)) = latest.as_ref()
            && at.elapsed() < READINESS_AGE_MAX
        {
            return answer.clone();
        }
        let late = || vec![NotReady { part: "store", reason: "the readiness check did not end in time".to_owned() }];
        let answer = tokio::time::timeout(READINESS_TIMEOUT, self.readiness.check()).await.unwrap_or_else(|_| late());
        *latest = Some((Instant::now(), answer.clone()));
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;
    use tokio_util::sync::CancellationToken;

    use super::*;

    /// Ready while `broken` is false; counts its checks; `hang` never answers.
    #[derive(Default)]
    struct Fake {
        checks: AtomicU32,
        broken: std::sync::atomic::AtomicBool,
        hang: bool,
    }

    impl Readiness for Fake {
        fn check(&self) -> Pin<Box<dyn Future<Output = Vec<NotReady>> + Send + '_>> {
            self.checks.fetch_add(1, Ordering::SeqCst);
            if self.hang {
                return Box::pin(std::future::pending());
            }
            let broken = self.broken.load(Ordering::SeqCst);
            let reason = "the disk is full".to_owned();
            Box::pin(async move { if broken { vec![NotReady { part: "store", reason }] } else { Vec::new() } })
        }
    }

    fn ops(readiness: Arc<Fake>) -> Ops {
        Ops { readiness, latest: Arc::default(), metrics: Arc::new(String::new) }
    }

    async fn get(address: std::net::SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn the_admin_port_answers_and_stops() {
        let readiness = Arc::new(Fake::default());
        readiness.broken.store(true, Ordering::SeqCst);
        let shutdown = CancellationToken::new();
        let routes = router(readiness, Arc::new(|| "loopgate_panics_total 0\n".to_owned()));
        let port = crate::http::Port::open(([127, 0, 0, 1], 0).into(), routes).await.unwrap();
        let address = port.address();
        let serving = tokio::spawn(port.serve(shutdown.clone()));
        for (path, status, body) in [
            ("/livez", "200 OK", "ok\n"),
            (
                "/readyz",
                "503 Service Unavailable",
                r#"{"not_ready":[{"part":"store","reason":"the disk is full"}],"ready":false}"#,
            ),
            ("/metrics", "200 OK", "loopgate_panics_total 0\n"),
            ("/", "404 Not Found", ""),
        ] {
            let answer = get(address, path).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{path}: {answer}");
            assert_eq!(answer.split_once("\r\n\r\n").unwrap().1, body, "{path}");
        }
        shutdown.cancel();
        serving.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn readiness_is_checked_once_a_second() {
        let readiness = Arc::new(Fake::default());
        let ops = ops(readiness.clone());
        assert_eq!(ops.not_ready().await, []);
        readiness.broken.store(true, Ordering::SeqCst);
        assert_eq!(ops.not_ready().await, [], "the answer of this second");
        tokio::time::advance(READINESS_AGE_MAX).await;
        assert_eq!(ops.not_ready().await.len(), 1);
        assert_eq!(readiness.checks.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_that_hangs_is_not_ready() {
        let answer = ops(Arc::new(Fake { hang: true, ..Fake::default() })).not_ready().await;
        assert_eq!(answer[0].reason, "the readiness check did not end in time");
    }
}
