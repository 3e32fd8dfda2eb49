//! What is true of every import.
//!
//! 1. A key comes with everything that keeps it from working, in the one insert that makes it: there is no
//!    moment at which a revoked, disabled or expired key works, whatever interrupts the import.
//! 2. A key that is there is known by its prefix and the time of its creation, which nothing changes, or
//!    by its hash, which a service and the other system may replace by another of the same key. So a second
//!    run imports nothing twice, and one that was interrupted is completed by the next.
//! 3. Of a key that is there only one thing is ever changed: it is revoked if it was revoked at the
//!    source. It may have been rotated or given another expiry since, so the rest is reported and
//!    left as it is.

use apikey_core::chrono::SubsecRound;
use apikey_core::{
    KeyFormat, KeyPatch, KeyRecord, KeyStatus, KeyStore, MAX_NAME_LENGTH, NewRecord, StoreError,
    Timestamp,
};

use super::report::{Difference, Refusal, Report};
use super::{Entry, ForeignKey, Source};
use crate::exit_code::{Failure, on_one_line};
use crate::output::progress::Progress;
use crate::output::{Output, printable, rfc3339};

/// Brings the keys of a source into a store.
pub(super) struct Engine<'a> {
    target: &'a dyn KeyStore<KeyRecord>,
    now: Timestamp,
    is_dry: bool,
    report: Report,
}

/// What became of a key.
enum Fate {
    Imported,
    AlreadyThere,
    /// It was there, and is revoked now.
    Revoked,
    Refused(String),
}

impl<'a> Engine<'a> {
    pub(super) fn new(target: &'a dyn KeyStore<KeyRecord>, now: Timestamp, is_dry: bool) -> Self {
        Self { target, now, is_dry, report: Report::new(is_dry) }
    }

    /// Returns what the import came to so far.
    pub(super) fn into_report(self) -> Report {
        self.report
    }

    /// Imports all keys. What was imported before an error is there, and is in the report.
    pub(super) async fn run(
        &mut self,
        source: &mut impl Source,
        unavailable: impl Fn(StoreError) -> Failure,
    ) -> Result<(), Failure> {
        self.refuse_nameless(source.count_without_prefix().await?);
        let count = usize::try_from(source.count().await?).unwrap_or(usize::MAX);
        let progress = Progress::of(count, if self.is_dry { "looking" } else { "importing" });
        loop {
            let page = source.page().await?;
            if page.is_empty() {
                return Ok(());
            }
            for entry in &page {
                let algorithm = |key: &ForeignKey| source.algorithm(&key.hashed_key);
                let taken = self.meet_entry(entry, algorithm).await.map_err(&unavailable)?;
                if let Err(reason) = taken {
                    progress.aside(|| self.refuse(&entry.prefix, reason));
                }
                progress.advance(1);
            }
        }
    }

    /// Takes what stands in the place of a key, or says why not.
    async fn meet_entry(
        &mut self,
        entry: &Entry,
        algorithm: impl Fn(&ForeignKey) -> Option<String>,
    ) -> Result<Result<(), String>, StoreError> {
        self.report.read += 1;
        let key = entry.key.as_ref().map_err(|reason| *reason);
        match key.and_then(|key| Ok((key, check(key, algorithm(key))?))) {
            Ok((key, algorithm)) => self.take(key, algorithm).await,
            Err(reason) => Ok(Err(reason.to_owned())),
        }
    }

    /// Takes a key, or says why not.
    async fn take(
        &mut self,
        key: &ForeignKey,
        algorithm: String,
    ) -> Result<Result<(), String>, StoreError> {
        let fate = if self.is_dry { self.look(key).await } else { self.insert(key).await };
        let fate = match fate {
            Err(error @ StoreError::Unreadable(_)) => Fate::Refused(on_one_line(&error)),
            fate => fate?,
        };
        match fate {
            Fate::Imported => {
                self.report.imported += 1;
                *self.report.states.entry(self.status(key).as_str()).or_default() += 1;
            }
            Fate::AlreadyThere => self.report.already_there += 1,
            Fate::Revoked => self.report.revoked += 1,
            Fate::Refused(reason) => return Ok(Err(reason)),
        }
        *self.report.hashes.entry(algorithm).or_default() += 1;
        *self.report.prefix_lengths.entry(key.prefix.len()).or_default() += 1;
        Ok(Ok(()))
    }

    async fn insert(&mut self, key: &ForeignKey) -> Result<Fate, StoreError> {
        match self.target.insert(&record(key), None).await {
            Ok(_) => Ok(Fate::Imported),
            Err(StoreError::Duplicate) => match self.target.get(&key.prefix, None).await? {
                Some(there) => self.meet(key, &there).await,
                None => Ok(refused("its prefix was taken until a moment ago: run it again")),
            },
            // What the database says of it is the only hint at what to mend.
            Err(error @ StoreError::Rejected(_)) => Ok(Fate::Refused(on_one_line(&error))),
            Err(error) => Err(error),
        }
    }

