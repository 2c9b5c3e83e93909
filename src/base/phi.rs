//! Patient data by type: a value that cannot be shown by accident (P8).

/// Protected health information. It has no `Display`, `Debug` or `Serialize`; `reveal` is the one way out, and a
/// reader can search for it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Phi<T>(T);

impl<T> Phi<T> {
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for storing, mapping or sending; never for a log, an error, a metric or a URL.
    pub const fn reveal(&self) -> &T {
        &self.0
    }
}
