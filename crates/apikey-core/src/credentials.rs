//! Where the key is in a request.

mod basic;
pub(crate) mod search;

use std::fmt;
use std::sync::Arc;

use crate::key::PlaintextKey;
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
    Basic { user: Option<String> },
    Bearer { claim: Claim },
    Header { name: String },
    Query { name: String },
    Own { find: Arc<FindCredentials> },
}

/// Which bearer tokens are taken for keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Those that begin with a brand, which every accepted format has.
    Brands,
    /// Those that begin with a brand, though there are formats without one.
    BrandsAlone,
    All,
}

type FindCredentials = dyn Fn(&dyn RequestHead, &mut dyn FnMut(&[u8])) + Send + Sync;

impl KeyLocation {
    /// `Authorization: <scheme> <key>`, the scheme in any case. The default is
    /// `authorization("Api-Key")`.
    #[must_use]
    pub fn authorization(scheme: impl Into<String>) -> Self {
        Self(Place::Authorization { scheme: scheme.into() })
    }

    /// `Authorization: Basic <key>` as [RFC 7617] has it, for clients that know a user and a password alone:
    /// the key is the user, and the password is empty, as in `curl -u "$KEY:"`. With [`user`](Self::user)
    /// the key is the password.
    ///
    /// The scheme is then the keys' alone: other users and passwords are invalid keys, as is what cannot be
    /// decoded.
    ///
    /// # Security
    /// A browser answers this challenge by asking for user and password, and sends them from then on by
    /// itself: a service that browsers visit needs protection against CSRF.
    ///
    /// # Examples
    /// ```
    /// use apikey_core::{ApiKeys, KeyLocation, KeyRecord, MemoryStore};
    ///
    /// let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new())
    ///     .locations([KeyLocation::authorization("Api-Key"), KeyLocation::basic()])
    ///     .build()?;
    /// # Ok::<(), apikey_core::BuildError>(())
    /// ```
    ///
    /// [RFC 7617]: https://www.rfc-editor.org/rfc/rfc7617
    #[must_use]
    pub fn basic() -> Self {
        Self(Place::Basic { user: None })
    }

    /// Reads the key from the password of this user, which has neither colons nor control characters and 64
    /// bytes at most; without effect on locations other than [`basic`](Self::basic).
    #[must_use]
    pub fn user(self, name: impl Into<String>) -> Self {
        match self.0 {
            Place::Basic { .. } => Self(Place::Basic { user: Some(name.into()) }),
            other => Self(other),
        }
    }

    /// `Authorization: Bearer <key>`, shared with other bearer tokens: a text that does not begin with
    /// the brand of an accepted format is left to others. Formats without a brand need
    /// [`exclusive`](Self::exclusive), or [`branded`](Self::branded) where their keys come by another
    /// location.
    ///
    /// A challenge `Bearer` tells some clients, those of the Model Context Protocol among them, to look for an
    /// OAuth server. Where they have to ask for a key instead, use
    /// [`authorization("Api-Key")`](Self::authorization) or a [`header`](Self::header).
    #[must_use]
    pub fn bearer() -> Self {
        Self(Place::Bearer { claim: Claim::Brands })
    }

    /// Claims every bearer token; without effect on other locations.
    #[must_use]
    pub fn exclusive(self) -> Self {
        self.claiming(Claim::All)
    }

    /// Reads branded keys alone as bearer tokens, though there are accepted formats without a brand; without
    /// effect on other locations. An unbranded key that is sent as a bearer token counts as no key: for
    /// services that adopted a brand late, and whose old keys come by another header.
    ///
    /// # Examples
    /// ```
    /// use apikey_core::{ApiKeys, KeyFormat, KeyLocation, KeyRecord, MemoryStore};
    ///
    /// let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new())
    ///     .format(KeyFormat::branded("acme_live")?)
    ///     .accept_format(KeyFormat::default()) // the keys from before
    ///     .locations([KeyLocation::bearer().branded(), KeyLocation::header("X-Api-Key")])
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn branded(self) -> Self {
        self.claiming(Claim::BrandsAlone)
    }

    fn claiming(self, claim: Claim) -> Self {
        match self.0 {
            Place::Bearer { .. } => Self(Place::Bearer { claim }),
            other => Self(other),
        }
    }

