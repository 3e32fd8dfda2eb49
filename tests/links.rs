//! Links of the READMEs and the book: each leads to a file that is there, and to a heading that the file has.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Finds the pages, by their paths from the root.
fn pages() -> BTreeSet<PathBuf> {
    let root = Path::new(ROOT);
    let mut folders = vec![root.to_owned(), root.join("docs"), root.join("tests/golden")];
    folders.extend(fs::read_dir(root.join("crates")).unwrap().map(|entry| entry.unwrap().path()));
    let files =
        folders.iter().filter(|path| path.is_dir()).flat_map(|path| fs::read_dir(path).unwrap());
    let files = files.map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| path.strip_prefix(root).unwrap().to_owned())
        .collect()
}

/// Leaves out blocks of code, which a page shows and does not mean.
fn prose(text: &str) -> String {
    let mut is_code = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Leaves out the code within lines.
fn spoken(prose: &str) -> String {
    prose.split('`').step_by(2).collect()
}

/// Finds where the links of a page lead: `](target)`, and `[name]: target`.
fn targets(text: &str) -> Vec<String> {
    let spoken = spoken(&prose(text));
    let inline = spoken.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let inline = inline.map(|(target, _)| target.to_owned());
    let named = spoken.lines().filter_map(|line| line.strip_prefix('[')?.split_once("]: "));
    let named = named.map(|(_, target)| target.trim().to_owned());
    inline.chain(named).collect()
}

/// Names the headings of a page as GitHub does.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen = BTreeMap::<String, usize>::new();
    let prose = prose(text);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title.chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c));
            let anchor: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
            let earlier = seen.entry(anchor.clone()).or_default();
            *earlier += 1;
            if *earlier == 1 { anchor } else { format!("{anchor}-{}", *earlier - 1) }
        })
        .collect()
}

/// Says what is wrong with a link of a page.
fn fault(page: &Path, target: &str) -> Option<&'static str> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = Path::new(ROOT).join(page);
    let path = if file.is_empty() { path } else { path.with_file_name("").join(file) };
    if !path.exists() {
        return Some("there is no such file");
    }
    if anchor.is_empty() {
        return None;
    }
    let text = fs::read_to_string(&path).unwrap_or_default();
    (!anchors(&text).contains(anchor)).then_some("the page has no such heading")
}

#[test]
fn every_link_leads_somewhere() {
    let mut links = 0;
    let mut faults = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(Path::new(ROOT).join(&page)).unwrap();
        for target in targets(&text) {
            links += 1;
            if let Some(fault) = fault(&page, &target) {
                faults.push(format!("{}: {target}: {fault}", page.display()));
            }
        }
    }
    assert!(links > 150, "the links were not found");
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_page_of_the_book_is_in_its_contents_and_among_its_tests() {
    let contents = fs::read_to_string(format!("{ROOT}/docs/README.md")).unwrap();
    let contents = targets(&contents);
    let tests = fs::read_to_string(format!("{ROOT}/tests/book.rs")).unwrap();
    for page in
        pages().iter().filter(|page| page.starts_with("docs") && !page.ends_with("README.md"))
    {
        let name = page.file_name().unwrap().to_string_lossy();
        assert!(
            contents.iter().any(|target| *target == name),
            "docs/README.md has no link to {name}"
        );
        let has_code = fs::read_to_string(Path::new(ROOT).join(page)).unwrap().contains("```rust");
        let is_compiled = tests.contains(&format!("docs/{name}"));
        assert!(is_compiled || !has_code, "tests/book.rs does not compile {name}");
    }
}

#[test]
fn names_headings_as_github_does() {
    let page = "# Two words\n```text\n# no heading\n```\n## `Api-Key`, and_more!\n## Two words\n";
    let expected = ["two-words", "api-key-and_more", "two-words-1"];
    assert_eq!(anchors(page), expected.map(str::to_owned).into());
}

#[test]
fn finds_links_and_their_faults() {
    let page = "See [two\nwords](design.md), [`code`](#there) and [one].\n`[not](this)`\n\n[one]: nowhere.md\n";
    assert_eq!(targets(page), ["design.md", "#there", "nowhere.md"]);
    let page = Path::new("docs/security.md");
    assert_eq!(fault(page, "nowhere.md"), Some("there is no such file"));
    assert_eq!(fault(page, "design.md#nowhere"), Some("the page has no such heading"));
    assert_eq!(fault(page, "../README.md#read-on"), None);
}
