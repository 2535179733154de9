//! The views and themes that are part of the program, as text. They pass through the same loaders as a user's files.

/// Views by name.
pub(super) const VIEWS: &[(&str, &str)] = &[
    ("base", include_str!("../../views/base.toml")),
    ("founder", include_str!("../../views/founder.toml")),
    ("support", include_str!("../../views/support.toml")),
    ("engineer", include_str!("../../views/engineer.toml")),
];

/// Themes by name, the default first.
pub(super) const THEMES: &[(&str, &str)] = &[
    ("terminal", include_str!("../../themes/terminal.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
    ("dusk", include_str!("../../themes/dusk.toml")),
    ("paper", include_str!("../../themes/paper.toml")),
    ("clear-dark", include_str!("../../themes/clear-dark.toml")),
    ("clear-light", include_str!("../../themes/clear-light.toml")),
];

pub(super) fn view(name: &str) -> Option<&'static str> {
    VIEWS.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}

pub(super) fn theme(name: &str) -> Option<&'static str> {
    THEMES.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}
