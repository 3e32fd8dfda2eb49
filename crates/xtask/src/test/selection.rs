//! Which tests are meant.

use std::ffi::{OsStr, OsString};

use anyhow::bail;

use super::binary::Binary;

/// Tests that touch time, order, processes or servers, by what they touch. The rest computes.
pub(super) const SETS: [(&str, &[&str]); 3] = [
    (
        "time",
        &[
            "apikey_core",
            "bus",
            "cache",
            "flights",
            "hashing",
            "interleavings",
            "logged",
            "memo",
            "overload",
            "usage",
            "conformance",
            "verifications",
            "launch",
            "memory",
            "broken_adapters",
            "broken_stores",
            "sqlite",
        ],
    ),
    ("processes", &["apikey", "end_to_end", "faults", "parity", "services", "organizations"]),
    ("databases", &["servers", "models", "django"]),
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
        match SETS.iter().find(|(set, _)| set == name) {
            Some((_, members)) => targets.extend(members.iter().copied()),
            None if name == "timing" => {
                targets.extend(SETS.iter().flat_map(|(_, members)| members.iter().copied()));
            }
            None => targets.push(name),
        }
    }
    for target in &targets {
        if !binaries.iter().any(|binary| binary.target == *target) {
            bail!("no binary with tests is called `{target}`");
        }
    }
    Ok(binaries.into_iter().filter(|binary| targets.contains(&binary.target.as_str())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{source, workspace};

    #[test]
    fn the_sets_name_binaries_that_are_there() {
        let sources = source::read_all(workspace::root()).unwrap();
        for member in SETS.iter().flat_map(|(_, members)| *members) {
            let ends = [format!("tests/{member}.rs"), format!("tests/{member}/main.rs")];
            let is_there =
                sources.iter().any(|source| ends.iter().any(|end| source.path.ends_with(end)));
            assert!(is_there || *member == "apikey_core", "{member}");
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
