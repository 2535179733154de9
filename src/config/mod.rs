//! Text files become typed settings, or a precise complaint.

mod build;
mod check;
mod complaint;
mod document;
pub mod example;
pub mod key;
pub mod load;
pub mod settings;
mod value;
pub mod write;

pub use load::{Inputs, load};
pub use settings::Settings;
