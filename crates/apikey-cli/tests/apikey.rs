//! The `apikey` command from outside: the built binary, on files of its own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod check;
mod count;
mod create;
mod damaged;
mod database;
mod disable;
mod fixture;
mod hashers;
mod help;
mod import_django;
mod list;
mod migrate;
mod migration;
mod migration_catalogue;
mod own_model;
mod own_program;
mod purge;
mod revoke;
mod rotate;
mod rotate_aged;
mod servers;
mod show;
mod shown;
mod unrepeated;
mod update;
mod verify;
