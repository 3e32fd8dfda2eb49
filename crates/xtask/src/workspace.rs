//! The workspace: where it lies, and how cargo is run in it.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context;
use cargo_metadata::MetadataCommand;

/// Returns the folder of the root `Cargo.toml`.
pub(crate) fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.ancestors().nth(2).unwrap_or(xtask)
}

/// Returns the cargo that started this program, ready to run at the root.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root()).envs(settings());
    cargo
}

/// What every cargo of a run is told, and the tests, as they run cargo, too.
///
/// CI builds once, and needs neither what a second compilation would start from nor the lines in a backtrace:
/// without both, the compiler takes a quarter less for the crates of the workspace. On a laptop a switch between
/// `CI=true` and nothing builds them anew.
pub(crate) fn settings() -> impl Iterator<Item = (&'static str, &'static str)> {
    const CI: [(&str, &str); 2] = [("CARGO_INCREMENTAL", "0"), ("CARGO_PROFILE_DEV_DEBUG", "0")];
    let is_ci = env::var_os("CI").is_some_and(|ci| ci == "true");
    CI.into_iter().filter(move |(name, _)| is_ci && env::var_os(name).is_none())
}

/// Returns the folder that cargo builds into.
pub(crate) fn target() -> anyhow::Result<PathBuf> {
    let mut metadata = MetadataCommand::new();
    let metadata = metadata.current_dir(root()).no_deps().exec();
    Ok(metadata.context("cannot run cargo metadata")?.target_directory.into())
}
