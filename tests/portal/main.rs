//! The portal as a source, against real databases: SQLite always, Postgres where `TRUEUP_TEST_PG` names a server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod limits;
mod odd;
mod parts;
mod reading;
mod refusals;
mod world;
