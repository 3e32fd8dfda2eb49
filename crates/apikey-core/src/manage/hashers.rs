//! `HasherReport`: what the stored keys are hashed with, and how far a change of hasher has come.

use std::sync::Arc;

use super::ManageError;
use super::manager::Manager;
use crate::clock::Timestamp;
use crate::hash::encoding::Encodings;
use crate::key::PresentedKey;
use crate::model::{KeyModel, KeyStatus};
use crate::store::query::{Cursor, KeyQuery, UnreadableRow};

/// How many sets of parameters are told apart; what comes after them is counted by its algorithm.
const MOST_HEADS: usize = 64;

/// How many rows with a damaged hash are read past in one search for sound ones.
const MOST_DAMAGED: usize = 64;

/// How many rows that cannot be read are passed over in one report.
const MOST_UNREADABLE: usize = 1000;

/// What stored keys are hashed with, as [`ApiKeys::hashers`](crate::ApiKeys::hashers) counts them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HasherReport {
    /// One entry to an algorithm with its parameters, the one with the most live keys first.
    pub encodings: Vec<EncodingUse>,
    /// Rows that cannot be read, as far as they stood before others. They are counted like these.
    pub unreadable: Vec<UnreadableRow>,
}

/// The keys whose hashes were made in one way.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EncodingUse {
    /// The beginning that the stored hashes share, as in `sha256$$` or `$argon2id$v=19$m=19456,t=2,p=1$`: for
    /// [`KeyQuery::encoding`]. It holds neither salt nor digest, and is empty where nobody knows the algorithm.
    pub encoding: String,
    /// What the handle makes of them.
    pub standing: Standing,
    /// How many keys there are.
    pub keys: u64,
    /// How many of them are active, or disabled, which can be undone.
    pub live: u64,
    /// When the newest of them was created. After a change of hasher no key should come to the old one.
    pub newest: Option<Timestamp>,
}

/// What a handle makes of stored hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Standing {
    /// The preferred hasher would write them just so.
    Preferred,
    /// The preferred hasher reads them, and would write other parameters or name another pepper. A key
    /// that is used is hashed anew.
    Outdated,
    /// An accepted hasher reads them. A key that is used is hashed anew.
    Accepted,
    /// No hasher or pepper is configured for them: these keys are answered with 503.
    NotConfigured,
    /// Damaged rows: nobody knows the algorithm, or its parameters are missing. These keys are answered with
    /// 401, and each is an error in the log.
    Unreadable,
}

impl HasherReport {
    /// Returns how many keys are active or disabled.
    #[must_use]
    pub fn live(&self) -> u64 {
        self.encodings.iter().map(|encoding| encoding.live).sum()
    }

    /// Returns how many of them have a hash as the preferred hasher would write it.
    #[must_use]
    pub fn preferred(&self) -> u64 {
        let preferred =
            self.encodings.iter().filter(|encoding| encoding.standing == Standing::Preferred);
        preferred.map(|encoding| encoding.live).sum()
    }
}

/// A search for rows that begin in certain ways.
struct Search<'a, M: KeyModel> {
    wanted: &'a [String],
    known: &'a Encodings,
    skips_damaged: bool,
    skipped: usize,
    /// Behind the last row that was skipped.
    after: Option<Cursor<M::Id>>,
}

impl<'a, M: KeyModel> Search<'a, M> {
    fn new(wanted: &'a [String], known: &'a Encodings, skips_damaged: bool) -> Self {
        Self { wanted, known, skips_damaged, skipped: 0, after: None }
    }
}

