//! The Rust crates among the other libraries: a package of their own, outside the workspace.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};

use crate::workspace;

/// What their rows mean.
pub(crate) const NOTE: &str = "\
tollgate-auth keeps all digests in memory (HMAC-SHA-256), and compares within a session; api-keys-simplified \
verifies one Argon2id hash, its default. Both without a store; their yardstick is the version of sha2 that \
tollgate-auth uses.";

/// Builds the program that measures them, and returns it.
pub(crate) fn build() -> anyhow::Result<Command> {
    eprintln!("==> building other crates");
    let manifest = workspace::root().join("crates/xtask/peers/crates/Cargo.toml");
    let mut cargo = workspace::cargo();
    cargo.args(["build", "--release", "--locked", "--manifest-path"]).arg(manifest);
    cargo.arg("--target-dir").arg(folder()?);
    ensure!(cargo.status().context("cannot start cargo")?.success(), "they do not build");
    Ok(Command::new(folder()?.join("release/peer-crates")))
}

fn folder() -> anyhow::Result<PathBuf> {
    Ok(workspace::target()?.join("bench-peers").join("crates"))
}
