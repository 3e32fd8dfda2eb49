//! What is done with the keys of a table: all that reads, and all that changes.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use apikey_core::{DenyReason, KeyModel, KeyQuery, KeyStatus, KeyStore, KeyUpdate, ManualClock};
use serde_json::Value;

use crate::copies::Keys;
use crate::handles::{Readers, shown};
use crate::models::{BUILT_IN, DJANGO, ORGANIZATIONS, Visitor};

const HOUR: Duration = Duration::from_secs(3600);

fn text<'a>(key: &'a Value, field: &str) -> &'a str {
    key[field].as_str().unwrap()
}

fn prefix(key: &Value) -> &str {
    text(&key["record"], "prefix")
}

/// Reads every key in each way, and replaces hashes as the first use of a key does.
#[derive(Debug)]
pub(crate) struct Reading {
    keys: Keys,
    read: usize,
}

impl Reading {
    pub(crate) fn new(keys: Keys) -> Self {
        Self { keys, read: 0 }
    }

    /// Every key of the copy is in one of the tables.
    pub(crate) fn end(self) {
        assert_eq!(self.read, self.keys.all().len());
    }
}

impl Visitor for Reading {
    async fn table<M>(
        &mut self,
        table: &str,
        store: Arc<dyn KeyStore<M>>,
        _: impl Fn(&str) -> M::Extra,
    ) where
        M: KeyModel<Owner: Display>,
    {
        let keys = self.keys.of(table);
        assert!(keys.len() > 10, "the keys of {table} were not found");
        self.read += keys.len();
        let clock = self.keys.clock();
        let readers = Readers::new(table, &store, &clock, false);
        let findings = readers.keys().check().await.unwrap();
        assert!(findings.is_empty(), "{table}: {findings:?}");
        assert_eq!(listed(&readers, &KeyQuery::new()).await.len(), keys.len(), "{table}");
        for key in &keys {
            is_as_it_was(&readers, key, &clock).await;
            gets_its_verdict(&readers, key).await;
        }
        // The first use of a key replaces its hash, the second reads the new one.
        let readers = Readers::new(table, &store, &clock, true);
        for key in keys.iter().chain(&keys) {
            gets_its_verdict(&readers, key).await;
        }
        let used: BTreeSet<_> = listed(&readers, &KeyQuery::new()).await.into_iter().collect();
        assert_eq!(used, keys.iter().map(|key| prefix(key).to_owned()).collect());
    }
}

/// Goes through the pages of a list, small ones, and returns the prefixes.
async fn listed<M: KeyModel>(readers: &Readers<M>, query: &KeyQuery<M>) -> Vec<String> {
    let mut query = query.clone().limit(17);
    let mut prefixes = Vec::new();
    loop {
        let page = readers.keys().list(&query).await.unwrap();
        prefixes.extend(page.keys.iter().map(|key| key.record().prefix.clone()));
        match page.next {
            Some(next) => query = query.after(Some(next)),
            None => return prefixes,
        }
    }
}

/// Shows a key, to everybody and to its owner.
async fn is_as_it_was<M>(readers: &Readers<M>, key: &Value, clock: &ManualClock)
where
    M: KeyModel<Owner: Display>,
{
    let found = readers.keys().get(prefix(key)).await.unwrap().unwrap();
    let now = shown(found.record());
    for (field, then) in key["record"].as_object().unwrap() {
        assert_eq!(&now[field], then, "{field} of {key}");
    }
    let status = found.record().status(apikey_core::Clock::now(clock));
    assert_eq!(status.as_str(), text(key, "status"), "{key}");
    let owner = found.owner();
    assert_eq!(owner.map(ToString::to_string).as_deref(), key["owner"].as_str(), "{key}");
    if let Some(owner) = owner {
        let owned = readers.keys().owned_by(owner.clone()).get(prefix(key)).await.unwrap();
        assert!(owned.is_some(), "{key} is found by its owner");
    }
}

/// Verifies a key, and a text that is nearly the same.
async fn gets_its_verdict<M: KeyModel>(readers: &Readers<M>, key: &Value) {
    let verdict = readers.verify(text(key, "text")).await;
    let refused = verdict.as_ref().err().map(|error| error.reason().as_str());
    assert_eq!(refused, key["refused"].as_str(), "{key}");
    if let Ok(verified) = verdict {
        assert_eq!(verified.record().prefix, prefix(key));
        assert_eq!(verified.record().scopes.as_str(), key["record"]["scopes"], "{key}");
    }
    let swapped: String = text(key, "text").chars().rev().take(6).collect();
    let wrong = format!("{}{swapped}", &text(key, "text")[..text(key, "text").len() - 6]);
    if wrong != text(key, "text") {
        let reason = readers.verify(&wrong).await.unwrap_err().reason();
        let expected = [DenyReason::WrongSecret, DenyReason::Checksum];
        assert!(expected.contains(&reason), "{reason:?}: {key}");
    }
}

