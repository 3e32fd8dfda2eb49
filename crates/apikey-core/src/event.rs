//! What is told to the log: reasons and prefixes, never a key.

use std::error::Error;

use crate::error::DenyReason;

/// A request was refused. Absent keys are reported at `debug`, since many routes do without one.
pub(crate) fn refused(
    reason: DenyReason,
    prefix: Option<&str>,
    source: Option<&(dyn Error + 'static)>,
) {
    let (why, prefix) = (reason.as_str(), prefix.unwrap_or_default());
    match reason {
        DenyReason::Missing => absent(why),
        reason if reason.is_internal() => failed(why, prefix, source),
        _ => unfit(why, prefix),
    }
}

// One event in each function: where a crate switches on `tracing/log`, the macros are large.

fn absent(reason: &str) {
    tracing::debug!(reason, "API key refused");
}

fn failed(reason: &str, prefix: &str, error: Option<&(dyn Error + 'static)>) {
    tracing::error!(reason, prefix, error, "API key could not be verified");
}

fn unfit(reason: &str, prefix: &str) {
    tracing::info!(reason, prefix, "API key refused");
}

/// A request was let in.
pub(crate) fn granted(prefix: &str) {
    tracing::trace!(prefix, "API key accepted");
}

/// A proven key could not be hashed anew, which does not concern the request.
pub(crate) fn rehash_failed(prefix: &str, error: &(dyn Error + 'static)) {
    tracing::warn!(prefix, error, "API key could not be hashed anew");
}

/// The times of last use could not be written; they stay pending.
pub(crate) fn usage_not_written(error: &(dyn Error + 'static)) {
    tracing::warn!(error, "the last use of API keys could not be written");
}

/// A change could not be told to others; it is tried again.
pub(crate) fn not_published(error: &(dyn Error + 'static)) {
    tracing::warn!(error, "a change of API keys could not be published");
}

/// The changes of others are not heard of any more; it is tried again.
pub(crate) fn bus_lost(error: &(dyn Error + 'static)) {
    tracing::warn!(error, "changes of API keys in other processes are not heard of");
}

/// A guard has no handle.
pub(crate) fn not_configured(missing_line: &str) {
    tracing::error!(
        reason = DenyReason::NotConfigured.as_str(),
        missing_line,
        "API keys are not configured"
    );
}
