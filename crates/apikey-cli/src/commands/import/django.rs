//! `apikey import django`

use apikey_core::{
    Clock, HashedKey, KeyFormat, KeyHasher, KeyRecord, KeyStore, MemoryStore, Scopes, StoreError,
    SystemClock, Timestamp,
};
use apikey_diesel::import::{DjangoRow, DjangoTable, Expiry};
use clap::Args;

use super::engine::Engine;
use super::report::Report;
use super::{Entry, ForeignKey, Source};
use crate::args::Unrepeated;
use crate::database::Database;
use crate::exit_code::{Failure, Outcome};
use crate::output::Output;

/// How many keys are read at once.
const PAGE: u32 = 500;

/// Import the keys of djangorestframework-api-key
///
/// Reads the table of version 1.4 or newer on SQLite, PostgreSQL, MySQL or MariaDB, and writes nothing to it.
/// The keys go into the table of --database-url, which is created where there is none; it may be in the
/// same database. Prefixes, hashes, names and times are copied. A revoked key is revoked from its first moment;
/// since Django does not note when that was, the time of the import stands for it.
///
/// Running it again imports what is new and revokes what was revoked in Django since. Nothing else is
/// changed of a key that is there: other differences are reported. A run that was interrupted, at any
/// point, is completed by the next one.
///
/// A key that cannot be imported is named on standard error, with the reason. The others are imported, and
/// the exit code is 1.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apikey import django --from sqlite://db.sqlite3 --dry-run
  apikey import django --from sqlite://db.sqlite3 --database-url sqlite://apikeys.db
  apikey import django --from sqlite://db.sqlite3 --table app_organizationapikey
  export APIKEY_IMPORT_FROM=postgres://me:password@host/django
  apikey import django --output json | jq '.refusals[]'

The report counts the keys that were `read`; of these those `imported`, by their state, those `already there`, \
those `revoked since` (revoked now because they were in Django), and those `refused`, some of which may be \
`without prefix`, rows that nobody can name. With `--output plain`, a line holds a name and a number, \
separated by a tab; the hashes follow.

A key that was deleted in Django after it was imported goes on working here: revoke it here, too.

The service reads the keys with a hasher for what Django wrote: \
`Hashers::new(Sha256).accept(Django::default())`, feature `django` of apikey-core.

Run it a last time when Django issues and revokes no more keys, and then no more: a key that was deleted here, \
as by `apikey purge`, would come again.")]
pub(crate) struct Django {
    /// The database of the Django project, as in --database-url; other users of the machine see arguments,
    /// so give a URL with a password in the environment
    #[arg(
        long,
        value_name = "URL",
        env = "APIKEY_IMPORT_FROM",
        hide_env_values = true,
        value_parser = Unrepeated(Database::at)
    )]
    from: Database,
    /// The table of a model of yours that is derived from `AbstractAPIKey`, as in `app_organizationapikey`;
    /// your own columns, an owner say, are not imported
    #[arg(long, value_name = "NAME", default_value = DjangoTable::NAME)]
    table: String,
    /// Only report what would be imported
    #[arg(long)]
    dry_run: bool,
}

impl Django {
    pub(crate) async fn run(
        self,
        database: &Database,
        output: &mut Output,
    ) -> Result<Outcome, Failure> {
        let now = SystemClock::default().now();
        let table = self.from.open_django(&self.table).await?;
        let target = target(database, self.dry_run).await?;
        let mut source = Table { table, from: self.from, after: None, is_over: false, now };
        let mut engine = Engine::new(&*target, now, self.dry_run);
        let database = database.clone();
        let unavailable =
            |source: StoreError| Failure::Store { database: database.clone(), source };
        let result = engine.run(&mut source, unavailable).await;
        let report = engine.into_report();
        // Also after a failure: what was imported until then is there.
        output.imported(&report)?;
        result?;
        advise(&report);
        Ok(if report.refused == 0 { Outcome::Done } else { Outcome::Refused })
    }
}

