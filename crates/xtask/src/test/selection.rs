//! Which tests are meant.

use std::ffi::{OsStr, OsString};

use anyhow::bail;

use super::binary::Binary;

/// Test binaries that touch time, order, processes or servers, by what they touch.
pub(super) const SETS: [(&str, &[&str]); 3] = [
    (
        "time",
        &[
            "apikey_core",
            "absence",
            "broken_adapters",
            "broken_stores",
            "bus",
            "cache",
            "conformance",
            "events",
            "flights",
            "hashing",
            "interleavings",
            "kept_requests",
            "launch",
            "logged",
            "memo",
            "memory",
            "overload",
            "sqlite",
            "threads",
            "usage",
            "verifications",
        ],
    ),
    (
        "processes",
        &["apikey", "end_to_end", "faults", "organizations", "parity", "services", "shutdown"],
    ),
    ("databases", &["django", "golden", "models", "servers"]),
];

/// The arguments of `cargo test`, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Selection {
    /// For cargo.
    pub(super) cargo: Vec<OsString>,
    /// For the tests: the filter, and what stands behind the second `--`.
    pub(super) tests: Vec<OsString>,
}

/// Options of `cargo test` whose value is the next argument.
const WITH_VALUE: [&str; 16] = [
    "-p",
    "--package",
    "--exclude",
    "--bin",
    "--example",
    "--test",
    "--bench",
    "-F",
    "--features",
    "-j",
    "--jobs",
    "--profile",
    "--target",
    "--target-dir",
    "--config",
    "--color",
];

/// Options that select targets. With them, cargo leaves out the documentation.
const TARGETS: [&str; 9] = [
    "--lib",
    "--bin",
    "--bins",
    "--test",
    "--tests",
    "--example",
    "--examples",
    "--bench",
    "--all-targets",
];

impl Selection {
    pub(super) fn of(arguments: &[OsString]) -> Self {
        let mut parts = arguments.splitn(2, |argument| argument == "--");
        let (cargo, tests) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let mut selection = Self::default();
        let mut takes_value = false;
        for argument in cargo {
            let is_option = argument.as_encoded_bytes().starts_with(b"-");
            if takes_value || is_option {
                selection.cargo.push(argument.clone());
            } else {
                selection.tests.push(argument.clone());
            }
            takes_value = !takes_value && WITH_VALUE.iter().any(|option| argument == option);
        }
        selection.tests.extend_from_slice(tests);
        selection
    }

    fn has(&self, option: &str) -> bool {
        let with_value = format!("{option}=");
        self.cargo.iter().any(|argument| {
            argument == OsStr::new(option)
                || argument.as_encoded_bytes().starts_with(with_value.as_bytes())
        })
    }

    /// Whether the tests in the documentation are meant, too.
    pub(super) fn has_documentation(&self) -> bool {
        !TARGETS.iter().any(|option| self.has(option))
    }

    /// Whether they alone are meant.
    pub(super) fn is_documentation(&self) -> bool {
        self.has("--doc")
    }

    /// What `cargo test --doc` gets.
    pub(super) fn for_documentation(&self) -> Vec<OsString> {
        let mut arguments = self.cargo.clone();
        arguments.retain(|argument| argument != "--doc");
        arguments.push("--".into());
        arguments.extend_from_slice(&self.tests);
        arguments
    }
}

/// Keeps the binaries of these names and sets; all if none is named.
pub(super) fn only(binaries: Vec<Binary>, names: &[String]) -> anyhow::Result<Vec<Binary>> {
    if names.is_empty() {
        return Ok(binaries);
    }
    let mut targets = Vec::new();
    for name in names {
        let is_meant = |set: &&(&str, _)| set.0 == name || name == "timing";
        let members: Vec<_> =
            SETS.iter().filter(is_meant).flat_map(|(_, members)| *members).collect();
        if members.is_empty() && !binaries.iter().any(|binary| binary.target == *name) {
            bail!("no binary with tests is called `{name}`, and no set");
        }
        targets.extend(members.into_iter().copied());
        targets.push(name.as_str());
    }
    Ok(binaries.into_iter().filter(|binary| targets.contains(&binary.target.as_str())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{source, workspace};

    /// Test binaries that compute, and come out the same whatever runs beside them.
    const COMPUTING: [&str; 28] = [
        "architecture",
        "authenticate",
        "book",
        "caseless_owners",
        "catchers",
        "cors",
        "credentials",
        "data",
        "extractors",
        "features",
        "hashers",
        "lifecycle",
        "links",
        "lying_store",
        "manage",
        "manifests",
        "mounts",
        "names",
        "openapi",
        "owners",
        "peppers",
        "require",
        "rotation",
        "security",
        "settings",
        "subtrees",
        "ui",
        "vectors",
    ];

    /// A new one is repeated with its like only if somebody has said what it is like.
    #[test]
    fn every_test_binary_is_in_a_set_or_computes() {
        let in_sets = SETS.iter().flat_map(|(_, members)| *members);
        let known: Vec<_> = in_sets.chain(&COMPUTING).collect();
        for source in source::read_all(workspace::root()).unwrap() {
            let parts: Vec<_> = source.path.split('/').collect();
            let name = match parts[..] {
                // One binary, of which the others are modules.
                ["crates", "apikey-cli", "tests", ..] => "apikey",
                ["crates" | "examples", _, "tests", file] | ["tests", file] => {
                    file.trim_end_matches(".rs")
                }
                ["crates" | "examples", _, "tests", folder, "main.rs"]
                | ["tests", folder, "main.rs"] => folder,
                _ => continue,
            };
            assert!(known.contains(&&name), "add `{name}` to a set, or to those that compute");
        }
    }

    fn selection(line: &str) -> Selection {
        Selection::of(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn takes_the_filter_from_the_arguments_of_cargo() {
        let selected = selection("--test faults -j 2 killed -- --nocapture");
        assert_eq!(selected.cargo, words("--test faults -j 2"));
        assert_eq!(selected.tests, words("killed --nocapture"));
        assert_eq!(selection("revoked").tests, words("revoked"));
        assert_eq!(selection("-- --exact a b").tests, words("--exact a b"));
        assert_eq!(selection(""), Selection::default());
    }

    #[test]
    fn leaves_out_the_documentation_where_cargo_does() {
        assert!(selection("revoked").has_documentation());
        assert!(!selection("--test faults").has_documentation());
        assert!(!selection("--test=faults").has_documentation());
        assert!(selection("--doc").is_documentation());
        assert_eq!(selection("--doc -- x").for_documentation(), words("-- x"));
    }

    #[test]
    fn keeps_what_is_named_and_knows_every_name() {
        let all = || ["servers", "models", "django", "memo"].map(|name| Binary::named("p", name));
        let kept = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            only(all().into(), &names)
                .map(|kept| kept.into_iter().map(|binary| binary.target).collect::<Vec<_>>())
        };
        assert_eq!(kept(&[]).unwrap().len(), 4);
        assert_eq!(kept(&["databases"]).unwrap(), ["servers", "models", "django"]);
        assert_eq!(kept(&["servers"]).unwrap(), ["servers"]);
        assert_eq!(kept(&["memo", "models"]).unwrap(), ["models", "memo"]);
        assert!(kept(&["mem"]).unwrap_err().to_string().contains("`mem`"));
    }
}
