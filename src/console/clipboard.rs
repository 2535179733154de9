//! Copies one field to the clipboard, through the terminal (OSC 52), so that it works over ssh.
//!
//! What must stay true: only a key press leads here, with one field; what is too long is refused with words, not cut.
//! Never called with a secret.

use crossterm::Command;
use crossterm::clipboard::CopyToClipboard;

use super::wire;
use crate::domain::{Problem, Text};

/// Longest text that is copied, in bytes; terminals drop what is much longer without a word.
pub const MAX_BYTES: usize = 64 * 1024;

/// Copies a text. Call it from the console's own thread, between frames, as [`super::run_loop::Face::input`] is.
pub fn copy(text: &Text) -> Result<(), Problem> {
    wire::write(&sequence(text.as_str())?)
        .map_err(|error| Problem::evidence("the terminal did not take the copy").why(error.to_string()))
}

fn sequence(text: &str) -> Result<Vec<u8>, Problem> {
    if text.is_empty() {
        return Err(Problem::usage("there is nothing to copy"));
    }
    if text.len() > MAX_BYTES {
        let what = format!("too long to copy: {} kB, and terminals take {} kB", text.len() / 1024, MAX_BYTES / 1024);
        return Err(Problem::usage(what).hint("use `trueup show --json` and a pipe"));
    }
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = CopyToClipboard::to_clipboard_from(text).write_ansi(&mut out);
    Ok(out.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_encoded_so_that_nothing_in_it_can_act() {
        let bytes = sequence("cus_1\u{1b}]0;x\u{7}").unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with("\u{1b}]52;c;Y3VzXz") && text.ends_with("\u{1b}\\"), "{text:?}");
        assert_eq!(text.matches('\u{1b}').count(), 2);
    }

    #[test]
    fn what_is_too_long_is_refused_with_words() {
        let problem = sequence(&"x".repeat(MAX_BYTES + 1)).unwrap_err();
        assert!(problem.what.as_str().contains("too long to copy"));
        assert!(sequence(&"x".repeat(MAX_BYTES)).is_ok());
        assert!(sequence("").is_err());
    }
}
