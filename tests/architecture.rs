//! The house itself: imports point one way, the head is pure, nothing prints outside `cli`, files stay short.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

/// Each room and what it may use. Nothing else in the house may be imported from it.
const ROOMS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("query", &["domain"]),
    ("reconcile", &["domain", "query"]),
    ("config", &["domain", "query"]),
    ("present", &["domain", "query", "config"]),
    ("app", &["domain", "query", "reconcile", "config", "present"]),
    ("ui", &["domain", "config", "present", "app"]),
    ("store", &["domain", "query"]),
    ("sources", &["domain"]),
    ("engine", &["domain", "query", "reconcile", "config", "store", "sources"]),
    ("sim", &["domain"]),
    ("console", &["domain", "query", "config", "present", "app", "ui", "store", "engine"]),
    (
        "cli",
        &["domain", "query", "reconcile", "config", "present", "app", "store", "sources", "engine", "sim", "console"],
    ),
];

/// Rooms that know no clock, disk, network, randomness or terminal.
const PURE: &[&str] = &["domain", "query", "reconcile", "present", "app"];
/// What the pure rooms may not name.
const IMPURE: &[&str] = &[
    "Utc::now",
    "Local::now",
    "SystemTime",
    "Instant::now",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "tokio::",
    "reqwest",
    "sqlx",
    "crossterm",
    "std::io::std",
    "getrandom",
];
/// Longest file, in lines, unless it is a table of data.
const LONGEST: usize = 600;
/// Tables, which may be longer.
const TABLES: &[&str] = &[];

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The lines that the compiler reads outside the file's own tests, numbered from 1.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let end = text.find("#[cfg(test)]").unwrap_or(text.len());
    text[..end].lines().enumerate().map(|(i, line)| (i + 1, line)).filter(|(_, l)| !l.trim_start().starts_with("//"))
}

#[test]
fn imports_point_one_way() {
    let rooms: Vec<&str> = ROOMS.iter().map(|(room, _)| *room).collect();
    let mut wrong = Vec::new();
    for (room, may) in ROOMS {
        for path in files(&source().join(room)) {
            let text = fs::read_to_string(&path).unwrap();
            for (line, content) in code(&text) {
                for other in rooms.iter().filter(|other| *other != room && !may.contains(other)) {
                    let named = content.match_indices(&format!("crate::{other}")).any(|(at, found)| {
                        !content[at + found.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
                    });
                    if named {
                        wrong.push(format!("{}:{line} uses {other}", path.display()));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "imports that point the wrong way:\n{}", wrong.join("\n"));
}

#[test]
fn every_folder_is_a_room_of_the_plan() {
    for entry in fs::read_dir(source()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let known = if path.is_dir() {
            ROOMS.iter().any(|(room, _)| *room == name)
        } else {
            ["lib.rs", "main.rs"].contains(&name.as_str())
        };
        assert!(known, "{name} is in no layer: give it a place in ARCHITECTURE.md and in this test");
    }
}

#[test]
fn the_head_knows_no_clock_disk_network_or_terminal() {
    let mut wrong = Vec::new();
    for room in PURE {
        for path in files(&source().join(room)) {
            let text = fs::read_to_string(&path).unwrap();
            for (line, content) in code(&text) {
                if let Some(word) = IMPURE.iter().find(|word| content.contains(*word)) {
                    wrong.push(format!("{}:{line} names {word}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "the pure half reaches outside:\n{}", wrong.join("\n"));
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let mut wrong = Vec::new();
    for path in files(&source()) {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(source()).unwrap().to_str().unwrap().to_owned();
        let lines = text.lines().count();
        if lines > LONGEST && !TABLES.contains(&name.as_str()) {
            wrong.push(format!("{name} has {lines} lines: a room is missing"));
        }
        if !text.starts_with("//!") {
            wrong.push(format!("{name} does not say what it is for"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_front_door_prints_and_cells_are_written_in_one_place() {
    let mut wrong = Vec::new();
    for path in files(&source()) {
        let name = path.strip_prefix(source()).unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        for (line, content) in code(&text) {
            let prints = ["println!", "eprintln!", "print!(", "eprint!("].iter().any(|word| content.contains(word));
            if prints && !name.starts_with("cli/") {
                wrong.push(format!("{name}:{line} prints"));
            }
            if ["set_symbol", "set_char(", "SetTitle", "#[allow(unsafe"].iter().any(|word| content.contains(word)) {
                wrong.push(format!("{name}:{line} writes to the terminal past the one door"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
