//! Signed webhooks after Standard Webhooks (STANDARDS 5.6): one POST an attempt, success is 2xx and nothing else.
//!
//! The delivery's id is `webhook-id` on every attempt, so that a receiver can drop what it has. Nothing of the answer's
//! body is kept.

pub mod sender;
pub mod settings;
pub mod signature;

pub use sender::WebhookSender;
pub use settings::{WebhookSettings, WebhookUrl, WebhookUrlFault};
pub use signature::{SigningSecret, SigningSecretFault};
