//! Text files become typed settings, or a precise complaint.

pub mod settings;

pub use settings::Settings;
