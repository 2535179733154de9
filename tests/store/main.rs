//! The store keeps what was seen: one suite of claims, each run on SQLite and on Postgres.
//!
//! Postgres comes from `TRUEUP_TEST_PG`, a `postgres://` address of a superuser (`tests/run` starts a throwaway
//! cluster); each claim gets a database of its own. Without it that half says loudly that it was not run, and fails
//! where `CI` is set.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, clippy::print_stdout)]

#[macro_use]
mod place;
mod change;
mod cluster;
mod derive;
mod faces;
mod faults;
mod find;
mod history;
mod list;
mod observe;
mod open;
mod speed;
