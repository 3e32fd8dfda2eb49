//! For the application's own tests: requests with a key.

use std::ops::DerefMut;

use apikey_core::PlaintextKey;
use rocket::Request;
use rocket::http::Header;

/// Puts a key into a request of a local client, in place of any other `Authorization`: `Api-Key` and the
/// key, where a handle with the default location looks. For other locations, set the header or the query
/// yourself.
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
