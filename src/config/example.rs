//! The whole table of keys as a file to start from: `config.example.toml`.
//!
//! What must stay true: a key with a default stands there with it; a key without is commented out as `#key = value`
//! (no space after `#`), while explanations begin with `# `. With every `#key` line uncommented the file still loads.

use super::key::{self, Key, SECTIONS, Section, Shape};
use crate::domain::System;

const HEAD: &str = "\
# Every key of trueup's configuration, made from the table in src/config/key.rs.
# Lines of the form `#key = value` are off; what is not given has the default that stands here.
# Found by --config, else $TRUEUP_CONFIG, else $TRUEUP_HOME/config.toml, else the platform's configuration folder.
# Credentials never stand here: `trueup login SOURCE`, TRUEUP_<SOURCE>_API_KEY, or a file named by api_key_file.
";

/// The text of `config.example.toml`.
pub fn example() -> String {
    let mut out = String::from(HEAD);
    for section in SECTIONS {
        if section.path == "serve" {
            for system in key::sources() {
                source(system, &mut out);
            }
        }
        self::section(section, &mut out);
    }
    out
}

fn section(section: &Section, out: &mut String) {
    out.push('\n');
    if !section.doc.is_empty() {
        out.push_str(&format!("# {}\n", section.doc));
    }
    let off = if section.optional { "#" } else { "" };
    match section.shape {
        _ if section.path.is_empty() => {}
        Shape::List => out.push_str(&format!("{off}[[{}]]\n", section.path)),
        _ => out.push_str(&format!("{off}[{}]\n", section.path)),
    }
    for key in section.keys {
        // `kind` and `query` of the portal's queue exclude each other: the second is only explained.
        if section.path == "portal.jobs" && key.name == "query" {
            out.push_str(&format!("# or, instead of a kind: query = {}\n", key.sample));
            continue;
        }
        line(key, key.default, key.sample, section.optional, out);
    }
}

fn source(system: System, out: &mut String) {
    out.push_str(&format!("\n# {}, {}\n#[sources.{system}]\n", system.title(), system.kind()));
    for key in key::source_keys(system) {
        let url = format!("\"{}\"", key::base_url(system).unwrap_or("https://acme.zendesk.com"));
        let (default, sample) = match key.name {
            "base_url" => (None, url.as_str()),
            "every" => (Some(key::every(system)), key::every(system)),
            _ => (key.default, key.sample),
        };
        line(key, default, sample, true, out);
    }
}

fn line(key: &Key, default: Option<&str>, sample: &str, optional: bool, out: &mut String) {
    let value = default.unwrap_or(sample);
    let off = if optional || default.is_none() { "#" } else { "" };
    if value.contains('\n') {
        out.push_str(&format!("# {}\n", key.doc));
        for part in format!("{} = {value}", key.name).lines() {
            out.push_str(&format!("{off}{part}\n"));
        }
    } else {
        let setting = format!("{off}{} = {value}", key.name);
        if setting.len() + key.doc.len() > 110 {
            out.push_str(&format!("# {}\n{setting}\n", key.doc));
        } else {
            out.push_str(&format!("{setting:<36}  # {}\n", key.doc));
        }
    }
}

/// Every `#key` line of the example switched on: what a test loads to see that the samples are right.
pub fn switched_on(example: &str) -> String {
    let mut out: String = example
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}
