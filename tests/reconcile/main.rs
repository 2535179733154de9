//! What is out of step, and how it is said: rules, identity, evidence, grace, order.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::wildcard_imports)]

mod deals;
mod fixtures;
mod order;
mod property;
mod silence;
mod texts;
mod world;
