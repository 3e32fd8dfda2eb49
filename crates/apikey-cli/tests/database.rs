//! Which database is used, and what is said when it cannot be.

use diesel::connection::SimpleConnection;

use crate::fixture::{Folder, Run};

/// Every command that works on keys which are there.
const ON_KEYS: [&[&str]; 12] = [
    &["list"],
    &["show", "k3Xp9QaB"],
    &["update", "k3Xp9QaB", "--name", "ci"],
    &["rotate", "k3Xp9QaB"],
    &["rotate", "--older-than", "90d"],
    &["disable", "k3Xp9QaB"],
    &["enable", "k3Xp9QaB"],
    &["revoke", "k3Xp9QaB"],
    &["purge"],
    &["verify"],
    &["count"],
    &["check"],
];

#[test]
fn a_missing_database_is_named_and_not_created() {
    let folder = Folder::empty();
    for command in ON_KEYS {
        let run = folder.run(command);
        run.fails(3, "there is no database at sqlite://apikeys.db");
        assert!(run.stderr.contains("`apikey migrate --database-url sqlite://apikeys.db`"));
        folder
            .run(&[&["--database-url", "sqlite://x.db?mode=rwc"], command].concat())
            .fails(3, "there is no database");
        assert_eq!(folder.names(), [""; 0], "{command:?}");
    }
}

#[test]
fn a_database_without_the_table_is_left_as_it_is() {
    let folder = Folder::empty();
    folder.execute("CREATE TABLE others (id INTEGER)");
    for command in ON_KEYS {
        folder.run(command).fails(3, "`apikey migrate");
    }
    let run = folder.run(&["migrate"]).done();
    assert!(run.stdout.starts_with("applied "), "{run:?}");
}

#[test]
fn the_flag_wins_over_the_environment_which_wins_over_the_default() {
    let folder = Folder::new();
    let count = |arguments: &[&str]| {
        let mut command = folder.command(arguments);
        command.env("APIKEY_DATABASE_URL", "sqlite://environment.db");
        Run::of(command)
    };
    count(&["count"]).fails(3, "environment.db");
    assert_eq!(count(&["count", "--database-url", "sqlite://apikeys.db"]).done().stdout, "0\n");
    assert_eq!(count(&["--database-url", "sqlite://apikeys.db", "count"]).done().stdout, "0\n");
}

#[test]
fn an_absolute_path_is_read_as_one() {
    let folder = Folder::new();
    let url = format!("sqlite://{}", folder.path("apikeys.db").display());
    assert_eq!(Folder::empty().run(&["count", "--database-url", &url]).done().stdout, "0\n");
}

