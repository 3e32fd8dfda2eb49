//! The parts of a request that members fill in, with refusals as JSON.

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Path, Query};

use crate::refusal::Refusal;

/// A body.
#[derive(FromRequest)]
#[from_request(via(Json), rejection(Refusal))]
pub(crate) struct Body<T>(pub(crate) T);

/// What stands behind the question mark.
#[derive(FromRequestParts)]
#[from_request(via(Query), rejection(Refusal))]
pub(crate) struct Asked<T>(pub(crate) T);

/// The prefix that names a key, in the path.
#[derive(FromRequestParts)]
#[from_request(via(Path), rejection(Refusal))]
pub(crate) struct Prefix<T = String>(pub(crate) T);
