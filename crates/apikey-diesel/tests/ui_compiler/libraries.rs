//! The libraries that a mistake is compiled against.

use std::path::{Path, PathBuf};

/// What the files of `ui` name.
const NAMES: [&str; 3] = ["apikey_core", "apikey_diesel", "diesel"];

/// Where cargo has put them.
pub(crate) struct Libraries(Vec<(&'static str, PathBuf)>);

impl Libraries {
    /// Finds them in what cargo prints with `--message-format=json`.
    pub(crate) fn of(messages: &str) -> Self {
        let mut libraries = Vec::new();
        for line in messages.lines() {
            let message: serde_json::Value = serde_json::from_str(line).unwrap();
            let target = &message["target"];
            let name = NAMES.into_iter().find(|name| target["name"] == *name);
            let is_library = target["kind"] == serde_json::json!(["lib"]);
            if let Some(name) = name.filter(|_| is_library && message["profile"]["test"] == false) {
                libraries.push((name, metadata(&message["filenames"])));
            }
        }
        libraries.sort();
        let found: Vec<_> = libraries.iter().map(|(name, _)| *name).collect();
        assert_eq!(found, NAMES, "each is built once");
        Self(libraries)
    }

    /// Returns what the compiler has to be told.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = String> {
        let folder = self.0[0].1.parent().map(Path::display).unwrap();
        let names = self.0.iter().map(|(name, file)| format!("--extern={name}={}", file.display()));
        std::iter::once(format!("-Ldependency={folder}")).chain(names)
    }
}

/// Nothing is linked, so what was checked will do as well as what was built.
fn metadata(files: &serde_json::Value) -> PathBuf {
    let files = files.as_array().unwrap();
    let mut files = files.iter().map(|file| PathBuf::from(file.as_str().unwrap()));
    files.find(|file| file.extension().is_some_and(|end| end == "rmeta")).unwrap()
}
