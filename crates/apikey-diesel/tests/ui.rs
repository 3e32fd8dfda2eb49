//! What the compiler says about typical mistakes in a model.
//!
//! Each file of `ui` and `ui_sqlite_alone` holds one mistake, and the `.stderr` beside it what the compiler
//! answers. They are compiled against the libraries that cargo has built for this very test: a crate that builds
//! them for itself builds the whole tree twice more, which took a fifth of the time of all tests.
//!
//! `APIKEY_BLESS=1` writes the answers into the files. Read the difference before you commit it.

#![cfg(all(feature = "django", feature = "sqlite", feature = "postgres", feature = "mysql"))]
#![expect(clippy::unwrap_used, reason = "a compiler that does not start fails the test")]

#[path = "ui_compiler/answer.rs"]
mod answer;
#[path = "ui_compiler/libraries.rs"]
mod libraries;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::{env, fs, thread};

use libraries::Libraries;

/// Where the test lies, from the root of the workspace. The compiler runs at the root, where cargo runs it, or it
/// would not find the sources that it quotes.
const PACKAGE: &str = "crates/apikey-diesel/";

/// Compiles every file of a folder, and compares what the compiler says.
fn refuses_each_file_of(folder: &str, libraries: &Libraries) {
    let files = fs::read_dir(root().join(PACKAGE).join(folder)).unwrap();
    let mut files: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "rs"));
    files.sort();
    assert!(!files.is_empty(), "{folder} is empty");
    let (queue, failed) = (Mutex::new(files.into_iter()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let next = || queue.lock().unwrap().next();
                while let Some(file) = next() {
                    failed.lock().unwrap().extend(difference(&file, folder, libraries));
                }
            });
        }
    });
    let mut failed = failed.into_inner().unwrap();
    failed.sort();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Compiles one file, and returns what it says if that is not what it should.
fn difference(file: &Path, folder: &str, libraries: &Libraries) -> Option<String> {
    let name = file.file_stem().unwrap().to_str().unwrap();
    let out = tempfile::tempdir().unwrap();
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.current_dir(root()).args(["--edition=2024", "--crate-type=bin", "--emit=metadata"]);
    // Names of types in full, lines of one width, and nothing about code that nobody calls.
    rustc.args(["--verbose", "--diagnostic-width=140", "--color=never", "-Adead_code"]);
    rustc.arg("--out-dir").arg(out.path()).args(libraries.arguments());
    let output = rustc.arg(format!("{PACKAGE}{folder}/{name}.rs")).output().unwrap();
    let said = answer::normalized(&String::from_utf8_lossy(&output.stderr), root(), PACKAGE);
    if output.status.success() {
        return Some(format!("{folder}/{name}.rs compiles, and should not\n{said}"));
    }
    let expected = file.with_extension("stderr");
    if env::var_os("APIKEY_BLESS").is_some() {
        fs::write(expected, said).unwrap();
        return None;
    }
    let expected = fs::read_to_string(expected).unwrap_or_default();
    (said != expected).then(|| {
        format!("{folder}/{name}.rs\n--- expected\n{expected}\n--- said\n{said}\n(APIKEY_BLESS=1 writes it)")
    })
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}

/// Runs cargo at the root, and returns the libraries that it has built.
fn cargo(arguments: &[&str]) -> Libraries {
    let mut cargo =
        Command::new(env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from));
    cargo.current_dir(root()).args(arguments).arg("--message-format=json");
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Libraries::of(&String::from_utf8(output.stdout).unwrap())
}

#[test]
fn mistakes_in_a_model_get_errors_that_say_what_to_do() {
    // The command of CONTRIBUTING.md for one test: everything that it asks for is there.
    let built = cargo(&["test", "--workspace", "--all-features", "--test", "ui", "--no-run"]);
    refuses_each_file_of("tests/ui", &built);
}

/// The features of an application that uses SQLite alone.
#[test]
fn a_database_that_is_named_needs_its_feature() {
    refuses_each_file_of("tests/ui_sqlite_alone", &cargo(&["check", "-p", "apikey-diesel"]));
}
