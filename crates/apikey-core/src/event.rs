//! What is told to the log: reasons and prefixes, never a key.

use std::error::Error;

use crate::error::DenyReason;

/// A request was refused. Absent keys are reported at `debug`, since many routes do without one.
pub(crate) fn refused(
    reason: DenyReason,
    prefix: Option<&str>,
    source: Option<&(dyn Error + 'static)>,
) {
    let prefix = prefix.unwrap_or_default();
    let why = reason.as_str();
    if reason.is_internal() {
        tracing::error!(reason = why, prefix, error = source, "API key could not be verified");
    } else if reason == DenyReason::Missing {
        tracing::debug!(reason = why, "API key refused");
    } else {
        tracing::info!(reason = why, prefix, "API key refused");
    }
}

/// A request was let in.
pub(crate) fn granted(prefix: &str) {
    tracing::trace!(prefix, "API key accepted");
}

/// A proven key could not be hashed anew, which does not concern the request.
pub(crate) fn rehash_failed(prefix: &str, error: &(dyn Error + 'static)) {
    tracing::warn!(prefix, error, "API key could not be hashed anew");
}

/// A guard has no handle.
pub(crate) fn not_configured(missing_line: &str) {
    tracing::error!(
        reason = DenyReason::NotConfigured.as_str(),
        missing_line,
        "API keys are not configured"
    );
}
