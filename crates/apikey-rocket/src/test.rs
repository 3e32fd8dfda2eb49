//! For the application's own tests: requests with a key.

use std::ops::DerefMut;

use apikey_core::{ApiKeys, Carried, KeyModel, PlaintextKey};
use rocket::Request;
use rocket::http::Header;
use rocket::http::uri::Origin;

/// Puts a key into a request of a local client, in place of any other `Authorization`: `Api-Key` and the
/// key, where a handle with the default location looks. For other locations there is [`authorized_by`].
///
/// # Examples
/// ```
/// use apikey_rocket::{ApiKey, ApiKeys, fairing, test::authorized};
/// use rocket::local::asynchronous::Client;
/// use rocket::{get, routes};
///
/// #[get("/whoami")]
/// fn whoami(key: ApiKey) -> String {
///     key.name.clone()
/// }
///
/// # rocket::execute(async {
/// let keys = ApiKeys::in_memory();
/// let created = keys.create("reporting-service").await?;
/// let app = rocket::build().mount("/", routes![whoami]).attach(fairing(keys));
///
/// let client = Client::tracked(app).await?;
/// let request = authorized(client.get("/whoami"), &created.plaintext);
/// assert_eq!(request.dispatch().await.status().code, 200);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[must_use]
pub fn authorized<'c, R>(mut request: R, key: &PlaintextKey) -> R
where
    R: DerefMut<Target = Request<'c>>,
{
    request.replace_header(authorization(key));
    request
}

fn authorization(key: &PlaintextKey) -> Header<'static> {
    Header::new("Authorization", format!("Api-Key {}", key.expose()))
}

/// Puts a key into a request of a local client where this handle looks: by the first header among its
/// locations, else by the query.
///
/// # Panics
/// If the handle's locations are functions alone: put the key into the request yourself.
///
/// # Examples
/// ```
/// use apikey_core::MemoryStore;
/// use apikey_rocket::{ApiKey, ApiKeys, KeyLocation, KeyRecord, fairing, test::authorized_by};
/// use rocket::local::asynchronous::Client;
/// use rocket::{get, routes};
///
/// #[get("/whoami")]
/// fn whoami(key: ApiKey) -> String {
///     key.name.clone()
/// }
///
/// # rocket::execute(async {
/// let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new())
///     .locations([KeyLocation::header("X-Api-Key")])
///     .build()?;
/// let created = keys.create("reporting-service").await?;
/// let app = rocket::build().mount("/", routes![whoami]).attach(fairing(keys.clone()));
///
/// let client = Client::tracked(app).await?;
/// let request = authorized_by(&keys, client.get("/whoami"), &created.plaintext);
/// assert_eq!(request.dispatch().await.status().code, 200);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[must_use]
#[expect(clippy::expect_used, clippy::panic, reason = "documented; a test has no better answer")]
pub fn authorized_by<'c, R, M>(keys: &ApiKeys<M>, mut request: R, key: &PlaintextKey) -> R
where
    R: DerefMut<Target = Request<'c>>,
    M: KeyModel,
{
    match keys.carry(key) {
        Some(Carried::Header { name, value }) => {
            request.replace_header(Header::new(name, value));
        }
        Some(Carried::Query { pair }) => {
            let uri = request.uri();
            let (path, query) = (uri.path(), uri.query().filter(|query| !query.is_empty()));
            let uri = match query {
                Some(query) => format!("{path}?{query}&{pair}"),
                None => format!("{path}?{pair}"),
            };
            request.set_uri(Origin::parse_owned(uri).expect("a parameter can stand in a query"));
        }
        _ => panic!("the handle cannot tell how it finds a key: put it into the request yourself"),
    }
    request
}
