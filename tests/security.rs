//! The table at the end of `docs/security.md`: every promise has a row, and every test that it names is there.
#![expect(clippy::unwrap_used, reason = "a file that cannot be read fails the test")]

use std::fs;
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Returns the promises by number, and the table.
fn page() -> (usize, String) {
    let text = fs::read_to_string(format!("{ROOT}/docs/security.md")).unwrap();
    let (promises, table) = text.split_once("## Where each promise is tested").unwrap();
    let is_next = |line: &&str, number: usize| line.starts_with(&format!("{}. ", number + 1));
    let count = |number, line| if is_next(&line, number) { number + 1 } else { number };
    (promises.lines().fold(0, count), table.to_owned())
}

/// Appends every line of Rust in a folder that defines a function.
fn collect_functions(folder: &Path, functions: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_functions(&path, functions);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            for line in text.lines().filter(|line| line.contains("fn ")) {
                *functions += line;
                *functions += "\n";
            }
        }
    }
}

/// What stands between backquotes and looks like the name of a function.
fn named(table: &str) -> impl Iterator<Item = &str> {
    let is_name = |word: &&str| {
        word.contains('_')
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || b"_0123456789".contains(&byte))
    };
    table.split('`').skip(1).step_by(2).filter(is_name)
}

#[test]
fn every_promise_has_a_row() {
    let (promises, table) = page();
    let cells = table.lines().filter_map(|line| line.strip_prefix('|')?.split('|').next());
    let mut numbers: Vec<usize> = cells
        .flat_map(|cell| cell.split(','))
        .filter_map(|word| word.trim().parse().ok())
        .collect();
    numbers.sort_unstable();
    assert!(promises > 20, "the promises were not found");
    assert_eq!(numbers, (1..=promises).collect::<Vec<_>>());
}

#[test]
fn every_test_that_is_named_is_there() {
    let mut functions = String::new();
    for folder in ["crates", "tests", "examples"] {
        collect_functions(&Path::new(ROOT).join(folder), &mut functions);
    }
    let (_, table) = page();
    let is_absent = |name: &&str| {
        !functions.contains(&format!("fn {name}(")) && !functions.contains(&format!("fn {name}<"))
    };
    let absent: Vec<_> = named(&table).filter(is_absent).collect();
    assert!(named(&table).count() > 20, "the names were not found");
    assert!(absent.is_empty(), "no test has these names: {absent:?}");
}
