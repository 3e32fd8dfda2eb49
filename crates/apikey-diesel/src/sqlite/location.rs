//! Which database a URL names.

use std::path::Path;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::{ConnectError, scheme};

/// Where a database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Location {
    Memory,
    File { path: String, mode: Mode },
}

/// What may be done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    ReadOnly,
    /// Read-only, and nobody else writes while it is open: whoever opens it says so.
    AtRest,
    ReadWrite,
    Create,
}

fn is_there(path: &str) -> bool {
    Path::new(path).is_file()
}

/// What stands for itself in the file names of SQLite that begin with `file:`.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'~');

impl Location {
    /// Reads a URL. A name that looks like a mistake is one, unless there is such a file: then it is opened as
    /// before, and the log is told.
    pub(crate) fn parse(url: &str) -> Result<Self, ConnectError> {
        let (location, doubt) = Self::read(url, is_there)?;
        if let Some(doubt) = doubt {
            tracing::warn!(
                url,
                "the database URL {doubt}; opened, since there is a file of this name"
            );
        }
        Ok(location)
    }

    /// What [`parse`](Self::parse) would tell the log, or its error.
    pub(crate) fn doubt(url: &str) -> Result<Option<&'static str>, ConnectError> {
        Self::read(url, is_there).map(|(_, doubt)| doubt)
    }

    fn read(
        url: &str,
        is_there: impl Fn(&str) -> bool,
    ) -> Result<(Self, Option<&'static str>), ConnectError> {
        let wrong = |problem| ConnectError::Url { url: url.to_owned(), problem };
        let location = match Self::read_name(url) {
            // What is around it is the likelier mistake.
            Err(_) if is_padded(url) => return Err(wrong(PADDED)),
            location => location?,
        };
        let Self::File { path, .. } = &location else { return Ok((location, None)) };
        let doubt = doubt(url, path);
        match doubt {
            Some(doubt) if !is_there(path) => Err(wrong(doubt)),
            doubt => Ok((location, doubt)),
        }
    }

    fn read_name(url: &str) -> Result<Self, ConnectError> {
        let Some(rest) = url.strip_prefix("sqlite:") else {
            return Err(ConnectError::UnknownScheme { scheme: scheme(url).to_owned() });
        };
        if rest == ":memory:" {
            return Ok(Self::Memory);
        }
        let wrong = |problem| ConnectError::Url { url: url.to_owned(), problem };
        let Some(rest) = rest.strip_prefix("//") else {
            return Err(wrong("lacks the slashes: write sqlite://<path of a file>"));
        };
        let (path, mode) = match rest.rsplit_once("?mode=") {
            None => (rest, Mode::Create),
            Some((path, "rwc")) => (path, Mode::Create),
            Some((path, "rw")) => (path, Mode::ReadWrite),
            Some((path, "ro")) => (path, Mode::ReadOnly),
            Some((path, "ro&immutable=1")) => (path, Mode::AtRest),
            Some(_) => {
                return Err(wrong(
                    "asks for a mode that is none of ro, ro&immutable=1, rw and rwc",
                ));
            }
        };
        match path {
            "" => Err(wrong("names no file: write sqlite://<path of a file>")),
            ":memory:" => Err(wrong(
                "names a file: write sqlite::memory: for a database in memory, \
                 or sqlite://./:memory: for a file of this name",
            )),
            path if path.contains('\0') => {
                Err(wrong("has a NUL character in the name of the file"))
            }
            path => Ok(Self::File { path: path.to_owned(), mode }),
        }
    }

    pub(crate) fn mode(&self) -> Mode {
        match self {
            Self::Memory => Mode::Create,
            Self::File { mode, .. } => *mode,
        }
    }

    /// The same place, where nothing is created.
    pub(crate) fn existing(self) -> Self {
        match self {
            Self::File { path, mode: Mode::Create } => Self::File { path, mode: Mode::ReadWrite },
            other => other,
        }
    }

    /// Returns the name by which SQLite opens exactly this file. A plain name would do for most, but a
    /// mode needs the long form, and a plain name that begins with `file:` would be taken for it.
    pub(crate) fn file_name(&self) -> String {
        match self {
            Self::Memory => ":memory:".to_owned(),
            Self::File { path, mode } => {
                let mode = match mode {
                    Mode::ReadOnly => "ro",
                    Mode::AtRest => "ro&immutable=1",
                    Mode::ReadWrite => "rw",
                    Mode::Create => "rwc",
                };
                // Two slashes would begin the name of a host.
                let here = if path.starts_with('/') { "//" } else { "" };
                format!("file:{here}{}?mode={mode}", utf8_percent_encode(path, ENCODED))
            }
        }
    }
}

const PADDED: &str = "has white space, a line break or another character that is not seen around it, as a text from a \
                      file may: remove it";

fn is_padded(url: &str) -> bool {
    let trimmed = url.trim_matches(is_padding);
    url != trimmed && trimmed.starts_with("sqlite:")
}

/// Whether a character at an end of a URL is one that nobody has typed.
fn is_padding(c: char) -> bool {
    c.is_whitespace() || is_format(c)
}

