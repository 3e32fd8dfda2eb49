//! A client that sends bytes as they are: HTTP/1.1 over a socket, one request to a connection.
//!
//! For tests of the heads of requests, which a well-behaved client would put right or refuse to send.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A request whose parts are sent as they are and need not be valid.
#[derive(Debug, Clone)]
pub struct RawRequest {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl RawRequest {
    /// Starts a request with no headers but `Host` and `Connection: close`, and without a body. The path may
    /// have a query.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        let (headers, body) = (Vec::new(), Vec::new());
        Self { method: method.to_owned(), path: path.to_owned(), headers, body }
    }

    /// Starts a `GET` request.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// Adds a header line, behind those that are there.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a key where the default location looks for it.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("Authorization", format!("Api-Key {key}"))
    }

    /// Adds a body, with its length in front.
    #[must_use]
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self { body: body.clone(), ..self.header("Content-Length", body.len().to_string()) }
    }

    /// Adds a body in a single chunk.
    pub(crate) fn chunked_body(self, body: &str) -> Self {
        let chunks = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()).into_bytes();
        Self { body: chunks, ..self.header("Transfer-Encoding", "chunked") }
    }

    /// Returns what is sent; `connection` says what is to become of the connection.
    pub(crate) fn bytes(&self, connection: &str) -> Vec<u8> {
        let mut bytes = format!(
            "{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: {connection}\r\n",
            self.method, self.path
        )
        .into_bytes();
        for (name, value) in &self.headers {
            bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        bytes.extend(b"\r\n");
        bytes.extend(&self.body);
        bytes
    }
}

/// A response, with its header names in lower case.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RawResponse {
    /// The status.
    pub status: u16,
    /// The header lines in order.
    pub headers: Vec<(String, String)>,
    /// The body, its chunks joined.
    pub body: Vec<u8>,
    /// Everything that came over the wire.
    pub raw: Vec<u8>,
}

impl RawResponse {
    /// Returns the values of all header lines of this name.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&str> {
        let own = self.headers.iter().filter(|(header, _)| header == name);
        own.map(|(_, value)| value.as_str()).collect()
    }

    /// Returns the body; bytes that are not UTF-8 are replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the headers but for those that may differ between two equal answers.
    pub(crate) fn lasting_headers(&self) -> Vec<&(String, String)> {
        let mut headers: Vec<_> = self
            .headers
            .iter()
            .filter(|(name, _)| name != "date" && name != "connection")
            .collect();
        headers.sort();
        headers
    }
}

/// Sends a request on a connection of its own, and reads the whole response. It runs on tokio.
///
/// # Panics
/// If there is no HTTP/1.1 answer within 20 seconds.
pub async fn send(address: SocketAddr, request: &RawRequest) -> RawResponse {
    let mut stream = begin(address, request).await;
    let mut raw = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut raw)).await;
    let read = read.unwrap_or_else(|_| panic!("no answer to {} {}", request.method, request.path));
    // A server may close with a reset when it did not read all; what came before counts.
    assert!(read.is_ok() || !raw.is_empty(), "the connection broke before an answer: {read:?}");
    parse(raw, request.method == "HEAD")
}

/// Sends a request and leaves the response to come.
pub(crate) async fn begin(address: SocketAddr, request: &RawRequest) -> TcpStream {
    let connected = timeout(PATIENCE, TcpStream::connect(address)).await;
    let mut stream = connected.expect("the server accepts").expect("the server can be reached");
    let written = timeout(PATIENCE, stream.write_all(&request.bytes("close"))).await;
    written.expect("the server reads").expect("the request can be sent");
    stream
}

pub(crate) fn parse(raw: Vec<u8>, is_head: bool) -> RawResponse {
    let mut lines = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut lines);
    let parsed = response.parse(&raw).expect("the answer is HTTP/1.1");
    let httparse::Status::Complete(length) = parsed else {
        panic!("the head of the answer is cut short: {:?}", String::from_utf8_lossy(&raw));
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers: Vec<_> = response
        .headers
        .iter()
        .map(|line| (line.name.to_ascii_lowercase(), text(line.value)))
        .collect();
    let status = response.code.unwrap_or_default();
    let is_chunked = headers
        .iter()
        .any(|(name, value)| name == "transfer-encoding" && value.eq_ignore_ascii_case("chunked"));
    let rest = &raw[length..];
    let body = if is_chunked && !is_head { join_chunks(rest) } else { rest.to_vec() };
    RawResponse { status, headers, body, raw }
}

fn join_chunks(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(httparse::Status::Complete((start, size))) = httparse::parse_chunk_size(rest) {
        let end = start + usize::try_from(size).unwrap_or_default();
        body.extend(rest.get(start..end).unwrap_or_default());
        // Behind each chunk there is an empty line.
        rest = rest.get(end + 2..).unwrap_or_default();
        if size == 0 {
            break;
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sends_bytes_as_they_are() {
        let request = RawRequest::get("/a?b=c").header("X-KEY", b"\xff ".to_vec());
        let bytes = request.bytes("close");
        assert!(bytes.starts_with(b"GET /a?b=c HTTP/1.1\r\n"));
        assert!(bytes.ends_with(b"X-KEY: \xff \r\n\r\n"));
    }

    #[test]
    fn reads_both_kinds_of_bodies() {
        let plain = b"HTTP/1.1 401 Unauthorized\r\nA: 1\r\na: 2\r\nContent-Length: 2\r\n\r\nhi";
        let response = parse(plain.to_vec(), false);
        assert_eq!((response.status, response.text().as_str()), (401, "hi"));
        assert_eq!(response.all("a"), ["1", "2"]);
        let chunked =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";
        assert_eq!(parse(chunked.to_vec(), false).text(), "hello");
    }
}
