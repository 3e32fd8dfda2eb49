//! What `--help` says, compared with the files in `tests/help`.
//!
//! After a change: `APIKEY_BLESS=1 cargo test -p apikey-cli help`, then look at the difference.

use std::path::Path;

use crate::fixture::{Folder, Run};

const COMMANDS: [&str; 17] = [
    "migrate",
    "migration",
    "create",
    "list",
    "show",
    "update",
    "rotate",
    "disable",
    "enable",
    "revoke",
    "purge",
    "verify",
    "count",
    "check",
    "hashers",
    "import",
    "import django",
];

/// What a command says of itself, which may be one of another's.
fn help_of(name: &str, option: &str) -> String {
    help(&name.split(' ').chain([option]).collect::<Vec<_>>())
}

fn help(arguments: &[&str]) -> String {
    let folder = Folder::empty();
    let mut command = folder.command(arguments);
    command.env("COLUMNS", "100");
    let run = Run::of(command).done();
    assert_eq!(folder.names(), [""; 0]);
    assert_eq!(run.stderr, "");
    run.stdout
}

#[track_caller]
fn assert_same(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("tests/help/{}.txt", name.replace(' ', "-")));
    if std::env::var_os("APIKEY_BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert!(
        text == expected,
        "`apikey {name} --help` is not what {} says; bless it with APIKEY_BLESS=1. It is now:\n{text}",
        path.display()
    );
}

#[test]
fn the_help_is_the_one_that_was_looked_at() {
    assert_same("apikey", &help(&["--help"]));
    for name in COMMANDS {
        assert_same(name, &help_of(name, "--help"));
    }
}

#[test]
fn every_command_has_examples() {
    for name in COMMANDS {
        let help = help_of(name, "-h");
        assert!(help.contains(&format!("Examples:\n  apikey {name}")), "{help}");
    }
}

#[test]
fn help_fits_a_terminal() {
    for name in COMMANDS {
        let help = help_of(name, "--help");
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    }
}

#[test]
fn help_does_not_print_what_the_environment_holds() {
    let folder = Folder::empty();
    for name in ["create", "verify"] {
        let mut command = folder.command(&[name, "--help"]);
        command.env("APIKEY_DATABASE_URL", "sqlite://hunter2").env("APIKEY_BRAND", "hunter2");
        assert!(!Run::of(command).done().stdout.contains("hunter2"));
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    assert_eq!(help(&["--version"]), concat!("apikey ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn without_a_command_the_help_is_shown_as_wrong_usage() {
    let run = Folder::empty().run(&[]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("Usage: apikey"), "{run:?}");
    Folder::empty().run(&["recycle"]).fails(2, "unrecognized subcommand");
    Folder::empty().run(&["list", "--output", "xml"]).fails(2, "for '--output <FORMAT>'");
}
