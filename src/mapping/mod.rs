//! The mapping language: compiled, run and traced.
pub mod diagnostic;
pub mod notation;
pub mod yaml;
