//! The configuration: one TOML file with overrides from the environment, checked whole, then resolved.
//!
//! ```text
//! text ─▶ tree (values with places) ─▶ overrides ─▶ checked against the table of options ─▶ Settings
//! ```
//!
//! Promises: `check` is pure (no files, no network); it reports every problem at once with line, column and the
//! offending text underlined; a secret is never shown; every default listens on loopback, and listening beyond it
//! without TLS takes a `dangerous_` option (P10, P11). Reading files and the environment is `files`' alone.
//!
//! To add an option: a row in `options`, a field in `settings`, a line in `resolve`; then rewrite the reference with
//! `UPDATE_REFERENCE=1 cargo test --lib config::`.

pub mod diagnostic;
pub mod files;
pub mod options;
mod resolve;
pub mod settings;
mod tree;
mod validate;

pub use diagnostic::{Diagnostic, render};
pub use files::{LoadError, TlsFiles, clients, environment, load, senders};
pub use settings::{
    AckTiming, Admission, Endpoint, Feed, FhirDoor, Identity, Notify, OnUnknownType, Role, Settings, Target,
};

/// Checks a configuration and resolves it. `overrides` are name and value pairs as in the environment
/// (`LOOPGATE__STORE__DATA`); others are ignored.
pub fn check(text: &str, file_name: &str, overrides: &[(String, String)]) -> Result<Settings, Vec<Diagnostic>> {
    let source = diagnostic::Source::new(text, file_name);
    let (mut root, mut faults) = tree::parse(text);
    if faults.is_empty() {
        tree::apply_overrides(&mut root, overrides, &mut faults);
        validate::check_table(&root, options::ROOT, "", &mut faults);
    }
    let settings = resolve::settings(&root, &mut faults);
    if faults.is_empty() {
        return Ok(settings);
    }
    let hidden = validate::hidden_spans(&root);
    Err(faults.into_iter().map(|fault| source.locate(fault, &hidden)).collect())
}

#[cfg(test)]
mod fhir_tests;
#[cfg(test)]
mod tests;
