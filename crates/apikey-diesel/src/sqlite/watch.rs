//! Whether the file of a database is still the one that was opened.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use apikey_core::Finding;
use diesel::prelude::*;
use diesel::sql_types::Text;

/// Notices that the file was replaced, by a restore say, while connections go on with the old one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch(Arc<Watched>);

#[derive(Debug, Default)]
struct Watched {
    /// None for a database in memory.
    file: OnceLock<Option<Opened>>,
    /// When it was looked at, in milliseconds since it was first.
    latest: AtomicU64,
    is_told: AtomicBool,
}

/// A file when it was first looked at.
#[derive(Debug)]
struct Opened {
    path: PathBuf,
    identity: Identity,
    at: Instant,
}

/// How long nobody looks again, in milliseconds: requests should not pay for it.
const PAUSE: u64 = 1000;

/// What tells a file from the one that has its name later.
type Identity = (u64, u64);

impl Watch {
    /// Looks at the file on a thread for blocking work, unless somebody just did, and tells the log once. `now` need
    /// not be exact.
    pub(crate) fn look(&self, conn: &mut SqliteConnection, now: Instant) {
        let file = self.0.file.get_or_init(|| {
            let path = path_of(conn)?;
            let identity = identity(&path)?;
            Some(Opened { path, identity, at: now })
        });
        if file.as_ref().is_some_and(|file| self.is_due(file, now)) {
            self.replaced();
        }
    }

    /// Whether it is time to look, for one of those who ask at once.
    fn is_due(&self, file: &Opened, now: Instant) -> bool {
        let age = now.saturating_duration_since(file.at).as_millis();
        let age = u64::try_from(age).unwrap_or(u64::MAX);
        let latest = self.0.latest.load(Ordering::Relaxed);
        let relaxed = Ordering::Relaxed;
        age.saturating_sub(latest) >= PAUSE
            && self.0.latest.compare_exchange(latest, age, relaxed, relaxed).is_ok()
    }

    /// The file, if it is not the one that was opened. The log is told by who finds that out.
    fn replaced(&self) -> Option<&Path> {
        let Opened { path, identity: seen, .. } = self.0.file.get()?.as_ref()?;
        if identity(path) == Some(*seen) {
            return None;
        }
        if !self.0.is_told.swap(true, Ordering::Relaxed) {
            replaced(path);
        }
        Some(path)
    }

    /// Looks at the file, however short a while ago that was done.
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
        Some(&self.0.file.get()?.as_ref()?.path)
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

#[cfg(all(test, unix))]
mod tests {
    use std::time::Duration;

    use diesel::connection::SimpleConnection;

    use super::*;

    #[test]
    fn looks_once_a_second_and_tells_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.db");
        let mut conn = SqliteConnection::establish(&path.display().to_string()).unwrap();
        conn.batch_execute("CREATE TABLE theirs (id INTEGER)").unwrap();
        let (watch, began) = (Watch::default(), Instant::now());
        let mut is_told_after = |millis| {
            watch.look(&mut conn, began + Duration::from_millis(millis));
            watch.0.is_told.load(Ordering::Relaxed)
        };
        assert!(!is_told_after(0) && !is_told_after(1200));
        fs::rename(&path, folder.path().join("old.db")).unwrap();
        assert!(!is_told_after(2199), "looked again too soon");
        // What asked for its turn earlier comes later at times.
        assert!(!is_told_after(300));
        assert!(is_told_after(2200));
        assert!(watch.path().is_some() && watch.finding().is_some());
    }

    #[test]
    fn a_database_in_memory_is_no_file() {
        let mut conn = SqliteConnection::establish(":memory:").unwrap();
        let watch = Watch::default();
        watch.look(&mut conn, Instant::now());
        assert!(watch.path().is_none() && watch.finding().is_none());
    }
}
