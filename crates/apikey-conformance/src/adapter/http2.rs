//! HTTP/2: what holds for requests on connections of their own holds for streams of one connection.

use super::Harness;
use super::bottleneck::{AT_WORK, BEYOND, Bottleneck, WAITING};
use super::client::{RawRequest, RawResponse};
use super::connection::{Connection, Stream};
use super::stage::Stage;
use super::table::{Group, groups};

/// Over HTTP/2 every request of the table gets the answer that it gets over HTTP/1.1, while those of its
/// group are all under way on one connection and their verifications wait side by side.
pub async fn answers_streams_of_one_connection_each_for_itself<H: Harness>() {
    let mut faults = Vec::new();
    for group in groups() {
        let stage = Stage::with(group.key_locations(), group.format()).await;
        let responses = answers::<H>(&group, &stage).await;
        for (case, response) in group.cases.iter().zip(responses) {
            let of_case = case.faults(&response, &stage.texts, group.challenge());
            faults.extend(of_case.into_iter().map(|fault| format!("{}: {fault}", case.name)));
        }
    }
    assert!(faults.is_empty(), "of the table over HTTP/2:\n{}", faults.join("\n"));
}

async fn answers<H: Harness>(group: &Group, stage: &Stage) -> Vec<RawResponse> {
    let server = stage.serve::<H>().await;
    let connection = Connection::open(server.address()).await;
    let held = stage.hold_look_ups(usize::MAX);
    let mut streams: Vec<Stream> = Vec::new();
    for case in &group.cases {
        streams.push(connection.begin(&case.request(&stage.texts)).await);
    }
    let open = connection.send(&RawRequest::get("/public")).await;
    assert_eq!(open.status, 200, "an open route waits for no verification on another stream");
    drop(held);
    let mut responses = Vec::new();
    for stream in streams {
        responses.push(stream.response().await);
    }
    responses
}

/// A client that resets a stream while its key is verified harms none of the connection's other streams.
pub async fn survives_a_stream_that_is_reset<H: Harness>() {
    let stage = Stage::new().await;
    let server = stage.serve::<H>().await;
    let connection = Connection::open(server.address()).await;
    for path in ["/protected", "/reports", "/optional"] {
        let request = RawRequest::get(path).key(stage.text("key"));
        let held = stage.hold_look_ups(1);
        let stream = connection.begin(&request).await;
        held.reached().await;
        let beside = connection.send(&request).await;
        assert_eq!(
            beside.status, 200,
            "{path}: a verification that waits holds up no other stream"
        );
        stream.reset();
        let next = connection.send(&request).await;
        assert_eq!(next.status, 200, "{path}: a stream that was reset holds up no other");
        drop(held);
        let last = connection.send(&request).await;
        assert_eq!(last.status, 200, "{path}: after a stream was reset, others are served");
    }
}

/// Streams that are reset leave no place taken, neither on the threads for hashing nor in their queue.
pub async fn gives_back_the_places_of_streams_that_are_reset<H: Harness>() {
    let bottleneck = Bottleneck::new::<H>().await;
    let connection = Connection::open(bottleneck.server.address()).await;
    for path in ["/protected", "/reports", "/optional"].into_iter().cycle().take(9) {
        let pause = bottleneck.pause();
        let begin = async |key| connection.begin(&bottleneck.request(path, key)).await;
        let at_work = begin(AT_WORK).await;
        pause.reached().await;
        let (mut waiting, mut beyond) = (begin(WAITING).await, begin(BEYOND).await);
        // As soon as one is refused, the other has its place.
        tokio::select! {
            () = waiting.answered() => {}
            () = beyond.answered() => {}
        }
        for stream in [at_work, waiting, beyond] {
            stream.reset();
        }
        // Behind this the server knows that they have gone, if it cares.
        let open = connection.send(&RawRequest::get("/public")).await;
        assert_eq!(open.status, 200, "an open route waits for no verification");
        drop(pause);
        bottleneck.settle().await;
    }
    bottleneck.assert_open().await;
}
