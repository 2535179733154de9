//! Finds the configuration file and makes settings of it, or tells everything that is wrong with it.
//!
//! What must stay true: the order of search is the contract's (section 3); nothing here opens a file, reads the
//! environment or touches the network by itself: the caller hands in how.

use std::path::{Path, PathBuf};

use super::build::{Around, build};
use super::check::check;
use super::complaint::Complaints;
use super::document::Document;
use super::settings::Settings;
use crate::domain::Problem;

/// Everything that loading depends on.
pub struct Inputs<'a> {
    /// `--config`.
    pub config: Option<&'a Path>,
    /// `--store`; a relative SQLite file is taken from `here`.
    pub store: Option<&'a str>,
    /// The environment.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Reads a file: `None` when there is none, `Err` with the reason when it cannot be read.
    pub read: &'a dyn Fn(&Path) -> Result<Option<String>, String>,
    /// Where relative paths of options and variables start: the current folder.
    pub here: &'a Path,
    /// The platform's folder for configuration; `None` when it has none (no home).
    pub config_folder: Option<&'a Path>,
    /// The platform's folder for data.
    pub data_folder: Option<&'a Path>,
}

/// The file that would be read, and by what it was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its absolute path.
    pub file: PathBuf,
    /// `--config`, `TRUEUP_CONFIG`, `TRUEUP_HOME` or `the configuration folder`.
    pub by: &'static str,
}

/// Where the configuration file is looked for. The first that is named counts, whether it exists or not.
pub fn place(inputs: &Inputs<'_>) -> Result<Place, Problem> {
    let named = |variable| (inputs.env)(variable).filter(|value| !value.trim().is_empty()).map(PathBuf::from);
    let (file, by) = if let Some(file) = inputs.config {
        (file.to_path_buf(), "--config")
    } else if let Some(file) = named("TRUEUP_CONFIG") {
        (file, "TRUEUP_CONFIG")
    } else if let Some(home) = named("TRUEUP_HOME") {
        (home.join("config.toml"), "TRUEUP_HOME")
    } else if let Some(folder) = inputs.config_folder {
        (folder.join("config.toml"), "the configuration folder")
    } else {
        return Err(Problem::usage("there is no folder for a configuration file")
            .why("this user has no home folder")
            .hint("name the file with --config, or a folder in TRUEUP_HOME"));
    };
    Ok(Place { file: inputs.here.join(file), by })
}

/// The folder for data: the default store, reports.
pub fn data_folder(inputs: &Inputs<'_>) -> Option<PathBuf> {
    match (inputs.env)("TRUEUP_HOME").filter(|home| !home.trim().is_empty()) {
        Some(home) => Some(inputs.here.join(home)),
        None => inputs.data_folder.map(Path::to_path_buf),
    }
}

/// Finds, reads and checks the configuration. Every problem is told at once, by line.
pub fn load(inputs: &Inputs<'_>) -> Result<Settings, Vec<Problem>> {
    let place = place(inputs).map_err(|problem| vec![problem])?;
    let shown = place.file.display().to_string();
    match (inputs.read)(&place.file) {
        Ok(Some(text)) => parse(&text, &place.file, inputs),
        Ok(None) => Err(vec![
            Problem::usage("there is no configuration file")
                .at(&shown)
                .why(format!("looked there because of {}", place.by))
                .hint("run `trueup init` to make one, or `trueup demo` to look around without"),
        ]),
        Err(why) => Err(vec![
            Problem::usage("the configuration file cannot be read").at(&shown).why(why).hint("check its permissions"),
        ]),
    }
}

/// Checks the text of a configuration file that stands at `file`.
pub fn parse(text: &str, file: &Path, inputs: &Inputs<'_>) -> Result<Settings, Vec<Problem>> {
    let folder = file.parent().unwrap_or(inputs.here);
    let mut out = Complaints::new(file.display().to_string());
    let document = Document::parse(text.strip_prefix('\u{feff}').unwrap_or(text));
    let broken: Vec<usize> = document.broken.iter().map(|(line, _)| *line).collect();
    for (line, problem) in document.broken {
        out.add(line, problem);
    }
    if !broken.is_empty() {
        // What could be read is still held against the table, but what seems to be missing may stand in what could
        // not be read: nothing is concluded from absence.
        let mut rest = Complaints::new(file.display().to_string());
        check(&document.root, folder, &mut rest);
        out.absorb(rest, &broken);
        return Err(out.into_problems());
    }
    check(&document.root, folder, &mut out);

    let data = data_folder(inputs).unwrap_or_else(|| folder.to_path_buf());
    let variable =
        |name: &'static str| (inputs.env)(name).filter(|value| !value.trim().is_empty()).map(|value| (name, value));
    let around = Around {
        file: file.file_name().and_then(|name| name.to_str()).unwrap_or("config.toml"),
        folder,
        data: &data,
        store: inputs.store.map(|url| ("--store", here(url, inputs.here))).or_else(|| variable("TRUEUP_STORE_URL")),
        portal: variable("TRUEUP_PORTAL_URL"),
    };
    let settings = build(&document.root, &around, &mut out);
    if out.is_empty() { Ok(settings) } else { Err(out.into_problems()) }
}

/// An option's relative SQLite file is relative to where the command was typed.
fn here(url: &str, here: &Path) -> String {
    super::value::database(url, here).unwrap_or_else(|_| url.to_owned())
}
