//! Text files become typed settings, or a precise complaint.

mod build;
mod builtin;
mod check;
pub mod color;
mod complaint;
mod document;
pub mod example;
pub mod key;
pub mod load;
pub mod settings;
mod spot;
pub mod theme;
mod value;
pub mod view;
pub mod write;

pub use load::{Inputs, load};
pub use settings::Settings;
