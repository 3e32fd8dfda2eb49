//! `apikey hashers`

use apikey_core::{ApiKeys, EncodingUse, Standing};
use clap::Args;

use crate::exit_code::{Failure, Outcome};
use crate::output::hashers::{Line, Lines};
use crate::output::{Output, Printable};

/// The first words of what a service can prefer.
const PREFERABLE: [&str; 8] = [
    "sha256",
    "sha512",
    "hmac-sha256",
    "argon2id",
    "pbkdf2-sha256",
    "pbkdf2-sha512",
    "scrypt",
    "2b",
];

/// Show what stored keys are hashed with, and how far a change of hasher has come
///
/// Counts the keys by algorithm and parameters, and by the version of the pepper. `live` are those that are
/// neither revoked nor expired. No key is loaded but the newest of each kind.
///
/// Which hash the service prefers is not in the database: say it with --prefer, unless it is SHA-256, the
/// default. A change has come to its end when all live keys have the preferred hash. A key gets it when it
/// is used. Rotate or revoke the keys that nobody uses, or let the service accept their hasher for as long
/// as they live.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  apikey hashers
  apikey hashers --prefer argon2id
  apikey hashers --prefer 'hmac-sha256 v=2' --output json | jq .preferred

States: `preferred`; `outdated`, the preferred hasher with other parameters; `accepted`, read by another \
hasher; `not configured`, read by none that this command has: a service without the hasher or the pepper \
answers these keys with 503; `unreadable`, of no known algorithm, answered with 401. The command has no \
peppers: of `hmac-sha256` a service knows more, by `ApiKeys::hashers`.

With `--output plain`, a line holds, separated by tabs: hash, state, keys, live keys, the time at which the \
newest was created.")]
pub(crate) struct Hashers {
    /// What the service prefers, `sha256` if it says nothing else: the name of a hash, as the first column
    /// has it, with or without its parameters
    #[arg(long, value_name = "HASH", value_parser = preferable)]
    prefer: Option<String>,
}

impl Hashers {
    pub(crate) async fn run<M: Printable>(
        self,
        keys: &ApiKeys<M>,
        output: &mut Output<M>,
    ) -> Result<Outcome, Failure> {
        let report = keys.hashers().await?;
        let lines = report.encodings.iter().map(|encoding| self.line(encoding)).collect();
        output.hashers(&Lines(lines))?;
        report.unreadable.iter().for_each(Output::warn_of);
        Ok(Outcome::Done)
    }

    fn line(&self, encoding: &EncodingUse) -> Line {
        let hash = match &*encoding.encoding {
            "" => "unknown".to_owned(),
            encoding => name(encoding),
        };
        let standing = match &self.prefer {
            Some(prefer) => preferred(prefer, &hash, encoding.standing),
            None => encoding.standing,
        };
        Line { hash, standing, keys: encoding.keys, live: encoding.live, newest: encoding.newest }
    }
}

/// Judges by what the service is said to prefer, in place of the command's own preference.
fn preferred(prefer: &str, hash: &str, standing: Standing) -> Standing {
    if standing == Standing::Unreadable {
        return standing;
    }
    let rest = hash.strip_prefix(prefer);
    if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')) {
        return Standing::Preferred;
    }
    match standing {
        Standing::Preferred | Standing::Outdated => Standing::Accepted,
        other => other,
    }
}

/// Writes the beginning of a stored hash as words: `argon2id v=19 m=19456,t=2,p=1`.
pub(crate) fn name(encoding: &str) -> String {
    encoding.split('$').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn preferable(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.split(' ').next().is_some_and(|word| PREFERABLE.contains(&word)) {
        return Ok(text.to_owned());
    }
    Err(format!("a service can prefer {}, each with or without parameters", PREFERABLE.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hashes_in_words() {
        for (encoding, words) in [
            ("sha256$$", "sha256"),
            ("hmac-sha256$v=1$", "hmac-sha256 v=1"),
            ("$argon2id$v=19$m=19456,t=2,p=1$", "argon2id v=19 m=19456,t=2,p=1"),
            ("pbkdf2_sha256$720000$", "pbkdf2_sha256 720000"),
            ("bcrypt_sha256$$2b$12$", "bcrypt_sha256 2b 12"),
        ] {
            assert_eq!(name(encoding), words);
        }
    }

    #[test]
    fn prefers_whole_words() {
        use Standing::{Accepted, NotConfigured, Preferred, Unreadable};
        for (prefer, hash, before, after) in [
            ("argon2id", "argon2id v=19 m=19456,t=2,p=1", Accepted, Preferred),
            ("argon2id v=19 m=8,t=1,p=1", "argon2id v=19 m=8,t=1,p=1", Accepted, Preferred),
            ("argon2id v=19 m=8,t=1,p=1", "argon2id v=19 m=8,t=1,p=11", Accepted, Accepted),
            ("hmac-sha256 v=1", "hmac-sha256 v=1", NotConfigured, Preferred),
            ("hmac-sha256 v=1", "hmac-sha256 v=12", NotConfigured, NotConfigured),
            ("argon2id", "sha256", Preferred, Accepted),
            ("argon2id", "argon2id v=19", Unreadable, Unreadable),
        ] {
            assert_eq!(preferred(prefer, hash, before), after, "{prefer} {hash}");
        }
    }
}
