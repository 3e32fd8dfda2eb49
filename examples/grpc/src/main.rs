//! A gRPC server whose reports want an API key and whose health does not: run it, and try the lines that it prints.
#![expect(clippy::print_stdout, reason = "it talks to whoever tries it")]

mod reports;
mod server;

use std::net::Ipv4Addr;

use apikey_axum::{ApiKeys, NewKey};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let keys = ApiKeys::in_memory(); // in production: over a `DieselStore`
    let created = keys.create(NewKey::new("reader").scopes([server::ReportsRead::NAME])).await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 50051)).await?;
    let (address, key) = (listener.local_addr()?, created.plaintext.expose());
    println!("grpc_health_probe -addr {address}");
    println!(
        "grpcurl -plaintext -import-path examples/grpc -proto reports.proto \
         -H 'authorization: Api-Key {key}' {address} demo.Reports/Read"
    );
    server::serve(listener, &keys).await
}
