//! Which table is read: Django's own, that of a model, an old one, none.

use super::{folder, import, in_django};
use crate::fixture::Folder;

#[test]
fn reads_the_table_of_a_model_of_ones_own() {
    let folder = folder();
    in_django(
        &folder,
        "ALTER TABLE rest_framework_api_key_apikey RENAME TO app_teamapikey;
         ALTER TABLE app_teamapikey ADD COLUMN team_id integer NULL",
    );
    import(&folder, &[]).fails(3, "has no table rest_framework_api_key_apikey");
    import(&folder, &["--table", "app_teamapikey"]).done();
    import(&folder, &["--table", "main.app_teamapikey"]).done();
    assert_eq!(folder.run(&["count"]).done().stdout, "30\n");
    for name in ["", "a b", "a\"b", "a.b.c", "a;b", "a."] {
        import(&folder, &["--table", name]).fails(2, "a table is named by letters, digits and `_`");
    }
}

#[test]
fn a_table_before_version_1_4_names_the_migration() {
    let folder = Folder::empty();
    in_django(
        &folder,
        "CREATE TABLE rest_framework_api_key_apikey (id varchar(100) PRIMARY KEY, created datetime,
            name varchar(50), revoked bool, expiry_date datetime NULL)",
    );
    import(&folder, &[])
        .fails(3, "run the migration 0004_prefix_hashed_key of djangorestframework");
    in_django(&folder, "ALTER TABLE rest_framework_api_key_apikey RENAME TO app_teamapikey");
    let own = import(&folder, &["--table", "app_teamapikey"]);
    own.fails(3, "`python manage.py makemigrations` and `python manage.py migrate`");
    assert!(
        !own.stderr.contains("0004"),
        "a table of one's own has migrations of its own: {own:?}"
    );
    assert_eq!(folder.names(), ["db.sqlite3"], "nothing is created");
}

#[test]
fn what_is_no_database_of_django_is_named() {
    let folder = Folder::empty();
    import(&folder, &[]).fails(3, "there is no database at sqlite://db.sqlite3 to import from");
    assert!(folder.names().is_empty(), "nothing is created");
    std::fs::write(folder.path("db.sqlite3"), "not a database, but a text".repeat(100)).unwrap();
    import(&folder, &[]).fails(3, "db.sqlite3");
    folder
        .run(&["import", "django", "--from", "oracle://x"])
        .fails(2, "begins with none of sqlite:, postgres:");
    folder.run(&["import", "django"]).fails(2, "--from");
    let url = "postgres://me:hunter2@127.0.0.1:1/app";
    let run = folder.run(&["import", "django", "--from", url]);
    assert!(!run.stderr.contains("hunter2"), "{run:?}");
    run.fails(3, "cannot reach the database server of 127.0.0.1:1/app");
}

/// Shorter columns, as before version 2.2, are read like any others.
#[test]
fn a_table_before_version_2_2_is_read() {
    let folder = Folder::empty();
    in_django(
        &folder,
        "CREATE TABLE rest_framework_api_key_apikey (id varchar(100) PRIMARY KEY, created datetime,
            name varchar(50), revoked bool, expiry_date datetime NULL, hashed_key varchar(100),
            prefix varchar(8) UNIQUE);
         INSERT INTO rest_framework_api_key_apikey VALUES ('a', '2019-07-01 00:00:00', 'old', 0, NULL,
            'pbkdf2_sha256$150000$c2FsdA$cw0jwcKYEhtcHZGMdbYdvjvlE0kQZ8yCQ+dIPsU3AA8=', 'abcdefgh')",
    );
    let run = import(&folder, &[]).done();
    assert!(run.stdout.contains("\nimported\t1\n"), "{run:?}");
    assert!(run.stderr.starts_with("1 key has a hash that Django wrote"), "{run:?}");
}
