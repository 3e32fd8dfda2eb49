//! One HTTP/1.1 connection on which requests follow each other.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::ReadHalf;
use tokio::time::timeout;

use super::client::{PATIENCE, RawRequest, RawResponse, parse};

/// A connection that the client wants to be kept open.
pub(crate) struct Conversation {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Conversation {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let connected = timeout(PATIENCE, TcpStream::connect(address)).await;
        let stream = connected.expect("the server accepts").expect("the server can be reached");
        Self { stream, received: Vec::new() }
    }

    /// Sends a request and reads the response; `None` if the server has closed the connection instead.
    pub(crate) async fn ask(&mut self, request: &RawRequest) -> Option<RawResponse> {
        self.ask_all(&[request]).await.pop()
    }

    /// Sends requests without waiting in between, and reads the responses, which are fewer if the server
    /// closes the connection.
    pub(crate) async fn ask_all(&mut self, requests: &[&RawRequest]) -> Vec<RawResponse> {
        let Self { stream, received } = self;
        let (mut reading, mut writing) = stream.split();
        let bytes: Vec<u8> =
            requests.iter().flat_map(|request| request.bytes("keep-alive")).collect();
        // It fails if the server closes the connection while it is sent to, which the answers show.
        let write = async { drop(writing.write_all(&bytes).await) };
        let read = async {
            let mut answers = Vec::new();
            for request in requests {
                answers.extend(answer(&mut reading, received, request.method == "HEAD").await);
            }
            answers
        };
        let both = async { tokio::join!(write, read) };
        let ((), answers) =
            timeout(PATIENCE, both).await.expect("the server answers, or closes the connection");
        answers
    }
}

/// Reads the next response; `None` at the end of the connection.
async fn answer(
    stream: &mut ReadHalf<'_>,
    received: &mut Vec<u8>,
    is_head: bool,
) -> Option<RawResponse> {
    loop {
        if let Some(length) = length(received, is_head) {
            let raw = received.drain(..length).collect();
            return Some(parse(raw, is_head));
        }
        // A server that closes a connection without reading all of it resets it.
        let read = stream.read_buf(received).await;
        let is_end = matches!(&read, Ok(0))
            || read.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset);
        if is_end {
            let rest = String::from_utf8_lossy(received);
            assert!(received.is_empty(), "the connection ends within an answer: {rest}");
            return None;
        }
        read.expect("the answer can be read");
    }
}

/// Returns the length of the first response, once all of it is there.
fn length(received: &[u8], is_head: bool) -> Option<usize> {
    let mut lines = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut lines);
    let parsed = response.parse(received).expect("the answer is HTTP/1.1");
    let httparse::Status::Complete(start) = parsed else {
        return None;
    };
    let value = |name: &str| {
        let line = response.headers.iter().find(|line| line.name.eq_ignore_ascii_case(name));
        line.map(|line| String::from_utf8_lossy(line.value))
    };
    let end = if is_head {
        start
    } else if value("transfer-encoding").is_some() {
        end_of_chunks(received, start)?
    } else {
        let length = value("content-length").expect("the end of the answer can be told");
        start + length.parse::<usize>().expect("the length is a number")
    };
    (received.len() >= end).then_some(end)
}

fn end_of_chunks(received: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let chunk = httparse::parse_chunk_size(received.get(at..)?).expect("the answer has chunks");
        let httparse::Status::Complete((start, size)) = chunk else {
            return None;
        };
        // Behind each chunk there is an empty line.
        at += start + usize::try_from(size).expect("the chunk fits in memory") + 2;
        if size == 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_one_answer_from_the_next() {
        let plain = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n0\r\n\r\n";
        for answer in [plain, chunked] {
            let both = format!("{answer}HTTP/1.1 401 No\r\n");
            assert_eq!(length(both.as_bytes(), false), Some(answer.len()));
            for cut in 0..answer.len() {
                assert_eq!(length(&answer.as_bytes()[..cut], false), None, "{cut}");
            }
        }
        assert_eq!(length(plain.as_bytes(), true), Some(plain.len() - 2));
    }
}
