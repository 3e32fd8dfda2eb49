//! The suite that every adapter passes, on this one.

mod harness;

use apikey_conformance::adapter_suite;

use crate::harness::Axum;

adapter_suite!(axum_server, Axum);
