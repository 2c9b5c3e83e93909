//! Delivery policy: the port to senders, the classes of failure and when to try again. Pure but for the port.
//!
//! *Dispatch* decides who gets something, in the transaction of the change; *delivery* sends it, outside. A `Sender`
//! makes one attempt and classifies its failure where it happens; `retry` decides what follows. Senders never retry.

pub mod retry;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use smol_str::SmolStr;

use crate::record::{Delivery, FailureClass};

/// Proof that the receiver took it: its answer, without patient data (`AA`, `CA`, `204`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt(pub SmolStr);

/// Why one attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendFailure {
    pub class: FailureClass,
    /// Stable and machine-readable: `connect-refused`, `ack-timeout`, `ack-ar`, `http-503` …
    pub code: SmolStr,
    /// What the receiver asked us to wait (`Retry-After`), if it did.
    pub retry_after: Option<Duration>,
    /// The receiver asked never to be called again (HTTP 410): the endpoint is to be paused.
    pub disable: bool,
}

/// One protocol's way of making one attempt. The delivery's id travels as the idempotency key.
pub trait Sender: Send + Sync {
    fn send<'a>(
        &'a self,
        delivery: &'a Delivery,
    ) -> Pin<Box<dyn Future<Output = Result<Receipt, SendFailure>> + Send + 'a>>;
}
