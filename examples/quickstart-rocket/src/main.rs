//! A service with API keys on Rocket and SQLite: run it, and try the lines that it prints.
#![expect(clippy::print_stdout, reason = "it talks to whoever tries it")]

mod methods;
mod routes;

use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use anyhow::Context;
use apikey_diesel::DieselStore;
use apikey_rocket::apikey_core::KeyQuery;
use apikey_rocket::{ApiKeys, NewKey};
use rocket::config::{Config, LogLevel};
use rocket::error::ErrorKind;
use rocket::fairing::AdHoc;

#[rocket::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let port = env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let port: u16 = port.parse().context("PORT has to be a number up to 65535")?;
    let url = env::var("APIKEY_DATABASE_URL");
    let url = url.unwrap_or_else(|_| "sqlite://quickstart.db".to_owned());

    let keys = ApiKeys::new(DieselStore::sqlite(&url).await?);
    let config = Config {
        address: Ipv4Addr::LOCALHOST.into(),
        port,
        log_level: LogLevel::Off,
        ..Config::default()
    };
    let failure = Arc::new(OnceLock::new());
    let greeting = greeting(keys.clone(), url, Arc::clone(&failure));
    rocket::tokio::spawn(keys.maintain()); // writes when keys were last used
    let app = routes::app(rocket::custom(config), keys.clone()).attach(greeting);
    app.launch().await.map_err(|error| explain(error, port))?;
    keys.flush().await?;
    Arc::into_inner(failure).and_then(OnceLock::into_inner).map_or(Ok(()), Err)
}

fn explain(error: rocket::Error, port: u16) -> anyhow::Error {
    let is_taken = matches!(error.kind(), ErrorKind::Bind(_));
    let error = anyhow::Error::new(error);
    if !is_taken {
        return error;
    }
    error.context(format!(
        "cannot listen on port {port}: set PORT to another, as in `PORT=3001 cargo run -p quickstart-rocket`"
    ))
}

/// Greets once the port is open; stops the server if that fails.
fn greeting(keys: ApiKeys, url: String, failure: Arc<OnceLock<anyhow::Error>>) -> AdHoc {
    AdHoc::on_liftoff("greeting", move |rocket| {
        Box::pin(async move {
            let address = SocketAddr::from((rocket.config().address, rocket.config().port));
            if let Err(error) = greet(&keys, address, &url).await {
                let _ = failure.set(error);
                rocket.shutdown().notify();
            }
        })
    })
}

/// Prints what to try; makes a first key if there is none.
async fn greet(keys: &ApiKeys, address: SocketAddr, url: &str) -> anyhow::Result<()> {
    let apikey = format!("cargo run -qp apikey-cli -- --database-url '{url}'");
    println!("Listening on http://{address}, with the keys in {url}\n");
    if keys.count(&KeyQuery::new()).await? > 0 {
        println!("There are keys already; each was shown once. To create another:");
        println!("    {apikey} create my-service --scope reports:read\n");
        return Ok(());
    }

    let created = keys.create(NewKey::new("quickstart").scopes(["reports:read"])).await?;
    let (key, prefix) = (created.plaintext.expose(), &created.key.prefix);
    let curl = format!("curl -i -H 'Authorization: Api-Key {key}' http://{address}");
    println!(
        "\
Your first key, shown only now:
    {key}

Without it, 401:
    curl -i http://{address}/protected
With it, 200:
    {curl}/protected
    {curl}/reports
It lacks the scope `admin`, 403:
    {curl}/admin/secrets

From a second terminal:
    {apikey} list
    {apikey} create my-service --scope admin
    {apikey} revoke {prefix}
"
    );
    Ok(())
}
