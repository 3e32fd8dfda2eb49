//! A service with API keys on Actix Web and SQLite: run it, and try the lines that it prints.
#![expect(clippy::print_stdout, reason = "it talks to whoever tries it")]

mod routes;

use std::env;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use actix_web::{App, HttpServer};
use anyhow::Context;
use apikey_actix::apikey_core::KeyQuery;
use apikey_actix::{ApiKeys, NewKey};
use apikey_diesel::DieselStore;

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let port = env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let port: u16 = port.parse().context("PORT has to be a number up to 65535")?;
    let url = env::var("APIKEY_DATABASE_URL");
    let url = url.unwrap_or_else(|_| "sqlite://quickstart.db".to_owned());

    let keys = ApiKeys::new(DieselStore::sqlite(&url).await?);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).with_context(|| {
        format!("cannot listen on port {port}: set PORT to another, as in `PORT=3001 cargo run -p quickstart-actix`")
    })?;
    greet(&keys, listener.local_addr()?, &url).await?;
    actix_web::rt::spawn(keys.maintain()); // writes when keys were last used
    // Every worker thread has an application of its own; the handle is one.
    let served = keys.clone();
    let app = move || App::new().configure(|service| routes::configure(service, &served));
    // Requests that do not end are cut off after 5 seconds, before somebody kills the process.
    HttpServer::new(app).listen(listener)?.shutdown_timeout(5).run().await?;
    Ok(keys.flush().await?)
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
