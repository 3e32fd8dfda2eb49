//! What an import came to.

use std::collections::BTreeMap;

use apikey_core::KeyStatus;
use serde::Serialize;

/// What an import came to, or would.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    pub(crate) dry_run: bool,
    pub(crate) read: u64,
    pub(crate) imported: u64,
    pub(crate) already_there: u64,
    /// Of those that were there: revoked now, since they were revoked at the source.
    pub(crate) revoked: u64,
    pub(crate) refused: u64,
    /// Of the refused ones: rows that nothing names, so that they are in no other list.
    pub(crate) without_prefix: u64,
    /// The states of the imported ones.
    pub(crate) states: BTreeMap<&'static str, u64>,
    /// The algorithms of all that are in the table now, as the source has them: a service may have replaced the
    /// hash of a key that was there.
    pub(crate) hashes: BTreeMap<String, u64>,
    /// How many characters the prefixes of the same keys have: a service reads other than its own when it is
    /// told to.
    pub(crate) prefix_lengths: BTreeMap<usize, u64>,
    pub(crate) refusals: Vec<Refusal>,
    pub(crate) differences: Vec<Difference>,
}

/// A key that is not imported.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Refusal {
    pub(crate) prefix: String,
    pub(crate) reason: String,
}

/// A key that is there, and is not as it is at the source. It is left as it is.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Difference {
    pub(crate) prefix: String,
    pub(crate) difference: String,
}

impl Report {
    pub(crate) fn new(is_dry: bool) -> Self {
        let states =
            [KeyStatus::Active, KeyStatus::Disabled, KeyStatus::Expired, KeyStatus::Revoked];
        let states = states.map(|status| (status.as_str(), 0)).into();
        Self { dry_run: is_dry, states, ..Self::default() }
    }

    /// Returns what is counted, in words.
    pub(crate) fn counts(&self) -> Vec<(&str, u64)> {
        let mut counts = vec![("read", self.read), ("imported", self.imported)];
        counts.extend(self.states.iter().map(|(state, number)| (*state, *number)));
        counts.extend([
            ("already there", self.already_there),
            ("revoked since", self.revoked),
            ("refused", self.refused),
            ("without prefix", self.without_prefix),
        ]);
        counts
    }
}