/// Opens the table that keys are imported into. A dry run creates none: where there is no table, no key is
/// there.
async fn target(
    database: &Database,
    is_dry: bool,
) -> Result<Box<dyn KeyStore<KeyRecord>>, Failure> {
    if !is_dry {
        return Ok(Box::new(database.open_or_create().await?));
    }
    match database.open_if_any().await? {
        Some(store) => Ok(Box::new(store)),
        None => Ok(Box::new(MemoryStore::<KeyRecord>::new())),
    }
}

fn advise(report: &Report) {
    let keys: u64 = report.hashes.values().sum();
    if keys > 0 {
        let have = if keys == 1 { "key has a hash" } else { "keys have hashes" };
        Output::note(&format!(
            "{keys} {have} that Django wrote: the service needs \
             `Hashers::new(Sha256).accept(Django::default())`, feature `django` of apikey-core"
        ));
    }
    let usual = KeyFormat::default();
    let unusual =
        report.prefix_lengths.iter().filter(|(length, _)| **length != usual.prefix_length());
    for (length, keys) in unusual {
        let have = if *keys == 1 { "key has a prefix" } else { "keys have prefixes" };
        // New keys may have such a prefix, or not.
        let lengths = if *length < usual.prefix_length() { "legacy_lengths" } else { "lengths" };
        Output::note(&format!(
            "{keys} {have} of {length} characters: the service needs \
             `.accept_format(KeyFormat::default().{lengths}({length}, {})?)`, or the length that the secrets of the \
             site have",
            usual.secret_length()
        ));
    }
    if report.dry_run {
        Output::note("this was a dry run: nothing was written");
    }
}

/// The keys of Django, page by page.
struct Table {
    table: DjangoTable,
    from: Database,
    after: Option<String>,
    /// Whether the end of the table has been read.
    is_over: bool,
    /// Stands for the time at which a key was revoked.
    now: Timestamp,
}

impl Source for Table {
    async fn count(&mut self) -> Result<u64, Failure> {
        self.table.count().await.map_err(|error| self.from.unreadable(error))
    }

    async fn count_without_prefix(&mut self) -> Result<u64, Failure> {
        let count = self.table.count_without_prefix().await;
        count.map_err(|error| self.from.unreadable(error))
    }

    async fn page(&mut self) -> Result<Vec<Entry>, Failure> {
        if self.is_over {
            return Ok(Vec::new());
        }
        let rows = self.table.page(self.after.as_deref(), PAGE).await;
        let mut rows = rows.map_err(|error| self.from.unreadable(error))?;
        // What has no text for a prefix comes last, and again with each page until there is nothing else.
        let has_place = |row: &DjangoRow| !row.prefix.contains(char::REPLACEMENT_CHARACTER);
        match rows.iter().rfind(|row| has_place(row)) {
            Some(last) => {
                self.after = Some(last.prefix.clone());
                rows.retain(has_place);
            }
            None => self.is_over = true,
        }
        Ok(rows.into_iter().map(|row| entry(row, self.now)).collect())
    }

    fn algorithm(&self, stored: &HashedKey) -> Option<String> {
        let encodings = apikey_core::Django::default().encodings().into_iter();
        let mut known = encodings.filter(|encoding| stored.as_str().starts_with(encoding.as_str()));
        known.next().map(|encoding| encoding.trim_end_matches('$').to_owned())
    }
}

/// Reads a row, or says why it is no key.
fn entry(row: DjangoRow, now: Timestamp) -> Entry {
    let DjangoRow {
        prefix, hashed_key, name, created, expiry_date, is_revoked, is_readable, ..
    } = row;
    let expires_at = match expiry_date {
        _ if !is_readable => Err("one of its values cannot be read"),
        Expiry::Never => Ok(None),
        Expiry::At(time) => Ok(Some(time)),
        _ => Err("its expiry is not a time"),
    };
    let key = expires_at.and_then(|expires_at| {
        Ok(ForeignKey {
            prefix: prefix.clone(),
            hashed_key,
            name,
            scopes: Scopes::default(),
            created_at: created.ok_or("the time of its creation is not a time")?,
            expires_at,
            disabled_at: None,
            revoked_at: is_revoked.then_some(now),
        })
    });
    Entry { prefix, key }
}
