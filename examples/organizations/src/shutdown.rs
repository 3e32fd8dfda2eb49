//! The end of the service: when it is asked to end, and at the latest.

use std::future::pending;
use std::time::Duration;

use tokio::signal::ctrl_c;
use tokio::time::sleep;

/// How long requests may go on. Who stops a container kills it after a while, Docker after 10 seconds: until then the
/// uses of keys have to be written.
const PATIENCE: Duration = Duration::from_secs(5);

/// Waits for Ctrl-C, or for SIGTERM, by which containers are stopped.
pub(crate) async fn asked() {
    tokio::select! {
        interrupted = ctrl_c() => if interrupted.is_err() { pending::<()>().await },
        () = terminated() => {}
    }
}

/// Waits until requests that are still served have had their time: a stream may never end.
pub(crate) async fn overdue() {
    asked().await;
    sleep(PATIENCE).await;
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};

    match signal(SignalKind::terminate()) {
        Ok(mut signals) => drop(signals.recv().await),
        Err(_) => pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    pending().await
}
