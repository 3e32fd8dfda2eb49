//! What goes wrong around a database: killed processes and servers, dropped futures, full and read-only disks.
//!
//! The rule behind all of it: what was acknowledged is there afterwards, and a rotation is whole or absent.

#![cfg(feature = "sqlite")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a step that fails ends the test")]
#![expect(
    clippy::print_stdout,
    reason = "a process that writes tells another one what it has done"
)]

mod child;
mod database;
mod dropped;
mod full;
mod killed;
#[cfg(all(unix, feature = "postgres", feature = "mysql"))]
mod private;
mod processes;
mod read_only;
#[cfg(all(unix, feature = "postgres", feature = "mysql"))]
mod server_dropped;
#[cfg(all(unix, feature = "postgres", feature = "mysql"))]
mod server_killed;
#[cfg(all(unix, feature = "postgres", feature = "mysql"))]
mod server_restarted;
