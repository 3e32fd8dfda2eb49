//! The server: a service behind a guard that answers as gRPC does, and tonic's health service beside it.

use apikey_axum::{ApiKeyRejection, ApiKeys, KeyRecord, RequireLayer, require, scopes};
use tokio::net::TcpListener;
use tonic::service::LayerExt;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Status, body::Body};

use crate::reports::Reports;

scopes! {
    pub(crate) ReportsRead = "reports:read";
}

type Refuse = fn(&ApiKeyRejection) -> http::Response<Body>;

/// Serves until it fails.
pub(crate) async fn serve(listener: TcpListener, keys: &ApiKeys) -> anyhow::Result<()> {
    let (_reporter, health) = tonic_health::server::health_reporter();
    let server = Server::builder()
        // Open: what probes the service has no key. `Server::builder().layer(guard(keys))` would guard it, too.
        .add_service(health)
        .add_service(guard(keys).named_layer(Reports));
    server.serve_with_incoming(TcpIncoming::from(listener)).await?;
    Ok(())
}

/// Guards every method of a service, those that there are not, too.
fn guard(keys: &ApiKeys) -> RequireLayer<KeyRecord, Refuse> {
    require(keys, ReportsRead).respond_with(refuse)
}

/// A gRPC client reads the status of the call, and not that of HTTP, which is always 200.
fn refuse(rejection: &ApiKeyRejection) -> http::Response<Body> {
    let status = match rejection.error().status() {
        401 => Status::unauthenticated("a valid API key is required"),
        400 => Status::unauthenticated("more than one API key was sent"),
        403 => Status::permission_denied("the API key may not call this"),
        503 => Status::unavailable("the API key could not be verified; try again later"),
        _ => Status::internal("API keys cannot be verified here"),
    };
    status.into_http()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use apikey_axum::NewKey;
    use apikey_axum::apikey_core::{
        HashedKey, KeyStore, MemoryStore, NewRecord, PlaintextKey, Timestamp,
    };
    use apikey_axum::test::authorized;
    use http::uri::PathAndQuery;
    use tokio::task::JoinSet;
    use tonic::client::Grpc;
    use tonic::metadata::{Ascii, MetadataValue};
    use tonic::transport::{Channel, Endpoint};
    use tonic::{Code, Request};
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_client::HealthClient;
    use tonic_prost::ProstCodec;
    use tower::{Layer, ServiceExt};

    use super::*;
    use crate::reports::READ;

    /// Serves until the result is dropped.
    async fn started(keys: &ApiKeys) -> (Channel, JoinSet<anyhow::Result<()>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let keys = keys.clone();
        let mut server = JoinSet::new();
        server.spawn(async move { serve(listener, &keys).await });
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        (endpoint.connect().await.unwrap(), server)
    }

    /// Calls a method of the reports over the network.
    async fn call(keys: &ApiKeys, path: &'static str, sent: &[&str]) -> Result<String, Status> {
        let (channel, _server) = started(keys).await;
        let mut request = Request::new(());
        for key in sent {
            let value: MetadataValue<Ascii> = format!("Api-Key {key}").parse().unwrap();
            request.metadata_mut().append("authorization", value);
        }
        let mut client = Grpc::new(channel);
        client.ready().await.unwrap();
        let codec = ProstCodec::<(), String>::default();
        let answer = client.unary(request, PathAndQuery::from_static(path), codec).await?;
        Ok(answer.into_inner())
    }

    #[tokio::test]
    async fn serves_a_key_with_the_scope() {
        let keys = ApiKeys::in_memory();
        let new = NewKey::new("reader").scopes([ReportsRead::NAME]);
        let created = keys.create(new).await.unwrap();
        let key = created.plaintext.expose();
        assert_eq!(call(&keys, READ, &[key]).await.unwrap(), "the reports");
        // A method that there is not is told to a good key alone.
        let unknown = call(&keys, "/demo.Reports/Write", &[key]).await.unwrap_err();
        assert_eq!(unknown.code(), Code::Unimplemented);
        let refused = call(&keys, "/demo.Reports/Write", &[]).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated);
    }

    /// A probe has no key.
    #[tokio::test]
    async fn the_health_of_the_server_is_open() {
        let (channel, _server) = started(&ApiKeys::in_memory()).await;
        let request = Request::new(HealthCheckRequest::default());
        let answer = HealthClient::new(channel).check(request).await.unwrap();
        assert_eq!(answer.into_inner().status, 1, "SERVING");
    }

    #[tokio::test]
    async fn refuses_with_the_codes_of_grpc() {
        let store = Arc::new(MemoryStore::<KeyRecord>::new());
        let keys = ApiKeys::new(Arc::clone(&store));
        let good =
            keys.create(NewKey::new("reader").scopes([ReportsRead::NAME])).await.unwrap().plaintext;
        let bare = keys.create("without scopes").await.unwrap().plaintext;
        let (good, bare) = (good.expose(), bare.expose());
        let unverifiable = unverifiable_key(&store).await;

        for (sent, code) in [
            (vec![], Code::Unauthenticated),
            (vec!["no key"], Code::Unauthenticated),
            (vec![good, good], Code::Unauthenticated),
            (vec![bare], Code::PermissionDenied),
            (vec![unverifiable.expose()], Code::Unavailable),
        ] {
            let status = call(&keys, READ, &sent).await.unwrap_err();
            assert_eq!(status.code(), code, "{} keys: {status:?}", sent.len());
        }
    }

    /// Stores a key whose hasher the handle does not have.
    async fn unverifiable_key(store: &MemoryStore<KeyRecord>) -> PlaintextKey {
        let created = ApiKeys::in_memory().create("elsewhere").await.unwrap();
        let hash = HashedKey::new("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g");
        let new = NewRecord::new(&created.key.prefix, hash, "name", Timestamp::default(), ());
        store.insert(&new, None).await.unwrap();
        created.plaintext
    }

    /// What a client's library hides: a refusal is HTTP 200 with headers alone.
    #[tokio::test]
    async fn a_refusal_is_http_200_with_the_status_in_the_headers() {
        let keys = ApiKeys::in_memory();
        let bare = keys.create("without scopes").await.unwrap().plaintext;
        let service = guard(&keys).layer(Reports);

        let request = || http::Request::new(Body::empty());
        for (request, code) in [(request(), "16"), (authorized(request(), &bare), "7")] {
            let response = service.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), 200);
            assert_eq!(response.headers()["content-type"], "application/grpc");
            assert_eq!(response.headers()["grpc-status"], code);
            assert!(response.extensions().get::<ApiKeyRejection>().is_some());
        }
    }
}