#[test]
fn other_urls_are_wrong_usage_and_keep_their_password() {
    let folder = Folder::empty();
    for url in ["mongodb://me:hunter2@db/app", "hunter2", "sqlite:hunter", ""] {
        let run = folder.run(&["create", "ci", "--database-url", url]);
        run.fails(2, "sqlite://");
        assert!(!run.stderr.contains("hunter2"), "{run:?}");
    }
    for url in ["postgres://me:hunter2@db", "mysql://me:hunter2@db:port/app", "mariadb:hunter2"] {
        let run = folder.run(&["create", "ci", "--database-url", url]);
        run.fails(2, "://<user>:<password>@<host>:<port>/<database>");
        assert!(!run.stderr.contains("hunter2"), "{run:?}");
    }
    folder.run(&["create", "ci", "--database-url", "sqlite::memory:"]).fails(2, "name a file");
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn a_missing_directory_is_named() {
    let folder = Folder::empty();
    for (command, reason) in [
        (&["create", "ci"][..], "directory \"nowhere\""),
        (&["migrate"], "directory \"nowhere\""),
        (&["list"], "there is no database at sqlite://nowhere/keys.db"),
    ] {
        let url = ["--database-url", "sqlite://nowhere/keys.db"];
        folder.run(&[command, &url].concat()).fails(3, reason);
    }
}

#[test]
fn another_file_is_not_touched() {
    let folder = Folder::empty();
    let text = "not a database ".repeat(100);
    std::fs::write(folder.path("apikeys.db"), &text).unwrap();
    for command in [&["create", "ci"][..], &["migrate"], &["list"]] {
        folder.run(command).fails(3, "is not a SQLite database");
    }
    assert_eq!(std::fs::read_to_string(folder.path("apikeys.db")).unwrap(), text);
}

#[test]
fn a_read_only_database_is_read_and_not_written() {
    let folder = Folder::new();
    let key = folder.create(&["ci"]);
    let ended = folder.create(&["ended"]);
    folder.run(&["revoke", crate::fixture::prefix(&ended)]).done();
    let url = ["--database-url", "sqlite://apikeys.db?mode=ro"];
    assert_eq!(folder.run(&[&["count"], &url[..]].concat()).done().stdout, "2\n");
    folder.feed(&[&["verify"], &url[..]].concat(), key.as_bytes()).done();
    let prefix = crate::fixture::prefix(&key);
    for command in [
        &["create", "ci"][..],
        &["revoke", prefix],
        &["disable", prefix],
        &["rotate", prefix],
        &["purge", "--retention", "0s"],
        &["update", prefix, "--name", "new"],
    ] {
        folder.run(&[command, &url].concat()).fails(3, "readonly database");
    }
    assert_eq!(folder.run(&["count", "--status", "active"]).done().stdout, "1\n");
    assert_eq!(folder.run(&["count"]).done().stdout, "2\n");
}

#[test]
fn a_locked_database_is_unavailable() {
    let folder = Folder::new();
    let mut other = folder.connection();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let run = folder.run(&["create", "ci"]);
    run.fails(3, "database is locked");
    other.batch_execute("ROLLBACK").unwrap();
    assert_eq!(folder.run(&["count"]).done().stdout, "0\n");
}

/// As `echo` and files with CRLF leave them.
#[test]
fn white_space_around_a_url_is_no_part_of_it() {
    for around in ["\r", "\n", "\r\n", " ", "\t", " \r\n"] {
        let folder = Folder::empty();
        for (variable, text) in [
            ("APIKEY_DATABASE_URL", format!("sqlite://app.db{around}")),
            ("APIKEY_DATABASE_URL", format!("{around}sqlite://app.db")),
        ] {
            let mut command = folder.command(&["create", "ci"]);
            command.env(variable, &text).env("APIKEY_BRAND", format!("{around}acme{around}"));
            assert!(Run::of(command).done().stdout.starts_with("acme_"), "{text:?}");
            let flag = folder.run(&["create", "ci", "--database-url", &text]);
            flag.done();
        }
        let mut names = folder.names();
        names.retain(|name| !name.starts_with("app.db-"));
        assert_eq!(names, ["app.db"], "{around:?}");
    }
    let url = "postgres://me:hunter2@127.0.0.1:1/keys\n";
    let run = Folder::empty().run(&["list", "--database-url", url]);
    run.fails(3, "cannot reach the database server of 127.0.0.1:1/keys;");
}

#[test]
fn control_characters_in_a_url_are_refused_and_named() {
    let folder = Folder::empty();
    for (url, named) in [
        ("sqlite://a\rb.db", "\\r"),
        ("sqlite://a\nb.db", "\\n"),
        ("sqlite://a\u{9b}b.db", "\\u{9b}"),
        ("postgres://me:hunter2\n@db/app", "\\n"),
    ] {
        let run = folder.run(&["create", "ci", "--database-url", url]);
        run.fails(2, &format!("a control character in it ({named})"));
        assert!(!run.stderr.contains("hunter2"), "{run:?}");
        let run = folder.run(&["import", "django", "--from", url]);
        run.fails(2, &format!("a control character in it ({named})"));
    }
    assert_eq!(folder.names(), [""; 0]);
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    for empty in ["", " ", "\r\n"] {
        let folder = Folder::new();
        let mut command = folder.command(&["create", "ci"]);
        command.env("APIKEY_DATABASE_URL", empty).env("APIKEY_BRAND", empty);
        let key = Run::of(command).done().stdout;
        folder.feed(&["verify"], key.as_bytes()).done();
        let mut command = folder.command(&["import", "django"]);
        command.env("APIKEY_IMPORT_FROM", empty);
        Run::of(command).fails(2, "--from <URL>");
        let mut command = folder.command(&["create", "--help"]);
        command.env("APIKEY_DATABASE_URL", empty);
        assert!(Run::of(command).done().stdout.contains("[env: APIKEY_DATABASE_URL]"));
    }
}

/// A mode that is put behind the URL must not hide what is wrong with it: the advice would be a command that fails.
#[test]
fn a_parameter_that_is_not_known_is_wrong_usage_for_every_command() {
    let folder = Folder::empty();
    let url = "sqlite://app.db?cache=shared";
    let django: &[&str] = &["import", "django", "--from", url];
    let own = [&["create", "ci"][..], &["migrate"], django];
    for command in ON_KEYS.iter().chain(&own) {
        let run = folder.run(&[command, &["--database-url", url][..]].concat());
        run.fails(2, "has a parameter that is not known");
        assert!(!run.stderr.contains("there is no database"), "{run:?}");
        assert_eq!(folder.names(), [""; 0], "{command:?}");
    }
}

#[test]
fn a_file_whose_name_looks_like_a_parameter_is_opened_and_a_note_says_so() {
    let folder = Folder::empty();
    let meant = ["--database-url", "sqlite://app.db?cache=shared?mode=rwc"];
    let typed = ["--database-url", "sqlite://app.db?cache=shared"];
    let run = folder.run(&[&["create", "ci"], &meant[..]].concat()).done();
    assert!(!run.stderr.contains("note:"), "who says the mode means it: {run:?}");
    let prefix = crate::fixture::prefix(&run.stdout);
    for command in [
        &["list"][..],
        &["show", prefix],
        &["check"],
        &["revoke", prefix],
        &["create", "cd"],
        &["migrate"],
    ] {
        let run = folder.run(&[command, &typed].concat()).done();
        let note = "note: the database URL has a parameter that is not known";
        assert_eq!(run.stderr.matches(note).count(), 1, "{run:?}");
        assert!(run.stderr.contains("opened, since there is a file of this name"), "{run:?}");
    }
    assert_eq!(folder.run(&[&["count"], &meant[..]].concat()).done().stdout, "2\n");
}

/// A command to copy that fails again is no help.
#[test]
fn the_command_that_creates_a_missing_database_has_a_mode_that_does() {
    let folder = Folder::empty();
    for mode in ["ro", "rw", "ro&immutable=1"] {
        let url = format!("sqlite://apikeys.db?mode={mode}");
        let run = folder.run(&["count", "--database-url", &url]);
        run.fails(3, "`apikey migrate --database-url sqlite://apikeys.db?mode=rwc`");
    }
    folder.run(&["migrate", "--database-url", "sqlite://apikeys.db?mode=rwc"]).done();
}

#[test]
fn a_byte_order_mark_before_a_url_is_no_part_of_it() {
    let folder = Folder::new();
    let mut command = folder.command(&["count"]);
    command.env("APIKEY_DATABASE_URL", "\u{feff}sqlite://apikeys.db\r\n");
    assert_eq!(Run::of(command).done().stdout, "0\n");
    let run = folder.run(&["count", "--database-url", "mongodb://db/app"]);
    run.fails(2, "begins with none of sqlite:, postgres:, postgresql:, mysql:, mariadb:; write ");
}

/// `migrate` would add a table that nobody uses.
#[test]
fn a_database_with_tables_of_ones_own_alone_names_them() {
    let folder = Folder::empty();
    for table in ["organization_api_keys", "team_keys"] {
        folder.execute(&crate::migration::sql("sqlite", table).0);
    }
    folder.execute("CREATE TABLE others (id INTEGER, prefix TEXT, revoked_at TEXT)");
    for command in ON_KEYS {
        let output = folder.command(command).output().unwrap();
        let run = Run::unchecked(&output);
        run.fails(3, "tables of keys of their own: organization_api_keys, team_keys");
        assert!(run.stderr.contains("the command that its service builds"), "{run:?}");
        assert!(run.stderr.contains("`apikey migrate"), "it stays possible: {run:?}");
    }
}

/// The key is made, as before; who meant the other table learns of it.
#[test]
fn a_key_beside_tables_of_ones_own_comes_with_a_note() {
    let folder = Folder::empty();
    folder.execute(&crate::migration::sql("sqlite", "team_keys").0);
    let run = folder.run(&["create", "ci"]).done();
    let note = "api_keys was created beside tables of keys of their own: team_keys;";
    assert!(run.stderr.contains(note), "{run:?}");
    let run = folder.run(&["create", "ci"]).done();
    assert!(!run.stderr.contains("team_keys"), "once: {run:?}");
    assert!(!Folder::empty().run(&["create", "ci"]).done().stderr.contains("note:"));
}
