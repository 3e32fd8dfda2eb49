//! The style checks: what neither rustfmt nor clippy sees. Every rule is a pure function over one file.

use std::fmt;

use crate::source::Source;

/// One place that breaks a rule, displayed as `path:line: rule: how to fix`.
#[derive(Debug)]
pub(crate) struct Finding<'a> {
    path: &'a str,
    line: usize,
    rule: &'static Rule,
}

impl fmt::Display for Finding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, rule } = self;
        write!(f, "{path}:{line}: {}: {}", rule.name, rule.fix)
    }
}

/// Applies every rule to one file.
pub(crate) fn check(source: &Source) -> Vec<Finding<'_>> {
    RULES
        .iter()
        .flat_map(|rule| {
            (rule.offending_lines)(source).into_iter().map(move |line| Finding {
                path: &source.path,
                line,
                rule,
            })
        })
        .collect()
}

#[derive(Debug)]
struct Rule {
    name: &'static str,
    fix: &'static str,
    offending_lines: fn(&Source) -> Vec<usize>,
}

static RULES: [Rule; 8] = [
    Rule { name: "no mod.rs", fix: "rename `name/mod.rs` to `name.rs`", offending_lines: mod_file },
    Rule {
        name: "vague file name",
        fix: "name the file after the noun it holds, or move each item to the file that uses it",
        offending_lines: vague_name,
    },
    Rule {
        name: "feature outside the crate root",
        fix: "put the `cfg` on a `mod` line",
        offending_lines: scattered_feature,
    },
    Rule {
        name: "long file",
        fix: "split it by noun; 400 lines before the tests are the limit",
        offending_lines: long_file,
    },
    Rule {
        name: "no module documentation",
        fix: "begin the file with `//!` and one sentence: what lives here",
        offending_lines: undocumented,
    },
    Rule {
        name: "unfinished",
        fix: "finish it, or delete the note and open an issue",
        offending_lines: unfinished,
    },
    Rule {
        name: "ignored test",
        fix: "delete it, or let it report itself as skipped (CONTRIBUTING.md)",
        offending_lines: ignored_test,
    },
    Rule {
        name: "framework in the core",
        fix: "move it to the adapter or the store it belongs to",
        offending_lines: framework_in_core,
    },
];

fn mod_file(source: &Source) -> Vec<usize> {
    first_line_if(source.file_name() == "mod.rs")
}

fn vague_name(source: &Source) -> Vec<usize> {
    const VAGUE: [&str; 6] =
        ["utils.rs", "util.rs", "common.rs", "helpers.rs", "types.rs", "prelude.rs"];
    first_line_if(source.is_in_src() && VAGUE.contains(&source.file_name()))
}

fn scattered_feature(source: &Source) -> Vec<usize> {
    if !source.is_in_src() || ["lib.rs", "main.rs"].contains(&source.file_name()) {
        return Vec::new();
    }
    let gates = |line: &str| line.contains("feature = \"") && !line.contains("cfg_attr(");
    let lines: Vec<_> = source.code().collect();
    let declares_mod = |line: &str| line.starts_with("mod ") || line.contains(" mod ");
    let scattered = lines.windows(2).filter(|pair| gates(pair[0].1) && !declares_mod(pair[1].1));
    numbers(scattered.map(|pair| pair[0]).chain(lines.last().copied().filter(|last| gates(last.1))))
}

fn long_file(source: &Source) -> Vec<usize> {
    const LIMIT: usize = 400;
    let code = source.lines().take_while(|(_, line)| line.trim() != "#[cfg(test)]");
    let beyond = code.skip(LIMIT).take(1);
    if source.is_in_src() { numbers(beyond) } else { Vec::new() }
}

fn undocumented(source: &Source) -> Vec<usize> {
    let in_crate = source.path.starts_with("crates/") && source.is_in_src();
    first_line_if(in_crate && !source.text.starts_with("//!"))
}

fn unfinished(source: &Source) -> Vec<usize> {
    // Written apart, or this file would report itself.
    const MACROS: [&str; 2] = [concat!("todo", "!("), concat!("unimplemented", "!(")];
    const NOTES: [&str; 2] = [concat!("FIX", "ME"), concat!("XX", "X")];
    numbers(source.lines().filter(|(_, line)| {
        MACROS.iter().any(|name| line.contains(name))
            || line.split(|c: char| !c.is_alphanumeric()).any(|word| NOTES.contains(&word))
    }))
}

fn ignored_test(source: &Source) -> Vec<usize> {
    numbers(source.code().filter(|(_, line)| line.trim_start().starts_with("#[ignore")))
}

