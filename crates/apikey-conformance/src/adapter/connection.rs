//! One HTTP/2 connection: many requests at once, each on a stream of its own.

use std::net::SocketAddr;
use std::time::Duration;

use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Uri};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::client::{RawRequest, RawResponse};

const PATIENCE: Duration = Duration::from_secs(20);

type Nothing = &'static [u8];

/// A connection to a server that speaks HTTP/2 without being asked to (RFC 9113, section 3.3).
pub(crate) struct Connection {
    requests: SendRequest<Nothing>,
    _driver: JoinSet<()>,
}

/// A request on its way.
pub(crate) struct Stream {
    response: ResponseFuture,
    request: SendStream<Nothing>,
    path: String,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let connected = timeout(PATIENCE, TcpStream::connect(address)).await;
        let stream = connected.expect("the server accepts").expect("the server can be reached");
        let shaken = Builder::new().handshake(stream).await;
        let (requests, connection) = shaken.expect("the client can begin with HTTP/2");
        let mut driver = JoinSet::new();
        // A broken connection is an error of each of its streams.
        driver.spawn(async move { drop(connection.await) });
        Self { requests, _driver: driver }
    }

    /// Sends a request and leaves the response to come.
    pub(crate) async fn begin(&self, request: &RawRequest) -> Stream {
        let ready = timeout(PATIENCE, self.requests.clone().ready()).await;
        let ready = ready.expect("the server takes another stream");
        let mut requests = ready.expect("the server speaks HTTP/2 on the port of HTTP/1.1");
        let sent = requests.send_request(head_of(request), true);
        let (response, rest) = sent.expect("the request can be sent");
        Stream { response, request: rest, path: request.path.clone() }
    }

    /// Sends a request, and reads the whole response.
    pub(crate) async fn send(&self, request: &RawRequest) -> RawResponse {
        self.begin(request).await.response().await
    }
}

impl Stream {
    /// Reads the whole response.
    pub(crate) async fn response(self) -> RawResponse {
        let Self { response, path, .. } = self;
        let answered = timeout(PATIENCE, async { read(response.await?).await }).await;
        let answered = answered.unwrap_or_else(|_| panic!("no answer to {path}"));
        answered.unwrap_or_else(|error| panic!("{path} is answered by an error: {error}"))
    }

    /// Returns when the response has begun, which is not read.
    pub(crate) async fn answered(&mut self) {
        let answered = timeout(PATIENCE, &mut self.response).await;
        answered.expect("the server answers").expect("the stream is answered");
    }

    /// Tells the server that nobody waits for the response any more.
    pub(crate) fn reset(mut self) {
        self.request.send_reset(Reason::CANCEL);
    }
}

fn head_of(request: &RawRequest) -> Request<()> {
    let uri = Uri::builder().scheme("http").authority("localhost");
    let uri = uri.path_and_query(request.path.as_str()).build().expect("the path can be sent");
    let mut head = Request::new(());
    *head.uri_mut() = uri;
    *head.method_mut() = Method::from_bytes(request.method.as_bytes()).expect("it is a method");
    for (name, value) in &request.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("it is the name of a header");
        // What the receiver takes off in HTTP/1.1 may not be sent in HTTP/2 (RFC 9113, section 8.2.1).
        let value = HeaderValue::from_bytes(value.trim_ascii()).expect("the header can be sent");
        head.headers_mut().append(name, value);
    }
    head
}

async fn read(response: http::Response<RecvStream>) -> Result<RawResponse, h2::Error> {
    let (head, mut stream) = response.into_parts();
    let mut body = Vec::new();
    while let Some(part) = stream.data().await {
        let part = part?;
        stream.flow_control().release_capacity(part.len())?;
        body.extend_from_slice(&part);
    }
    let headers = lines(&head.headers);
    let mut raw: Vec<u8> = headers
        .iter()
        .flat_map(|(name, value)| format!("{name}: {value}\n").into_bytes())
        .collect();
    raw.extend_from_slice(&body);
    Ok(RawResponse { status: head.status.as_u16(), headers, body, raw })
}

fn lines(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}
