//! The server: reads the key from the offered subprotocols, and accepts the other one.

use apikey_axum::{ApiKeyRejection, ApiKeys};
use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, header::SEC_WEBSOCKET_PROTOCOL};
use axum::response::Response;
use axum::routing::any;

/// The subprotocol that stands in front of the key, and that the server accepts.
const PROTOCOL: &str = "apikey";

pub(crate) fn app(keys: ApiKeys) -> Router {
    Router::new().route("/echo", any(open)).with_state(keys)
}

/// Opens the socket for a good key. The answer names `PROTOCOL` and never the key.
///
/// The key is verified now. To end the sockets of a key that is revoked later, verify it again from time
/// to time.
async fn open(
    State(keys): State<ApiKeys>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, ApiKeyRejection> {
    let key = keys.verify(offered_key(&headers).unwrap_or_default()).await?;
    let name = key.name.clone();
    Ok(upgrade.protocols([PROTOCOL]).on_upgrade(|socket| echo(socket, name)))
}

/// Returns the key of `Sec-WebSocket-Protocol: apikey, <key>`, which is what a browser sends for
/// `new WebSocket(url, ["apikey", key])`.
fn offered_key(headers: &HeaderMap) -> Option<&str> {
    let mut lines = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return None;
    };
    let (protocol, key) = line.to_str().ok()?.split_once(',')?;
    (protocol.trim() == PROTOCOL).then(|| key.trim())
}

async fn echo(mut socket: WebSocket, name: String) {
    while let Some(Ok(message)) = socket.recv().await {
        if let Message::Text(text) = message {
            let answer = format!("{name}: {text}");
            if socket.send(answer.into()).await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::{SinkExt, StreamExt};
    use tokio::net::TcpListener;
    use tokio::task::JoinSet;
    use tokio_tungstenite::connect_async;
    use tokio_tungstenite::tungstenite::{Error, client::IntoClientRequest, http};

    use super::*;

    struct Server(String, #[expect(dead_code, reason = "serves until it is dropped")] JoinSet<()>);

    async fn serve(keys: &ApiKeys) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/echo", listener.local_addr().unwrap());
        let app = app(keys.clone());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Server(url, server)
    }

    /// Asks as a browser does for `new WebSocket(url, protocols)`.
    fn request(server: &Server, protocols: &str) -> http::Request<()> {
        let mut request = server.0.as_str().into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", protocols.parse().unwrap());
        request
    }

    #[tokio::test]
    async fn serves_a_client_with_a_good_key_and_does_not_send_it_back() {
        let keys = ApiKeys::in_memory();
        let created = keys.create("browser").await.unwrap();
        let server = serve(&keys).await;
        let protocols = format!("apikey, {}", created.plaintext.expose());

        let (mut socket, answer) = connect_async(request(&server, &protocols)).await.unwrap();
        assert_eq!(answer.headers()["sec-websocket-protocol"], "apikey");
        let answer = format!("{answer:?}");
        assert!(!answer.contains(created.plaintext.expose()), "{answer}");
        socket.send("hello".into()).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap().into_text().unwrap(), "browser: hello");
    }

    #[tokio::test]
    async fn refuses_to_open_without_exactly_one_good_key() {
        let keys = ApiKeys::in_memory();
        let created = keys.create("browser").await.unwrap();
        let key = created.plaintext.expose();
        let revoked = keys.create("revoked").await.unwrap();
        keys.revoke(&revoked.key.prefix).await.unwrap();
        let server = serve(&keys).await;

        for protocols in [
            "apikey".to_owned(),
            "apikey, no key".to_owned(),
            key.to_owned(),
            format!("chat, {key}"),
            format!("{key}, apikey"),
            format!("apikey, {key}, {key}"),
            format!("apikey, {}", revoked.plaintext.expose()),
        ] {
            let refused = connect_async(request(&server, &protocols)).await.unwrap_err();
            let Error::Http(response) = refused else { panic!("{refused}") };
            assert_eq!(response.status(), 401);
            assert!(response.headers().get("sec-websocket-protocol").is_none());
        }
        let alone = connect_async(server.0.as_str()).await.unwrap_err();
        assert!(matches!(alone, Error::Http(response) if response.status() == 401));
    }
}
