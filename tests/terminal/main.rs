//! The console's loop on a real pseudo-terminal: every way out, and what the terminal is like afterwards.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod child;
mod demo;
mod input;
mod leaving;
mod pace;
mod pty;
mod vanishing;
