//! The engine against the simulated company: what a failing source costs the others, who collects, what is remembered.
//!
//! Everything runs in this process over real HTTP and real files. Waits are those of production; only the intervals
//! between rounds are shortened. The claims run side by side: the slowest, about the lease, takes about forty seconds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod checks;
mod faults;
mod house;
mod lease;
mod portal;
mod rounds;
