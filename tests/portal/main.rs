//! The portal as a source, against real databases: SQLite always, Postgres where `TRUEUP_TEST_PG` names a server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod limits;
mod odd;
mod parts;
mod proposals;
mod reading;
mod refusals;
mod world;
