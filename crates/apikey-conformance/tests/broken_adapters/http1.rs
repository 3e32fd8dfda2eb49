//! HTTP/1.1 for the adapter without a framework: requests one after the other.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use apikey_core::Outcomes;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

use crate::server::{App, Defect, Request, Response};

/// Answers until the client, or a request, ends the connection.
pub(crate) async fn answer(app: &App, mut stream: TcpStream) {
    let (mut received, mut kept) = (Vec::new(), Outcomes::default());
    while let Some((mut request, body)) = read(&mut stream, &mut received, app.defect).await {
        if app.defect == Defect::RemembersKeys {
            request.outcomes = kept;
        }
        let responded = unless_gone(&stream, app.respond(&mut request)).await;
        let Some(response) = responded else { return };
        let closes = body == Body::Unknown || request.has("connection", "close");
        if !app.is(Defect::ForgetsBody) && !skip(&mut stream, &mut received, body).await {
            return;
        }
        // A client may have hung up.
        if stream.write_all(&bytes(app, &request, &response, closes)).await.is_err() || closes {
            return;
        }
        kept = request.outcomes;
    }
}

/// What follows the head of a request.
#[derive(Clone, Copy, PartialEq)]
enum Body {
    Length(usize),
    Unknown,
}

async fn read(
    stream: &mut TcpStream,
    received: &mut Vec<u8>,
    defect: Defect,
) -> Option<(Request, Body)> {
    let end = loop {
        if let Some(at) = received.windows(4).position(|part| part == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(received).await.ok()? == 0 {
            return None;
        }
    };
    let head: Vec<u8> = received.drain(..end).collect();
    let request = request_of(&head, defect)?;
    let length = request.headers.iter().find(|(name, _)| name == "Content-Length");
    let length = length.map_or(Some(0), |(_, value)| str::from_utf8(value).ok()?.parse().ok());
    let is_chunked = request.has("transfer-encoding", "chunked");
    let body = length.filter(|_| !is_chunked).map_or(Body::Unknown, Body::Length);
    Some((request, body))
}

fn request_of(head: &[u8], defect: Defect) -> Option<Request> {
    let mut lines = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut lines);
    request.parse(head).ok()?;
    let target = request.path?;
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (target, None),
    };
    let header = |line: &httparse::Header<'_>| (line.name.to_owned(), line.value.to_vec());
    Some(Request {
        method: request.method?.to_owned(),
        path: path.to_owned(),
        query,
        headers: request.headers.iter().map(header).collect(),
        outcomes: Outcomes::default(),
        defect,
    })
}

/// Drops the work if the client hangs up meanwhile, as servers do.
async fn unless_gone<T>(stream: &TcpStream, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(Some(done));
        }
        let mut byte = [0];
        match stream.poll_peek(context, &mut ReadBuf::new(&mut byte)) {
            Poll::Ready(Ok(0) | Err(_)) => Poll::Ready(None),
            // What it sends now is for later.
            Poll::Ready(Ok(_)) | Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Reads the body; false if it breaks off.
async fn skip(stream: &mut TcpStream, received: &mut Vec<u8>, body: Body) -> bool {
    let Body::Length(length) = body else { return true };
    while received.len() < length {
        if !stream.read_buf(received).await.is_ok_and(|read| read > 0) {
            return false;
        }
    }
    received.drain(..length);
    true
}

fn bytes(app: &App, request: &Request, response: &Response, closes: bool) -> Vec<u8> {
    let Response { status, headers, body } = response;
    let connection = if closes { "close" } else { "keep-alive" };
    let length = body.len();
    let mut text =
        format!("HTTP/1.1 {status} -\r\nconnection: {connection}\r\ncontent-length: {length}\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    text += "\r\n";
    if app.sends_body(request) {
        text += body;
    }
    text.into_bytes()
}