fn framework_in_core(source: &Source) -> Vec<usize> {
    const FOREIGN: [&str; 5] = ["http::", "axum", "actix", "rocket", "diesel"];
    if !source.path.starts_with("crates/apikey-core/src/") {
        return Vec::new();
    }
    numbers(source.code().filter(|(_, line)| FOREIGN.iter().any(|name| line.contains(name))))
}

fn first_line_if(offends: bool) -> Vec<usize> {
    offends.then_some(1).into_iter().collect()
}

fn numbers<'a>(lines: impl Iterator<Item = (usize, &'a str)>) -> Vec<usize> {
    lines.map(|(number, _)| number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        let source = Source { path: path.to_owned(), text: text.to_owned() };
        check(&source)
            .iter()
            .map(|finding| format!("{}:{}", finding.line, finding.rule.name))
            .collect()
    }

    #[test]
    fn says_where_what_and_how_to_fix() {
        let source = Source {
            path: "crates/apikey-core/src/key.rs".to_owned(),
            text: "use std::fmt;\n".to_owned(),
        };
        let finding = &check(&source)[0];
        assert_eq!(
            finding.to_string(),
            "crates/apikey-core/src/key.rs:1: no module documentation: \
             begin the file with `//!` and one sentence: what lives here"
        );
    }

    #[test]
    fn accepts_a_plain_file() {
        let text = "//! Keys.\n\n/// Like axum's.\npub struct Key;\n";
        assert!(findings("crates/apikey-core/src/key.rs", text).is_empty());
    }

    #[test]
    fn refuses_mod_files() {
        assert_eq!(findings("tests/server/mod.rs", ""), ["1:no mod.rs"]);
    }

    #[test]
    fn refuses_vague_names_in_src() {
        let vague = ["1:vague file name"];
        assert_eq!(findings("crates/apikey-cli/src/utils.rs", "//!"), vague);
        assert_eq!(findings("examples/quickstart/src/db/types.rs", ""), vague);
        assert!(findings("crates/apikey-cli/tests/common.rs", "").is_empty());
    }

    #[test]
    fn refuses_features_outside_the_crate_root() {
        let text = "//! A store.\n\n#[cfg(all(unix, feature = \"sqlite\"))]\nfn open() {}\n";
        let scattered = ["3:feature outside the crate root"];
        assert_eq!(findings("crates/apikey-diesel/src/store.rs", text), scattered);
        assert!(findings("crates/apikey-diesel/src/lib.rs", text).is_empty());
        let on_mod = "//! Stores.\n#[cfg(feature = \"sqlite\")]\npub(crate) mod sqlite;\n";
        assert!(findings("crates/apikey-diesel/src/store.rs", on_mod).is_empty());
    }

    #[test]
    fn accepts_features_in_documentation_attributes() {
        let text = "//! A store.\n#[cfg_attr(docsrs, doc(cfg(feature = \"sqlite\")))]\n";
        assert!(findings("crates/apikey-diesel/src/store.rs", text).is_empty());
    }

    #[test]
    fn refuses_more_than_400_lines_before_the_tests() {
        let path = "crates/apikey-core/src/key.rs";
        let full = "//! Keys.\n".to_owned() + &"\n".repeat(399);
        assert!(findings(path, &format!("{full}#[cfg(test)]\nmod tests {{}}\n")).is_empty());
        assert_eq!(findings(path, &format!("{full}\n")), ["401:long file"]);
    }

    #[test]
    fn refuses_files_without_documentation_in_crates() {
        let missing = ["1:no module documentation"];
        assert_eq!(findings("crates/apikey-core/src/key.rs", "fn key() {}\n"), missing);
        assert!(findings("examples/quickstart/src/main.rs", "fn main() {}\n").is_empty());
    }

    #[test]
    fn refuses_unfinished_code() {
        for (start, end) in
            [("todo", "!()"), ("unimplemented", "!()"), ("// FIX", "ME: later"), ("// XX", "X")]
        {
            let text = format!("{start}{end}\n");
            assert_eq!(findings("tests/parity.rs", &text), ["1:unfinished"]);
        }
        assert!(findings("tests/parity.rs", "let key = \"XXXX\";\n").is_empty());
    }

    #[test]
    fn refuses_ignored_tests() {
        let text = "#[test]\n    #[ignore = \"slow\"]\nfn parity() {}\n";
        assert_eq!(findings("tests/parity.rs", text), ["2:ignored test"]);
    }

    #[test]
    fn refuses_frameworks_in_the_core_and_nowhere_else() {
        for name in ["http::", "axum::", "actix_web::", "rocket::", "diesel::"] {
            let text = format!("//! Keys.\nuse {name}Error;\n");
            let foreign = ["2:framework in the core"];
            assert_eq!(findings("crates/apikey-core/src/key.rs", &text), foreign);
            assert!(findings("crates/apikey-axum/src/layer.rs", &text).is_empty());
        }
    }
}
