//! trueup shows, live and ranked by harm, where a product's systems disagree about a customer.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod domain;

pub mod query;

pub mod config;

pub mod store;

pub mod sources;

pub mod console;
