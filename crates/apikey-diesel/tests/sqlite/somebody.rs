//! A process of somebody who may read the files of a test, and not write them.

use std::fs::{self, Permissions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use crate::fixture::Folder;

/// Names the directory to the process.
const VOLUME: &str = "APIKEY_TEST_READ_ONLY_VOLUME";

/// Not the superuser, to whom everything can be written.
const SOMEBODY: u32 = 65534;

/// A program that is still written by one test cannot be started by another, not even a copy of it.
static STARTING: Mutex<()> = Mutex::new(());

/// The directory of the test, if this is the process.
pub(crate) fn volume() -> Option<String> {
    std::env::var(VOLUME).ok()
}

pub(crate) fn allow(folder: &Folder, name: &str, mode: u32) {
    fs::set_permissions(folder.path(name), Permissions::from_mode(mode)).unwrap();
}

/// Lets nobody write a directory and its database.
pub(crate) fn lock(folder: &Folder, name: &str) {
    allow(folder, &format!("{name}/app.db"), 0o444);
    allow(folder, name, 0o555);
    allow(folder, "", 0o755);
}

pub(crate) fn unlock(folder: &Folder, name: &str) {
    allow(folder, name, 0o755);
    allow(folder, &format!("{name}/app.db"), 0o644);
}

/// Runs a test in the process, to its end.
pub(crate) fn run(folder: &Folder, test: &str) {
    run_beside(folder, test, || {});
}

/// The same, and does something as soon as the process [waits](wait) for it.
pub(crate) fn run_beside(folder: &Folder, test: &str, action: impl FnOnce()) {
    let mut child = start(folder, test);
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    while output.read_line(&mut said).unwrap() > 0 && !said.contains(WAITING) {}
    action();
    // It may have ended.
    drop(child.stdin.take().unwrap().write_all(b"done\n"));
    output.read_to_string(&mut said).unwrap();
    let ended = child.wait_with_output().unwrap();
    let complaint = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success() && said.contains("1 passed"), "{said}{complaint}");
}

const WAITING: &str = "waiting for the other process";

/// Waits, in the process, until what the test does beside it is done.
pub(crate) fn wait() {
    // Not by a macro, whose output the harness of the tests keeps to itself.
    io::stdout().write_all(format!("\n{WAITING}\n").as_bytes()).unwrap();
    let mut line = String::new();
    io::stdin().read_line(&mut line).unwrap();
    assert_eq!(line, "done\n");
}

fn start(folder: &Folder, test: &str) -> Child {
    let _starting = STARTING.lock().unwrap();
    let this = std::env::current_exe().unwrap();
    let is_superuser = fs::metadata(folder.path("")).unwrap().uid() == 0;
    let mut command = if is_superuser {
        // The test binary may lie where only the superuser looks.
        fs::copy(this, folder.path("test")).unwrap();
        allow(folder, "test", 0o755);
        let mut command = Command::new(folder.path("test"));
        command.uid(SOMEBODY).gid(SOMEBODY);
        command
    } else {
        Command::new(this)
    };
    command.args(["--exact", test, "--nocapture"]);
    command.env(VOLUME, folder.path("")).current_dir(folder.path(""));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}
