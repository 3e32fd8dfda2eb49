//! Filters of a query: owner, state, search, encoding, and all at once.

use apikey_core::{HashedKey, KeyModel, KeyPatch, KeyQuery, KeyStatus};

use crate::fixture::{StoreFixture, Table, at, just_after, numbered, prefixes};

/// Only keys of the named owner are listed and counted.
pub async fn lists_the_keys_of_one_owner<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let Some((own, other)) = table.owners() else { return };
    table.insert(&table.new_key_of(1, "own00000")).await;
    table.insert(&table.new_key_of(2, "other000")).await;
    table.insert(&table.new_key_of(2, "other001")).await;
    for (owner, expected) in
        [(own, ["own00000"].as_slice()), (other, ["other000", "other001"].as_slice())]
    {
        expect_selected(&table, &KeyQuery::new().owner(owner), expected, "the owner's keys").await;
    }
}

/// A key is listed under exactly one state, the one that it has at the given time: `expires_at` itself
/// is past the end, and revoked comes before disabled before expired.
pub async fn lists_keys_by_their_state_at_a_time<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    for number in 0..24 {
        let expires_at = [None, Some(at(10)), Some(just_after(at(10)))][number % 3];
        let new = table.new_key(&numbered(number)).with_expires_at(expires_at);
        let key = table.insert(&new).await;
        let mut patch = KeyPatch::default();
        if number / 3 % 2 == 1 {
            patch = patch.disabled_at(Some(at(1)));
        }
        if number / 6 % 2 == 1 {
            patch = patch.revoked_at(at(2));
        }
        table.change(&key, patch).await;
    }
    let all = table.all().await;
    for now in [at(9), at(10), just_after(at(10))] {
        for status in
            [KeyStatus::Active, KeyStatus::Disabled, KeyStatus::Expired, KeyStatus::Revoked]
        {
            let mut of_state = all.clone();
            of_state.retain(|key| key.record().status(now) == status);
            let query = KeyQuery::new().status(status);
            let mut listed = table.list(&query, now).await;
            listed.sort_by_key(|key| key.record().prefix.clone());
            of_state.sort_by_key(|key| key.record().prefix.clone());
            let promise = format!("at {now}, the keys in state {status} are listed");
            assert_eq!(prefixes(&listed), prefixes(&of_state), "{promise}");
            let count = table.count(&query, now).await;
            assert_eq!(count, of_state.len() as u64, "{promise} and counted");
        }
    }
}

/// Names with all that some database takes for a wildcard, a quote or the same letter.
const NAMES: &str = r#"Report
report
REPORT
a report
100% cotton
100_cotton
100 cotton
100
a\b
a*b
a?b
a.b
[x]
x
it's
"quoted"
%
_
ünï
ÜNÏ
鍵
key00003 by name"#;

const SEARCHES: &str = r#"Rep
rep
report
port
100%
100_
100
%
_
a\
a*
a?
a.
a
A
[
[x]
it'
"
ü
Ü
u
鍵
*
?
\
' OR 1=1 --
key00003
KEY00003
key0000
Report and more"#;

/// A search selects the key with exactly this prefix, and the names that begin with this text, byte by
/// byte: no character is a wildcard, and case counts.
pub async fn searches_by_prefix_and_beginning_of_the_name<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    for (number, name) in NAMES.lines().enumerate() {
        let mut new = table.new_key(&numbered(number));
        new.name = name.to_owned();
        table.insert(&new).await;
    }
    let all = table.all().await;
    for text in SEARCHES.lines() {
        let is_meant =
            |key: &&F::Model| key.record().prefix == text || key.record().name.starts_with(text);
        let expected: Vec<_> = all.iter().filter(is_meant).cloned().collect();
        let mut expected = prefixes(&expected);
        expected.sort_unstable();
        let query = KeyQuery::new().search(text);
        expect_selected(&table, &query, &expected, &format!("a search for {text:?}")).await;
    }
}

/// A search, or a predecessor, with a character that no name has selects nothing, and is no error.
pub async fn selects_nothing_by_a_text_that_no_name_has<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let old = "original".to_owned();
    table.insert(&table.new_key("abcdefgh").with_rotated_from(Some(old))).await;
    for text in ["\0", "name\0", "na\0me", "\0name", "abcdefgh\0"] {
        let query = KeyQuery::new().search(text);
        expect_selected(&table, &query, &[], &format!("a search for {text:?}")).await;
    }
}

/// The successors of a key are listed by its prefix, byte by byte, beside other filters too.
pub async fn lists_the_successors_of_a_key_and_no_others<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let olds =
        [("one", "original"), ("two", "original"), ("case", "Original"), ("next", "one00000")];
    for (number, (name, old)) in olds.into_iter().enumerate() {
        let mut new = table.new_key(&numbered(number)).with_rotated_from(Some(old.to_owned()));
        new.name = name.to_owned();
        table.insert(&new).await;
    }
    table.add("original").await;
    for (old, expected) in [
        ("original", ["key00000", "key00001"].as_slice()),
        ("Original", &["key00002"]),
        ("one00000", &["key00003"]),
        ("origina", &[]),
        ("original0", &[]),
        ("original ", &[]),
        ("origin%l", &[]),
        ("key00000", &[]),
        ("ürig", &[]),
        ("", &[]),
    ] {
        let query = KeyQuery::new().rotated_from(old);
        expect_selected(&table, &query, expected, &format!("the successors of {old:?}")).await;
    }
    let query = KeyQuery::new().rotated_from("original").search("two").status(KeyStatus::Active);
    expect_selected(&table, &query, &["key00001"], "successors beside other filters").await;
}

