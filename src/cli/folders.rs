//! Where files stand on this platform, and how they are read.
//!
//! What must stay true: this is the only place that asks the platform for folders; folders that are made here are
//! closed to other users.

use std::path::{Path, PathBuf};

use directories::ProjectDirs;

use crate::domain::Problem;

/// A configuration file larger than this is not one.
const LARGEST: u64 = 1 << 20;

/// Folders of this user.
#[derive(Clone, Debug)]
pub struct Folders {
    /// For configuration; `None` without a home.
    pub config: Option<PathBuf>,
    /// For data; `None` without a home.
    pub data: Option<PathBuf>,
    /// Where the command was typed.
    pub here: PathBuf,
}

impl Folders {
    /// Asks the platform.
    pub fn find() -> Self {
        let project = ProjectDirs::from("dev", "trueup", "trueup");
        Self {
            config: project.as_ref().map(|dirs| dirs.config_dir().to_path_buf()),
            data: project.as_ref().map(|dirs| dirs.data_local_dir().to_path_buf()),
            here: std::env::current_dir().unwrap_or_default(),
        }
    }

    /// `$TRUEUP_HOME`, else the platform's folder for data.
    pub fn data_folder(&self) -> Option<PathBuf> {
        match variable("TRUEUP_HOME") {
            Some(home) => Some(self.here.join(home)),
            None => self.data.clone(),
        }
    }
}

/// A variable of the environment that is set and not blank.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// Reads a text file: `None` when there is none.
pub fn read(path: &Path) -> Result<Option<String>, String> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
        Ok(about) if about.is_dir() => return Err("it is a folder".to_owned()),
        Ok(about) if about.len() > LARGEST => return Err("it is larger than 1 MiB".to_owned()),
        Ok(_) => {}
    }
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map(Some).map_err(|_| "it is not text in UTF-8".to_owned())
}

/// Makes a folder, if it is not there, that only this user may enter.
pub fn make(folder: &Path) -> Result<(), Problem> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| {
        Problem::usage("a folder cannot be made")
            .at(folder.display().to_string())
            .why(error.to_string())
            .hint("set TRUEUP_HOME to a folder that you may write to")
    })
}

/// The readable `.toml` files of a folder: name without its ending, and text, by name. A folder that is not there has none.
pub fn texts(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned());
        if let (true, Some(name), Ok(Some(text))) = (path.extension().is_some_and(|e| e == "toml"), name, read(&path)) {
            found.push((name, text));
        }
    }
    found.sort();
    found
}

/// An environment in which nothing is set: the simulated company must not meet real credentials.
pub fn nothing(_: &str) -> Option<String> {
    None
}
