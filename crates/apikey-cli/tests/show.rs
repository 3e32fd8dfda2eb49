//! `apikey show`

use crate::fixture::{Folder, MEMBERS, members, prefix};

#[test]
fn shows_all_columns_in_every_format() {
    let folder = Folder::new();
    let key = folder.create(&["ci", "--scope", "a", "--scope", "b"]);
    let prefix = prefix(&key);
    let shown = folder.run(&["show", prefix, "--output", "json"]).done().json();
    assert_eq!(members(&shown), MEMBERS);
    assert_eq!(shown["prefix"], prefix);

    let plain = folder.run(&["show", prefix]).done().stdout;
    let mut names: Vec<_> = plain.lines().map(|line| line.split_once('\t').unwrap().0).collect();
    names.sort_unstable();
    assert_eq!(names, MEMBERS);
    assert!(plain.contains("\nscopes\ta b\n") && plain.contains("\nexpires_at\t-\n"), "{plain}");

    let table = folder.run(&["show", prefix, "--output", "table"]).done().stdout;
    assert!(table.contains("\nexpires    never\n") && !table.contains("revoked"), "{table}");
}

#[test]
fn the_key_itself_is_not_shown() {
    let folder = Folder::new();
    let key = folder.create(&["ci"]);
    let (prefix, secret) = key.split_once('.').unwrap();
    for format in ["table", "json", "plain"] {
        assert!(!folder.run(&["show", prefix, "--output", format]).done().stdout.contains(secret));
    }
}

#[test]
fn an_unknown_prefix_is_not_found() {
    Folder::new().run(&["show", "k3Xp9QaB"]).fails(1, "no key has the prefix \"k3Xp9QaB\"");
}

#[test]
fn a_whole_key_in_place_of_a_prefix_is_not_repeated() {
    let folder = Folder::new();
    let key = folder.create(&["ci"]);
    let (_, secret) = key.split_once('.').unwrap();
    for command in ["show", "revoke", "update"] {
        let run = folder.run(&[command, &key]);
        run.fails(2, "never give a whole key as an argument");
        assert!(!run.stderr.contains(secret), "{run:?}");
    }
}

/// The verb forgotten, or a key too many: what is not expected is not repeated either.
#[test]
fn a_whole_key_where_nothing_is_expected_is_not_repeated() {
    let folder = Folder::new();
    let key = folder.create(&["ci"]);
    for arguments in [&[&*key][..], &["show", prefix(&key), &key], &["count", &key]] {
        let run = folder.run(arguments);
        run.fails(2, "(not shown: it may be a key)");
        assert!(!run.stderr.contains(&key[9..]), "{run:?}");
    }
    folder.run(&["shwo"]).fails(2, "a similar subcommand exists: 'show'");
}
