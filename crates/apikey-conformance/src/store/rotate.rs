//! Rotating: a successor and its predecessor's end, in one, once.

use apikey_core::{KeyModel, KeyPatch, KeyQuery, MAX_PAGE, Scopes};

use crate::fixture::{
    StoreFixture, Table, assert_conflict, assert_duplicate, assert_same, at, just_after, numbered,
    prefixes,
};

/// A rotation inserts the successor and sets the predecessor's expiry, and nothing else.
pub async fn inserts_the_successor_and_ends_the_predecessor<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let ending = table.new_key("ending00").with_expires_at(Some(at(100)));
    for key in [table.add("endless0").await, table.insert(&ending).await] {
        let prefix = &key.record().prefix;
        let rotation = table.rotation(&key, &prefix.to_uppercase());
        let successor = table.store.rotate(&key.record().id, None, &rotation).await;
        let successor = successor.expect("an active key can be rotated");
        let record = successor.record();
        assert_eq!(record.prefix, rotation.successor.prefix);
        assert_eq!(record.rotated_from.as_ref(), Some(prefix), "a successor names its predecessor");
        assert_eq!(record.expires_at, None, "the successor has the expiry that it was given");
        let read = table.read(&record.prefix).await;
        assert_same(&read, &successor, "the successor is stored as it was returned");
        let mut expected = key.record().clone();
        expected.expires_at = Some(at(60));
        let expected = F::Model::from_parts(expected, key.extra());
        let promise = "a rotation changes nothing of the predecessor but its expiry";
        assert_same(&table.read(prefix).await, &expected, promise);
    }
}

/// A predecessor that is revoked, disabled or absent, or whose expiry has changed, is a conflict that
/// changes nothing.
pub async fn refuses_a_predecessor_that_changed<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    for loaded in add_changed_since_loaded(&table).await {
        let prefix = &loaded.record().prefix;
        let before = table.read(prefix).await;
        let rotation = table.rotation(&loaded, "success0");
        let refused = table.store.rotate(&loaded.record().id, None, &rotation).await;
        assert_conflict(&refused, &format!("{prefix}: a rotation of a changed key conflicts"));
        let promise = "a refused rotation leaves the predecessor as it was";
        assert_same(&table.read(prefix).await, &before, promise);
        let successor = table.find("success0").await;
        assert!(successor.is_none(), "{prefix}: a refused rotation leaves no successor");
    }
    let template = table.read("bounded0").await;
    let rotation = table.rotation(&template, "success0");
    let refused = table.store.rotate(&table.absent_id().await, None, &rotation).await;
    assert_conflict(&refused, "a rotation of an absent key conflicts");
    assert!(table.find("success0").await.is_none(), "it leaves no successor");
}

/// Inserts keys, changes each, and returns them as they were before the change.
async fn add_changed_since_loaded<F: StoreFixture>(table: &Table<'_, F>) -> Vec<F::Model> {
    let bounded = Some(at(50));
    let changes = [
        ("revoked0", None, KeyPatch::default().revoked_at(at(1))),
        ("disabled", None, KeyPatch::default().disabled_at(Some(at(1)))),
        ("moved000", bounded, KeyPatch::default().expires_at(Some(just_after(at(50))))),
        ("bounded0", None, KeyPatch::default().expires_at(bounded)),
        ("freed000", bounded, KeyPatch::default().expires_at(None)),
    ];
    let mut loaded = Vec::new();
    for (prefix, expires_at, patch) in changes {
        let key = table.insert(&table.new_key(prefix).with_expires_at(expires_at)).await;
        table.change(&key, patch).await;
        loaded.push(key);
    }
    loaded
}

