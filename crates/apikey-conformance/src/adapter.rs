//! The cases for adapters, one function per promise, the application that they are tried on, and the
//! macro that stamps them all.

mod answer;
mod bottleneck;
pub mod client;
mod connection;
mod conversation;
pub mod failure;
pub mod guard;
pub mod http2;
pub mod keep_alive;
pub mod load;
pub mod log;
mod stage;
pub mod table;

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::panic::resume_unwind;

use apikey_core::{ApiKeys, AuthError, KeyRecord};

/// Serves the standard application with an adapter: the one function that an adapter's suite needs.
///
/// | Route | Who gets in | How | Answer |
/// |---|---|---|---|
/// | `/public` | anyone | no guard | 200 |
/// | `/protected` | any good key | extractor `ApiKey` | [`Service::protected_body`] |
/// | `/reports` and everything below | a key with `reports:read` | `require`, and the extractor `ApiKey` in the handler of `/reports` | [`Service::protected_body`] |
/// | `/admin/secrets` | a key with `admin` | `require` | 200 |
/// | `/either` | a good key, or the cookie `session=demo` | extractor `Result<ApiKey, ApiKeyRejection>`; with neither, its rejection | 200 |
/// | `/both` | a good key that comes with the cookie | extractor `ApiKey`; without the cookie an own 401 | 200 |
/// | `/optional` | anyone but a bad key | extractor `OptionalApiKey` | [`Service::optional_body`] |
/// | `/internal` | a key that [`Service::is_internal`] | `require` with that function as a `rule` | 200 |
/// | `/panic` | any good key | extractor `ApiKey` | none: the handler calls [`Service::panic`] |
/// | `/unconfigured` | nobody | the rejection that is made of [`Service::not_configured`] | 500 |
/// | `/other` | a good key of both handles | `require` of `service.other`, and the extractor `ApiKey` of `service.keys` in the handler | [`Service::protected_body`] |
///
/// Every guard uses `service.keys`, but for that of `/other`. `require` asks for
/// [`AnyKey`](apikey_core::AnyKey) where no scope is named. All routes answer `GET` and `HEAD`; another
/// method is 405 with `Allow`, an unknown path 404, both with empty bodies. Under `require` all of this
/// comes after the key.
///
/// # Examples
/// The tests of `apikey-axum` hold a harness of some sixty lines.
pub trait Harness: Send + Sync + 'static {
    /// Serves on a free port of 127.0.0.1, until the result is dropped: HTTP/1.1 with connections that are
    /// kept open, and on the same port HTTP/2 for clients that begin with it. It returns when connections
    /// are accepted. It runs on a multi-threaded tokio runtime; a framework with a runtime of its own starts
    /// a thread.
    fn serve(service: Service) -> impl Future<Output = Running>;
}

/// What the application is made of.
#[derive(Debug)]
#[non_exhaustive]
pub struct Service {
    /// The handle of all guards but one.
    pub keys: ApiKeys<KeyRecord>,
    /// Another handle of the same model, with a store of its own: for `/other`.
    pub other: ApiKeys<KeyRecord>,
}

impl Service {
    /// Puts the application together, for tests beyond the suite.
    #[must_use]
    pub fn new(keys: ApiKeys<KeyRecord>, other: ApiKeys<KeyRecord>) -> Self {
        Self { keys, other }
    }