/// Whether Unicode has a character for how others are shown, as the mark at the beginning of a file.
fn is_format(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// What is likelier a mistake than the name of a file. Who says the mode behind the name means it.
fn doubt(url: &str, path: &str) -> Option<&'static str> {
    if path != path.trim_matches(is_padding) || path.contains(char::is_control) {
        return Some(PADDED);
    }
    if ["ro", "ro&immutable=1", "rw", "rwc"]
        .iter()
        .any(|mode| url.ends_with(&format!("?mode={mode}")))
    {
        return None;
    }
    let (_, parameters) = path.rsplit('/').next()?.split_once('?')?;
    let (name, _) = parameters.split_once('=')?;
    let is_name =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then_some(
        "has a parameter that is not known: the only ones are `?mode=ro`, `?mode=ro&immutable=1`, `?mode=rw` or \
         `?mode=rwc` at the end; a file with such a name is opened if the mode stands behind it, as in \
         sqlite://a?b=c?mode=rwc",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, mode: Mode) -> Location {
        Location::File { path: path.to_owned(), mode }
    }

    #[test]
    fn reads_paths_and_modes() {
        for (url, location) in [
            ("sqlite::memory:", Location::Memory),
            ("sqlite://app.db", file("app.db", Mode::Create)),
            ("sqlite:///var/app.db", file("/var/app.db", Mode::Create)),
            ("sqlite://app.db?mode=ro", file("app.db", Mode::ReadOnly)),
            ("sqlite://app.db?mode=ro&immutable=1", file("app.db", Mode::AtRest)),
            ("sqlite://app.db?mode=rw", file("app.db", Mode::ReadWrite)),
            ("sqlite://app.db?mode=rwc", file("app.db", Mode::Create)),
            ("sqlite://a?b?mode=ro", file("a?b", Mode::ReadOnly)),
            ("sqlite://a?mode=ro?mode=rw", file("a?mode=ro", Mode::ReadWrite)),
            ("sqlite://a?b=c#d?mode=rwc", file("a?b=c#d", Mode::Create)),
            ("sqlite://a?b", file("a?b", Mode::Create)),
            ("sqlite://100%25.db", file("100%25.db", Mode::Create)),
            ("sqlite://file:x", file("file:x", Mode::Create)),
        ] {
            assert_eq!(Location::parse(url).unwrap(), location, "{url}");
        }
    }

    #[test]
    fn refuses_other_urls_with_what_to_write() {
        for (url, part) in [
            ("", "sqlite://"),
            ("app.db", "sqlite://"),
            ("postgres://localhost/app", "\"postgres\""),
            ("sqlite:app.db", "slashes"),
            ("sqlite:", "slashes"),
            ("sqlite://", "no file"),
            ("sqlite://?mode=ro", "no file"),
            ("sqlite://:memory:", "sqlite::memory:"),
            ("sqlite://app.db?mode=x", "ro, ro&immutable=1, rw and rwc"),
            ("sqlite://app.db?mode=rw&immutable=1", "ro, ro&immutable=1, rw and rwc"),
            ("sqlite://a\0b", "NUL"),
        ] {
            let text = Location::parse(url).unwrap_err().to_string();
            assert!(text.contains(part), "{url}: {text}");
        }
    }

    #[test]
    fn refuses_what_is_likelier_a_mistake_unless_there_is_such_a_file() {
        for (url, part) in [
            ("sqlite://app.db?cache=shared", "not known"),
            ("sqlite://app.db?immutable=1", "not known"),
            ("sqlite://app.db?_busy_timeout=5000", "not known"),
            ("sqlite://app.db?cache=shared&mode=rw", "not known"),
            ("sqlite:///var/app.db?cache=", "not known"),
            ("sqlite://app.db\n", "white space"),
            ("sqlite://app.db\r", "white space"),
            ("sqlite://app.db ", "white space"),
            ("sqlite:// app.db", "white space"),
            ("sqlite://app.db\r?mode=rw", "white space"),
            ("sqlite://app.db\u{200b}", "not seen"),
            ("sqlite://app.db\u{200b}?mode=rw", "not seen"),
            ("sqlite://\u{feff}app.db", "not seen"),
            ("sqlite://app.db\u{2060} \u{202c}", "not seen"),
        ] {
            let error = Location::read(url, |_| false).unwrap_err().to_string();
            assert!(error.contains(part), "{url:?}: {error}");
            assert!(!error.contains(['\r', '\n', '\u{200b}', '\u{feff}']), "{error:?}");
            let (location, doubt) = Location::read(url, |_| true).unwrap();
            assert!(matches!(location, Location::File { .. }) && doubt.is_some(), "{url:?}");
        }
        for url in [
            "sqlite://app.db?mode=ro\r\n",
            "sqlite://app.db?mode=ro\u{200b}",
            "sqlite::memory:\n",
            "sqlite::memory:\u{feff}",
            " sqlite://app.db",
            "\u{feff}sqlite://app.db",
            "sqlite:\n",
        ] {
            let error = Location::read(url, |_| true).unwrap_err().to_string();
            assert!(error.contains("white space"), "{url:?}: {error}");
        }
    }

    #[test]
    fn never_repeats_the_password_of_another_url() {
        for url in ["postgres://me:hunter2@db/app", "hunter2@db", "my-sql:hunter2", "me hunter2:x"]
        {
            let text = Location::parse(url).unwrap_err().to_string();
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn encodes_what_means_something_to_sqlite() {
        let name = file("a b?c#d%41&e", Mode::Create).file_name();
        assert_eq!(name, "file:a%20b%3Fc%23d%2541%26e?mode=rwc");
        assert_eq!(file("/a", Mode::ReadOnly).file_name(), "file:///a?mode=ro");
        assert_eq!(file("//a", Mode::ReadWrite).file_name(), "file:////a?mode=rw");
    }
}
