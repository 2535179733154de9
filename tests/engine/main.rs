//! The engine against the simulated company: what a failing source costs the others, who collects, what is remembered.
//!
//! Everything runs in this process over real HTTP and real files. Waits are those of production; only the intervals
//! between rounds are shortened. What waits long waits side by side: a whole run takes little more than a minute on two cores.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod checks;
mod collecting;
mod faults;
mod house;
mod portal;
mod rounds;
