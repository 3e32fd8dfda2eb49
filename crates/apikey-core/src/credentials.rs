//! Where the key is in a request: finds the one credential, or says why there is none.

use std::fmt;
use std::sync::Arc;

use crate::key::PresentedKey;
use crate::key::format::Formats;

/// The head of a request, as an adapter lends it. Bytes only: the core splits, decodes and decides.
pub trait RequestHead {
    /// Calls `each` with the value of every header line of this name (given in lower case), in order.
    fn header_lines(&self, name: &str, each: &mut dyn FnMut(&[u8]));

    /// Returns the query of the URL as sent, without the `?`.
    fn query(&self) -> Option<&str>;
}

/// A place in a request that may carry the key.
///
/// A location holds a credential if its scheme or name is present, even with nothing behind it. More
/// than one credential over all locations of a handle is refused.
#[derive(Debug, Clone)]
pub struct KeyLocation(pub(crate) Place);

#[derive(Clone)]
pub(crate) enum Place {
    Authorization { scheme: String },
    Bearer { exclusive: bool },
    Header { name: String },
    Query { name: String },
    Own { find: Arc<FindCredentials> },
}

type FindCredentials = dyn Fn(&dyn RequestHead, &mut dyn FnMut(&[u8])) + Send + Sync;

impl KeyLocation {
    /// `Authorization: <scheme> <key>`, the scheme in any case. The default is
    /// `authorization("Api-Key")`.
    #[must_use]
    pub fn authorization(scheme: impl Into<String>) -> Self {
        Self(Place::Authorization { scheme: scheme.into() })
    }

    /// `Authorization: Bearer <key>`, shared with other bearer tokens: a text that does not begin with
    /// the brand of an accepted format is left to others. Formats without a brand need
    /// [`exclusive`](Self::exclusive).
    #[must_use]
    pub fn bearer() -> Self {
        Self(Place::Bearer { exclusive: false })
    }

    /// Claims every bearer token; without effect on other locations.
    #[must_use]
    pub fn exclusive(self) -> Self {
        match self.0 {
            Place::Bearer { .. } => Self(Place::Bearer { exclusive: true }),
            other => Self(other),
        }
    }

    /// A header that holds the key and nothing else, such as `X-Api-Key`.
    #[must_use]
    pub fn header(name: impl Into<String>) -> Self {
        Self(Place::Header { name: name.into().to_ascii_lowercase() })
    }

    /// A parameter of the query, such as `?api_key=…`.
    ///
    /// # Security
    /// URLs are written to the logs of servers and proxies, to browser histories and to `Referer`
    /// headers. Use it only where a client cannot send headers, with keys that may do little and expire
    /// soon.
    #[must_use]
    pub fn query(name: impl Into<String>) -> Self {
        Self(Place::Query { name: name.into() })
    }

    /// A place of your own, such as a cookie: `find` calls its second argument once for each credential.
    ///
    /// # Security
    /// Browsers send cookies on their own: a key in a cookie needs protection against CSRF.
    ///
    /// # Examples
    /// ```
    /// use apikey_core::KeyLocation;
    ///
    /// let cookie = KeyLocation::from_fn(|head, found| {
    ///     head.header_lines("cookie", &mut |line| {
    ///         for pair in line.split(|byte| *byte == b';').map(<[u8]>::trim_ascii) {
    ///             if let Some(key) = pair.strip_prefix(b"api_key=") {
    ///                 found(key);
    ///             }
    ///         }
    ///     });
    /// });
    /// ```
    #[must_use]
    pub fn from_fn<F>(find: F) -> Self
    where
        F: Fn(&dyn RequestHead, &mut dyn FnMut(&[u8])) + Send + Sync + 'static,
    {
        Self(Place::Own { find: Arc::new(find) })
    }

    /// Returns the header (in lower case) that carries the key at this location, if it is one: for
    /// adapters, which mark it as sensitive or remove it.
    #[must_use]
    pub fn header_name(&self) -> Option<&str> {
        match &self.0 {
            Place::Authorization { .. } | Place::Bearer { .. } => Some(AUTHORIZATION),
            Place::Header { name } => Some(name),
            Place::Query { .. } | Place::Own { .. } => None,
        }
    }

    /// Returns the query without the parameter that carries the key, if this location is a parameter of
    /// the query. The other parameters stay as they were sent.
    #[must_use]
    pub fn strip_query(&self, query: &str) -> Option<String> {
        let Place::Query { name } = &self.0 else {
            return None;
        };
        let kept = query.split('&').filter(|pair| {
            !form_urlencoded::parse(pair.as_bytes())
                .any(|(parameter, _)| parameter == name.as_str())
        });
        Some(kept.collect::<Vec<_>>().join("&"))
    }

