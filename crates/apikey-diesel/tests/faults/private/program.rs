//! Programs, accounts and processes.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Folders of servers that are on nobody's `PATH`, or on root's alone.
const BEYOND_PATH: [&str; 4] =
    ["/usr/local/sbin", "/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin"];

/// Where each major version of PostgreSQL has a folder on Debian.
const POSTGRES_VERSIONS: &str = "/usr/lib/postgresql";

/// Finds an installed program.
pub(super) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = fs::read_dir(POSTGRES_VERSIONS).into_iter().flatten().flatten();
    let folders = std::env::split_paths(&path)
        .chain(BEYOND_PATH.map(PathBuf::from))
        .chain(versions.map(|version| version.path().join("bin")));
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Returns user and group to run a server under, which refuses to run as root: the first of these that exists.
/// Whose folder it is tells who runs the tests.
pub(super) fn account(folder: &Path, names: &[&str]) -> Option<(u32, u32)> {
    if fs::metadata(folder).unwrap().uid() != 0 {
        return None;
    }
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let find = |name: &&str| {
        let mut lines = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
        let fields = lines.find(|fields| fields.len() > 3 && fields[0] == *name)?;
        Some((fields[2].parse().ok()?, fields[3].parse().ok()?))
    };
    Some(names.iter().find_map(find).unwrap())
}

/// Gives a file or folder to an account.
pub(super) fn give(path: &Path, account: Option<(u32, u32)>) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
    if let Some((user, group)) = account {
        chown(path, Some(user), Some(group)).unwrap();
    }
}

pub(super) fn run_as(command: &mut Command, account: Option<(u32, u32)>) {
    if let Some((user, group)) = account {
        command.uid(user).gid(group);
    }
}

/// The processes that a process has started, where the system tells.
pub(super) fn children(process: u32) -> Vec<String> {
    let list = fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    list.unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

/// Whether no thread of a process runs any more, where the system tells.
pub(super) fn is_stopped(process: &str) -> bool {
    let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else { return true };
    threads.flatten().all(|thread| {
        let state = fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        // The name before it is in parentheses, and may have some itself.
        state.rsplit_once(')').is_none_or(|(_, rest)| rest.trim_start().starts_with(['T', 't']))
    })
}

/// Sends a signal. The process may have ended by itself.
pub(super) fn signal(name: &str, process: &str) {
    let script = "kill -s \"$0\" \"$1\" 2>/dev/null";
    Command::new("sh").args(["-c", script, name, process]).status().unwrap();
}
