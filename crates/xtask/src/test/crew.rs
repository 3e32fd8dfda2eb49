//! Several processes at a time.

use std::{
    ffi::OsString,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use super::job::{Job, Outcome};

/// Whether the others go on when one has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterFailure {
    GoOn,
    Stop,
}

/// Runs all jobs, one for each core at a time: many wait for servers, locks and other processes. Each is shown
/// when it has ended.
pub(super) fn run(
    jobs: Vec<Job<'_>>,
    variables: &[(String, OsString)],
    after: AfterFailure,
    show: impl Fn(&Outcome) + Sync,
) -> Vec<Outcome> {
    let queue = Mutex::new(jobs.into_iter());
    let outcomes = Mutex::new(Vec::new());
    let stopped = AtomicBool::new(false);
    let work = || {
        while !stopped.load(Ordering::Relaxed) {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(job) = next else { return };
            let outcome = job.run(variables);
            if !outcome.is_good() && after == AfterFailure::Stop {
                stopped.store(true, Ordering::Relaxed);
            }
            let mut outcomes = outcomes.lock().unwrap_or_else(PoisonError::into_inner);
            show(&outcome);
            outcomes.push(outcome);
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    outcomes.into_inner().unwrap_or_else(PoisonError::into_inner)
}