/// An encoding selects the stored hashes that begin with it, byte by byte.
pub async fn selects_hashes_by_their_beginning<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let hashes = [
        "sha256$$00",
        "sha256$00",
        "SHA256$$00",
        "sha512$$00",
        "pbkdf2_sha256$1$a$b",
        "pbkdf2xsha256$1$a$b",
        "hmac-sha256$v=1$00",
        "hmac-sha256$v=10$00",
        "$2b$12$x",
        "$2B$12$x",
    ];
    for (number, hash) in hashes.into_iter().enumerate() {
        let mut new = table.new_key(&numbered(number));
        new.hashed_key = HashedKey::new(hash);
        table.insert(&new).await;
    }
    for encoding in [
        "sha256$$",
        "sha256$",
        "sha",
        "pbkdf2_sha256$",
        "hmac-sha256$v=1$",
        "$2b$",
        "%",
        "_",
        "md5",
    ] {
        let expected: Vec<_> = (0..hashes.len())
            .filter(|number| hashes[*number].starts_with(encoding))
            .map(numbered)
            .collect();
        let expected: Vec<_> = expected.iter().map(String::as_str).collect();
        let query = KeyQuery::new().encoding(encoding);
        let promise = format!("the hashes that begin with {encoding}");
        expect_selected(&table, &query, &expected, &promise).await;
    }
}

/// Several encodings select the hashes that begin with any of them, and those that are left out are left
/// out whatever else they begin with.
pub async fn selects_any_of_several_encodings_but_for_others<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    for (number, hash) in
        ["sha256$$00", "sha512$$00", "$a$m=1$x", "$a$m=2$x", "?"].iter().enumerate()
    {
        let mut new = table.new_key(&numbered(number));
        new.hashed_key = HashedKey::new(*hash);
        table.insert(&new).await;
    }
    let cases: [(&[&str], &[&str], &[usize]); 6] = [
        (&["sha256$$", "$a$"], &[], &[0, 2, 3]),
        (&["sha256$$", "$a$"], &["$a$m=1$"], &[0, 3]),
        (&[], &["sha256$$", "$a$m=2$"], &[1, 2, 4]),
        (&[], &["sha256$$", "sha512$$", "$a$", "?"], &[]),
        (&["$a$"], &["$a$"], &[]),
        (&["sha"], &["SHA512$$"], &[0, 1]),
    ];
    for (encodings, others, numbers) in cases {
        let expected: Vec<_> = numbers.iter().copied().map(numbered).collect();
        let expected: Vec<_> = expected.iter().map(String::as_str).collect();
        let query = encodings.iter().fold(KeyQuery::new(), |query, text| query.encoding(*text));
        let query = others.iter().fold(query, |query, text| query.not_encoding(*text));
        let promise = format!("the hashes of {encodings:?} but for {others:?}");
        expect_selected(&table, &query, &expected, &promise).await;
    }
}

/// Filters are joined by "and", also beside a page's place.
pub async fn joins_all_filters<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    for number in 0..12 {
        let owner = if number % 2 == 0 { 1 } else { 2 };
        let mut new = table.new_key_of(owner, &numbered(number));
        new.name = if number % 3 == 0 { "wanted" } else { "other" }.to_owned();
        let key = table.insert(&new).await;
        if number >= 6 {
            table.revoke(&key, at(1)).await;
        }
    }
    let query = KeyQuery::new().search("wanted").status(KeyStatus::Active);
    let query = query.encoding("md5$").encoding("sha512$$").not_encoding("sha256$$");
    expect_selected(&table, &query, &["key00000", "key00003"], "all filters at once").await;
    let first = table.store.list(&query.clone().limit(1), at(0)).await.expect("it can be listed");
    let second = table.list(&query.clone().after(first.next), at(0)).await;
    let pages = [prefixes(&first.keys), prefixes(&second)].concat();
    assert_eq!(pages.len(), 2, "the next page keeps to the filters: {pages:?}");
    // A prefix found by the search must not slip past the other filters.
    let revoked = KeyQuery::new().search("key00009").status(KeyStatus::Active);
    expect_selected(&table, &revoked, &[], "a search beside another filter").await;
    if let Some((own, other)) = table.owners() {
        let own = KeyQuery::new().search("key00001").owner(own);
        expect_selected(&table, &own, &[], "a search beside an owner").await;
        expect_selected(&table, &query.owner(other), &["key00003"], "filters and owner").await;
    }
}

async fn expect_selected<F: StoreFixture>(
    table: &Table<'_, F>,
    query: &KeyQuery<F::Model>,
    expected: &[&str],
    promise: &str,
) {
    let listed = table.list(query, at(0)).await;
    let mut listed = prefixes(&listed);
    listed.sort_unstable();
    assert_eq!(listed, expected, "{promise}: these are listed, and no other");
    let count = table.count(query, at(0)).await;
    assert_eq!(count, expected.len() as u64, "{promise}: `count` agrees with `list`");
}
