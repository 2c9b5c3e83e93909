//! What several of the tests need: the checkout's files, and Rust sources read just far enough to judge them.

pub mod checkout;
pub mod gateway;
pub mod rust_source;
pub mod xml;
