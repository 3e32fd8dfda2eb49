//! A service whose organizations own keys, on Axum and SQLite: run it, and try the lines that it prints.
#![expect(clippy::print_stdout, reason = "it talks to whoever tries it")]

mod database;
mod input;
mod members;
mod model;
mod organization;
mod place;
mod refusal;
mod routes;
mod schema;
mod session;
mod shutdown;
#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr};
use std::{env, io};

use anyhow::{Context, bail, ensure};
use axum::Router;
use tokio::net::TcpListener;

use crate::database::Database;
use crate::routes::Service;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    let path = env::var("DATABASE").unwrap_or_else(|_| "organizations.db".to_owned());
    let database = Database::open(&path).with_context(|| format!("cannot open {path}"))?;
    database.run(organization::seed).await?;

    let arguments: Vec<_> = env::args().skip(1).collect();
    match &*arguments.iter().map(String::as_str).collect::<Vec<_>>() {
        [] => serve(database).await,
        ["activate", name] => set_active(&database, name, true).await,
        ["deactivate", name] => set_active(&database, name, false).await,
        _ => bail!("usage: organizations [activate NAME | deactivate NAME]"),
    }
}

/// What the operator runs, beside the service.
async fn set_active(database: &Database, name: &str, active: bool) -> anyhow::Result<()> {
    let wanted = name.to_owned();
    let found = database.run(move |conn| organization::set_active(conn, &wanted, active)).await?;
    ensure!(found, "there is no organization {name:?}");
    println!("{name} is {}", if active { "active" } else { "locked out" });
    Ok(())
}

async fn serve(database: Database) -> anyhow::Result<()> {
    let keys = model::keys(&database).build()?;
    for finding in keys.check().await? {
        tracing::warn!(fix = finding.fix, "{}", finding.problem);
    }
    let listener = listen().await?;
    greet(listener.local_addr()?);
    tokio::spawn(keys.maintain()); // writes when keys were last used
    let app = routes::app(Service { keys: keys.clone(), database });
    serve_until_asked(listener, app).await?;
    Ok(keys.flush().await?)
}

async fn serve_until_asked(listener: TcpListener, app: Router) -> io::Result<()> {
    let server = axum::serve(listener, app).with_graceful_shutdown(shutdown::asked());
    tokio::select! {
        served = server.into_future() => served?,
        () = shutdown::overdue() => tracing::warn!("requests that did not end are cut off"),
    }
    Ok(())
}

async fn listen() -> anyhow::Result<TcpListener> {
    let port = env::var("PORT").unwrap_or_else(|_| "3000".to_owned());
    let port: u16 = port.parse().context("PORT has to be a number up to 65535")?;
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.with_context(|| {
        format!("cannot listen on port {port}: set PORT to another, as in `PORT=3001 cargo run -p organizations`")
    })
}

fn greet(address: SocketAddr) {
    let keys = format!("http://{address}/keys");
    let ada = "curl -i -H 'X-Demo-Member: ada'";
    let json = "-H 'Content-Type: application/json' -d";
    println!(
        "\
Listening on http://{address}
Ada is a member of acme, Grace of globex; the header X-Demo-Member stands for a login.

Ada makes a key of acme, shown only now:
    {ada} {json} '{{\"name\":\"ci\",\"scopes\":[\"reports:read\"]}}' {keys}
With its plaintext and its prefix:
    KEY=... PREFIX=...

It reads the reports of acme, 200:
    curl -i -H \"Authorization: Api-Key $KEY\" http://{address}/reports
Ada lists and rotates; for an hour, the old key works as well:
    {ada} {keys}
    {ada} {json} '{{\"grace_hours\":1}}' {keys}/$PREFIX/rotate
For Grace there is no such key, 404:
    curl -i -H 'X-Demo-Member: grace' -X DELETE {keys}/$PREFIX
Ada revokes it; from now on it gets 401:
    {ada} -X DELETE {keys}/$PREFIX

Lock acme out, with the next request, and let it in again:
    cargo run -qp organizations deactivate acme
    cargo run -qp organizations activate acme
"
    );
}
