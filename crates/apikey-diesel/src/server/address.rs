//! Which database on which server a URL names.

use url::Url;

use crate::address::Place;
use crate::error::ConnectError;

/// A URL with a password, and what of it may be shown.
pub(crate) struct Address {
    /// As the driver takes it.
    pub(crate) url: String,
    place: Place,
}

impl Address {
    /// Takes a URL apart; the first of `schemes` is the one that the driver knows.
    pub(crate) fn parse(
        url: &str,
        schemes: [&'static str; 2],
        port: u16,
    ) -> Result<Self, ConnectError> {
        let [scheme, _] = schemes;
        let wrong = |problem| ConnectError::ServerUrl { scheme, problem };
        // Its errors show nothing of the text, and neither do ours.
        let parsed = Url::parse(url).map_err(|_| wrong("is not understood"))?;
        if !schemes.contains(&parsed.scheme()) {
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
        let place = Place { host, port: parsed.port().unwrap_or(port), database };
        // `mariadb:` and `postgresql:` are other names for the same.
        let rest = url.split_once(':').map_or("", |(_, rest)| rest);
        Ok(Self { url: format!("{scheme}:{rest}"), place })
    }

    pub(crate) fn place(&self) -> Place {
        self.place.clone()
    }
}

/// Whether what stands behind the host may be the rest of a password: `/`, `?` and `#` in one end it, and what was
/// before is taken for a host and its port.
fn may_show_password(url: &Url) -> bool {
    let path = url.path();
    let path = path.strip_prefix('/').unwrap_or(path);
    let behind = [Some(path), url.query(), url.fragment()];
    path.contains([':', '/']) || behind.into_iter().flatten().any(|part| part.contains('@'))
}
