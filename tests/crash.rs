//! When trueup itself is at fault there is a report, and the message says where.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use trueup::cli::exit::{Exit, Stop};
use trueup::cli::report;

#[test]
fn a_panic_becomes_a_report_and_code_70() {
    let folder = std::env::temp_dir().join(format!("trueup-crash-{}", std::process::id()));
    report::install(Some(folder.clone()));
    let outcome = report::guard(|| panic!("row {} is \u{1b}[2Jodd", 7));
    let _ = std::panic::take_hook();

    let Err(Stop::Problems(problems)) = outcome else { panic!("it ended well") };
    assert_eq!(Exit::of(&problems).code(), 70);
    let files: Vec<_> = std::fs::read_dir(folder.join("reports")).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 1);
    assert!(problems[0].to_string().contains(files[0].to_str().unwrap()), "{}", problems[0]);
    let text = std::fs::read_to_string(&files[0]).unwrap();
    for part in ["row 7 is \u{241b}[2Jodd", "tests/crash.rs", env!("CARGO_PKG_VERSION")] {
        assert!(text.contains(part), "{part}: {text}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777, 0o600);
    }
    std::fs::remove_dir_all(folder).unwrap();
}
