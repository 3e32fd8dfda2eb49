//! A service with API keys on Axum and SQLite: run it, and try the lines that it prints.
#![expect(clippy::print_stdout, reason = "it talks to whoever tries it")]

mod routes;

use std::env;
use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use apikey_axum::apikey_core::KeyQuery;
use apikey_axum::{ApiKeys, NewKey};
use apikey_diesel::DieselStore;
use tokio::net::TcpListener;
use tokio::signal;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let port = env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let port: u16 = port.parse().context("PORT has to be a number up to 65535")?;
    let url = env::var("APIKEY_DATABASE_URL");
    let url = url.unwrap_or_else(|_| "sqlite://quickstart.db".to_owned());

    let keys = ApiKeys::new(DieselStore::sqlite(&url).await?);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.with_context(|| {
        format!("cannot listen on port {port}: set PORT to another, as in `PORT=3001 cargo run -p quickstart-axum`")
    })?;
    greet(&keys, listener.local_addr()?, &url).await?;
    tokio::spawn(keys.maintain()); // writes when keys were last used
    let server = axum::serve(listener, routes::app(keys.clone())).with_graceful_shutdown(stop());
    tokio::select! {
        served = server.into_future() => served?,
        // Requests that do not end are cut off, before somebody kills the process.
        () = async { stop().await; tokio::time::sleep(PATIENCE).await } => {}
    }
    Ok(keys.flush().await?)
}

/// How long requests may go on when the service is told to end.
const PATIENCE: Duration = Duration::from_secs(5);

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

/// Waits for Ctrl-C, or for SIGTERM, which containers are stopped by.
async fn stop() {
    #[cfg(unix)]
    let terminate = async {
        let mut signals = signal::unix::signal(signal::unix::SignalKind::terminate())?;
        signals.recv().await;
        Ok(())
    };
    #[cfg(not(unix))]
    let terminate = pending::<std::io::Result<()>>();

    let stopped = tokio::select! {
        interrupted = signal::ctrl_c() => interrupted,
        terminated = terminate => terminated,
    };
    if stopped.is_err() {
        pending::<()>().await; // it can be killed
    }
}
