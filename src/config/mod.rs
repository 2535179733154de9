//! Text files become typed settings, or a precise complaint.

mod builtin;
pub mod color;
mod plain;
pub mod settings;
pub mod spot;
pub mod theme;
pub mod view;

pub use settings::Settings;