impl<M: KeyModel> Manager<'_, M> {
    /// Finds the encodings and has the store count: the preferred one first and then those of the configured
    /// hashers, and sound rows before damaged ones. A damaged row says less of itself, and would stand for good
    /// ones.
    pub(super) async fn hashers(&self) -> Result<HasherReport, ManageError> {
        let hashers = &self.inner().hashers;
        let known = Encodings::known_to(hashers);
        let none = known.all().iter().fold(KeyQuery::new(), KeyQuery::not_encoding);
        let sample = Arc::new(PresentedKey::new(b"no key has this text"));
        let sample = self.inner().hash(&sample).await?;
        let preferred = known.head(sample.as_str());
        let first: Vec<String> = preferred.map(str::to_owned).into_iter().collect();
        let configured: Vec<String> = hashers.all().flat_map(|hasher| hasher.encodings()).collect();
        let (mut encodings, mut unreadable) = (Vec::new(), Vec::new());
        for wanted in [first, configured, known.all().to_vec()] {
            for skips_damaged in [true, false] {
                let search = Search::new(&wanted, &known, skips_damaged);
                self.find_encodings(search, preferred, &mut encodings, &mut unreadable).await?;
            }
        }
        if let Some((key, _)) = self.newest(none.clone(), &mut unreadable).await? {
            encodings.push(self.count_encoding(none, Standing::Unreadable, &key).await?);
        }
        encodings.sort_by_key(|encoding| std::cmp::Reverse((encoding.live, encoding.keys)));
        Ok(HasherReport { encodings, unreadable })
    }

    /// Adds the encodings that are searched for, one by one, each by a key that has none of those found before.
    /// So what is read does not grow with the table.
    async fn find_encodings(
        &self,
        mut search: Search<'_, M>,
        preferred: Option<&str>,
        encodings: &mut Vec<EncodingUse>,
        unreadable: &mut Vec<UnreadableRow>,
    ) -> Result<(), ManageError> {
        let known = search.known;
        loop {
            let found = encodings.iter().map(|found| &found.encoding);
            let others = found.fold(KeyQuery::new(), KeyQuery::not_encoding);
            let Some(key) = self.next(&mut search, &others, unreadable).await? else { break };
            let stored = key.record().hashed_key.as_str();
            let is_known = encodings.len() < MOST_HEADS;
            let head = if is_known { known.head(stored) } else { known.algorithm(stored) };
            // A store that did not leave out what it was told to would go on for ever.
            let is_new = |head: &&str| encodings.iter().all(|found| found.encoding != *head);
            let Some(head) = head.filter(is_new) else { break };
            let standing = if known.is_whole(stored) {
                self.standing(stored, preferred == Some(head))
            } else {
                Standing::Unreadable
            };
            let mut counted = self.count_encoding(others.encoding(head), standing, &key).await?;
            counted.encoding = head.to_owned();
            encodings.push(counted);
        }
        Ok(())
    }

    /// Finds the newest of the rows that are searched for among `others`.
    async fn next(
        &self,
        search: &mut Search<'_, M>,
        others: &KeyQuery<M>,
        unreadable: &mut Vec<UnreadableRow>,
    ) -> Result<Option<M>, ManageError> {
        if search.wanted.is_empty() {
            return Ok(None);
        }
        loop {
            let mut rest = others.clone().after(search.after.clone());
            rest.encodings = search.wanted.to_vec();
            let Some((key, next)) = self.newest(rest, unreadable).await? else { return Ok(None) };
            let stored = key.record().hashed_key.as_str();
            if !search.skips_damaged || search.known.is_whole(stored) {
                return Ok(Some(key));
            }
            search.skipped += 1;
            if search.skipped > MOST_DAMAGED || next.is_none() {
                return Ok(None);
            }
            search.after = next;
        }
    }

    /// Returns the newest key that can be read, and the place behind it. Rows before it that cannot are noted.
    async fn newest(
        &self,
        query: KeyQuery<M>,
        unreadable: &mut Vec<UnreadableRow>,
    ) -> Result<Option<(M, Option<Cursor<M::Id>>)>, ManageError> {
        let mut query = query.limit(1);
        loop {
            let mut page = self.list(&query).await?;
            if let Some(key) = page.keys.pop() {
                return Ok(Some((key, page.next)));
            }
            let news: Vec<_> =
                page.unreadable.into_iter().filter(|row| !unreadable.contains(row)).collect();
            unreadable.extend(news);
            query = query.after(page.next);
            if query.after.is_none() || unreadable.len() >= MOST_UNREADABLE {
                return Ok(None);
            }
        }
    }

    fn standing(&self, stored: &str, is_preferred: bool) -> Standing {
        let hashers = &self.inner().hashers;
        match hashers.of(stored) {
            Ok(_) if is_preferred => Standing::Preferred,
            Ok(hasher) if Arc::ptr_eq(hasher, hashers.preferred()) => Standing::Outdated,
            Ok(_) => Standing::Accepted,
            Err(_) => Standing::NotConfigured,
        }
    }

    async fn count_encoding(
        &self,
        query: KeyQuery<M>,
        standing: Standing,
        newest: &M,
    ) -> Result<EncodingUse, ManageError> {
        let keys = self.count(&query).await?;
        let active = self.count(&query.clone().status(KeyStatus::Active)).await?;
        let disabled = self.count(&query.status(KeyStatus::Disabled)).await?;
        let newest = Some(newest.record().created_at);
        Ok(EncodingUse { encoding: String::new(), standing, keys, live: active + disabled, newest })
    }
}
