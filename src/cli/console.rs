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
    let ground = std::env::var("COLORFGBG").unwrap_or_default();
    let theme = match (bare, is_light(&ground)) {
        (true, _) => "mono",
        (false, true) => "paper",
        (false, false) => "terminal",
    };
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

/// Whether `COLORFGBG`, as in `0;15` or `0;default;15`, says that the terminal's background is light. What it does not
/// say clearly is not light: the default theme fits both.
fn is_light(ground: &str) -> bool {
    let last = ground.rsplit(';').next().and_then(|field| field.trim().parse::<u8>().ok());
    matches!(last, Some(7 | 9..=15))
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

#[cfg(test)]
mod tests {
    #[test]
    fn only_a_clear_word_of_the_terminal_makes_the_ground_light() {
        for light in ["0;15", "0;7", "12;default;15", "0;9", "0; 14"] {
            assert!(super::is_light(light), "{light}");
        }
        for other in ["", "15;0", "7;8", "15;default", "0;16", "0;-7", "0;15;", "x"] {
            assert!(!super::is_light(other), "{other}");
        }
    }
}
