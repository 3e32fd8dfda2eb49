//! Keys that cannot be imported, and rows that are none.

use serde_json::json;

use super::{folder, import, in_django};

#[test]
fn a_key_that_cannot_be_imported_is_named_and_the_others_are_imported() {
    let folder = folder();
    folder.create(&["ci"]);
    folder.execute("UPDATE api_keys SET prefix = '6Z3AT8nT'");
    in_django(
        &folder,
        "UPDATE rest_framework_api_key_apikey SET hashed_key = '!x' WHERE prefix = 'U4dbirmL';
         UPDATE rest_framework_api_key_apikey SET created = 'soon' WHERE prefix = 'SGfO4Y0w';
         UPDATE rest_framework_api_key_apikey SET expiry_date = 'late' WHERE prefix = 'ioRbph8S';",
    );
    let run = import(&folder, &["--output", "json"]);
    assert_eq!(run.code, 1, "{run:?}");
    let report = run.json();
    assert_eq!((&report["imported"], &report["refused"]), (&json!(26), &json!(4)));
    for (prefix, reason) in [
        ("6Z3AT8nT", "its prefix is taken by another key"),
        ("U4dbirmL", "no hasher reads its stored hash"),
        ("SGfO4Y0w", "the time of its creation is not a time"),
        ("ioRbph8S", "its expiry is not a time"),
    ] {
        assert!(run.stderr.contains(&format!("refused: {prefix}: {reason}\n")), "{run:?}");
        let refusal = json!({ "prefix": prefix, "reason": reason });
        assert!(report["refusals"].as_array().unwrap().contains(&refusal), "{run:?}");
    }
    let key = folder.run(&["show", "6Z3AT8nT", "--output", "json"]).done().json();
    assert_eq!((&key["name"], &key["status"]), (&json!("ci"), &json!("active")), "is as it was");
}

#[test]
fn what_the_database_says_of_a_key_that_it_rejects_is_told() {
    let folder = folder();
    folder.run(&["migrate"]).done();
    folder.execute(
        "CREATE TRIGGER known BEFORE INSERT ON api_keys WHEN NEW.prefix = 'U4dbirmL'
             BEGIN SELECT RAISE(ABORT, 'clients have to be known to the accountants'); END",
    );
    let run = import(&folder, &["--output", "json"]);
    assert_eq!(run.code, 1, "{run:?}");
    let report = run.json();
    assert_eq!((&report["imported"], &report["refused"]), (&json!(29), &json!(1)));
    let reason = "the database rejected the key: clients have to be known to the accountants";
    assert_eq!(report["refusals"], json!([{ "prefix": "U4dbirmL", "reason": reason }]));
    assert!(run.stderr.contains(&format!("refused: U4dbirmL: {reason}\n")), "{run:?}");
}

#[test]
fn rows_without_a_prefix_are_counted_and_reported() {
    let folder = folder();
    // As an interrupted migration leaves them: the column takes null until its end.
    in_django(
        &folder,
        "CREATE TABLE half_done AS SELECT * FROM rest_framework_api_key_apikey;
         UPDATE half_done SET prefix = NULL, hashed_key = NULL
             WHERE prefix IN ('U4dbirmL', 'SGfO4Y0w');
         UPDATE half_done SET prefix = '' WHERE prefix = 'ioRbph8S'",
    );
    let from = ["--table", "half_done"];
    for (more, imported) in [(&["--dry-run"][..], 27), (&[], 27), (&[], 0)] {
        let run = import(&folder, &[&from, &["--output", "json"], more].concat());
        assert_eq!(run.code, 1, "{run:?}");
        let report = run.json();
        assert_eq!((&report["read"], &report["imported"]), (&json!(30), &json!(imported)));
        assert_eq!((&report["refused"], &report["without_prefix"]), (&json!(3), &json!(3)));
        assert_eq!(report["refusals"], json!([]), "there is no prefix to name them by");
        let told = "refused: 3 without a prefix, so that nobody can present them\n";
        assert!(run.stderr.contains(told), "{run:?}");
    }
    let run = import(&folder, &from);
    assert!(run.stdout.contains("\nrefused\t3\nwithout prefix\t3\n"), "{run:?}");
}

