//! Settings and store of a command: loaded and opened the same way everywhere.
//!
//! What must stay true: every problem of the configuration is told before anything is opened; nothing here touches
//! the network, apart from a store that stands on another machine.

use super::args::Global;
use super::exit::Outcome;
use super::folders::{self, Folders};
use crate::config::settings::Url;
use crate::config::{Inputs, Settings, load};
use crate::domain::{Problem, Time};
use crate::store::Store;

/// Loads the configuration that the options name.
pub fn settings(global: &Global) -> Result<Settings, Vec<Problem>> {
    with_inputs(global, load::load)
}

/// The configuration file that would be read.
pub fn place(global: &Global) -> Result<load::Place, Problem> {
    with_inputs(global, load::place)
}

fn with_inputs<T>(global: &Global, ask: impl FnOnce(&Inputs<'_>) -> T) -> T {
    let folders = Folders::find();
    ask(&Inputs {
        config: global.config.as_deref(),
        store: global.store.as_deref(),
        env: &folders::variable,
        read: &folders::read,
        here: &folders.here,
        config_folder: folders.config.as_deref(),
        data_folder: folders.data.as_deref(),
    })
}

/// Loads one file and nothing else: no environment, no folders of this user. For the simulated company.
pub fn alone(file: &std::path::Path) -> Result<Settings, Vec<Problem>> {
    let folder = file.parent();
    load::load(&Inputs {
        config: Some(file),
        store: None,
        env: &folders::nothing,
        read: &folders::read,
        here: folder.unwrap_or(file),
        config_folder: None,
        data_folder: folder,
    })
}

/// Opens a store; the folder of a SQLite file is made when it is missing.
pub async fn store(url: &Url) -> Result<Store, Problem> {
    if let Some(path) = url.expose().strip_prefix("sqlite:") {
        let path = std::path::Path::new(path.split('?').next().unwrap_or(path));
        if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
            folders::make(folder)?;
        }
    }
    Store::open(url.expose()).await
}

/// Settings and store together.
pub async fn both(global: &Global) -> Outcome<(Settings, Store)> {
    let settings = settings(global)?;
    let store = store(&settings.store).await?;
    Ok((settings, store))
}

/// This moment.
pub fn now() -> Time {
    Time::from_ms(chrono::Utc::now().timestamp_millis())
}