    /// Returns the challenge by which `WWW-Authenticate` names this location.
    pub(crate) fn challenge(&self, realm: &str) -> String {
        let scheme = match &self.0 {
            Place::Authorization { scheme } => scheme,
            Place::Bearer { .. } => "Bearer",
            Place::Header { .. } | Place::Query { .. } | Place::Own { .. } => "Api-Key",
        };
        format!(r#"{scheme} realm="{realm}""#)
    }

    /// Whether both locations would find the same credential.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Place::Authorization { scheme: a }, Place::Authorization { scheme: b }) => {
                a.eq_ignore_ascii_case(b)
            }
            (Place::Bearer { .. }, Place::Bearer { .. }) => true,
            (Place::Header { name: a }, Place::Header { name: b })
            | (Place::Query { name: a }, Place::Query { name: b }) => a == b,
            _ => false,
        }
    }

    /// Whether the scheme or the name can occur in a request at all.
    pub(crate) fn is_well_formed(&self) -> bool {
        match &self.0 {
            Place::Authorization { scheme } => {
                is_token(scheme) && !scheme.eq_ignore_ascii_case(BEARER)
            }
            Place::Header { name } => is_token(name) && name != AUTHORIZATION,
            Place::Query { name } => !name.is_empty(),
            Place::Bearer { .. } | Place::Own { .. } => true,
        }
    }

    /// Calls `found` with each credential at this location; says whether others share the header.
    fn each_credential(
        &self,
        head: &dyn RequestHead,
        formats: &Formats,
        found: &mut dyn FnMut(&[u8]),
    ) {
        match &self.0 {
            Place::Authorization { scheme } => {
                each_authorization(head, found, |line| after_scheme(line, scheme));
            }
            Place::Bearer { exclusive: true } => {
                each_authorization(head, found, |line| after_scheme(line, BEARER));
            }
            Place::Bearer { exclusive: false } => each_authorization(head, found, |line| {
                after_scheme(line, BEARER).filter(|token| has_brand(token, formats))
            }),
            Place::Header { name } => each_line(head, name, found),
            Place::Query { name } => {
                let query = head.query().unwrap_or_default();
                form_urlencoded::parse(query.as_bytes())
                    .filter(|(parameter, _)| parameter == name.as_str())
                    .for_each(|(_, value)| found(value.as_bytes()));
            }
            Place::Own { find } => find(head, found),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authorization { scheme } => write!(f, "authorization {scheme}"),
            Self::Bearer { exclusive: false } => f.write_str("bearer"),
            Self::Bearer { exclusive: true } => f.write_str("bearer, exclusive"),
            Self::Header { name } => write!(f, "header {name}"),
            Self::Query { name } => write!(f, "query {name}"),
            Self::Own { .. } => f.write_str("own"),
        }
    }
}

/// What a request carries.
pub(crate) enum Credentials {
    None,
    /// One credential, at the location of this number.
    One(usize),
    Several,
}

const AUTHORIZATION: &str = "authorization";
const BEARER: &str = "Bearer";

/// Looks at all locations, so that a second credential is never overlooked, and copies the first
/// credential into `key`.
pub(crate) fn find(
    locations: &[KeyLocation],
    formats: &Formats,
    head: &dyn RequestHead,
    key: &mut PresentedKey,
) -> Credentials {
    let mut credentials = Credentials::None;
    for (number, location) in locations.iter().enumerate() {
        location.each_credential(head, formats, &mut |credential| {
            credentials = match credentials {
                Credentials::None => {
                    key.set(credential);
                    Credentials::One(number)
                }
                Credentials::One(_) | Credentials::Several => Credentials::Several,
            };
        });
    }
    credentials
}

/// Calls `each` with every line of a header, trimmed. A line that is not UTF-8 counts as not sent.
fn each_line(head: &dyn RequestHead, name: &str, each: &mut dyn FnMut(&[u8])) {
    head.header_lines(name, &mut |line| {
        if std::str::from_utf8(line).is_ok() {
            each(line.trim_ascii());
        }
    });
}

/// Reports the credentials among the `Authorization` lines; beside one of ours, a foreign line counts
/// as a second credential.
fn each_authorization<F>(head: &dyn RequestHead, found: &mut dyn FnMut(&[u8]), ours: F)
where
    F: for<'a> Fn(&'a [u8]) -> Option<&'a [u8]>,
{
    let (mut own, mut foreign) = (0, 0);
    each_line(head, AUTHORIZATION, &mut |line| match ours(line) {
        Some(credential) => {
            own += 1;
            found(credential);
        }
        None => foreign += 1,
    });
    if own > 0 && foreign > 0 {
        found(b"");
    }
}

/// Returns what follows the scheme and its spaces; empty if nothing does.
fn after_scheme<'a>(line: &'a [u8], scheme: &str) -> Option<&'a [u8]> {
    let end = line.iter().position(|byte| matches!(byte, b' ' | b'\t')).unwrap_or(line.len());
    let (own, rest) = line.split_at(end);
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
    own.eq_ignore_ascii_case(scheme.as_bytes()).then(|| &rest[spaces..])
}

/// Whether the text begins with the brand of an accepted format.
fn has_brand(token: &[u8], formats: &Formats) -> bool {
    formats.brands().flatten().any(|brand| {
        token.strip_prefix(brand.as_bytes()).is_some_and(|rest| rest.starts_with(b"_"))
    })
}

/// A token of RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    let is_token_byte =
        |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token_byte)
}
