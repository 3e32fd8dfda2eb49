//! Progress of long work: a bar on standard error, where that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How often a bar moves that does not know its end.
const TICK: Duration = Duration::from_millis(120);

/// How far the work is. It vanishes with the end of the work.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Starts work of so many steps.
    pub(crate) fn of(steps: usize, what: &'static str) -> Self {
        let bar = ProgressBar::new(steps as u64).with_message(what);
        Self(styled(bar, "{msg} {bar:30} {pos}/{len} ({eta} left)"))
    }

    /// Starts work of which nobody knows how much there is.
    pub(crate) fn open_ended(what: &'static str) -> Self {
        let bar = styled(ProgressBar::new_spinner().with_message(what), "{spinner} {msg} {pos}");
        if !bar.is_hidden() {
            bar.enable_steady_tick(TICK);
        }
        Self(bar)
    }

    pub(crate) fn advance(&self, steps: u64) {
        self.0.inc(steps);
    }

    /// Prints without the bar in between.
    pub(crate) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
