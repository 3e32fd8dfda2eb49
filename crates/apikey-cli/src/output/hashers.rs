//! What stored keys are hashed with, in each format.

use std::io::{self, Write};

use apikey_core::{Standing, Timestamp};
use serde::Serialize;

use super::{Format, or, plain, printable, rfc3339, table};

/// One way of hashing, and the keys that have it.
pub(crate) struct Line {
    /// In words, as in `argon2id v=19 m=19456,t=2,p=1`.
    pub(crate) hash: String,
    pub(crate) standing: Standing,
    pub(crate) keys: u64,
    pub(crate) live: u64,
    pub(crate) newest: Option<Timestamp>,
}

/// All ways of hashing.
pub(crate) struct Lines(pub(crate) Vec<Line>);

#[derive(Serialize)]
struct Object<'a> {
    live: u64,
    preferred: u64,
    hashes: Vec<Hash<'a>>,
}

#[derive(Serialize)]
struct Hash<'a> {
    hash: &'a str,
    state: &'static str,
    keys: u64,
    live: u64,
    newest_created_at: Option<String>,
}

impl Lines {
    fn live(&self) -> u64 {
        self.0.iter().map(|line| line.live).sum()
    }

    fn preferred(&self) -> u64 {
        let preferred = self.0.iter().filter(|line| line.standing == Standing::Preferred);
        preferred.map(|line| line.live).sum()
    }

    /// Says how far the change has come.
    pub(super) fn progress(&self) -> String {
        let (preferred, live) = (self.preferred(), self.live());
        let share = share(preferred, live);
        format!("{preferred} of {live} live keys use the preferred hash ({share})")
    }

    pub(super) fn print(
        &self,
        out: &mut impl Write,
        format: Format,
        width: Option<u16>,
    ) -> io::Result<()> {
        match format {
            Format::Table => self.table(out, width),
            Format::Json => super::json::pretty(out, &self.object()),
            Format::Plain => self.plain(out),
        }
    }

    fn table(&self, out: &mut impl Write, width: Option<u16>) -> io::Result<()> {
        let live = self.live();
        let rows = self.0.iter().map(|line| {
            [
                line.hash.clone(),
                state(line.standing).to_owned(),
                line.keys.to_string(),
                line.live.to_string(),
                share(line.live, live),
                or(line.newest.map(table::time), "never"),
            ]
        });
        table::rows(out, width, ["HASH", "STATE", "KEYS", "LIVE", "SHARE", "NEWEST KEY"], rows)
    }

    fn plain(&self, out: &mut impl Write) -> io::Result<()> {
        self.0.iter().try_for_each(|line| {
            let Line { hash, standing, keys, live, newest } = line;
            let (hash, newest) = (printable(hash), or(newest.map(rfc3339), plain::NONE));
            writeln!(out, "{hash}\t{}\t{keys}\t{live}\t{newest}", state(*standing))
        })
    }

    fn object(&self) -> Object<'_> {
        let hashes = self.0.iter().map(|line| Hash {
            hash: &line.hash,
            state: state(line.standing),
            keys: line.keys,
            live: line.live,
            newest_created_at: line.newest.map(rfc3339),
        });
        Object { live: self.live(), preferred: self.preferred(), hashes: hashes.collect() }
    }
}

fn state(standing: Standing) -> &'static str {
    match standing {
        Standing::Preferred => "preferred",
        Standing::Outdated => "outdated",
        Standing::Accepted => "accepted",
        Standing::NotConfigured => "not configured",
        Standing::Unreadable => "unreadable",
        _ => "unknown",
    }
}

/// Writes a share in whole per cent; 0 and 100 mean none and all.
fn share(part: u64, whole: u64) -> String {
    if part == 0 {
        return if whole == 0 { "-".to_owned() } else { "0 %".to_owned() };
    }
    match u128::from(part) * 100 / u128::from(whole.max(1)) {
        0 => "<1 %".to_owned(),
        percent => format!("{percent} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_none_and_all_only_where_that_is_so() {
        for (part, whole, text) in [
            (0, 0, "-"),
            (0, 7, "0 %"),
            (1, 1_000_000, "<1 %"),
            (999_999, 1_000_000, "99 %"),
            (7, 7, "100 %"),
            (u64::MAX, u64::MAX, "100 %"),
        ] {
            assert_eq!(share(part, whole), text);
        }
    }
}
