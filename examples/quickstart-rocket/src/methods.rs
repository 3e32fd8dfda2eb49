//! `only_get`: 405 for a method that a path does not have. Rocket would answer 404.

use rocket::http::{Method, Status};
use rocket::response::Response;
use rocket::route::{Handler, Outcome, Route};
use rocket::{Data, Request, async_trait};

/// Adds to routes for `GET`, which Rocket lets answer `HEAD` as well, the refusal of all other methods.
pub(crate) fn only_get(routes: Vec<Route>) -> Vec<Route> {
    let others = routes.clone().into_iter().flat_map(|route| {
        OTHERS.map(|method| {
            let mut other = route.clone();
            other.method = method;
            other.handler = Box::new(NotAllowed);
            other
        })
    });
    others.chain(routes).collect()
}

const OTHERS: [Method; 7] = [
    Method::Put,
    Method::Post,
    Method::Delete,
    Method::Options,
    Method::Trace,
    Method::Connect,
    Method::Patch,
];

#[derive(Clone)]
struct NotAllowed;

#[async_trait]
impl Handler for NotAllowed {
    async fn handle<'r>(&self, _: &'r Request<'_>, _: Data<'r>) -> Outcome<'r> {
        let mut response = Response::new();
        response.set_status(Status::MethodNotAllowed);
        response.set_raw_header("Allow", "GET,HEAD");
        Outcome::Success(response)
    }
}
