//! What the user called: how it names itself in help, examples and advice.

use std::ffi::OsString;
use std::path::Path;

/// The program that was called.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// As the user writes it.
    pub(crate) name: String,
    /// Whether it is a command for a model of one's own: its handle knows the database and the format.
    pub(crate) is_own: bool,
}

impl Program {
    /// The `apikey` command.
    pub(crate) fn built_in() -> Self {
        Self { name: "apikey".to_owned(), is_own: false }
    }

    /// A command for a model of one's own: of this name, or of that of its file.
    pub(crate) fn own(name: Option<String>, arguments: &[OsString]) -> Self {
        let name = name.or_else(|| {
            let path = Path::new(arguments.first()?);
            // The name of a program, which may have a dot in it, and is called without this one on Windows.
            let file = path.file_name()?.to_str()?;
            Some(file.strip_suffix(".exe").unwrap_or(file).to_owned())
        });
        let name = name.filter(|name| !name.trim().is_empty());
        Self { name: name.unwrap_or_else(|| Self::built_in().name), is_own: true }
    }

    /// Lets a text that names the `apikey` command name this one.
    pub(crate) fn in_place_of_apikey(&self, text: &str) -> String {
        if self.is_own {
            text.replace("apikey ", &format!("{} ", self.name))
        } else {
            text.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_name_of_its_file() {
        for (path, name) in [
            ("team-keys", "team-keys"),
            ("/usr/local/bin/team-keys", "team-keys"),
            ("./target/debug/team.keys.exe", "team.keys"),
            ("", "apikey"),
        ] {
            assert_eq!(Program::own(None, &[path.into()]).name, name);
        }
        assert_eq!(Program::own(None, &[]).name, "apikey");
        assert_eq!(
            Program::own(Some("service keys".to_owned()), &["x".into()]).name,
            "service keys"
        );
    }
}