/// A predecessor whose name or scopes are not those any more that were seen, and that the successor
/// inherits, is a conflict that changes nothing; the same rotation of the key as it is succeeds.
pub async fn refuses_a_predecessor_of_another_name_or_scopes<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let scopes = |text| Scopes::parse(text).expect("these are scopes");
    let changes = [
        ("narrowed", KeyPatch::default().scopes(scopes("reports:read"))),
        ("stripped", KeyPatch::default().scopes(Scopes::default())),
        ("widened0", KeyPatch::default().scopes(scopes("admin more reports:read"))),
        ("recased0", KeyPatch::default().scopes(scopes("Admin reports:read"))),
        ("renamed0", KeyPatch::default().name("Name")),
    ];
    for (prefix, patch) in changes {
        let new = table.new_key(prefix).with_scopes(scopes("admin reports:read"));
        let loaded = table.insert(&new).await;
        let changed = table.change(&loaded, patch).await;
        let successor = prefix.to_uppercase();
        let stale = table.rotation(&loaded, &successor);
        let refused = table.store.rotate(&loaded.record().id, None, &stale).await;
        let promise = "a rotation from a name or scopes that are not there any more conflicts";
        assert_conflict(&refused, &format!("{prefix}: {promise}"));
        let promise = "a refused rotation leaves the predecessor as it was";
        assert_same(&table.read(prefix).await, &changed, promise);
        assert!(table.find(&successor).await.is_none(), "{prefix}: it leaves no successor");
        let fresh = table.rotation(&changed, &successor);
        let rotated = table.store.rotate(&loaded.record().id, None, &fresh).await;
        let rotated = rotated.expect("a rotation of the key as it is succeeds");
        let promise = "a successor has the scopes that its predecessor has";
        assert_eq!(rotated.record().scopes, changed.record().scopes, "{promise}");
    }
}

/// A change of scopes and a rotation at the same time: scopes that were taken away are in the successor
/// only if they were still there when it came.
pub async fn gives_no_scopes_back_beside_their_removal<F: StoreFixture>(fixture: &F) {
    let table = Table::shared(fixture).await;
    let admin = Scopes::parse("admin").expect("it is a scope");
    for round in 0..16 {
        let new = table.new_key(&format!("old{round:05}")).with_scopes(admin.clone());
        let key = table.insert(&new).await;
        let rotation = table.rotation(&key, &format!("new{round:05}"));
        let results = table
            .in_parallel(2, |store, number| {
                let (id, rotation) = (key.record().id.clone(), rotation.clone());
                async move {
                    if number == 0 {
                        return store.rotate(&id, None, &rotation).await.map(Some);
                    }
                    let strip = KeyPatch::default().scopes(Scopes::default());
                    store.update(&id, None, &strip).await
                }
            })
            .await;
        let stripped = results[1].as_ref().expect("scopes can be taken away");
        let stripped = stripped.as_ref().expect("the key is there").record();
        // Whoever comes second sees what the first has done.
        let rotated = results[0].is_ok();
        if !rotated {
            assert_conflict(&results[0], "a rotation that came second conflicts");
        }
        let promise = "a rotation succeeds before the scopes are taken away, or not at all";
        assert_eq!(stripped.expires_at.is_some(), rotated, "{promise}");
        let old = table.read(&new.prefix).await;
        assert_eq!(old.record().scopes, Scopes::default(), "a rotation undoes no change of scopes");
    }
}

/// A successor whose prefix is taken is `Duplicate`, and the predecessor stays as it was.
pub async fn refuses_a_successor_with_a_taken_prefix<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let key = table.add("rotated0").await;
    let other = table.add("taken000").await;
    for taken in ["taken000", "rotated0"] {
        let rotation = table.rotation(&key, taken);
        let refused = table.store.rotate(&key.record().id, None, &rotation).await;
        assert_duplicate(&refused, "a successor with a taken prefix is `Duplicate`");
        let promise = "a rotation that fails half-way leaves the predecessor as it was";
        assert_same(&table.read("rotated0").await, &key, promise);
        assert_same(&table.read("taken000").await, &other, "the other key stays as it was");
    }
    let rotation = table.rotation(&key, "success0");
    let rotated = table.store.rotate(&key.record().id, None, &rotation).await;
    rotated.expect("after a `Duplicate`, the same rotation succeeds with another prefix");
}

/// Where an owner is given, keys of others are as absent.
pub async fn rotates_no_key_of_another_owner<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let Some((own, other)) = table.owners() else { return };
    let key = table.add("owned000").await;
    let rotation = table.rotation(&key, "success0");
    let refused = table.store.rotate(&key.record().id, Some(&other), &rotation).await;
    assert_conflict(&refused, "a rotation of another owner's key conflicts");
    assert_same(&table.read("owned000").await, &key, "another owner's rotation changes nothing");
    assert!(table.find("success0").await.is_none(), "another owner's rotation inserts nothing");
    let rotated = table.store.rotate(&key.record().id, Some(&own), &rotation).await;
    let rotated = rotated.expect("an owner rotates his own key");
    assert_eq!(rotated.owner(), Some(&own), "the successor has the same owner");
}

