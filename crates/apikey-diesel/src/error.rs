//! What goes wrong at opening.

use apikey_core::BoxError;
use thiserror::Error as ThisError;

use crate::address::Place;

/// Why a database could not be opened. Each text names the place and what to do about it.
///
/// # Security
/// No text holds a URL of another database, which may have a password in it.
#[derive(Debug, ThisError)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL names no kind of database that there is.
    #[error(
        "the database URL begins with {scheme:?}: write sqlite://<path of a file>, sqlite::memory:, \
         postgres://<user>:<password>@<host>/<database> or mysql://<user>:<password>@<host>/<database>"
    )]
    UnknownScheme {
        /// What stands before the colon, or nothing.
        scheme: String,
    },
    /// The kind of database is known, but was not compiled in.
    #[error(
        "this program was built without {feature}: turn on the feature {feature:?} of apikey-diesel"
    )]
    MissingFeature {
        /// The feature.
        feature: &'static str,
    },
    /// The URL of a server is not understood.
    #[error(
        "the database URL {problem}: write {scheme}://<user>:<password>@<host>:<port>/<database>, with \
         what is special in user and password percent-encoded"
    )]
    ServerUrl {
        /// The scheme.
        scheme: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// The URL of a server has a parameter that there is not.
    #[error(
        "the database URL has the parameter {name:?}, which a URL of {scheme} cannot have; leave it out, or see \
         docs/databases.md for those that there are"
    )]
    Parameter {
        /// The scheme.
        scheme: &'static str,
        /// The name of the parameter.
        name: String,
    },
    /// The server, or the URL, demands an encrypted connection.
    #[error(
        "the database of {place} is to be spoken to over TLS, and this build has no TLS; use an encrypted tunnel, or a \
         pool of your own: see \"Encrypted connections\" in docs/databases.md"
    )]
    NoTls {
        /// Host, port and database.
        place: Place,
        /// What the server or the driver says.
        #[source]
        source: BoxError,
    },
    /// No server answers.
    #[error("cannot reach the database server of {place}; check host and port, and that it runs")]
    Unreachable {
        /// Host, port and database.
        place: Place,
        /// What the driver says.
        #[source]
        source: BoxError,
    },
    /// The server answers, and says no.
    #[error(
        "the server refuses {place}; check user, password and the name of the database, and whether it wants TLS, \
         which this build has not: see \"Encrypted connections\" in docs/databases.md"
    )]
    Refused {
        /// Host, port and database.
        place: Place,
        /// What the server says.
        #[source]
        source: BoxError,
    },
    /// The server answers, and takes no more connections for now.
    #[error(
        "the server of {place} takes no connections now; wait until it has started, close others, or raise \
         its limit of connections"
    )]
    Busy {
        /// Host, port and database.
        place: Place,
        /// What the server says.
        #[source]
        source: BoxError,
    },
    /// The built-in table could not be created or changed.
    #[error("cannot migrate {place}; check that this user may create tables in it")]
    Migrate {
        /// Host, port and database.
        place: Place,
        /// What the store says.
        #[source]
        source: BoxError,
    },
    /// The URL begins with `sqlite:`, but is not understood.
    #[error("the database URL {url:?} {problem}")]
    Url {
        /// The URL.
        url: String,
        /// What is wrong with it, and what to write.
        problem: &'static str,
    },
    /// There is no directory of the file.
    #[error(
        "there is no directory {directory:?} to create {path:?} in; create the directory first"
    )]
    MissingDirectory {
        /// The file.
        path: String,
        /// The directory.
        directory: String,
    },
    /// The file does not exist, and the mode does not create it.
    #[error("{path:?} does not exist; drop `?mode=` from the URL to create it")]
    MissingFile {
        /// The file.
        path: String,
    },
    /// The file is a directory.
    #[error("{path:?} is a directory; name a file in it")]
    IsDirectory {
        /// The directory.
        path: String,
    },
    /// The file holds something else.
    #[error("{path:?} is not a SQLite database; name another file, or move this one away")]
    NotADatabase {
        /// The file.
        path: String,
        /// What SQLite says.
        #[source]
        source: BoxError,
    },
    /// The file cannot be written, but its table has to be created or changed.
    #[error(
        "{path:?} has to be migrated but is read-only; allow writing to the file and its directory, \
         or migrate it elsewhere and open it with `?mode=ro`"
    )]
    ReadOnly {
        /// The file.
        path: String,
        /// What SQLite says.
        #[source]
        source: BoxError,
    },
    /// Somebody else holds the lock for longer than the busy timeout.
    #[error("{path:?} is locked; end the program that holds the lock, or wait for it longer")]
    Locked {
        /// The file.
        path: String,
        /// What SQLite says.
        #[source]
        source: BoxError,
    },
    /// Anything else.
    #[error(
        "cannot open {path:?}; check that this user may read and write the file and its directory"
    )]
    Failed {
        /// The file.
        path: String,
        /// What SQLite says.
        #[source]
        source: BoxError,
    },
    /// There is no Tokio runtime to run queries on.
    #[error("the store needs a Tokio runtime; open it inside of one")]
    Runtime(#[source] BoxError),
}

/// What stands before the first colon of a URL, if it looks like a scheme. The rest may hold a password.
pub(crate) fn scheme(url: &str) -> &str {
    match url.split_once(':') {
        Some((scheme, _)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => scheme,
        _ => "",
    }
}
