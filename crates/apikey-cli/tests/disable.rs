//! `apikey disable` and `apikey enable`

use crate::fixture::{Folder, prefix};

#[test]
fn a_disabled_key_is_refused_until_it_is_enabled() {
    let folder = Folder::new();
    let key = folder.create(&["ci"]);
    let run = folder.run(&["disable", prefix(&key)]).done();
    assert!(run.stdout.starts_with(&format!("{}\tdisabled\tci\t", prefix(&key))), "{run:?}");
    folder.feed(&["verify"], key.as_bytes()).fails(1, "the key is disabled");
    let run = folder.run(&["enable", prefix(&key)]).done();
    assert!(run.stdout.starts_with(&format!("{}\tactive\tci\t", prefix(&key))), "{run:?}");
    folder.feed(&["verify"], key.as_bytes()).done();
}

#[test]
fn enabling_does_not_undo_a_revocation() {
    let folder = Folder::new();
    let key = folder.create(&["ci"]);
    folder.run(&["disable", prefix(&key)]).done();
    folder.run(&["revoke", prefix(&key)]).done();
    let run = folder.run(&["enable", prefix(&key)]).done();
    assert!(run.stdout.starts_with(&format!("{}\trevoked\t", prefix(&key))), "{run:?}");
    folder.feed(&["verify"], key.as_bytes()).fails(1, "the key is revoked");
}

#[test]
fn disables_and_enables_the_others_if_one_does_not_exist() {
    let folder = Folder::new();
    let keys = [folder.create(&["a"]), folder.create(&["b"])];
    for command in ["disable", "enable"] {
        let run = folder.run(&[command, prefix(&keys[0]), "unknown1", prefix(&keys[1])]);
        assert_eq!(run.code, 1);
        assert_eq!(run.stderr, "error: no key has the prefix \"unknown1\"\n");
        assert_eq!(run.stdout.lines().count(), 2, "{run:?}");
    }
}
