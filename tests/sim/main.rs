//! The simulated company, seen from outside: over HTTP, through its files and its database.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod company;
mod crms;
mod doors;
mod house;
mod plants;
mod story;
