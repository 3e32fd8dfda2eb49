//! The file of a database: how it is created, and whose it is.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};

use apikey_core::BoxError;
use thiserror::Error;

use crate::failure::without_hashes;

/// Creates a file that only its owner may read and write, also where a link says that it is. SQLite gives its
/// companions the same rights. That it cannot be created, or is there, is for SQLite to say.
pub(super) fn create(path: &str) {
    const MOST_LINKS: usize = 40;
    let mut options = OpenOptions::new();
    // A file that is there is not opened: closing it would end the locks that other connections of this process
    // have on it.
    options.write(true).create_new(true);
    private(&mut options);
    let mut path = PathBuf::from(path);
    for _ in 0..MOST_LINKS {
        if options.open(&path).is_ok() {
            return;
        }
        let Ok(target) = fs::read_link(&path) else { return };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
}

/// Refuses to take a file for one that nobody writes to, if something of it stands in its write-ahead log or has to be
/// taken back by its journal: SQLite would look at neither, and a revocation may be there.
pub(super) fn is_whole(path: &str) -> Result<(), Unwritten> {
    let path = Path::new(path);
    let other = ["-wal", "-journal"].map(|end| companion(path, end)).into_iter();
    match other.into_iter().find(|other| other.exists()) {
        Some(other) => Err(Unwritten { other }),
        None => Ok(()),
    }
}

/// A part of the database is in another file.
#[derive(Debug, Error)]
#[error(
    "`immutable=1` is for a file that nobody has open, and {other:?} says that somebody has, or broke off while \
     writing"
)]
pub(super) struct Unwritten {
    other: PathBuf,
}

/// Tells the log what was promised of a file: who copied the URL may not know.
pub(super) fn at_rest(path: &str) {
    tracing::warn!(
        path,
        "opened with `immutable=1`: nobody may write to this file while this process runs, or a key that is revoked \
         goes on working here"
    );
}

fn companion(path: &Path, end: &str) -> PathBuf {
    PathBuf::from(format!("{}{end}", path.display()))
}

/// Says whose the file, its companions and its directory are, where the system tells.
pub(crate) fn owners(path: &Path) -> String {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let [log, index] = ["-wal", "-shm"].map(|end| companion(path, end));
    let places = [path.to_owned(), log, index, directory.to_owned()];
    let owners = places.iter().filter_map(|place| owner(place));
    let owners: Vec<_> = owners.chain(this_process()).collect();
    owners.join(", ")
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
        let hint = if companion(path, "-wal").exists() {
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
