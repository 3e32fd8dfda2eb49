//! Nothing that was typed as a value comes back on standard error, which goes to logs: people paste whole keys
//! and URLs with passwords where something else is wanted.

use std::path::Path;

use apikey_core::{ApiKeys, KeyFormat};

use crate::fixture::{Folder, Run};

/// The help of every command: what it lists is tried.
fn helps() -> Vec<(Vec<String>, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/help");
    let mut helps: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            let words = if name == "apikey" { "" } else { name };
            let words = words.split('-').filter(|word| !word.is_empty()).map(str::to_owned);
            (words.collect(), std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    helps.sort();
    helps
}

/// The options in a help that take a value; those of every command are tried once, on the program itself.
fn options<'a>(words: &[&str], help: &'a str) -> impl Iterator<Item = &'a str> {
    let own = help.split("Global options:").next().unwrap_or_default();
    let lines = if words.is_empty() { help } else { own };
    let lines = lines.lines().filter(|line| line.trim_start().starts_with("--"));
    lines.filter(|line| line.contains('<')).map(|line| line.split_whitespace().next().unwrap())
}

/// Whole keys, of each format, and the URL of a server; and what of each is secret.
fn secrets() -> Vec<(String, String)> {
    let formats = [
        KeyFormat::default(),
        KeyFormat::branded("acme_live").unwrap(),
        KeyFormat::default().lengths(32, 128).unwrap(),
        KeyFormat::branded("a").unwrap().lengths(8, 22).unwrap(),
    ];
    let mut secrets: Vec<_> = formats.into_iter().map(key).collect();
    for url in ["mysql://me:hunter2@db/app", "postgres://someone:hunter2@db.example.com:5432/app"] {
        secrets.push((url.to_owned(), "hunter2".to_owned()));
    }
    // The end of a key that was cut apart by a double click.
    let (_, secret) = &secrets[0];
    secrets.push((secret.clone(), secret.clone()));
    secrets
}

fn key(format: KeyFormat) -> (String, String) {
    let length = format.secret_length();
    let store = apikey_core::MemoryStore::new();
    let keys: ApiKeys = ApiKeys::builder(store).format(format).build().unwrap();
    let created = futures::executor::block_on(keys.create("ci")).unwrap();
    let text = created.plaintext.expose().to_owned();
    let from = text.find(&created.key.prefix).unwrap() + created.key.prefix.len() + 1;
    let secret = text[from..from + length].to_owned();
    (text, secret)
}

#[track_caller]
fn assert_silent(run: &Run, arguments: &[&str], secret: &str) {
    assert!(!run.stderr.contains(secret), "{arguments:?} says {:?}", run.stderr);
}

#[test]
fn no_option_repeats_its_value() {
    let folder = Folder::new();
    let secrets = secrets();
    let mut tried = 0;
    for (words, help) in helps() {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        for option in options(&words, &help) {
            for (value, secret) in &secrets {
                let arguments = [&words[..], &[option, value]].concat();
                assert_silent(&folder.run(&arguments), &arguments, secret);
                tried += 1;
            }
        }
    }
    assert!(tried > 100, "{tried}");
}

/// The same, where everything else that a command needs is given: it runs.
#[test]
fn no_command_that_runs_repeats_a_value() {
    let folder = Folder::new();
    for (value, secret) in &secrets() {
        for (command, option) in [
            (&["create", "ci"][..], "--scope"),
            (&["create", "ci"], "--expires-in"),
            (&["create", "ci"], "--expires-at"),
            (&["create", "ci"], "--brand"),
            (&["update", "k3Xp9QaB"], "--name"),
            (&["update", "k3Xp9QaB"], "--scope"),
            (&["rotate", "k3Xp9QaB"], "--grace"),
            (&["rotate", "--older-than", "1d"], "--search"),
            (&["migration", "--table", "t"], "--backend"),
            (&["migration", "--backend", "sqlite"], "--table"),
            (&["migration", "--backend", "sqlite", "--table", "t"], "--output-dir"),
            (&["import", "django", "--from", "sqlite://apikeys.db"], "--table"),
        ] {
            let arguments = [command, &[option, value]].concat();
            // Twice: a folder that was made the first time is in the way.
            for _ in 0..2 {
                // The name of the column of hashes is in the SQL.
                let run = Run::unchecked(&folder.command(&arguments).output().unwrap());
                assert_silent(&run, &arguments, secret);
            }
        }
    }
}

#[test]
fn no_stray_word_is_repeated() {
    let folder = Folder::new();
    let commands = helps().into_iter().map(|(words, _)| words).chain([vec!["help".to_owned()]]);
    for words in commands {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        // One of each kind: with and without a brand, and a URL.
        let secrets = secrets();
        for (value, secret) in [&secrets[0], &secrets[1], &secrets[4]] {
            let (long, short) = (format!("--{value}"), format!("-{value}"));
            let (joined, misspelt) = (format!("--output={value}"), format!("--outptu={value}"));
            for stray in [
                &[&**value][..],
                &["k3Xp9QaB", value],
                &["--", value],
                &[&long],
                &[&short],
                &[&joined],
                &[&misspelt],
            ] {
                let arguments = [&words, stray].concat();
                assert_silent(&folder.run(&arguments), &arguments, secret);
            }
        }
    }
}

#[test]
fn no_variable_is_repeated() {
    let folder = Folder::new();
    for (value, secret) in &secrets() {
        for variable in ["APIKEY_BRAND", "APIKEY_DATABASE_URL", "APIKEY_IMPORT_FROM"] {
            for arguments in [&["list"][..], &["create", "ci"], &["import", "django"]] {
                let mut command = folder.command(arguments);
                command.env(variable, value);
                assert_silent(&Run::of(command), &[variable, arguments[0]], secret);
            }
        }
    }
}

/// What is a word of the command is said: it helps, and cannot be a secret.
#[test]
fn what_was_meant_is_still_said() {
    let folder = Folder::new();
    folder.run(&["shwo"]).fails(2, "a similar subcommand exists: 'show'");
    folder.run(&["list", "--statsu", "active"]).fails(2, "a similar argument exists: '--status'");
    folder.run(&["list", "--status", "actve"]).fails(2, "a similar value exists: 'active'");
    folder.run(&["list", "--status", "x"]).fails(2, "for '--status <STATUS>'");
    folder.run(&["list", "--scope", "x"]).fails(2, "unexpected argument '--scope'");
    folder.run(&["create", "x", "--expires-in", "90"]).fails(2, "--expires-in <DURATION>");
    folder.run(&["list", "--limit", "0"]).fails(2, "'--limit <N>': a whole number, 1 or more");
    folder.run(&["list", "--brand", "a__b"]).fails(2, "'--brand <BRAND>'");
}
