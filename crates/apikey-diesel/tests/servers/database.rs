//! Runs a test on both servers.

use apikey_conformance::{report_skip, run};

use crate::server::{Databases, SERVERS, Server};

/// Runs the body of a test on each server that there is.
#[expect(clippy::needless_pass_by_value, reason = "a closure in the call reads better")]
pub(crate) fn on_each_server(test: &str, body: impl AsyncFn(Server, &Databases)) {
    for server in SERVERS {
        let case = format!("servers::{test} on {server:?}");
        if let Err(reason) = server.url() {
            report_skip(&case, &reason);
            continue;
        }
        let databases = Databases::on(server);
        run(&case, &[], Ok(()), async { body(server, &databases).await });
    }
}
