//! A service with a documentation page, whose Authorize button takes API keys: run it, and open the page.
#![expect(clippy::print_stdout, reason = "it talks to whoever tries it")]

mod service;

use std::net::Ipv4Addr;

use apikey_axum::apikey_core::MemoryStore;
use apikey_axum::{ApiKeys, KeyLocation, KeyRecord, NewKey};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // In production: over a `DieselStore`.
    let keys = ApiKeys::builder(MemoryStore::<KeyRecord>::new())
        .locations([KeyLocation::authorization("Api-Key"), KeyLocation::header("X-Api-Key")])
        .build()?;
    let created = keys.create(NewKey::new("reader").scopes(["reports:read"])).await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 3000)).await?;
    let (address, key) = (listener.local_addr()?, created.plaintext.expose());
    println!(
        "\
Open http://{address}/docs and press Authorize.
    As ApiKey:   Api-Key {key}
    As ApiKey2:  {key}
"
    );
    axum::serve(listener, service::app(keys)).await?;
    Ok(())
}
