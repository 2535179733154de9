//! When trueup itself is at fault: a report file, and exit code 70 with its path.
//!
//! What must stay true: a report holds the message, the place, a backtrace and the version, never the environment or
//! the configuration; its file is closed to other users. Nothing is written to the terminal from inside the hook: the
//! console may own the screen, and its own guard must restore it first.

use std::backtrace::Backtrace;
use std::io::Write;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::exit::{Outcome, Stop};
use crate::domain::{Problem, Text};

/// Where the newest report was written.
static NEWEST: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Writes a report of every panic into `folder` (the temporary folder when there is none).
pub fn install(folder: Option<PathBuf>) {
    let folder = folder.map_or_else(std::env::temp_dir, |data| data.join("reports"));
    std::panic::set_hook(Box::new(move |info| {
        let path = write(&folder, &text(info)).or_else(|_| write(&std::env::temp_dir(), &text(info)));
        if let (Ok(path), Ok(mut newest)) = (path, NEWEST.lock()) {
            tracing::error!(report = %path.display(), "a task of trueup stopped");
            *newest = Some(path);
        }
    }));
}

/// Runs a command; a panic in it becomes a problem that says where the report is.
pub fn guard(command: impl FnOnce() -> Outcome) -> Outcome {
    catch_unwind(AssertUnwindSafe(command)).unwrap_or_else(|_| Err(Stop::from(broken())))
}

fn broken() -> Problem {
    let path = NEWEST.lock().ok().and_then(|newest| newest.clone());
    let problem = Problem::bug("trueup has a bug and stopped");
    match path {
        Some(path) => problem.hint(format!("please send the report {}", path.display())),
        None => problem.why("the report could not be written"),
    }
}

fn text(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let message = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    let place = info.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
    format!(
        "trueup {} on {} {}\nmessage: {}\nplace: {place}\nthread: {}\n\n{}\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        Text::new(message),
        std::thread::current().name().unwrap_or("unnamed"),
        Backtrace::force_capture(),
    )
}

fn write(folder: &Path, text: &str) -> std::io::Result<PathBuf> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    let stamp = chrono::Utc::now().format("%Y%m%dT%H%M%S%3f");
    let path = folder.join(format!("panic-{stamp}-{}.txt", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&path)?.write_all(text.as_bytes())?;
    Ok(path)
}
