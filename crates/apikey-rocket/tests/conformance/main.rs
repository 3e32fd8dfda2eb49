//! The suite that every adapter passes, on this one.

mod harness;

use apikey_conformance::adapter_suite;

use crate::harness::OnRocket;

adapter_suite!(rocket_server, OnRocket);
