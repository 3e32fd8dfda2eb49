//! Who may know whom: a crate that depends on the wrong crate fails here.

#[path = "architecture/rooms.rs"]
mod rooms;

use std::{collections::BTreeSet, env, io, process::Command};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

use crate::rooms::Rooms;

/// What one crate under `crates/` may depend on within the workspace.
struct Room {
    name: &'static str,
    knows: &'static [&'static str],
    /// What its tests may use besides `knows` and `FOR_EVERY_TEST`.
    tests_with: &'static [&'static str],
}

const ROOMS: [Room; 12] = [
    room("apikey-core", &[]),
    room("apikey-axum", &["apikey-core"]),
    room("apikey-actix", &["apikey-core"]),
    room("apikey-rocket", &["apikey-core"]),
    room("apikey-diesel", &["apikey-core", "apikey-diesel-derive"]),
    Room {
        // The code that it generates names this crate.
        tests_with: &["apikey-diesel"],
        ..room("apikey-diesel-derive", &[])
    },
    room("apikey-conformance", &["apikey-core"]),
    room("apikey-cli", &["apikey-core", "apikey-diesel"]),
    room("apikey-redis", &["apikey-core"]),
    room("apikey-admin", &["apikey-core", "apikey-axum"]),
    room(
        "bench-servers",
        &["apikey-core", "apikey-axum", "apikey-actix", "apikey-rocket", "apikey-diesel"],
    ),
    room("xtask", &[]),
];

const FOR_EVERY_TEST: [&str; 2] = ["apikey-core", "apikey-conformance"];

/// What the core does without, because whoever embeds it brings their own.
const FOREIGN: [&str; 4] = ["async-std", "futures-executor", "http", "smol"];

/// The same, with every crate whose name begins so.
const FOREIGN_FAMILIES: [&str; 7] =
    ["actix", "axum", "diesel", "hyper", "rocket", "tokio", "tower"];

const fn room(name: &'static str, knows: &'static [&'static str]) -> Room {
    Room { name, knows, tests_with: &[] }
}

impl Room {
    fn allows(&self, to: &str, kind: DependencyKind) -> bool {
        self.knows.contains(&to)
            || kind == DependencyKind::Development
                && (FOR_EVERY_TEST.contains(&to) || self.tests_with.contains(&to))
    }
}

#[test]
fn crates_know_only_whom_they_may() {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let wrong: Vec<_> =
        arrows(&metadata).flat_map(|(from, arrows)| wrong_arrows(from, &arrows)).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_core_needs_no_framework_runtime_or_database() {
    for features in [None, Some("--all-features")] {
        let tree = core_tree(features).unwrap();
        let foreign = foreign(&tree);
        assert!(
            foreign.is_empty(),
            "apikey-core depends on {foreign:?}; `cargo tree -p apikey-core -e normal {} -i <crate>` shows why",
            features.unwrap_or_default()
        );
    }
}

/// What is still a knot. A crate whose rooms are untied leaves this list, and never comes back.
const TIED: [&str; 4] = ["apikey-cli", "apikey-core", "apikey-diesel", "organizations"];

#[test]
fn rooms_import_each_other_without_circles() {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let (mut circles, mut tied) = (Vec::new(), Vec::new());
    for package in &metadata.packages {
        let folder = package.manifest_path.with_file_name("");
        let name = package.name.as_str();
        let has_rooms = folder.join("src").is_dir();
        let rooms = has_rooms.then(|| Rooms::of(folder.as_std_path()).unwrap());
        match rooms.and_then(|rooms| rooms.circle()) {
            Some(_) if TIED.contains(&name) => tied.push(name),
            Some(circle) => circles.push(format!("{name}:\n{circle}")),
            None => {}
        }
    }
    assert!(circles.is_empty(), "rooms that import each other:\n{}", circles.join("\n"));
    tied.sort_unstable();
    assert_eq!(tied, TIED, "a crate without circles: take it out of `TIED`");
}

#[test]
fn names_the_lines_that_tie_a_circle() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; pub use crate::c::deep::Thing;"),
        (
            "a.rs",
            "use crate::{b::One, c};\n// use crate::a::Two\n#[cfg(test)]\nmod tests { use crate::d::X; }",
        ),
        ("b.rs", "mod deep;\n\nfn f() -> crate::Thing { \"crate::a::Two\" }"),
        ("b/deep.rs", "use super::One;\nmod inner { use super::super::super::c::Three; }"),
        ("c.rs", "pub mod deep;"),
        ("c/deep.rs", "pub struct Thing;"),
        ("d.rs", "#[macro_export] macro_rules! of_d { () => {} }\nuse crate::a::A;"),
    ];
    let read = |more: &[(&str, &str)]| {
        let owned = |(name, text): &(&str, &str)| {
            ((*name).to_owned(), format!("x/src/{name}"), (*text).to_owned())
        };
        Rooms::read(files.iter().chain(more).map(owned)).unwrap()
    };
    assert_eq!(read(&[]).circle(), None);
    let by_name = read(&[("c/more.rs", "\nuse crate::b::One;")]).circle();
    assert_eq!(by_name.unwrap(), "  b -> c: x/src/b.rs:3\n  c -> b: x/src/c/more.rs:2");
    let by_super = read(&[("c/more.rs", "use super::super::b;")]).circle();
    assert!(by_super.unwrap().contains("c -> b: x/src/c/more.rs:1"));
    let by_macro = read(&[("a/more.rs", "fn f() {\n    $crate::of_d!();\n}")]).circle();
    assert_eq!(by_macro.unwrap(), "  a -> d: x/src/a/more.rs:2\n  d -> a: x/src/d.rs:2");
}

