//! The programs under test, built as they are now.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use cargo_metadata::Message;

const PROGRAMS: [&str; 4] = ["quickstart-axum", "quickstart-actix", "quickstart-rocket", "apikey"];

/// Returns the path of a program.
pub(crate) fn program(name: &str) -> &'static Path {
    static BUILT: OnceLock<HashMap<String, PathBuf>> = OnceLock::new();
    &BUILT.get_or_init(build)[name]
}

/// Builds them, as `cargo test` does not build the programs of a package without a test, and a program that
/// lies there may be an old one.
///
/// The whole workspace, all features and one test are named so that features are those of `cargo xtask
/// test`: behind it, only the programs themselves are compiled.
fn build() -> HashMap<String, PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--workspace", "--all-features", "--test", "end_to_end"]);
    cargo.args(PROGRAMS.iter().flat_map(|name| ["--bin", name]));
    cargo.arg("--message-format=json-render-diagnostics");
    let output = cargo.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "the programs can be built: {}", output.status);
    Message::parse_stream(output.stdout.as_slice())
        .filter_map(|message| match message.unwrap() {
            Message::CompilerArtifact(artifact) if artifact.target.is_bin() => {
                Some((artifact.target.name, artifact.executable?.into()))
            }
            _ => None,
        })
        .collect()
}
