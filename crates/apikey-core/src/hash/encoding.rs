//! What a stored string says of itself: its algorithm and parameters, without salt and digest.

use super::set::{Hashers, KNOWN};

/// The names of variants that stand between the name of an algorithm and its parameters.
const VARIANTS: &[&str] = &["", "argon2id", "argon2i", "argon2d", "2a", "2b", "2y"];

/// The algorithms whose strings hold no parameters.
const WITHOUT_PARAMETERS: &[&str] = &["sha256$$", "sha512$$"];

/// The algorithm whose only parameter is a version.
const HMAC: &str = "hmac-sha256$";

/// The beginnings of stored strings that somebody can tell apart: those of the hashers of a handle, and
/// those that are known to exist.
pub(crate) struct Encodings(Vec<String>);

impl Encodings {
    pub(crate) fn known_to(hashers: &Hashers) -> Self {
        let mut encodings: Vec<_> = hashers.all().flat_map(|hasher| hasher.encodings()).collect();
        encodings.extend(KNOWN.iter().copied().map(str::to_owned));
        encodings.sort_unstable();
        encodings.dedup();
        Self(encodings)
    }

    pub(crate) fn all(&self) -> &[String] {
        &self.0
    }

    /// Returns the beginning that names the algorithm, if it is known.
    pub(crate) fn algorithm(&self, stored: &str) -> Option<&str> {
        let known = self.0.iter().filter(|encoding| stored.starts_with(encoding.as_str()));
        known.max_by_key(|encoding| encoding.len()).map(String::as_str)
    }

    /// Returns the beginning that names algorithm and parameters. What cannot be told from a salt is left
    /// out.
    pub(crate) fn head<'a>(&self, stored: &'a str) -> Option<&'a str> {
        let mut end = self.algorithm(stored)?.len();
        let mut may_be_number = KNOWN.iter().any(|known| stored.starts_with(known));
        while let Some((field, _)) = stored[end..].split_once('$') {
            if is_parameters(field) {
                may_be_number = false;
            } else if may_be_number && is_number(field) {
                // A cost. Another number would be a salt.
                may_be_number = false;
            } else if !VARIANTS.contains(&field) {
                break;
            }
            end += field.len() + 1;
        }
        Some(&stored[..end])
    }

    /// Whether the stored string says all that its algorithm needs. One that was cut off before its parameters
    /// would stand for every other of the algorithm.
    pub(crate) fn is_whole(&self, stored: &str) -> bool {
        let Some(head) = self.head(stored) else { return false };
        let known = KNOWN.iter().find(|known| stored.starts_with(**known));
        if known.is_none_or(|known| WITHOUT_PARAMETERS.contains(known)) {
            return true;
        }
        let last = head.trim_end_matches('$').rsplit('$').next().unwrap_or_default();
        let is_version = last.starts_with("v=") && known != Some(&HMAC);
        is_number(last) || is_parameters(last) && !is_version
    }
}

/// `m=19456,t=2,p=1`: a salt in Base64 has no `=` inside.
fn is_parameters(field: &str) -> bool {
    field.split(',').all(|parameter| {
        parameter.split_once('=').is_some_and(|(name, value)| {
            name.bytes().all(|byte| byte.is_ascii_lowercase()) && is_number(value)
        })
    })
}

fn is_number(text: &str) -> bool {
    (1..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_algorithm_and_parameters_and_neither_salt_nor_digest() {
        let encodings = Encodings::known_to(&Hashers::default());
        for (stored, head) in [
            ("sha256$$00ff", "sha256$$"),
            ("sha512$$00ff", "sha512$$"),
            ("hmac-sha256$v=12$00ff", "hmac-sha256$v=12$"),
            ("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", "$argon2id$v=19$m=19456,t=2,p=1$"),
            ("$argon2id$v=19$m=19456,t=2,p=1$12345678$aGFzaA", "$argon2id$v=19$m=19456,t=2,p=1$"),
            ("argon2$argon2id$v=19$m=8,t=2,p=8$c2FsdA$aGFzaA", "argon2$argon2id$v=19$m=8,t=2,p=8$"),
            ("$pbkdf2-sha256$i=600000,l=32$c2FsdA$aGFzaA", "$pbkdf2-sha256$i=600000,l=32$"),
            ("pbkdf2_sha256$720000$1234567890$aGFzaA==", "pbkdf2_sha256$720000$"),
            ("pbkdf2_sha256$720000$sa=lt$aGFzaA==", "pbkdf2_sha256$720000$"),
            ("scrypt$16384$salt$8$5$aGFzaA==", "scrypt$16384$"),
            ("$2b$12$0123456789012345678901", "$2b$12$"),
            ("bcrypt_sha256$$2b$12$0123456789", "bcrypt_sha256$$2b$12$"),
            ("bcrypt$$2b$12$0123456789", "bcrypt$$2b$12$"),
            ("$argon2id$", "$argon2id$"),
        ] {
            assert_eq!(encodings.head(stored), Some(head), "{stored}");
        }
    }

    #[test]
    fn tells_a_string_that_was_cut_off_before_its_parameters() {
        let encodings = Encodings::known_to(&Hashers::default());
        for (whole, parameters) in [
            ("sha256$$00ff", 0),
            ("sha512$$00ff", 0),
            ("hmac-sha256$v=12$00ff", 17),
            ("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", 31),
            ("$argon2i$m=8,t=2,p=8$c2FsdA$aGFzaA", 21),
            ("argon2$argon2id$v=19$m=8,t=2,p=8$c2FsdA$aGFzaA", 33),
            ("$pbkdf2-sha256$i=600000,l=32$c2FsdA$aGFzaA", 29),
            ("$scrypt$ln=17,r=8,p=1$c2FsdA$aGFzaA", 22),
            ("pbkdf2_sha256$720000$1234567890$aGFzaA==", 21),
            ("scrypt$16384$salt$8$5$aGFzaA==", 13),
            ("$2b$12$0123456789012345678901", 7),
            ("bcrypt_sha256$$2b$12$0123456789", 21),
        ] {
            for (end, _) in whole.char_indices().skip(1) {
                let cut = &whole[..end];
                if encodings.head(cut).is_some() {
                    assert_eq!(encodings.is_whole(cut), end >= parameters, "{cut}");
                }
            }
            assert!(encodings.is_whole(whole), "{whole}");
        }
        for damaged in
            ["", "md5$salt$00", "hmac-sha256$v=x$00", "$argon2id$v=19$m=x,t=1,p=1$c2FsdA$"]
        {
            assert!(!encodings.is_whole(damaged), "{damaged}");
        }
    }

    #[test]
    fn says_nothing_of_what_nobody_knows() {
        let encodings = Encodings::known_to(&Hashers::default());
        for stored in [
            "",
            "$",
            "md5$salt$00",
            "sha25",
            "sha256$",
            "sha256$salt$00ff",
            "k3Xp9QaB.secret",
            "!unusable",
        ] {
            assert_eq!(encodings.head(stored), None, "{stored}");
        }
    }
}
