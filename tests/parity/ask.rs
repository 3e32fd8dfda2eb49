//! One request, written with names in place of keys, so that it can be shown.

use std::fmt;

use apikey_conformance::adapter::client::RawRequest;

/// The texts that stand for `{names}`.
pub(crate) type Texts = [(&'static str, String)];

/// A request as it is sent to each of the servers.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
}

/// How a request carries a credential.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Carrier {
    /// A header of this name: the text in front of the credential.
    Header(&'static str, &'static str),
    /// A parameter of the query, by the text in front of the credential.
    Query(&'static str),
}

impl Ask {
    pub(crate) fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: Vec::new() }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path)
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a credential.
    pub(crate) fn by(self, carrier: Carrier, credential: &str) -> Self {
        match carrier {
            Carrier::Header(name, before) => self.header(name, format!("{before}{credential}")),
            Carrier::Query(before) => {
                let separator = if self.path.contains('?') { '&' } else { '?' };
                Self { path: format!("{}{separator}{before}{credential}", self.path), ..self }
            }
        }
    }

    /// Whether the path is this, whatever the host and the query.
    pub(crate) fn is(&self, path: &str) -> bool {
        self.path_alone() == path
    }

    /// Whether the path is this one, or below it.
    pub(crate) fn is_under(&self, path: &str) -> bool {
        let rest = self.path_alone().strip_prefix(path);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether a header line holds the byte 0xff.
    pub(crate) fn has_a_line_that_is_no_text(&self) -> bool {
        self.headers.iter().any(|(_, value)| value.contains(r"\xff"))
    }

    fn path_alone(&self) -> &str {
        let path = self.path.strip_prefix("http://localhost").unwrap_or(&self.path);
        path.split_once('?').map_or(path, |(path, _)| path)
    }

    /// Fills in the texts.
    pub(crate) fn request(&self, texts: &Texts) -> RawRequest {
        let path = String::from_utf8_lossy(&fill(&self.path, texts)).into_owned();
        let request = RawRequest::new(self.method, &path);
        self.headers
            .iter()
            .fold(request, |request, (name, value)| request.header(name, fill(value, texts)))
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, shortened(&self.path))?;
        // A request with a hundred headers says enough with three.
        self.headers
            .iter()
            .take(3)
            .try_for_each(|(name, value)| write!(f, " | {name}: {}", shortened(value)))
    }
}

fn shortened(text: &str) -> String {
    let end: String = text.chars().take(120).collect();
    if end.len() < text.len() { format!("{end}… ({} bytes)", text.len()) } else { end }
}

/// Puts texts in place of `{names}`, and the byte 0xff, which is never UTF-8, in place of `\xff`.
fn fill(template: &str, texts: &Texts) -> Vec<u8> {
    let mut filled = template.to_owned();
    for (name, text) in texts {
        filled = filled.replace(&format!("{{{name}}}"), text);
    }
    assert!(!filled.contains('{'), "the test has no text for a name in {template}");
    let parts: Vec<_> = filled.split(r"\xff").map(str::as_bytes).collect();
    parts.join(&0xff)
}
