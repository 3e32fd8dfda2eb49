//! The Rust files of the workspace, as text.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

/// One Rust file.
#[derive(Debug)]
pub(crate) struct Source {
    /// The path from the root of the workspace, with `/` between its parts.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// Returns the last part of the path.
    pub(crate) fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Tells whether the file is in the `src` of a package, rather than among its tests or benches.
    pub(crate) fn is_in_src(&self) -> bool {
        self.path.split('/').nth(2) == Some("src")
    }

    /// Returns the lines that are not comments, with their numbers.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines().filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// Returns all lines, with their numbers.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }
}

/// Reads every Rust file under `crates`, `examples` and `tests`, in the order of their paths.
pub(crate) fn read_all(root: &Path) -> anyhow::Result<Vec<Source>> {
    let mut files = Vec::new();
    for folder in ["crates", "examples", "tests"] {
        let folder = root.join(folder);
        if folder.is_dir() {
            find(&folder, &mut files)?;
        }
    }
    files.sort();
    files.iter().map(|file| read(root, file)).collect()
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("target") {
            find(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

fn read(root: &Path, file: &Path) -> anyhow::Result<Source> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let parts: Vec<_> =
        file.strip_prefix(root)?.iter().map(|part| part.to_string_lossy()).collect();
    Ok(Source { path: parts.join("/"), text })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;

    #[test]
    fn finds_this_file() {
        let sources = read_all(workspace::root()).unwrap();
        let this =
            sources.iter().find(|source| source.path == "crates/xtask/src/source.rs").unwrap();
        assert!(this.is_in_src());
        assert_eq!(this.file_name(), "source.rs");
        assert!(this.text.starts_with("//! The Rust files"));
    }
}
