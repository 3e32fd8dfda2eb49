//! What stores tell the log, on whatever thread: all tests of this binary write into one.

use std::fmt;
use std::sync::{Mutex, OnceLock};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

static EVENTS: Mutex<Vec<(Level, String)>> = Mutex::new(Vec::new());

/// Returns the warnings about a file since [`keep`] was first called.
pub(crate) fn warnings_of(path: &str) -> Vec<String> {
    of(Level::WARN, path)
}

/// Returns the errors about a file.
pub(crate) fn errors_of(path: &str) -> Vec<String> {
    of(Level::ERROR, path)
}

fn of(level: Level, path: &str) -> Vec<String> {
    keep();
    let events = EVENTS.lock().unwrap();
    let events = events.iter().filter(|(of, text)| *of == level && text.contains(path));
    events.map(|(_, text)| text.clone()).collect()
}

/// Begins to keep what is logged.
pub(crate) fn keep() {
    static IS_KEPT: OnceLock<()> = OnceLock::new();
    IS_KEPT.get_or_init(|| tracing::subscriber::set_global_default(Log).unwrap());
}

struct Log;

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push_str(&format!(" {}={value:?}", field.name()));
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        EVENTS.lock().unwrap().push((*event.metadata().level(), fields.0));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