/// A predecessor whose owner is not the one that was seen, and that the successor inherits, is a conflict
/// that changes nothing, also if no owner is given.
pub async fn refuses_a_successor_of_another_owner<F: StoreFixture>(fixture: &F) {
    let table = Table::empty(fixture).await;
    let Some((own, _)) = table.owners() else { return };
    let key = table.add("owned000").await;
    let mut rotation = table.rotation(&key, "success0");
    rotation.successor.extra = fixture.extra(2);
    for owner in [None, Some(&own)] {
        let refused = table.store.rotate(&key.record().id, owner, &rotation).await;
        assert_conflict(&refused, "a rotation to another owner conflicts");
        assert_same(&table.read("owned000").await, &key, "a refused rotation changes nothing");
        assert!(table.find("success0").await.is_none(), "a refused rotation inserts nothing");
    }
    rotation.successor.extra = key.extra();
    let rotated = table.store.rotate(&key.record().id, None, &rotation).await;
    let rotated = rotated.expect("a rotation to the same owner succeeds, for whoever asks");
    assert_eq!(rotated.owner(), Some(&own), "the successor has the same owner");
}

/// Of any number of parallel rotations of one key exactly one succeeds, and leaves one successor.
pub async fn lets_one_of_a_hundred_parallel_rotations_win<F: StoreFixture>(fixture: &F) {
    let table = Table::shared(fixture).await;
    let key = table.add("contest0").await;
    let rotation = table.rotation(&key, "");
    let results = table
        .in_parallel(100, |store, number| {
            let (id, mut rotation) = (key.record().id.clone(), rotation.clone());
            rotation.successor.prefix = numbered(number);
            async move { store.rotate(&id, None, &rotation).await }
        })
        .await;
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    for refused in &lost {
        assert_conflict(refused, "a rotation that came second conflicts");
    }
    assert_eq!(won.len(), 1, "exactly one of a hundred parallel rotations succeeds");
    let successors: Vec<_> =
        table.all().await.into_iter().filter(|key| key.record().rotated_from.is_some()).collect();
    assert_eq!(successors.len(), 1, "a hundred parallel rotations leave exactly one successor");
    let winner = won.into_iter().flatten().next().expect("one rotation succeeded");
    assert_same(&successors[0], &winner, "the successor is the one that was returned");
}

/// A revocation and a rotation at the same time: the key ends revoked, and the rotation is whole or
/// refused.
pub async fn never_loses_a_revocation_to_a_rotation<F: StoreFixture>(fixture: &F) {
    let table = Table::shared(fixture).await;
    for round in 0..16 {
        let key = table.add(&format!("old{round:05}")).await;
        let rotation = table.rotation(&key, &format!("new{round:05}"));
        let results = table
            .in_parallel(2, |store, number| {
                let (id, rotation) = (key.record().id.clone(), rotation.clone());
                async move {
                    if number == 0 {
                        return store.rotate(&id, None, &rotation).await.map(Some);
                    }
                    let revoke = KeyPatch::default().revoked_at(at(1));
                    store.update(&id, None, &revoke).await.map(|_| None)
                }
            })
            .await;
        let rotated = results.iter().flatten().any(Option::is_some);
        let old = table.read(&key.record().prefix).await;
        assert_eq!(old.record().revoked_at, Some(at(1)), "a rotation undoes no revocation");
        let ended = old.record().expires_at == Some(at(60));
        assert_eq!(ended, rotated, "the predecessor ends if and only if the rotation succeeded");
        let successor = table.find(&rotation.successor.prefix).await;
        assert_eq!(successor.is_some(), rotated, "and only then there is a successor");
    }
}

/// A listing that runs beside rotations sees each whole or not at all.
pub async fn shows_no_half_of_a_rotation<F: StoreFixture>(fixture: &F) {
    let table = Table::shared(fixture).await;
    let key = table.add("rotated0").await;
    let rotation = table.rotation(&key, "success0");
    let query = KeyQuery::new().limit(MAX_PAGE);
    let pages = table
        .in_parallel(8, |store, number| {
            let (id, rotation, query) = (key.record().id.clone(), rotation.clone(), query.clone());
            async move {
                if number == 0 {
                    store.rotate(&id, None, &rotation).await.expect("the key can be rotated");
                }
                // Looks until something has changed, and returns the first thing seen.
                loop {
                    let page = store.list(&query, at(0)).await.expect("keys can be listed");
                    if page.keys.len() > 1 || page.keys[0].record().expires_at.is_some() {
                        return page.keys;
                    }
                    tokio::task::yield_now().await;
                }
            }
        })
        .await;
    for page in pages {
        let has_ended = page.iter().any(|key| key.record().expires_at == Some(at(60)));
        let listed = prefixes(&page);
        assert_eq!(has_ended, listed.len() == 2, "a rotation is seen whole or not at all");
    }
}