    /// Returns the body of `/protected`: `{"name","prefix","scopes"}` as JSON, to be sent as
    /// `application/json`.
    #[must_use]
    pub fn protected_body(key: &KeyRecord) -> String {
        let name = serde_json::Value::from(key.name.as_str());
        let prefix = serde_json::Value::from(key.prefix.as_str());
        let scopes: serde_json::Value = key.scopes.iter().collect();
        format!(r#"{{"name":{name},"prefix":{prefix},"scopes":{scopes}}}"#)
    }

    /// Returns the body of `/optional`: `{"name"}` as JSON, `null` without a key.
    #[must_use]
    pub fn optional_body(key: Option<&KeyRecord>) -> String {
        let name: serde_json::Value = key.map(|key| key.name.as_str()).into();
        format!(r#"{{"name":{name}}}"#)
    }

    /// Whether a key gets in at `/internal`, which is not a question of scopes.
    #[must_use]
    pub fn is_internal(key: &KeyRecord) -> bool {
        key.name.starts_with("internal")
    }

    /// Refuses as a guard does that has no handle, for `/unconfigured`. Most frameworks find that mistake
    /// before they serve: what is tried is the answer.
    #[must_use]
    pub fn not_configured() -> AuthError {
        AuthError::not_configured("none: the suite asks for this refusal")
    }

    /// Panics as any handler may, but leaves standard error alone.
    ///
    /// # Panics
    /// Always.
    pub fn panic() -> ! {
        resume_unwind(Box::new("the handler of `/panic`"))
    }

    /// Whether a `Cookie` header is the good session of `/either` and `/both`.
    #[must_use]
    pub fn is_session(cookie: &str) -> bool {
        cookie.split(';').any(|pair| pair.trim() == "session=demo")
    }
}

/// The application while it is served; dropping it stops the server.
pub struct Running {
    address: SocketAddr,
    _guard: Box<dyn Any + Send>,
}

impl Running {
    /// Reports where the application is served, and what stops it when it is dropped: a
    /// [`JoinSet`](tokio::task::JoinSet) with the server's task, say.
    #[must_use]
    pub fn new(address: SocketAddr, guard: impl Any + Send) -> Self {
        Self { address, _guard: Box::new(guard) }
    }

    /// Returns where the application is served.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Stamps every adapter case as a test, in a module of the given name.
///
/// The second argument is a type that implements [`Harness`](crate::Harness). A promise that the adapter
/// cannot keep is named with its reason, as in [`store_suite!`](crate::store_suite):
/// `adapter_suite!(name, Type, skip { case: "reason" })`.
///
/// One case installs the process's `tracing` subscriber and reads all that is logged: give the suite a
/// test file of its own.
#[macro_export]
macro_rules! adapter_suite {
    ($suite:ident, $harness:ty $(, skip { $($skipped:ident: $reason:literal),* $(,)? })? $(,)?) => {
        mod $suite {
            #[allow(unused_imports, clippy::wildcard_imports, reason = "for the harness's name")]
            use super::*;

            #[allow(dead_code, reason = "only tests use it")]
            type Adapter = $harness;

            #[allow(dead_code, reason = "only tests read it")]
            const SKIPPED: &[(&str, &str)] =
                &[$($((stringify!($skipped), $reason)),*)?];

            // A skipped name that is no test does not compile.
            #[cfg(test)]
            #[allow(dead_code, reason = "it is only checked")]
            fn skipped_cases_exist() {
                $($(let _: fn() = $skipped;)*)?
            }

            $crate::each_adapter_case!($crate::stamp_adapter_cases);
        }
    };
}

/// Hands the list of all adapter cases to a macro: the one place where they are listed.
#[doc(hidden)]
#[macro_export]
macro_rules! each_adapter_case {
    ($callback:path) => {
        $callback! {
            table: answers_requests_with_authorization;
            table: answers_requests_with_two_headers;
            table: answers_requests_with_bearer_tokens;
            table: answers_requests_with_a_query;
            guard: refuses_unknown_paths_and_methods_first;
            guard: guards_nothing_beside_the_subtree;
            guard: asks_the_store_once_per_request;
            guard: an_optional_key_may_be_absent_but_not_bad;
            guard: answers_403_without_a_challenge_where_a_rule_refuses;
            guard: keeps_two_handles_apart;
            guard: answers_head_like_get;
            guard: tells_nobody_the_state_of_a_key;
            failure: answers_503_when_the_store_fails;
            failure: answers_503_when_the_hasher_is_not_configured;
            failure: answers_503_when_the_hash_queue_is_full;
            failure: answers_500_where_no_handle_is_configured;
            failure: refuses_a_key_with_a_damaged_hash;
            keep_alive: judges_each_request_of_a_connection_by_itself;
            keep_alive: reads_no_request_out_of_a_refused_body;
            load: answers_50_parallel_requests_each_for_itself;
            load: survives_a_client_that_hangs_up;
            load: gives_back_the_places_of_clients_that_hang_up;
            load: survives_a_handler_that_panics;
            http2: answers_streams_of_one_connection_each_for_itself;
            http2: survives_a_stream_that_is_reset;
            http2: gives_back_the_places_of_streams_that_are_reset;
            log: logs_each_refusal_once_and_no_secret;
        }
    };
}

/// Makes a test of each case; expanded within the module of [`adapter_suite!`].
#[doc(hidden)]
#[macro_export]
macro_rules! stamp_adapter_cases {
    ($($room:ident: $case:ident;)*) => {$(
        #[test]
        fn $case() {
            $crate::run(
                concat!(module_path!(), "::", stringify!($case)),
                SKIPPED,
                Ok(()),
                $crate::adapter::$room::$case::<Adapter>(),
            );
        }
    )*};
}
