//! Text files become typed settings, or a precise complaint.

mod builtin;
pub mod color;
pub mod settings;
mod spot;
pub mod theme;
pub mod view;

pub use settings::Settings;
