//! Names that people misread: refused for new keys and new names, read where they are stored.

use apikey_core::{
    ApiKeys, HashedKey, KeyQuery, KeyRecord, KeyStore, KeyUpdate, ManageError, MemoryStore,
    NewRecord,
};
use futures::executor::block_on;

/// What shows as nothing, in another place, or over the line beneath.
fn misread() -> Vec<String> {
    let characters = "\u{ad}\u{61c}\u{180e}\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\
                      \u{202d}\u{202e}\u{2060}\u{2061}\u{2062}\u{2063}\u{2064}\u{2066}\u{2067}\u{2068}\u{2069}\u{206a}\
                      \u{206f}\u{feff}\u{fff9}\u{fffb}\u{e0001}\u{e0041}\u{115f}\u{1160}\u{3164}\u{ffa0}\u{2800}\
                      \u{600}\u{605}\u{6dd}\u{70f}\u{890}\u{8e2}\u{180b}\u{180d}\u{180f}\u{fe00}\u{fe0d}\u{110bd}\u{13430}\u{1343f}\
                      \u{e0100}\u{e01ef}\u{e0fff}";
    let alone = characters.chars().map(String::from);
    let within = characters
        .chars()
        .filter(|c| !matches!(c, '\u{200c}' | '\u{200d}'))
        .map(|c| format!("ci{c}gnp.txt"));
    let others = [
        "\u{301}".repeat(200),
        format!("a{}", "\u{301}".repeat(199)),
        format!("e{}", "\u{20dd}".repeat(9)),
        "\u{a0}\u{2003}\u{3000}".to_owned(),
        "a\u{200d}\u{200d}b".to_owned(),
        "a\u{200d}".to_owned(),
        "\u{200d}a".to_owned(),
    ];
    alone.chain(within).chain(others).collect()
}

#[test]
fn a_name_that_is_misread_is_refused() {
    let keys = ApiKeys::in_memory();
    let prefix = block_on(keys.create("good")).unwrap().key.prefix;
    for name in misread() {
        let created = block_on(keys.create(&*name));
        assert!(matches!(created, Err(ManageError::Name)), "{name:?} for a new key");
        let renamed = block_on(keys.update(&prefix, KeyUpdate::new().name(&*name)));
        assert!(matches!(renamed, Err(ManageError::Name)), "{name:?} for an old one");
    }
    assert_eq!(block_on(keys.count(&KeyQuery::new())).unwrap(), 1);
}

#[test]
fn names_of_all_languages_are_taken() {
    let keys = ApiKeys::in_memory();
    for name in [
        "Abrechnung f\u{fc}r M\u{fc}ller & S\u{f6}hne",
        "u\u{308}bung",                                      // decomposed
        "\u{1ec7} e\u{323}\u{302}",                          // two accents
        "\u{5e9}\u{5b0}\u{5c1}\u{5dc}\u{5d5}\u{5b9}\u{5dd}", // Hebrew with points
        "\u{645}\u{64e}\u{631}\u{652}\u{62d}\u{628}\u{64b}\u{651}\u{627}", // Arabic with vowels
        "\u{645}\u{6cc}\u{200c}\u{62e}\u{648}\u{627}\u{647}\u{645}", // Persian with a non-joiner
        "\u{915}\u{94d}\u{200d}\u{937}",                     // Devanagari with a joiner
        "\u{e17}\u{e35}\u{e48}",                             // Thai
        "\u{1f469}\u{200d}\u{1f4bb} laptop \u{2764}\u{fe0f}", // a joined emoji
        "\u{6771}\u{4eac}",
        " spaces around stay ",
    ] {
        assert_eq!(block_on(keys.create(name)).unwrap().key.name, name);
    }
}

#[test]
fn a_stored_name_is_read_whatever_it_is() {
    let store = MemoryStore::<KeyRecord>::new();
    let names = misread();
    for (number, name) in names.iter().enumerate() {
        let prefix = format!("prefix{number:02}");
        let new = NewRecord::new(prefix, HashedKey::new(""), name, Default::default(), ());
        block_on(store.insert(&new, None)).unwrap();
    }
    let keys = ApiKeys::new(store);
    let page = block_on(keys.list(&KeyQuery::new())).unwrap();
    assert!(page.keys.iter().all(|key| names.contains(&key.name)));
    let revoked = block_on(keys.revoke("prefix00")).unwrap();
    assert_eq!(revoked.name, names[0]);
}
