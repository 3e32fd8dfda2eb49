//! The sign of a wrong pepper: keys are refused under it, and none is right.

use std::sync::{Mutex, PoisonError};

use super::hmac::pepper_version;
use crate::event;
use crate::key::Prefix;

/// What became of the keys that were hashed with each pepper, since the process began. Stored hashes do not tell
/// whether a pepper is the right one, and neither does a single wrong secret.
#[derive(Debug, Default)]
pub(crate) struct Peppers(Mutex<Vec<Tally>>);

#[derive(Debug)]
struct Tally {
    version: u32,
    /// Nothing more is to be told of this pepper.
    is_settled: bool,
    /// The keys that were refused.
    wrong: Vec<Prefix>,
}

impl Peppers {
    /// How many keys have to be refused. Strangers can bring that about, by prefixes that they know: until the first
    /// good key.
    const ENOUGH: usize = 3;

    /// More peppers are not looked at.
    const MOST: usize = 16;

    /// Notes whether a key matched its stored string, if that was made with a pepper.
    pub(crate) fn note(&self, stored: &str, prefix: &Prefix, matches: bool) {
        let Some(version) = pepper_version(stored) else { return };
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tallies.len() < Self::MOST && tallies.iter().all(|tally| tally.version != version) {
            tallies.push(Tally { version, is_settled: false, wrong: Vec::new() });
        }
        let tally = tallies.iter_mut().find(|tally| tally.version == version);
        let Some(tally) = tally.filter(|tally| !tally.is_settled) else { return };
        if matches {
            tally.is_settled = true;
        } else if !tally.wrong.contains(prefix) {
            tally.wrong.push(*prefix);
            if tally.wrong.len() == Self::ENOUGH {
                tally.is_settled = true;
                event::pepper_is_wrong(version, Self::ENOUGH);
            }
        }
        if tally.is_settled {
            tally.wrong = Vec::new();
        }
    }
}