    /// Looks what `insert` would come to.
    async fn look(&mut self, key: &ForeignKey) -> Result<Fate, StoreError> {
        match self.target.get(&key.prefix, None).await? {
            Some(there) => self.meet(key, &there).await,
            None => Ok(Fate::Imported),
        }
    }

    /// Meets a key with the same prefix.
    async fn meet(&mut self, key: &ForeignKey, there: &KeyRecord) -> Result<Fate, StoreError> {
        if there.created_at != micros(key.created_at) && there.hashed_key != key.hashed_key {
            return Ok(refused("its prefix is taken by another key"));
        }
        self.compare(key, there);
        match key.revoked_at {
            Some(revoked_at) if there.revoked_at.is_none() => {
                if !self.is_dry {
                    let patch = KeyPatch::default().revoked_at(micros(revoked_at));
                    // A key that is gone by now does not work either.
                    self.target.update(&there.id, None, &patch).await?;
                }
                Ok(Fate::Revoked)
            }
            _ => Ok(Fate::AlreadyThere),
        }
    }

    /// Notes what is different and stays so.
    fn compare(&mut self, key: &ForeignKey, there: &KeyRecord) {
        let mut note = |difference| {
            self.report.differences.push(Difference { prefix: key.prefix.clone(), difference });
        };
        let ends = |time: Option<Timestamp>| match time {
            Some(time) => format!("ends {}", rfc3339(time)),
            None => "does not end".to_owned(),
        };
        let expires_at = key.expires_at.map(micros);
        if there.expires_at != expires_at {
            note(format!(
                "{} at the source, and {} here",
                ends(expires_at),
                ends(there.expires_at)
            ));
        }
        if there.name != key.name {
            note("has another name at the source".to_owned());
        }
        if there.revoked_at.is_some() && key.revoked_at.is_none() {
            note("is revoked here, and not at the source".to_owned());
        }
    }

    /// Refuses rows that have no prefix, all at once.
    fn refuse_nameless(&mut self, rows: u64) {
        if rows > 0 {
            Output::note(&format!(
                "refused: {rows} without a prefix, so that nobody can present them"
            ));
        }
        self.report.read += rows;
        self.report.refused += rows;
        self.report.without_prefix = rows;
    }

    fn refuse(&mut self, prefix: &str, reason: String) {
        let prefix: String = printable(prefix).chars().take(32).collect();
        Output::note(&format!("refused: {prefix}: {reason}"));
        self.report.refused += 1;
        self.report.refusals.push(Refusal { prefix, reason });
    }

    fn status(&self, key: &ForeignKey) -> KeyStatus {
        KeyRecord::new(0, "", key.hashed_key.clone(), "", key.created_at)
            .with_expires_at(key.expires_at)
            .with_disabled_at(key.disabled_at)
            .with_revoked_at(key.revoked_at)
            .status(self.now)
    }
}

fn refused(reason: &str) -> Fate {
    Fate::Refused(reason.to_owned())
}

/// Refuses a key that cannot be in the table, or that no client could ever use.
fn check(key: &ForeignKey, algorithm: Option<String>) -> Result<String, &'static str> {
    let is_base62 = key.prefix.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_base62 || !is_readable(key.prefix.len()) {
        return Err(
            "its prefix is not 1 to 32 letters and digits, so that no format reads the key",
        );
    }
    if key.name.chars().count() > MAX_NAME_LENGTH {
        return Err("its name has more than 200 characters");
    }
    if key.name.contains('\0') {
        return Err("its name has a NUL character, which not every database takes");
    }
    algorithm.ok_or("no hasher reads its stored hash")
}

/// Whether a service can be told to read keys whose prefix has so many characters.
fn is_readable(prefix_length: usize) -> bool {
    let usual = KeyFormat::default();
    let secret_length = usual.secret_length();
    usual.legacy_lengths(prefix_length, secret_length).is_ok()
}

fn record(key: &ForeignKey) -> NewRecord<()> {
    let (hash, name) = (key.hashed_key.clone(), key.name.clone());
    NewRecord::new(&*key.prefix, hash, name, micros(key.created_at), ())
        .with_scopes(key.scopes.clone())
        .with_expires_at(key.expires_at.map(micros))
        .with_disabled_at(key.disabled_at.map(micros))
        .with_revoked_at(key.revoked_at.map(micros))
}

/// Cuts a time to what stores keep.
fn micros(time: Timestamp) -> Timestamp {
    time.trunc_subsecs(6)
}

#[cfg(test)]
mod tests;
