//! A shuffled order, which a seed repeats.
//!
//! The tests of stable Rust run in the order of their names. So the tests of each binary are dealt to a few
//! processes at random, and the processes of all binaries run in a random order, several at a time: every test is
//! at times the first in its process, is missing those that otherwise precede it, and has ever other neighbours.

use super::{binary::Binary, job::Job};

/// The most processes that the tests of one binary are dealt to.
const MOST_PARTS: usize = 4;

/// A source of numbers that are the same for the same seed (`SplitMix64`).
#[derive(Debug)]
pub(super) struct Order(u64);

impl Order {
    pub(super) fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number below a bound.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from((mixed ^ (mixed >> 31)) % bound).unwrap_or_default()
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// Deals the tests of every binary to processes, and shuffles these.
    pub(super) fn deal<'a>(&mut self, listed: &[(&'a Binary, Vec<String>)]) -> Vec<Job<'a>> {
        let mut jobs = Vec::new();
        for (binary, tests) in listed {
            let mut tests = tests.clone();
            self.shuffle(&mut tests);
            let mut parts = 1 + self.below(MOST_PARTS);
            while !tests.is_empty() {
                // The last part takes what is left; the others are of any size.
                let size = if parts > 1 { 1 + self.below(tests.len()) } else { tests.len() };
                let rest = tests.split_off(size);
                jobs.push(Job::of(binary, tests));
                (tests, parts) = (rest, parts.saturating_sub(1));
            }
        }
        self.shuffle(&mut jobs);
        jobs
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("test {number}")).collect()
    }

    fn dealt(seed: u64) -> Vec<Vec<String>> {
        let binary = Binary::named("apikey-core", "memo");
        let listed = [(&binary, names(40)), (&binary, names(1))];
        let jobs = Order::of(seed).deal(&listed);
        jobs.into_iter().map(|job| job.tests).collect()
    }

    #[test]
    fn a_seed_repeats_its_order_and_another_one_does_not() {
        assert_eq!(dealt(7), dealt(7));
        assert_ne!(dealt(7), dealt(8));
    }

    #[test]
    fn every_test_is_dealt_once_to_one_of_a_few_processes() {
        for seed in 0..200 {
            let parts = dealt(seed);
            assert!((2..=1 + MOST_PARTS).contains(&parts.len()), "{parts:?}");
            let mut all: Vec<_> = parts.concat();
            all.sort();
            let mut expected = [names(40), names(1)].concat();
            expected.sort();
            assert_eq!(all, expected);
        }
    }

    #[test]
    fn every_test_is_once_alone_with_any_other_one_and_without_it() {
        let mut together = BTreeSet::new();
        for seed in 0..200 {
            together.extend(dealt(seed).iter().map(|part| {
                let has = |name: &str| part.iter().any(|test| test == name);
                (has("test 3"), has("test 20"))
            }));
        }
        assert_eq!(together.len(), 4);
    }
}
