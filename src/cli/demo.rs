//! `demo`: the console on the simulated company. No account, no network beyond loopback, nothing left behind.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::args::Global;
use super::exit::Outcome;
use super::{console, open};
use crate::domain::Problem;
use crate::sim::{self, Options};

/// Folders of demos begin with this.
const PREFIX: &str = "trueup-demo-";

/// Starts the company in a folder of its own, opens the console on it, and removes the folder.
pub async fn run(seed: u64, global: &Global) -> Outcome {
    if !std::io::stdout().is_terminal() {
        let problem = crate::console::needs_terminal("trueup demo");
        return Err(problem.hint("`trueup sim --dir DIR` runs the simulated company without a screen").into());
    }
    sweep(&std::env::temp_dir());
    let folder = Folder::make()?;
    let options = Options { dir: folder.0.clone(), seed, ..Options::default() };
    let company = sim::start(options).await?;
    let sitting = async {
        let settings = open::alone(company.config())?;
        console::log_to(&settings.data);
        let store = open::store(&settings.store).await?;
        console::sit(settings, store, global, true).await
    };
    let outcome = sitting.await;
    company.stop().await;
    drop(folder);
    outcome
}

/// A folder that goes when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Self, Problem> {
        let unique = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.subsec_nanos());
        let path = std::env::temp_dir().join(format!("{PREFIX}{}-{unique}", std::process::id()));
        super::folders::make(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Removes what a demo that was killed could not: folders whose process is gone. Only where that can be told.
fn sweep(temp: &Path) {
    let running = Path::new("/proc");
    if !running.join("self").exists() {
        return;
    }
    for entry in std::fs::read_dir(temp).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(PREFIX)).and_then(|rest| rest.split('-').next());
        if process.is_some_and(|id| id.parse::<u32>().is_ok() && !running.join(id).exists()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