#[test]
fn reports_a_wrong_arrow() {
    use DependencyKind::{Build, Development, Normal};

    for (from, to, kind) in [
        ("apikey-core", "apikey-conformance", Normal),
        ("apikey-core", "apikey-axum", Development),
        ("apikey-core", "apikey-diesel", Development),
        ("apikey-axum", "apikey-diesel", Build),
        ("apikey-axum", "apikey-conformance", Normal),
        ("apikey-diesel", "apikey-cli", Development),
    ] {
        let wrong = wrong_arrows(from, &[("apikey-core", Development), (to, kind)]);
        assert_eq!(wrong.len(), 1, "{from} -> {to} ({kind})");
        assert!(wrong[0].starts_with(&format!("{from} -> {to} ({kind})")));
    }
}

#[test]
fn accepts_the_arrows_of_the_table() {
    use DependencyKind::{Development, Normal};

    for (from, to, kind) in [
        ("apikey-axum", "apikey-core", Normal),
        ("apikey-axum", "apikey-conformance", Development),
        ("apikey-cli", "apikey-diesel", Normal),
        ("apikey-diesel-derive", "apikey-diesel", Development),
    ] {
        assert!(wrong_arrows(from, &[(to, kind)]).is_empty());
    }
}

#[test]
fn reports_a_crate_without_a_room() {
    let wrong = wrong_arrows("apikey-warp", &[]);
    assert!(wrong[0].starts_with("apikey-warp: add it to `ROOMS`"));
}

#[test]
fn reports_foreign_crates_and_their_families() {
    let tree = "apikey-core v0.1.0 (/home/apikey)\nsha2 v0.11.1\nhttparse v1.10.1\n\
                http v1.5.0\ntokio-util v0.7.0 (*)\ndiesel_derives v2.3.0 (proc-macro)\n";
    assert_eq!(Vec::from_iter(foreign(tree)), ["diesel_derives", "http", "tokio-util"]);
    assert!(foreign("apikey-core v0.1.0 (/home/tokio)\nsha2 v0.11.1\n").is_empty());
}

/// Returns every crate under `crates/`, with its dependencies within the workspace.
fn arrows(metadata: &Metadata) -> impl Iterator<Item = (&str, Vec<(&str, DependencyKind)>)> {
    let members: BTreeSet<&str> = metadata.packages.iter().map(|p| p.name.as_str()).collect();
    let folder = metadata.workspace_root.join("crates");
    metadata.packages.iter().filter(move |package| package.manifest_path.starts_with(&folder)).map(
        move |package| {
            let arrows = package
                .dependencies
                .iter()
                .map(|dependency| (dependency.name.as_str(), dependency.kind))
                .filter(|(name, _)| members.contains(name))
                .collect();
            (package.name.as_str(), arrows)
        },
    )
}

fn wrong_arrows(from: &str, arrows: &[(&str, DependencyKind)]) -> Vec<String> {
    let Some(room) = ROOMS.iter().find(|room| room.name == from) else {
        return vec![format!(
            "{from}: add it to `ROOMS` in tests/architecture.rs, with the crates it may know"
        )];
    };
    arrows
        .iter()
        .filter(|(to, kind)| !room.allows(to, *kind))
        .map(|(to, kind)| {
            format!(
                "{from} -> {to} ({kind}): move what needs it, or argue for a new arrow in `ROOMS`"
            )
        })
        .collect()
}

/// Asks `cargo tree` rather than `cargo metadata`, which mixes in the features that other members switch on.
fn core_tree(features: Option<&str>) -> io::Result<String> {
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["tree", "--package", "apikey-core", "--edges", "normal"])
        .args(["--prefix", "none", "--format", "{p}"])
        .args(features)
        .output()?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(io::Error::other(String::from_utf8_lossy(&output.stderr)))
    }
}

/// Returns the crates that a tree, one crate a line, should not contain.
fn foreign(tree: &str) -> BTreeSet<&str> {
    tree.lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| {
            FOREIGN.contains(name) || FOREIGN_FAMILIES.iter().any(|family| name.starts_with(family))
        })
        .collect()
}
