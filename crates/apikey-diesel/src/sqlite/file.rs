//! The file of a database: how it is created, whose it is, and whether it is still the same.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use apikey_core::{BoxError, Finding};
use diesel::prelude::*;
use diesel::sql_types::Text;
use thiserror::Error;

use crate::failure::without_hashes;

/// Creates a file that only its owner may read and write. SQLite gives its companions the same rights. That it
/// cannot be created, or is there, is for SQLite to say.
pub(super) fn create(path: &str) {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    private(&mut options);
    drop(options.open(path));
}

/// Refuses to take a file for one that nobody writes to, if something of it stands in its write-ahead log: SQLite would
/// not read that, and a revocation may be there.
pub(super) fn is_whole(path: &str) -> Result<(), Unwritten> {
    if log_of(Path::new(path)).exists() { Err(Unwritten) } else { Ok(()) }
}

/// A part of the database is in its log.
#[derive(Debug, Error)]
#[error(
    "`immutable=1` is for a file that nobody has open, and its write-ahead log says that somebody has"
)]
pub(super) struct Unwritten;

fn log_of(path: &Path) -> PathBuf {
    PathBuf::from(format!("{}-wal", path.display()))
}

/// Says whose the file, its companions and its directory are, where the system tells.
pub(crate) fn owners(path: &Path) -> String {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let companion = |end| PathBuf::from(format!("{}{end}", path.display()));
    let places = [path.to_owned(), companion("-wal"), companion("-shm"), directory.to_owned()];
    let owners = places.iter().filter_map(|place| owner(place));
    let owners: Vec<_> = owners.chain(this_process()).collect();
    owners.join(", ")
}

/// Notices that the file was replaced, by a restore say, while connections go on with the old one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch(Arc<Watched>);

#[derive(Debug, Default)]
struct Watched {
    /// The file, and what it was when it was first looked at; none for a database in memory.
    file: OnceLock<Option<(PathBuf, Identity)>>,
    is_told: AtomicBool,
}

/// What tells a file from the one that has its name later.
type Identity = (u64, u64);

impl Watch {
    /// Looks at the file on a thread for blocking work, and tells the log once.
    pub(crate) fn look(&self, conn: &mut SqliteConnection) {
        self.0.file.get_or_init(|| {
            let path = path_of(conn)?;
            let identity = identity(&path)?;
            Some((path, identity))
        });
        if let Some(path) = self.replaced()
            && !self.0.is_told.swap(true, Ordering::Relaxed)
        {
            replaced(path);
        }
    }

    /// The file, if it is not the one that was opened.
    fn replaced(&self) -> Option<&Path> {
        let (path, seen) = self.0.file.get()?.as_ref()?;
        (identity(path) != Some(*seen)).then_some(path)
    }

    pub(crate) fn finding(&self) -> Option<Finding> {
        let path = self.replaced()?;
        Some(Finding::new(
            format!("the file {path:?} was replaced or removed while this process has it open"),
            "this process reads and writes the old file: restart it. To restore a database, first end every \
             process that has it open, and remove the -wal and -shm of the old one",
        ))
    }

    /// The file, once it has been looked at.
    pub(crate) fn path(&self) -> Option<&Path> {
        Some(&self.0.file.get()?.as_ref()?.0)
    }
}

fn replaced(path: &Path) {
    let path = path.display();
    tracing::error!(
        %path,
        "the database file was replaced or removed while it is open: restart this process"
    );
}

fn path_of(conn: &mut SqliteConnection) -> Option<PathBuf> {
    let query = "SELECT file FROM pragma_database_list WHERE name = 'main'";
    let row: QueryResult<File> = diesel::sql_query(query).get_result(conn);
    row.ok().map(|row| PathBuf::from(row.file)).filter(|path| !path.as_os_str().is_empty())
}

#[derive(QueryableByName)]
struct File {
    #[diesel(sql_type = Text)]
    file: String,
}

/// Whose a file is that does not open.
#[derive(Debug, Error)]
#[error("{hint}{owners}")]
pub(crate) struct Owned {
    hint: &'static str,
    owners: String,
    #[source]
    source: BoxError,
}

impl Owned {
    pub(crate) fn explain(path: &Path, source: BoxError) -> Self {
        let hint = if log_of(path).exists() {
            "where its directory cannot be written, its write-ahead log cannot be read: run `PRAGMA journal_mode \
             = DELETE` before; "
        } else if path.is_file() {
            "a file in WAL mode is read by who can write to its directory; if nobody writes to it while it is open, \
             say so by `?mode=ro&immutable=1`, else run `PRAGMA journal_mode = DELETE` before; "
        } else {
            ""
        };
        Self { hint, owners: owners(path), source }
    }
}

/// A change of a file that this user may not change.
#[derive(Debug, Error)]
#[error(
    "{source}: {owners}; unless it was opened with `?mode=ro`, let the command and the service run as one user"
)]
pub(crate) struct Foreign {
    owners: String,
    #[source]
    source: diesel::result::Error,
}

impl Foreign {
    /// Explains SQLite's words where they are about a file that is read-only.
    pub(crate) fn explain(
        error: diesel::result::Error,
        path: Option<&Path>,
    ) -> Result<Self, diesel::result::Error> {
        match path.filter(|_| error.to_string().contains("readonly database")) {
            Some(path) => Ok(Self { owners: owners(path), source: without_hashes(error) }),
            None => Err(error),
        }
    }
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;

    options.mode(0o600);
}

#[cfg(not(unix))]
fn private(_: &mut OpenOptions) {}

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;

    let metadata = fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// Elsewhere a file that is open cannot be replaced.
#[cfg(not(unix))]
fn identity(path: &Path) -> Option<Identity> {
    fs::metadata(path).ok().map(|_| (0, 0))
}

#[cfg(unix)]
fn owner(place: &Path) -> Option<String> {
    use std::os::unix::fs::MetadataExt;

    let metadata = fs::metadata(place).ok()?;
    let mode = metadata.mode() & 0o777;
    Some(format!("{} belongs to user {} with mode {mode:o}", place.display(), metadata.uid()))
}

#[cfg(not(unix))]
fn owner(_: &Path) -> Option<String> {
    None
}

/// Whose this process is, where the system has a file that tells.
#[cfg(unix)]
fn this_process() -> Option<String> {
    use std::os::unix::fs::MetadataExt;

    let metadata = fs::metadata("/proc/self").ok()?;
    Some(format!("this process belongs to user {}", metadata.uid()))
}

#[cfg(not(unix))]
fn this_process() -> Option<String> {
    None
}
