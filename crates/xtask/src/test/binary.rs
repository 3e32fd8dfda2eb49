//! The test binaries: built by cargo, started by this program.

use std::{
    ffi::OsString,
    io::BufReader,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context, bail};
use cargo_metadata::{Artifact, Message, MetadataCommand, TargetKind};

use crate::workspace;

/// A program that holds tests.
#[derive(Debug, Clone)]
pub(super) struct Binary {
    pub(super) package: String,
    /// The target in the package, as in `--test NAME`.
    pub(super) target: String,
    pub(super) kind: Kind,
    version: String,
    manifest: PathBuf,
    program: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Lib,
    Bin,
    Test,
}

/// Builds all of them; cargo says how that goes. `arguments` are added to its own.
pub(super) fn build(arguments: &[OsString]) -> anyhow::Result<Vec<Binary>> {
    let metadata = MetadataCommand::new().current_dir(workspace::root()).no_deps().exec();
    let packages = metadata.context("cannot run cargo metadata")?.packages;
    let mut cargo = workspace::cargo();
    cargo.args(["test", "--workspace", "--all-features", "--no-run"]).args(arguments);
    cargo.arg("--message-format=json-render-diagnostics").stdout(Stdio::piped());
    // Its list of executables is one line for each; the summary names them.
    let mut process = cargo.spawn().context("cannot start cargo")?;
    let stdout = process.stdout.take().context("cargo has no output")?;
    let mut binaries = Vec::new();
    for message in Message::parse_stream(BufReader::new(stdout)) {
        if let Message::CompilerArtifact(artifact) = message.context("cannot read from cargo")?
            && artifact.profile.test
            && let Some(package) = packages.iter().find(|package| package.id == artifact.package_id)
        {
            binaries.extend(Binary::of(artifact, &package.name, &package.version.to_string()));
        }
    }
    if !process.wait().context("cannot wait for cargo")?.success() {
        bail!("the tests do not build");
    }
    binaries.sort_by(|a, b| (&a.package, &a.target).cmp(&(&b.package, &b.target)));
    Ok(binaries)
}

impl Binary {
    fn of(artifact: Artifact, package: &str, version: &str) -> Option<Self> {
        let kind = match artifact.target.kind.first()? {
            TargetKind::Test => Kind::Test,
            TargetKind::Bin => Kind::Bin,
            _ => Kind::Lib,
        };
        Some(Self {
            package: package.to_owned(),
            target: artifact.target.name,
            kind,
            version: version.to_owned(),
            manifest: artifact.manifest_path.into(),
            program: artifact.executable?.into(),
        })
    }

    /// What a person calls it.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.package, self.option().join(" "))
    }

    /// What selects it in `cargo test`.
    pub(super) fn option(&self) -> Vec<String> {
        match self.kind {
            Kind::Lib => vec!["--lib".to_owned()],
            Kind::Bin => vec!["--bin".to_owned(), self.target.clone()],
            Kind::Test => vec!["--test".to_owned(), self.target.clone()],
        }
    }

    /// The program, as `cargo test` starts it.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.envs(workspace::settings()).stdin(Stdio::null());
        if let Some(folder) = self.manifest.parent() {
            command.current_dir(folder).env("CARGO_MANIFEST_DIR", folder);
        }
        command.env("CARGO_MANIFEST_PATH", &self.manifest);
        command.env("CARGO_PKG_NAME", &self.package).env("CARGO_PKG_VERSION", &self.version);
        command
    }

    /// Lists its tests: those that these arguments leave.
    pub(super) fn list(&self, arguments: &[OsString]) -> anyhow::Result<Vec<String>> {
        let mut command = self.command();
        let output = command.args(arguments).args(["--list", "--format", "terse"]).output();
        let output = output.with_context(|| format!("cannot start {}", self.name()))?;
        if !output.status.success() {
            bail!("{} does not list its tests", self.name());
        }
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
    }

    #[cfg(test)]
    pub(super) fn named(package: &str, target: &str) -> Self {
        Self {
            package: package.to_owned(),
            target: target.to_owned(),
            kind: Kind::Test,
            version: "0.0.0".to_owned(),
            manifest: PathBuf::new(),
            program: PathBuf::new(),
        }
    }
}
