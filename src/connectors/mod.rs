//! One protocol each, both directions: MLLP listener and sender, signed webhooks, TLS under both.
//!
//! Beside them the client that fetches the public keys of SMART clients for `access`.
//!
//! Cast: a *door* is the way from a listener into the engine; a *listener* owns a socket and the order of answers; a
//! *sender* makes one attempt to deliver and classifies its failure. Settings live beside their connector; reading
//! files and environment is `config`'s.
//!
//! It must not know the store, the mappings or the workflow. To add a protocol: a folder with `settings`, `sender` or
//! `listener`, a variant of `senders::Transport`, a section of `config::options`.

pub mod door;
pub mod http_client;
pub mod jwks;
pub mod mllp;
pub mod senders;
pub mod tls;
pub mod webhook;
