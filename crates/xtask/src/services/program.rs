//! Finding the programs of a server.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

/// Folders of servers that are on nobody's `PATH`, or on root's alone.
const BEYOND_PATH: [&str; 4] =
    ["/usr/local/sbin", "/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin"];

/// Where each major version of PostgreSQL has a folder on Debian.
const POSTGRES_VERSIONS: &str = "/usr/lib/postgresql";

/// Finds a program by the first of its names that is installed.
pub(crate) fn find(names: &[&str]) -> anyhow::Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = env::split_paths(&path)
        .chain(BEYOND_PATH.map(PathBuf::from))
        .chain(versions(Path::new(POSTGRES_VERSIONS)))
        .collect();
    let files = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    files
        .into_iter()
        .find(|file| file.is_file())
        .with_context(|| format!("`{}` is not installed", names[0]))
}

/// The folders with programs of every version, the newest first.
fn versions(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let number = |name: std::ffi::OsString| name.to_str()?.parse::<u32>().ok();
    let mut numbers: Vec<_> = entries.filter_map(|entry| number(entry.file_name())).collect();
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    numbers.into_iter().map(|number| folder.join(number.to_string()).join("bin")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_every_system_has_and_names_what_is_missing() {
        assert!(find(&["no-such-program", "cargo"]).unwrap().is_file());
        let error = find(&["no-such-program"]).unwrap_err();
        assert_eq!(error.to_string(), "`no-such-program` is not installed");
    }

    #[test]
    fn takes_the_newest_version_by_number_and_not_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["9", "15", "16", "common"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let bins: Vec<_> =
            ["16", "15", "9"].map(|name| folder.path().join(name).join("bin")).into();
        assert_eq!(versions(folder.path()), bins);
        assert!(versions(&folder.path().join("absent")).is_empty());
    }
}
