//! The whole service, request by request.

mod client;
mod life;
mod owners;
mod refusals;
