//! What goes wrong around a database: killed processes and servers, dropped futures, full and read-only disks.
//!
//! The rule behind all of it: what was acknowledged is there afterwards, and a rotation is whole or absent.
//!
//! | Fault | SQLite | PostgreSQL, MariaDB |
//! |---|---|---|
//! | `kill -9` between and within changes | `killed`, of a process that writes | `server_killed`, of the server |
//! | hangs, and goes on | – | `server_hung` |
//! | stopped and started again under load | – | `server_restarted` |
//! | futures dropped at each await | `dropped` | `server_dropped` |
//! | sixteen writers in two processes | `processes` | the conformance suite, from two pools |
//! | only reading is allowed | `read_only` | `server_read_only` |
//! | no room left | `full` | `server_full` |
//! | cuts what is too long | – | `server_lax` |
//! | becomes a replica | – | `server_failover` |
//! | is behind a firewall that forgets | – | `server_forgotten` |
//! | speaks no English | – | `server_german` |
//! | wants TLS | – | `server_tls` |

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
#[cfg(all(unix, feature = "postgres", feature = "mysql"))]
mod proxy;
mod read_only;
#[cfg(all(unix, feature = "postgres", feature = "mysql"))]
mod server_dropped;
#[cfg(all(unix, feature = "postgres", feature = "mysql"))]
mod server_failover;
#[cfg(all(unix, feature = "postgres", feature = "mysql"))]
mod server_forgotten;
#[cfg(all(unix, feature = "postgres", feature = "mysql"))]
mod server_full;
#[cfg(all(unix, feature = "bb8", feature = "postgres", feature = "mysql"))]
mod server_german;
#[cfg(all(unix, feature = "postgres", feature = "mysql"))]
mod server_hung;
#[cfg(all(unix, feature = "postgres", feature = "mysql"))]
mod server_killed;
#[cfg(all(unix, feature = "postgres", feature = "mysql"))]
mod server_lax;
#[cfg(all(unix, feature = "postgres", feature = "mysql"))]
mod server_read_only;
#[cfg(all(unix, feature = "postgres", feature = "mysql"))]
mod server_restarted;
#[cfg(all(unix, feature = "postgres", feature = "mysql"))]
mod server_tls;
