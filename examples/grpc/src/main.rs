//! A gRPC server whose every method wants an API key: run it, and try the line that it prints.
#![expect(clippy::print_stdout, reason = "it talks to whoever tries it")]

mod server;

use std::net::Ipv4Addr;

use apikey_axum::{ApiKeys, NewKey};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let keys = ApiKeys::in_memory(); // in production: over a `DieselStore`
    let created = keys.create(NewKey::new("probe").scopes([server::SCOPE])).await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 50051)).await?;
    let (address, key) = (listener.local_addr()?, created.plaintext.expose());
    println!("grpc_health_probe -addr {address} -rpc-header 'authorization: Api-Key {key}'");
    server::serve(listener, &keys).await
}
