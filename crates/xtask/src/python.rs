//! Python environments: for the tests that run a Django site, and for tools that come as Python packages.
//!
//! They stand in cargo's target folder, and are made anew when the list of their packages changes.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, bail};

use crate::{
    services::{install, program},
    workspace,
};

/// Names the interpreter to the tests.
pub(crate) const VARIABLE: &str = "APIKEY_TEST_PYTHON";

/// The packages, each with its version, from the root of the workspace.
const REQUIREMENTS: &str = "crates/apikey-diesel/tests/django/requirements.txt";

/// The interpreter, where the environment does not name one.
#[derive(Debug)]
pub(crate) enum Python {
    /// The environment names one.
    Given,
    /// One with the packages.
    Ready(PathBuf),
    /// Why there is none.
    Missing(String),
}

/// Finds the interpreter, or makes an environment with one.
pub(crate) fn prepare() -> Python {
    if env::var_os(VARIABLE).is_some() {
        return Python::Given;
    }
    let made = workspace::target()
        .and_then(|target| environment(&target.join("django-python"), REQUIREMENTS));
    match made {
        Ok(python) => Python::Ready(python),
        Err(error) => Python::Missing(format!("Python: {error:#}").replace('\n', " ")),
    }
}

/// Makes an environment in a folder, unless it is there with the same packages, and returns its interpreter.
pub(crate) fn environment(folder: &Path, requirements: &str) -> anyhow::Result<PathBuf> {
    let requirements = workspace::root().join(requirements);
    let wanted = fs::read_to_string(&requirements).context("cannot read the list of packages")?;
    let (python, stamp) = (folder.join(interpreter()), folder.join("installed.txt"));
    if python.is_file() && fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    if folder.exists() {
        fs::remove_dir_all(folder).context("cannot remove the old environment")?;
    }
    eprintln!("installing Python packages into {}", folder.display());
    if create(folder).is_err() {
        // Debian's Python lacks what makes environments, or there is none at all.
        install::packages(&["python3", "python3-venv"]);
        create(folder)?;
    }
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    run(pip.arg(&requirements))?;
    // Last, so that an environment that was cut short is made again.
    fs::write(stamp, wanted).context("cannot note what is installed")?;
    Ok(python)
}

fn create(folder: &Path) -> anyhow::Result<()> {
    let python = program::find(&["python3", "python"])?;
    run(Command::new(python).args(["-m", "venv", "--clear"]).arg(folder))
}

/// Where an environment has its interpreter.
fn interpreter() -> &'static str {
    if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" }
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        bail!("{:?} failed: {last}", command.get_program());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_is_pinned_to_a_version() {
        let text = fs::read_to_string(workspace::root().join(REQUIREMENTS)).unwrap();
        let packages = text.lines().filter(|line| !line.starts_with('#'));
        for package in packages {
            assert!(package.contains("=="), "{package}");
        }
    }

    #[test]
    fn says_why_a_command_failed_in_one_line() {
        let error = run(Command::new("cargo").arg("no-such-command")).unwrap_err().to_string();
        assert!(error.starts_with("\"cargo\" failed: "), "{error}");
        assert_eq!(error.lines().count(), 1);
    }

    #[test]
    fn keeps_an_environment_that_has_these_packages() {
        let folder = tempfile::tempdir().unwrap();
        let python = folder.path().join(interpreter());
        fs::create_dir_all(python.parent().unwrap()).unwrap();
        fs::write(&python, "").unwrap();
        let wanted = fs::read_to_string(workspace::root().join(REQUIREMENTS)).unwrap();
        fs::write(folder.path().join("installed.txt"), wanted).unwrap();
        assert_eq!(environment(folder.path(), REQUIREMENTS).unwrap(), python);
    }
}
