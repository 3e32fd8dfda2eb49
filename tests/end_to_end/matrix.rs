//! The requests that the quickstarts are tried with, and the statuses that they promise.

use std::fmt;

use apikey_conformance::adapter::client::RawRequest;

use Credential::{Good, GoodAndSession, Nothing, Session, Wrong, WrongAndSession};

/// One request.
pub(crate) struct Ask {
    method: &'static str,
    path: &'static str,
    credential: Credential,
    pub(crate) status: u16,
}

/// What a request carries.
#[derive(Debug, Clone, Copy)]
enum Credential {
    Nothing,
    Good,
    Wrong,
    Session,
    GoodAndSession,
    WrongAndSession,
    Twice,
}

const CREDENTIALS: [Credential; 7] =
    [Nothing, Good, Wrong, Session, GoodAndSession, WrongAndSession, Credential::Twice];

/// What `GET` is answered, in the order of `CREDENTIALS`.
const PATHS: [(&str, [u16; 7]); 8] = [
    ("/public", [200, 200, 200, 200, 200, 200, 200]),
    ("/protected", [401, 200, 401, 401, 200, 401, 400]),
    ("/reports", [401, 200, 401, 401, 200, 401, 400]),
    ("/admin/secrets", [401, 403, 401, 401, 403, 401, 400]),
    ("/either", [401, 200, 401, 200, 200, 200, 400]),
    ("/both", [401, 401, 401, 401, 200, 401, 400]),
    ("/nowhere", [404, 404, 404, 404, 404, 404, 404]),
    ("/reports/nowhere", [401, 404, 401, 401, 404, 401, 400]),
];

pub(crate) fn asks() -> Vec<Ask> {
    let mut asks = Vec::new();
    for (path, statuses) in PATHS {
        for (credential, status) in CREDENTIALS.into_iter().zip(statuses) {
            for method in ["GET", "HEAD", "POST", "OPTIONS"] {
                let status = status_of(method, path, status);
                asks.push(Ask { method, path, credential, status });
            }
        }
    }
    asks
}

/// A method that a path does not have is 405 whoever asks, but comes after the key where `require` stands.
fn status_of(method: &str, path: &str, of_get: u16) -> u16 {
    match (method, of_get) {
        ("GET" | "HEAD", _) | (_, 404) => of_get,
        (_, 400 | 401) if path.starts_with("/reports") => of_get,
        _ => 405,
    }
}

impl Ask {
    pub(crate) fn request(&self, key: &str) -> RawRequest {
        let request = RawRequest::new(self.method, self.path);
        let session = |request: RawRequest| request.header("Cookie", "a=b; session=demo");
        match self.credential {
            Nothing => request,
            Good => request.key(key),
            Wrong => request.key(&wrong(key)),
            Session => session(request),
            GoodAndSession => session(request.key(key)),
            WrongAndSession => session(request.key(&wrong(key))),
            Credential::Twice => request.key(key).key(key),
        }
    }
}

/// Changes the last character.
fn wrong(key: &str) -> String {
    let (rest, end) = key.split_at(key.len() - 1);
    format!("{rest}{}", if end == "0" { "1" } else { "0" })
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} with {:?}", self.method, self.path, self.credential)
    }
}
