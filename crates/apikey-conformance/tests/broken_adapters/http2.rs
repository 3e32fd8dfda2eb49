//! HTTP/2 for the adapter without a framework: each stream is a request of its own.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use apikey_core::{KeyRecord, Outcomes};
use h2::server::SendResponse;
use http::request::Parts;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::server::{App, Defect, Request};

/// What the connection remembers, though it should not.
type Kept = Arc<Mutex<Outcomes<KeyRecord>>>;

type Part = std::io::Cursor<Vec<u8>>;

/// Whether a connection begins with HTTP/2.
pub(crate) async fn is_next(stream: &TcpStream) -> bool {
    let mut start = [0; 4];
    // No method of HTTP/1.1 is called so, and the client sends all of its preface at once.
    stream.peek(&mut start).await.is_ok() && start == *b"PRI "
}

pub(crate) async fn answer(app: &Arc<App>, stream: TcpStream) {
    let handshake = h2::server::Builder::new().handshake::<_, Part>(stream);
    let Ok(mut connection) = handshake.await else { return };
    let (kept, mut streams) = (Kept::default(), JoinSet::new());
    while let Some(Ok((request, respond))) = connection.accept().await {
        let (app, kept) = (Arc::clone(app), Arc::clone(&kept));
        let (head, _) = request.into_parts();
        streams.spawn(async move { serve(&app, &head, respond, &kept).await });
    }
}

async fn serve(app: &App, head: &Parts, mut respond: SendResponse<Part>, kept: &Kept) {
    let mut request = Request {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().map(str::to_owned),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
            .collect(),
        outcomes: Outcomes::default(),
        defect: app.defect,
    };
    if app.defect == Defect::MixesStreams {
        request.outcomes = kept.lock().unwrap().clone();
    }
    let Some(response) = unless_reset(&mut respond, app.respond(&mut request)).await else {
        return;
    };
    *kept.lock().unwrap() = request.outcomes.clone();

    let mut answer = http::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        answer = answer.header(*name, value);
    }
    let has_body = app.sends_body(&request) && !response.body.is_empty();
    // A client may have hung up.
    if let Ok(mut body) = respond.send_response(answer.body(()).unwrap(), !has_body)
        && has_body
    {
        let _ = body.send_data(Part::new(response.body.into_bytes()), true);
    }
}

/// Drops the work if the client resets the stream meanwhile, as servers do.
async fn unless_reset<T>(
    stream: &mut SendResponse<Part>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(Some(done));
        }
        stream.poll_reset(context).map(|_| None)
    })
    .await
}
