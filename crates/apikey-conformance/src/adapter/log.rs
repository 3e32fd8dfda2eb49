//! The log: one event for each refusal, and never a secret.

use std::fmt::{self, Write};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::Harness;
use super::answer::{leaks, refusal};
use super::stage::Stage;
use super::table::groups;

/// While the whole table of requests runs, no secret and no stored hash is logged at any level, and each
/// refusal is one event with its reason.
pub async fn logs_each_refusal_once_and_no_secret<H: Harness>() {
    let log = Log::of_this_process();
    let mut faults = Vec::new();
    for group in groups() {
        let stage = Stage::alone(group.key_locations(), group.format()).await;
        let server = stage.serve::<H>().await;
        for case in &group.cases {
            log.take();
            server.send(&case.request(&stage.texts)).await;
            let lines = log.take();
            let text = lines.concat();
            if leaks(text.as_bytes(), &stage.texts).is_some() {
                faults.push(format!("{}: a secret is logged", case.name));
            }
            faults.extend(event_fault(&lines, case.slug.as_deref(), &case.name));
        }
    }
    assert!(faults.is_empty(), "of the log beside the table:\n{}", faults.join("\n"));
}

/// Judges the events by which the core reports refusals.
fn event_fault(lines: &[String], slug: Option<&str>, case: &str) -> Option<String> {
    let reason = |line: &String| {
        let (_, reason) = line.split_once(" reason=")?;
        reason.split_whitespace().next().map(|reason| reason.trim_matches('"').to_owned())
    };
    let own = lines.iter().filter(|line| line.starts_with("apikey_core"));
    let reasons: Vec<_> = own.filter_map(reason).collect();
    let is_right = match slug {
        Some(slug) => matches!(&*reasons, [reason] if refusal(slug).reasons.contains(&&**reason)),
        // Some are let in for another reason, some are refused by the application.
        None => reasons.len() <= 1,
    };
    (!is_right).then(|| format!("{case}: refused as {slug:?}, logged as {reasons:?}"))
}

/// Keeps every event and span of the process, with all fields, a line for each.
struct Log(Mutex<Vec<String>>);

impl Log {
    /// Installs it, once.
    fn of_this_process() -> &'static Self {
        static LOG: OnceLock<&'static Log> = OnceLock::new();
        LOG.get_or_init(|| {
            let log: &'static Self = Box::leak(Box::new(Self(Mutex::default())));
            tracing::subscriber::set_global_default(Tap(log))
                .expect("no other test of this process installs a subscriber");
            log
        })
    }

    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines())
    }

    fn keep(&self, metadata: &Metadata<'_>, record: impl FnOnce(&mut Line)) {
        let mut line = Line(metadata.target().to_owned());
        record(&mut line);
        line.0.push('\n');
        self.lines().push(line.0);
    }
}

struct Tap(&'static Log);

impl Subscriber for Tap {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.0.keep(span.metadata(), |line| span.record(line));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut line = Line("a span".to_owned());
        values.record(&mut line);
        self.0.lines().push(line.0);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.0.keep(event.metadata(), |line| event.record(line));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// One line, which each field is appended to.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a `String` cannot fail.
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}