    /// A header that holds the key and nothing else, such as `X-Api-Key`.
    ///
    /// Use no underscore: nginx and others drop headers with one in their name, and the key counts as not
    /// sent. `build` warns of it in the log.
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
    /// It sees header lines without the white space around them, and none that is not UTF-8. Where it asked for
    /// the header of such a line and no key is found, the key counts as unreadable, not as absent.
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
            Place::Header { name } => Some(name),
            Place::Query { .. } | Place::Own { .. } => None,
            _ => Some(AUTHORIZATION),
        }
    }

    /// Returns how a request carries this key here, if this location would find it.
    pub(crate) fn carry(&self, key: &PlaintextKey, formats: &Formats) -> Option<Carried> {
        let key = key.expose();
        let header = |value| Carried::Header { name: AUTHORIZATION.to_owned(), value };
        match &self.0 {
            Place::Authorization { scheme } => Some(header(format!("{scheme} {key}"))),
            Place::Basic { user } => Some(header(basic::encode(user.as_deref(), key))),
            Place::Bearer { claim } => {
                let is_ours = *claim == Claim::All || search::has_brand(key.as_bytes(), formats);
                is_ours.then(|| header(format!("{BEARER} {key}")))
            }
            Place::Header { name } => {
                Some(Carried::Header { name: name.clone(), value: key.to_owned() })
            }
            Place::Query { name } => {
                let mut pair = form_urlencoded::Serializer::new(String::new());
                Some(Carried::Query { pair: pair.append_pair(name, key).finish() })
            }
            Place::Own { .. } => None,
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
        format!(r#"{} realm="{realm}""#, self.scheme().unwrap_or("Api-Key"))
    }

    /// Returns the scheme that keys have here, if they come by `Authorization`.
    pub(crate) fn scheme(&self) -> Option<&str> {
        match &self.0 {
            Place::Authorization { scheme } => Some(scheme),
            Place::Basic { .. } => Some(BASIC),
            Place::Bearer { .. } => Some(BEARER),
            Place::Header { .. } | Place::Query { .. } | Place::Own { .. } => None,
        }
    }

    /// Whether both locations would find the same credential.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Place::Header { name: a }, Place::Header { name: b })
            | (Place::Query { name: a }, Place::Query { name: b }) => a == b,
            _ => self
                .scheme()
                .zip(other.scheme())
                .is_some_and(|(one, other)| one.eq_ignore_ascii_case(other)),
        }
    }

    /// Whether the scheme or the name can occur in a request at all.
    pub(crate) fn is_well_formed(&self) -> bool {
        match &self.0 {
            Place::Authorization { scheme } => {
                is_token(scheme) && !scheme.eq_ignore_ascii_case(BEARER)
            }
            Place::Basic { user } => user.as_deref().is_none_or(basic::is_user),
            Place::Header { name } => is_token(name) && name != AUTHORIZATION,
            Place::Query { name } => !name.is_empty(),
            Place::Bearer { .. } | Place::Own { .. } => true,
        }
    }

    /// Whether proxies are known to drop the header.
    pub(crate) fn may_be_dropped(&self) -> bool {
        matches!(&self.0, Place::Header { name } if name.contains('_'))
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authorization { scheme } => write!(f, "authorization {scheme}"),
            Self::Basic { user: None } => f.write_str("basic"),
            Self::Basic { user: Some(user) } => write!(f, "basic of user {user}"),
            Self::Bearer { claim: Claim::Brands } => f.write_str("bearer"),
            Self::Bearer { claim: Claim::BrandsAlone } => f.write_str("bearer, branded"),
            Self::Bearer { claim: Claim::All } => f.write_str("bearer, exclusive"),
            Self::Header { name } => write!(f, "header {name}"),
            Self::Query { name } => write!(f, "query {name}"),
            Self::Own { .. } => f.write_str("own"),
        }
    }
}

/// How a request carries a key, as [`ApiKeys::carry`](crate::ApiKeys::carry) says: for tests and clients.
///
/// # Security
/// It holds the key's text; `Debug` is redacted.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Carried {
    /// By a header.
    Header {
        /// Its name, in lower case.
        name: String,
        /// Its value.
        value: String,
    },
    /// By a parameter of the query.
    Query {
        /// Name and value, percent-encoded.
        pair: String,
    },
}

impl fmt::Debug for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header { name, .. } => write!(f, "Carried(header {name}, redacted)"),
            Self::Query { .. } => f.write_str("Carried(query, redacted)"),
        }
    }
}

const AUTHORIZATION: &str = "authorization";
const BASIC: &str = "Basic";
const BEARER: &str = "Bearer";

/// A token of RFC 9110, section 5.6.2.
fn is_token(text: &str) -> bool {
    let is_token_byte =
        |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_token_byte)
}
