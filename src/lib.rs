//! trueup shows, live and ranked by harm, where a product's systems disagree about a customer.
//!
//! The rooms, from the ground up. A room may use what stands before it on its own side; `ARCHITECTURE.md` is the map.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

// The head: pure rules.
pub mod config;
pub mod domain;
pub mod query;
pub mod reconcile;

// The face: what people see.
pub mod app;
pub mod present;
pub mod ui;

// The hands: what reaches outside.
pub mod engine;
pub mod sim;
pub mod sources;
pub mod store;

// Where the two meet.
pub mod cli;
pub mod console;
