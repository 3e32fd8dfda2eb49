//! A WebSocket for browsers, which cannot send headers with it: the key comes as a subprotocol.
#![expect(clippy::print_stdout, reason = "it talks to whoever tries it")]

mod server;

use std::net::Ipv4Addr;

use apikey_axum::ApiKeys;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let keys = ApiKeys::in_memory(); // in production: over a `DieselStore`
    let created = keys.create("browser").await?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 3000)).await?;
    let (address, key) = (listener.local_addr()?, created.plaintext.expose());
    println!(
        "\
In the console of a browser:
    socket = new WebSocket('ws://{address}/echo', ['apikey', '{key}'])
    socket.onmessage = message => console.log(message.data)
    socket.send('hello')
"
    );
    axum::serve(listener, server::app(keys)).await?;
    Ok(())
}