/// Django allows prefixes of other lengths. The site is to learn of it here, and not by refused requests.
#[test]
fn prefixes_of_other_lengths_are_refused_or_named() {
    let folder = folder();
    in_django(
        &folder,
        "UPDATE rest_framework_api_key_apikey SET prefix = 'ab_d' WHERE prefix = 'U4dbirmL';
         UPDATE rest_framework_api_key_apikey SET prefix = 'abcd' WHERE prefix = 'ioRbph8S';
         UPDATE rest_framework_api_key_apikey SET prefix = '0123456789ab' WHERE prefix = 'SGfO4Y0w'",
    );
    for more in [&["--dry-run"][..], &[], &[]] {
        let run = import(&folder, &[&["--output", "json"], more].concat());
        assert_eq!(run.code, 1, "{run:?}");
        let report = run.json();
        assert_eq!((&report["read"], &report["refused"]), (&json!(30), &json!(1)));
        let reason =
            "its prefix is not 1 to 32 letters and digits, so that no format reads the key";
        assert_eq!(report["refusals"], json!([{ "prefix": "ab_d", "reason": reason }]));
        assert!(run.stderr.contains(&format!("refused: ab_d: {reason}\n")), "{run:?}");
        assert_eq!(report["prefix_lengths"], json!({ "8": 27, "4": 1, "12": 1 }));
        for (length, lengths) in [(12, "lengths"), (4, "legacy_lengths")] {
            let told = format!(
                "1 key has a prefix of {length} characters: the service needs \
                 `.accept_format(KeyFormat::default().{lengths}({length}, 32)?)`"
            );
            assert!(run.stderr.contains(&told), "{run:?}");
        }
    }
}

#[test]
fn bytes_that_are_no_text_are_refused_by_name_and_the_others_are_imported() {
    for (set, reason) in [
        ("hashed_key = x'ff'", "one of its values cannot be read"),
        ("hashed_key = CAST(x'7368613531322424ff' AS TEXT)", "one of its values cannot be read"),
        ("hashed_key = NULL", "no hasher reads its stored hash"),
        ("created = x'ff'", "one of its values cannot be read"),
    ] {
        let folder = folder();
        in_django(
            &folder,
            &format!(
                "CREATE TABLE theirs AS SELECT * FROM rest_framework_api_key_apikey;
                 UPDATE theirs SET {set} WHERE prefix = 'U4dbirmL'"
            ),
        );
        let run = import(&folder, &["--table", "theirs", "--output", "json"]);
        assert_eq!(run.code, 1, "{set}: {run:?}");
        let report = run.json();
        assert_eq!((&report["imported"], &report["refused"]), (&json!(29), &json!(1)), "{set}");
        assert!(run.stderr.contains(&format!("refused: U4dbirmL: {reason}\n")), "{run:?}");
    }
}

#[test]
fn prefixes_that_are_no_text_do_not_go_round_in_circles() {
    let folder = folder();
    in_django(
        &folder,
        "CREATE TABLE theirs AS SELECT * FROM rest_framework_api_key_apikey;
         UPDATE theirs SET prefix = x'ff01' WHERE prefix = 'U4dbirmL';
         UPDATE theirs SET prefix = CAST(x'41ff' AS TEXT) WHERE prefix = 'SGfO4Y0w'",
    );
    let run = import(&folder, &["--table", "theirs", "--output", "json"]);
    assert_eq!(run.code, 1, "{run:?}");
    let report = run.json();
    assert_eq!(report["imported"], json!(28), "{run:?}");
}

#[test]
fn a_key_of_ours_that_cannot_be_read_does_not_stop_the_others() {
    let folder = folder();
    import(&folder, &[]);
    folder.execute("UPDATE api_keys SET scopes = 'a\"b' WHERE prefix = 'U4dbirmL'");
    let run = import(&folder, &["--output", "json"]);
    assert_eq!(run.code, 1, "{run:?}");
    let report = run.json();
    assert_eq!((&report["already_there"], &report["refused"]), (&json!(29), &json!(1)), "{run:?}");
    assert!(run.stderr.contains("refused: U4dbirmL: the row of the key cannot be read"), "{run:?}");
}