/// Rotates, disables, enables, renames, revokes and purges every key of a table.
#[derive(Debug)]
pub(crate) struct Changing {
    keys: Keys,
}

impl Changing {
    pub(crate) fn new(keys: Keys) -> Self {
        Self { keys }
    }
}

impl Visitor for Changing {
    async fn table<M>(
        &mut self,
        table: &str,
        store: Arc<dyn KeyStore<M>>,
        _: impl Fn(&str) -> M::Extra,
    ) where
        M: KeyModel<Owner: Display>,
    {
        let clock = self.keys.clock();
        let readers = Readers::new(table, &store, &clock, false);
        let all = self.keys.of(table);
        // Those without a successor, since a key is rotated once; one that has a successor ends soon.
        let is_rotated = |key: &Value| {
            key["record"]["expires_at"].as_str().is_some_and(|end| !end.starts_with("2099"))
        };
        let live = |key: &&&Value| key["refused"].is_null() && !is_rotated(key);
        let keys: Vec<_> = all.iter().filter(live).copied().collect();
        assert!(keys.len() > 5, "no keys of {table} work");
        for key in &keys {
            rotates(&readers, key).await;
            if [BUILT_IN, ORGANIZATIONS].contains(&table) {
                can_be_disabled(&readers, key).await;
            }
            takes_another_name(&readers, key).await;
        }
        for key in &all {
            is_revoked(&readers, key).await;
        }
        clock.advance(HOUR * 48);
        purges(table, &readers).await;
    }
}

/// The successor has what the key has, and both work.
async fn rotates<M: KeyModel>(readers: &Readers<M>, key: &Value) {
    let created = readers.keys().rotate(prefix(key), HOUR).await;
    let created = created.unwrap_or_else(|error| panic!("{error}: {key}"));
    let successor = readers.verify(created.plaintext.expose()).await.unwrap();
    for field in ["name", "scopes"] {
        assert_eq!(shown(successor.record())[field], key["record"][field]);
    }
    gets_its_verdict(readers, key).await;
}

async fn can_be_disabled<M: KeyModel>(readers: &Readers<M>, key: &Value) {
    readers.keys().disable(prefix(key)).await.unwrap();
    let refused = readers.verify(text(key, "text")).await.unwrap_err();
    assert_eq!(refused.reason(), DenyReason::Disabled);
    readers.keys().enable(prefix(key)).await.unwrap();
    gets_its_verdict(readers, key).await;
}

/// What its name and scopes were does not stand in the way of new ones.
async fn takes_another_name<M: KeyModel>(readers: &Readers<M>, key: &Value) {
    let changed = readers.keys().update(prefix(key), KeyUpdate::new().name("plain")).await.unwrap();
    assert_eq!(changed.record().name, "plain");
    assert_eq!(changed.record().scopes.as_str(), key["record"]["scopes"]);
}

async fn is_revoked<M: KeyModel>(readers: &Readers<M>, key: &Value) {
    readers.keys().revoke(prefix(key)).await.unwrap();
    let refused = readers.verify(text(key, "text")).await.unwrap_err();
    assert_eq!(refused.reason(), DenyReason::Revoked, "{key}");
}

/// Deletes what has ended; what is left is live.
async fn purges<M: KeyModel>(table: &str, readers: &Readers<M>) {
    let keys = readers.keys();
    let before = keys.count(&KeyQuery::new()).await.unwrap();
    let purged = keys.purge(HOUR, 1000).await.unwrap();
    assert!(purged > 0, "{table}: nothing was purged");
    assert_eq!(keys.count(&KeyQuery::new()).await.unwrap(), before - purged, "{table}");
    for status in [KeyStatus::Revoked, KeyStatus::Expired] {
        let left = listed(readers, &KeyQuery::new().status(status)).await;
        // Nobody knows when a key of a Django site was revoked: it stays until it expires.
        assert!(left.is_empty() || table == DJANGO && status == KeyStatus::Revoked, "{left:?}");
    }
}
