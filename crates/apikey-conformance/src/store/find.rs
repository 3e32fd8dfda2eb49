//! Finding a key: exact, owned, without judgement.

use apikey_core::{KeyModel, KeyPatch};

use crate::fixture::{StoreFixture, Table, assert_same, at};

/// A key is found by exactly its prefix; texts that only resemble it find nothing.
pub async fn finds_a_key_by_exactly_its_prefix<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let key = table.add("abcdEFGH").await;
    let found = table.store.find_by_prefix("abcdEFGH").await.expect("a key can be found");
    let found = found.expect("`find_by_prefix` finds the key with this prefix");
    assert_same(&found.key, &key, "`find_by_prefix` returns the key as it was inserted");
    for other in ["", "abcdEFG", "abcdEFGHi", "abcdEFGH ", " abcdEFGH", "abcdEFG_", "abcd%", "*"] {
        let found = table.store.find_by_prefix(other).await.expect("a key can be looked for");
        assert!(found.is_none(), "prefixes are compared byte by byte, yet {other:?} found a key");
        let got = table.find(other).await;
        assert!(got.is_none(), "prefixes are compared byte by byte, yet `get` took {other:?}");
    }
}

/// Prefixes are compared with their case.
pub async fn tells_prefixes_apart_by_case<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    table.add("abcdEFGH").await;
    for other in ["ABCDefgh", "ABCDEFGH", "abcdefgh", "abcdEFGh"] {
        let found = table.store.find_by_prefix(other).await.expect("a key can be looked for");
        assert!(found.is_none(), "`find_by_prefix` minds the case, yet {other} found abcdEFGH");
        assert!(table.find(other).await.is_none(), "`get` minds the case, yet it took {other}");
    }
    let twin = table.add("ABCDefgh").await;
    let found = table.store.find_by_prefix("ABCDefgh").await.expect("a key can be found");
    let found = found.expect("prefixes that differ in case alone are different keys");
    assert_same(&found.key, &twin, "of two keys that differ in case, the exact one is found");
}

/// Revoked, disabled and expired keys are returned like others, with their columns: the core judges.
pub async fn finds_keys_in_every_state<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let expired = table.new_key("expired0").with_expires_at(Some(at(-5)));
    let expired = table.insert(&expired).await;
    let revoked = table.add("revoked0").await;
    let revoked = table.revoke(&revoked, at(1)).await;
    let disabled = table.add("disabled").await;
    let disabled = table.change(&disabled, KeyPatch::default().disabled_at(Some(at(2)))).await;
    for key in [expired, revoked, disabled] {
        let prefix = &key.record().prefix;
        let found = table.store.find_by_prefix(prefix).await.expect("a key can be found");
        let found = found.unwrap_or_else(|| panic!("{prefix}: a store returns keys in any state"));
        assert_same(&found.key, &key, "a key is returned with its state");
        assert!(found.is_usable, "{prefix}: the state of a key is not part of `is_usable`");
        assert_same(&table.read(prefix).await, &key, "`get` returns keys in any state");
    }
}

/// The model's own filter is reported in `is_usable` and not applied: the key is found all the same.
pub async fn reports_the_models_filter_without_applying_it<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    table.add("usable00").await;
    let found = table.store.find_by_prefix("usable00").await.expect("a key can be found");
    assert!(found.is_some_and(|found| found.is_usable), "a usable key is reported as usable");
    let Some(extra) = fixture.unusable() else {
        return crate::run::not_applicable("the model has no filter of its own");
    };
    let mut new = table.new_key("unusable");
    new.extra = extra;
    let key = table.insert(&new).await;
    let found = table.store.find_by_prefix("unusable").await.expect("a key can be found");
    let found = found.expect("the model's filter is reported, not applied");
    assert!(!found.is_usable, "a key that the model's filter refuses is reported as not usable");
    assert_same(&found.key, &key, "a key that is not usable is returned whole");
    assert_same(&table.read("unusable").await, &key, "`get` ignores the model's filter");
    assert_eq!(table.all().await.len(), 2, "`list` ignores the model's filter");
}

/// Where an owner is given, keys of others are as absent.
pub async fn gets_no_key_of_another_owner<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let Some((own, other)) = table.owners() else { return };
    let key = table.add("owned000").await;
    let got = table.store.get("owned000", Some(&own)).await.expect("a key can be looked for");
    assert_same(&got.expect("an owner gets his own key"), &key, "`get` returns the whole key");
    let got = table.store.get("owned000", Some(&other)).await.expect("a key can be looked for");
    assert!(got.is_none(), "`get` treats the key of another owner as absent");
}

/// What can be no prefix is found as no key, and is no error: clients send what they like.
pub async fn takes_every_text_for_a_prefix<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    table.add("abcdefgh").await;
    for text in [
        "",
        "\0",
        "abcdefgh\0",
        "abc\0efgh",
        "abcdefg%",
        "abcdefgh ",
        "\u{fffd}",
        "äbcdefgh",
        "鍵",
        "' OR 1=1 --",
        "\\",
        "\r\n",
        "\u{10ffff}",
    ] {
        let found = table.store.find_by_prefix(text).await;
        assert!(matches!(found, Ok(None)), "{text:?} is no prefix: got {found:?}");
        let got = table.store.get(text, None).await;
        assert!(matches!(got, Ok(None)), "{text:?} is no prefix: got {got:?}");
    }
}
