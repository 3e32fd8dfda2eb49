//! What every `Cargo.toml` of the workspace states.

use std::fs;
use std::process::Command;

use cargo_metadata::{MetadataCommand, Package};

#[test]
fn every_manifest_is_complete() {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let mut incomplete = String::new();
    for package in &metadata.packages {
        let text = fs::read_to_string(&package.manifest_path).unwrap();
        for field in missing(package, &text) {
            incomplete += &format!("\n{}: add {field}", package.manifest_path);
        }
    }
    assert!(incomplete.is_empty(), "{incomplete}");
}

#[test]
fn reports_what_is_missing() {
    let metadata = MetadataCommand::new().no_deps().exec().unwrap();
    let mut package = metadata.packages[0].clone();
    package.license = None;
    package.rust_version = None;
    package.description = None;
    package.readme = None;
    package.publish = None;
    assert_eq!(
        missing(&package, "[lints]\nworkspace = false\n"),
        ["`license`", "`rust-version`", "`description`", "`readme`", "`[lints] workspace = true`"]
    );

    package.publish = Some(Vec::new());
    assert!(!missing(&package, "").contains(&"`description`"));
}

/// The lock file may only name crates that build with the Rust version that the workspace states.
#[test]
fn every_dependency_builds_on_the_stated_rust_version() {
    let packages = MetadataCommand::new().exec().unwrap().packages;
    let stated = packages.iter().find(|package| package.name == "apikey-core").unwrap();
    let stated = stated.rust_version.clone().unwrap();
    let newer: Vec<_> = packages
        .iter()
        .filter(|package| package.rust_version.as_ref().is_some_and(|version| *version > stated))
        .map(|package| {
            format!("{} {} needs {:?}", package.name, package.version, package.rust_version)
        })
        .collect();
    assert!(newer.is_empty(), "pin older ones with `cargo update --precise`: {newer:#?}");
}

/// So that an application needs no second dependency, whose version it would have to keep in step.
#[test]
fn every_adapter_has_the_features_of_the_core() {
    let packages = MetadataCommand::new().no_deps().exec().unwrap().packages;
    let named = |name: &str| packages.iter().find(|package| package.name == name).unwrap();
    for adapter in ["apikey-axum", "apikey-actix", "apikey-rocket"] {
        for feature in named("apikey-core").features.keys().filter(|name| *name != "default") {
            let forwarded = named(adapter).features.get(feature);
            let wanted = format!("apikey-core/{feature}");
            assert!(forwarded.is_some_and(|list| list.contains(&wanted)), "{adapter}: {feature}");
        }
    }
}

/// A service on PostgreSQL that builds the command for its own model has its handle, and needs no other database.
#[test]
fn a_command_of_ones_own_brings_no_database() {
    let tree = |features: &[&str]| {
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--package", "apikey-cli", "--edges", "normal", "--prefix", "none"])
            .args(["--no-default-features"])
            .args(features)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let has =
        |tree: &str, name: &str| tree.lines().any(|line| line.starts_with(&format!("{name} ")));
    let alone = tree(&[]);
    for database in ["libsqlite3-sys", "r2d2", "mysql_async", "tokio-postgres"] {
        assert!(!has(&alone, database), "{database}");
    }
    let postgres = tree(&["--features", "postgres"]);
    assert!(has(&postgres, "tokio-postgres"));
    for database in ["libsqlite3-sys", "r2d2", "mysql_async"] {
        assert!(!has(&postgres, database), "{database}");
    }
}

fn missing(package: &Package, text: &str) -> Vec<&'static str> {
    let private = package.publish.as_ref().is_some_and(Vec::is_empty);
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let lints = lines.windows(2).any(|pair| pair == ["[lints]", "workspace = true"]);
    [
        ("`license`", package.license.is_some()),
        ("`rust-version`", package.rust_version.is_some()),
        ("`description`", private || package.description.is_some()),
        ("`readme`", private || package.readme.is_some()),
        ("`[lints] workspace = true`", lints),
    ]
    .into_iter()
    .filter_map(|(field, present)| (!present).then_some(field))
    .collect()
}
