//! Installing other libraries from their registries, in the versions of their lock files.

use std::path::Path;
use std::process::{Command, Stdio};
use std::{fs, iter};

use anyhow::{Context, ensure};

use crate::services::{install::packages, program};

/// The oldest major version of Node.js that better-auth runs on.
const NODE: u32 = 20;

/// Makes a virtual environment with what `requirements.txt` names, and copies the program.
pub(crate) fn python(source: &Path, folder: &Path) -> anyhow::Result<()> {
    if is_installed(source, folder, &["app.py", "requirements.txt"])? {
        return Ok(());
    }
    if environment(folder).is_err() {
        // Debian's Python lacks what makes environments, or there is none at all.
        packages(&["python3", "python3-venv"]);
        environment(folder).context(
            "Python 3.11 with venv is needed: `apt-get install python3-venv`, `brew install python`",
        )?;
    }
    let mut pip = Command::new(folder.join("venv/bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    run(pip.current_dir(folder).args(["--requirement", "requirements.txt"]))?;
    done(folder)
}

fn environment(folder: &Path) -> anyhow::Result<()> {
    let python = program::find(&["python3", "python"])?;
    run(Command::new(python).current_dir(folder).args(["-m", "venv", "--clear", "venv"]))
}

/// Installs what `package-lock.json` names, and copies the program.
pub(crate) fn node(source: &Path, folder: &Path) -> anyhow::Result<()> {
    if is_installed(source, folder, &["server.mjs", "package.json", "package-lock.json"])? {
        return Ok(());
    }
    if program::find(&["npm"]).is_err() {
        packages(&["nodejs", "npm", "g++", "make"]);
    }
    let advice = || {
        format!(
            "Node.js {NODE} or newer with npm is needed: https://nodejs.org, `brew install node`"
        )
    };
    let (node, npm) = (program::find(&["node"]), program::find(&["npm"]));
    let (node, npm) = (node.with_context(advice)?, npm.with_context(advice)?);
    let version = Command::new(node).arg("--version").output().with_context(advice)?;
    let version = major(&String::from_utf8_lossy(&version.stdout));
    ensure!(version.is_some_and(|version| version >= NODE), advice());
    eprintln!(
        "    where there is no compiled better-sqlite3 it is compiled, which takes some minutes"
    );
    let mut command = Command::new(npm);
    run(command.current_dir(folder).args([
        "ci",
        "--no-audit",
        "--no-fund",
        "--loglevel",
        "error",
    ]))?;
    done(folder)
}

/// Reads what `node --version` prints: `v20.1.2`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().display().to_string();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    let status = status.with_context(|| format!("cannot start {program}"))?;
    ensure!(status.success(), "{program} failed, {status}");
    Ok(())
}

/// Copies the files, and tells whether an installation by the same ones went through.
///
/// The first file is the program: another one needs no other installation.
fn is_installed(source: &Path, folder: &Path, names: &[&str]) -> anyhow::Result<bool> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let stamp = folder.join("installed");
    let counts = iter::once(false).chain(iter::repeat(true));
    for (name, counts) in names.iter().zip(counts) {
        let new = fs::read(source.join(name)).with_context(|| format!("cannot read {name}"))?;
        let target = folder.join(name);
        if fs::read(&target).is_ok_and(|old| old == new) {
            continue;
        }
        if counts && stamp.exists() {
            fs::remove_file(&stamp).context("cannot forget what is installed")?;
        }
        fs::write(&target, new).with_context(|| format!("cannot write {}", target.display()))?;
    }
    Ok(stamp.exists())
}

/// Notes that an installation went through: one that was interrupted begins anew.
fn done(folder: &Path) -> anyhow::Result<()> {
    fs::write(folder.join("installed"), "").context("cannot write what is installed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_major_version_of_node() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("20.20.2"), None);
        assert_eq!(major(""), None);
    }

    #[test]
    fn installs_anew_when_the_lock_is_another_and_not_when_the_program_is() {
        let (source, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let write = |name, text| fs::write(source.path().join(name), text).unwrap();
        let is_there = || is_installed(source.path(), folder.path(), &["program", "lock"]).unwrap();
        write("program", "1");
        write("lock", "1");
        assert!(!is_there());
        assert!(!is_there(), "it was cut short");
        done(folder.path()).unwrap();
        assert!(is_there());
        write("program", "2");
        assert!(is_there());
        assert_eq!(fs::read_to_string(folder.path().join("program")).unwrap(), "2");
        write("lock", "2");
        assert!(!is_there());
        assert_eq!(fs::read_to_string(folder.path().join("lock")).unwrap(), "2");
    }
}
