//! What others wrote is shown so that it can neither steer a terminal nor look like something else.

use crate::fixture::{Folder, Run, prefix};

/// Characters that steer a terminal, turn the order of a line around, or are not seen: as SQL, and as JSON
/// has to write them.
const HIDDEN: [(u32, &str); 12] = [
    (0x1b, "\\u001b"),
    (0x7f, "\\u007f"),
    (0x9b, "\\u009b"),
    (0x9d, "\\u009d"),
    (0xad, "\\u00ad"),
    (0x061c, "\\u061c"),
    (0x200b, "\\u200b"),
    (0x2028, "\\u2028"),
    (0x202e, "\\u202e"),
    (0x2066, "\\u2066"),
    (0xfeff, "\\ufeff"),
    (0xe0041, "\\udb40\\udc41"),
];

fn is_hidden(text: &str) -> bool {
    HIDDEN.iter().any(|(code, _)| text.contains(char::from_u32(*code).unwrap()))
}

/// A key whose name somebody else has written, and the command on it.
fn with_name(code: u32) -> (Folder, String) {
    let folder = Folder::new();
    let key = folder.create(&["ci"]);
    folder.execute(&format!("UPDATE api_keys SET name = 'ci' || char({code}) || 'gnp.txt'"));
    (folder, prefix(&key).to_owned())
}

#[test]
fn no_format_prints_what_is_hidden() {
    for (code, json) in HIDDEN {
        let (folder, prefix) = with_name(code);
        for format in ["table", "plain", "json"] {
            for command in [&["list"][..], &["show", &prefix], &["revoke", &prefix]] {
                let run = folder.run(&[command, &["--output", format]].concat()).done();
                assert!(!is_hidden(&run.stdout), "U+{code:04X} in {run:?}");
                let shown = if format == "json" {
                    format!("ci{json}gnp.txt")
                } else {
                    format!("ci\\u{{{code:x}}}gnp.txt")
                };
                assert!(run.stdout.contains(&shown), "no {shown} in {run:?}");
            }
        }
    }
}

#[test]
fn json_says_the_same_as_before_to_who_reads_it() {
    for (code, _) in HIDDEN {
        let (folder, prefix) = with_name(code);
        let shown = folder.run(&["show", &prefix, "--output", "json"]).done().json();
        let name = format!("ci{}gnp.txt", char::from_u32(code).unwrap());
        assert_eq!(shown["name"].as_str(), Some(&*name));
    }
}

#[test]
fn accents_do_not_cover_other_lines() {
    let folder = Folder::new();
    folder.create(&["ci"]);
    let rename = |name: &str| folder.execute(&format!("UPDATE api_keys SET name = '{name}'"));
    rename(&format!("e{}", "\u{301}".repeat(150)));
    for format in ["table", "plain"] {
        let run = folder.run(&["list", "--output", format]).done();
        let longest =
            run.stdout.split(|c| c != '\u{301}').map(|accents| accents.chars().count()).max();
        assert_eq!(longest, Some(6), "{run:?}");
    }
    rename("école 日本語 café\u{301}");
    assert!(folder.run(&["list"]).done().stdout.contains("école 日本語 café\u{301}"));
}

/// What a database says, and the name of a file.
#[test]
fn errors_show_what_is_hidden() {
    let folder = Folder::new();
    folder.execute(
        "CREATE TRIGGER no BEFORE INSERT ON api_keys
             BEGIN SELECT RAISE(ABORT, 'not' || char(0x202e) || 'you' || char(0x9b) || '!'); END",
    );
    let run = folder.run(&["create", "ci"]);
    assert!(!is_hidden(&run.stderr), "{run:?}");
    let url = "sqlite://no\u{202e}where/keys.db";
    let run = folder.run(&["list", "--database-url", url]);
    assert!(!is_hidden(&run.stderr), "{run:?}");
    run.fails(3, "sqlite://no\\u{202e}where/keys.db");
}

#[test]
fn problems_show_what_is_hidden() {
    let folder = Folder::new();
    folder.create(&["ci"]);
    folder.execute("UPDATE api_keys SET hashed_key = 'x' || char(0x202e) || '$$'");
    for format in ["table", "plain", "json"] {
        let output = folder.command(&["hashers", "--output", format]).output().unwrap();
        let run = Run::unchecked(&output);
        assert!(!is_hidden(&run.stdout) && !is_hidden(&run.stderr), "{run:?}");
    }
}
