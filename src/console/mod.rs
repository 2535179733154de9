//! The interactive process: the terminal, the loop, and what leaves the screen.

pub mod clipboard;
mod decode;
mod input;
mod panics;
pub mod run_loop;
mod signals;
pub mod terminal;
mod wire;
