//! For the application's own tests: requests with a key.

use apikey_core::PlaintextKey;
use rocket::http::Header;

/// Makes the header of a request with a key, where a handle with the default location looks for it.
///
/// # Examples
/// ```
/// use apikey_rocket::{ApiKey, ApiKeys, fairing, test::authorization};
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
/// let response = client.get("/whoami").header(authorization(&created.plaintext)).dispatch().await;
/// assert_eq!(response.status().code, 200);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[must_use]
pub fn authorization(key: &PlaintextKey) -> Header<'static> {
    Header::new("Authorization", format!("Api-Key {}", key.expose()))
}
