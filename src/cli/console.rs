//! Plain `trueup`: the console on the configured profile.

use std::io::IsTerminal;
use std::path::Path;

use super::args::Global;
use super::exit::{Exit, Outcome};
use super::{folders, open};
use crate::config::Settings;
use crate::console::{self, Opening, run_loop::ExitReason};
use crate::store::Store;

/// A log larger than this is begun anew, in bytes.
const LOG_LIMIT: u64 = 4 * 1024 * 1024;

/// Opens the console on the profile that the options name.
pub async fn run(global: &Global) -> Outcome {
    let settings = open::settings(global)?;
    if !std::io::stdout().is_terminal() {
        return Err(console::needs_terminal("trueup").into());
    }
    log_to(&settings.data);
    let store = open::store(&settings.store).await?;
    sit(settings, store, global, false).await
}

/// Opens the console over settings and store, and closes the store afterwards.
pub async fn sit(settings: Settings, store: Store, global: &Global, demo: bool) -> Outcome {
    let bare = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let ascii = std::env::var("TERM").is_ok_and(|term| term == "linux" || term == "dumb");
    let theme = if bare { "mono" } else { "terminal" };
    let opening = Opening {
        role: global.role.clone().unwrap_or_else(|| "founder".to_owned()),
        theme: folders::variable("TRUEUP_THEME").unwrap_or_else(|| theme.to_owned()),
        ascii,
        demo,
        views: folders::texts(&settings.folder.join("views")),
        themes: folders::texts(&settings.folder.join("themes")),
        env: if demo { folders::nothing } else { folders::variable },
        store: store.clone(),
        settings,
    };
    let ended = console::open(opening).await;
    store.close().await;
    Ok(match ended? {
        ExitReason::Quit => Exit::Done,
        ended => Exit::Signal(ended.code()),
    })
}

/// While the console owns the screen, what the engine has to say goes into a file of the data folder.
pub fn log_to(data: &Path) {
    let path = data.join("trueup.log");
    let large = std::fs::metadata(&path).is_ok_and(|file| file.len() > LOG_LIMIT);
    let mut options = std::fs::OpenOptions::new();
    options.create(true);
    if large {
        options.write(true).truncate(true)
    } else {
        options.append(true)
    };
    if folders::make(data).is_err() {
        return;
    }
    if let Ok(file) = options.open(&path) {
        let _ = tracing_subscriber::fmt()
            .json()
            .with_env_filter(tracing_subscriber::EnvFilter::new("trueup=info"))
            .with_writer(std::sync::Mutex::new(file))
            .try_init();
    }
}
