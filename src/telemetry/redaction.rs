//! What a panic may say: where it happened and in which thread, never its text, which could hold message content (P8).

use std::panic::PanicHookInfo;

use super::names::{Metric, count};

/// Replaces the panic hook of the process. Call once, before any task starts.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(report));
}

fn report(info: &PanicHookInfo<'_>) {
    count(Metric::Panics, &[]);
    let location = info.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
    let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
    tracing::error!(location, thread, "a task panicked; its text is withheld, the location tells where");
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// The hook is global, so the test runs the report through a hook of its own that is taken back at once.
    #[test]
    fn a_panic_is_reported_without_its_text() {
        let sink = Sink::default();
        let writer = sink.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, || {
            let former = std::panic::take_hook();
            super::install_panic_hook();
            let caught = std::panic::catch_unwind(|| panic!("canary ZZTOP^PATIENT"));
            std::panic::set_hook(former);
            assert!(caught.is_err());
        });
        let log = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        assert!(log.contains("redaction.rs"), "{log}");
        assert!(!log.contains("ZZTOP"), "{log}");
    }
}
