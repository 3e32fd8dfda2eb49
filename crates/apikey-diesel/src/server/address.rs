//! Which database on which server a URL names.

use url::Url;

use crate::address::{Place, trimmed};
use crate::error::ConnectError;

/// What a driver takes in a URL.
pub(crate) struct Driver {
    /// The names of its scheme; it knows the first.
    pub(crate) schemes: [&'static str; 2],
    pub(crate) port: u16,
    pub(crate) parameters: &'static [&'static str],
}

/// By which names clients of all kinds ask for TLS. `require_ssl` is none of them: a driver that knows it may have TLS.
const TLS: [&str; 5] = ["sslmode", "ssl-mode", "ssl_mode", "ssl", "tls"];

/// The values of these that demand none.
const WITHOUT_TLS: [&str; 8] =
    ["disable", "disabled", "allow", "prefer", "preferred", "false", "off", "0"];

/// A URL with a password, and what of it may be shown.
pub(crate) struct Address {
    /// As the driver takes it.
    pub(crate) url: String,
    place: Place,
}

impl Address {
    /// Takes a URL apart.
    pub(crate) fn parse(url: &str, driver: &Driver) -> Result<Self, ConnectError> {
        let [scheme, _] = driver.schemes;
        let wrong = |problem| ConnectError::ServerUrl { scheme, problem };
        let url = trimmed(url);
        // What reads the URL here drops some of it, and the driver does not.
        if url.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(wrong("has white space or a control character in it"));
        }
        // Its errors show nothing of the text, and neither do ours.
        let parsed = Url::parse(url).map_err(|_| wrong("is not understood"))?;
        if !driver.schemes.contains(&parsed.scheme()) {
            return Err(wrong("is that of another kind of database"));
        }
        if may_show_password(&parsed) {
            return Err(wrong("goes on behind its host as if a password had ended early"));
        }
        let database = parsed.path().trim_start_matches('/').to_owned();
        if database.is_empty() {
            return Err(wrong("names no database"));
        }
        let host = match parsed.host_str() {
            Some(host) if !host.is_empty() => host.to_owned(),
            _ => return Err(wrong("names no host")),
        };
        let place = Place { host, port: parsed.port().unwrap_or(driver.port), database };
        known(&parsed, driver, &place)?;
        // `mariadb:` and `postgresql:` are other names for the same.
        let rest = url.split_once(':').map_or("", |(_, rest)| rest);
        Ok(Self { url: format!("{scheme}:{rest}"), place })
    }

    pub(crate) fn place(&self) -> Place {
        self.place.clone()
    }
}

/// Refuses what the driver would not know, and says of a demand for TLS what it is, by whatever name.
fn known(url: &Url, driver: &Driver, place: &Place) -> Result<(), ConnectError> {
    let [scheme, _] = driver.schemes;
    for (name, value) in url.query_pairs() {
        if TLS.contains(&&*name) && !WITHOUT_TLS.contains(&value.to_lowercase().as_str()) {
            let source = format!("the URL says so by {name:?}").into();
            return Err(ConnectError::NoTls { place: place.clone(), source });
        }
        if driver.parameters.contains(&&*name) {
            continue;
        }
        // What is not written like a parameter may be anything, the rest of a password for one.
        if value.is_empty() {
            let problem = "has a parameter without a value";
            return Err(ConnectError::ServerUrl { scheme, problem });
        }
        let name = name.chars().take(LONGEST_NAME).collect();
        return Err(ConnectError::Parameter { scheme, name });
    }
    Ok(())
}

/// As much of the name of a parameter is shown.
const LONGEST_NAME: usize = 40;

/// Whether what stands behind the host may be the rest of a password: `/`, `?` and `#` in one end it, and what was
/// before is taken for a host and its port.
fn may_show_password(url: &Url) -> bool {
    let path = url.path();
    let path = path.strip_prefix('/').unwrap_or(path);
    let behind = [Some(path), url.query(), url.fragment()];
    path.contains([':', '/']) || behind.into_iter().flatten().any(|part| part.contains('@'))
}
