//! What is told to the log: reasons and prefixes, never a key.

use std::error::Error;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::clock::Timestamp;
use crate::credentials::KeyLocation;
use crate::error::DenyReason;

/// A request was refused. What strangers bring about, by the prefix of a damaged row, too, and what a service that is
/// down brings about with each request, is reported at `debug` but for one now and then, which says how many there
/// were.
pub(crate) fn refused(
    reason: DenyReason,
    prefix: Option<&str>,
    source: Option<&(dyn Error + 'static)>,
    told: &Told,
    now: impl FnOnce() -> Timestamp,
) {
    let (why, prefix) = (reason.as_str(), prefix.unwrap_or_default());
    let counted = told.of(reason).map(|seldom| seldom.count(now()));
    match (reason, counted) {
        (DenyReason::HashQueueFull, Some(Some(refused))) => queue_full(why, prefix, refused),
        (DenyReason::HashQueueFull, _) => queue_still_full(why, prefix),
        (reason, None) if reason.is_internal() => failed(why, prefix, source),
        (reason, Some(Some(refused))) if reason.is_internal() => {
            failing(why, prefix, refused, source);
        }
        (reason, Some(None)) if reason.is_internal() => still_failing(why, prefix, source),
        (_, None) => unfit(why, prefix),
        (_, Some(Some(refused))) => unfit_ones(why, prefix, refused),
        (_, Some(None)) => unfit_again(why, prefix),
    }
}

// One event in each function: where a crate switches on `tracing/log`, the macros are large.

/// No key was sent, but perhaps something else. At `debug`, since many routes do without a key.
pub(crate) fn absent(instead: &str) {
    let reason = DenyReason::Missing.as_str();
    tracing::debug!(reason, instead, "API key refused");
}

/// More than one key was sent, at these places; counted as the others are.
pub(crate) fn several(places: &str, told: &Told, now: Timestamp) {
    let reason = DenyReason::Multiple.as_str();
    match told.multiple.count(now) {
        Some(refused) => several_told(reason, places, refused),
        None => several_again(reason, places),
    }
}

fn several_told(reason: &str, places: &str, refused: u64) {
    tracing::info!(reason, places, refused, "API key refused");
}

fn several_again(reason: &str, places: &str) {
    tracing::debug!(reason, places, "API key refused");
}

/// The scheme or name of a location was sent with nothing behind it; counted as the others are.
pub(crate) fn empty(location: &KeyLocation, told: &Told, now: Timestamp) {
    let reason = DenyReason::Malformed.as_str();
    match told.empty.count(now) {
        Some(refused) => empty_told(reason, location, refused),
        None => empty_again(reason, location),
    }
}

fn empty_told(reason: &str, location: &KeyLocation, refused: u64) {
    tracing::info!(reason, empty = ?location.0, refused, "API key refused");
}

fn empty_again(reason: &str, location: &KeyLocation) {
    tracing::debug!(reason, empty = ?location.0, "API key refused");
}

fn failed(reason: &str, prefix: &str, error: Option<&(dyn Error + 'static)>) {
    tracing::error!(reason, prefix, error, "API key could not be verified");
}

fn failing(reason: &str, prefix: &str, refused: u64, error: Option<&(dyn Error + 'static)>) {
    tracing::error!(reason, prefix, refused, error, "API key could not be verified");
}

fn still_failing(reason: &str, prefix: &str, error: Option<&(dyn Error + 'static)>) {
    tracing::debug!(reason, prefix, error, "API key could not be verified");
}

fn unfit(reason: &str, prefix: &str) {
    tracing::info!(reason, prefix, "API key refused");
}

fn unfit_ones(reason: &str, prefix: &str, refused: u64) {
    tracing::info!(reason, prefix, refused, "API key refused");
}

fn unfit_again(reason: &str, prefix: &str) {
    tracing::debug!(reason, prefix, "API key refused");
}

/// A good key lacks a scope; the log says which it would take.
pub(crate) fn unscoped(scopes: &str, prefix: &str) {
    let reason = DenyReason::InsufficientScope.as_str();
    tracing::info!(reason, prefix, scopes, "API key refused");
}

fn queue_full(reason: &str, prefix: &str, refused: u64) {
    tracing::warn!(
        reason,
        prefix,
        refused,
        "API keys could not be verified: too many slow hashes are waiting"
    );
}

fn queue_still_full(reason: &str, prefix: &str) {
    tracing::debug!(reason, prefix, "API key could not be verified");
}

/// When refusals were told last, for each reason that anybody can bring about without a secret, or that a request
/// brings about while something is down.
#[derive(Debug, Default)]
pub(crate) struct Told {
    multiple: Seldom,
    empty: Seldom,
    unreadable: Seldom,
    too_long: Seldom,
    malformed: Seldom,
    checksum: Seldom,
    unknown_prefix: Seldom,
    wrong_secret: Seldom,
    store_unavailable: Seldom,
    hasher_not_configured: Seldom,
    bad_stored_hash: Seldom,
    unreadable_row: Seldom,
    hashing_failed: Seldom,
    queue_full: Seldom,
}

impl Told {
    /// The others are told one by one: they take the secret of a key, or a mistake of the application.
    fn of(&self, reason: DenyReason) -> Option<&Seldom> {
        match reason {
            DenyReason::Multiple => Some(&self.multiple),
            DenyReason::Unreadable => Some(&self.unreadable),
            DenyReason::TooLong => Some(&self.too_long),
            DenyReason::Malformed => Some(&self.malformed),
            DenyReason::Checksum => Some(&self.checksum),
            DenyReason::UnknownPrefix => Some(&self.unknown_prefix),
            DenyReason::WrongSecret => Some(&self.wrong_secret),
            DenyReason::StoreUnavailable => Some(&self.store_unavailable),
            DenyReason::HasherNotConfigured => Some(&self.hasher_not_configured),
            DenyReason::BadStoredHash => Some(&self.bad_stored_hash),
            DenyReason::UnreadableRow => Some(&self.unreadable_row),
            DenyReason::HashingFailed => Some(&self.hashing_failed),
            DenyReason::HashQueueFull => Some(&self.queue_full),
            _ => None,
        }
    }
}

/// Counts what happens, and says how often once in ten seconds at most.
#[derive(Debug, Default)]
struct Seldom {
    untold: AtomicU64,
    /// When to tell again, in microseconds.
    next: AtomicI64,
}

impl Seldom {
    const INTERVAL: i64 = 10_000_000;

    /// Counts one, and returns how many there were since it was told last, if it is time to tell.
    fn count(&self, now: Timestamp) -> Option<u64> {
        let now = now.timestamp_micros();
        self.untold.fetch_add(1, Ordering::Relaxed);
        let next = self.next.load(Ordering::Relaxed);
        // A clock that was set back does not make it wait for longer.
        let is_time = now >= next || now < next.saturating_sub(Self::INTERVAL);
        let after = now.saturating_add(Self::INTERVAL);
        let is_first = || {
            self.next.compare_exchange(next, after, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        };
        (is_time && is_first()).then(|| self.untold.swap(0, Ordering::Relaxed))
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

/// A guard has no handle, or does not know which.
pub(crate) fn not_configured(fix: &str) {
    let reason = DenyReason::NotConfigured.as_str();
    tracing::error!(reason, fix, "API keys are not configured");
}

/// A pepper is a line of text, with its end.
pub(crate) fn pepper_is_line(version: u32) {
    tracing::warn!(
        version,
        "the end of a line is a part of this pepper: a program that reads it without has another; for a new pepper use \
         `Pepper::from_base64`"
    );
}

/// Keys were refused under a pepper, and none was ever right.
pub(crate) fn pepper_is_wrong(version: u32, keys: usize) {
    tracing::warn!(
        version,
        keys,
        "different keys were refused as wrong, and none that was hashed with this pepper has been accepted: compare \
         `Pepper::fingerprint` with that of the program that made the keys"
    );
}

/// A header that many proxies drop may be where keys come from.
pub(crate) fn may_be_dropped(location: &KeyLocation) {
    tracing::warn!(
        location = ?location.0,
        "proxies such as nginx drop headers with an underscore in their name: name the header with a hyphen"
    );
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;

    #[test]
    fn tells_the_first_and_then_how_many_there_were_in_the_meantime() {
        let (seldom, start) = (Seldom::default(), DateTime::UNIX_EPOCH + TimeDelta::days(10_000));
        let at = |seconds| seldom.count(start + TimeDelta::seconds(seconds));
        assert_eq!([at(0), at(0), at(9), at(10), at(11)], [Some(1), None, None, Some(3), None]);
        assert_eq!([at(-3600), at(-3599), at(-3590)], [Some(2), None, Some(2)], "set back");
    }
}
