//! One line that is being typed. Holds only clean text of bounded length; moves by whole graphemes.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::input::{Key, Press};
use crate::domain::Text;

/// Most bytes that a line holds.
const MOST: usize = 4096;

/// A line with a caret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    text: String,
    /// Byte position of the caret; always on a grapheme's edge.
    at: usize,
}

impl Entry {
    /// A line that already holds something, the caret at its end.
    pub fn new(text: &str) -> Self {
        let mut entry = Self::default();
        entry.paste(text);
        entry
    }

    /// What stands in it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The part of it that fits into `width` cells around the caret, and the caret's cell in that part.
    pub fn window(&self, width: usize) -> (&str, usize) {
        let before = self.text[..self.at].width();
        if width == 0 {
            return ("", 0);
        }
        let mut from = 0;
        let mut skipped = 0;
        while before - skipped >= width {
            let Some(first) = self.text[from..].graphemes(true).next() else { break };
            from += first.len();
            skipped += first.width();
        }
        (&self.text[from..], before - skipped)
    }

    /// Puts pasted text in: the first line of it, cleaned.
    pub fn paste(&mut self, text: &str) {
        let line = text.trim_start().lines().next().unwrap_or_default();
        self.insert(Text::new(line).as_str());
    }

    fn insert(&mut self, clean: &str) {
        for grapheme in clean.graphemes(true) {
            if self.text.len() + grapheme.len() > MOST {
                return;
            }
            self.text.insert_str(self.at, grapheme);
            self.at += grapheme.len();
        }
        self.align();
    }

    /// What was inserted may have joined with its neighbour: the caret goes to the next edge.
    fn align(&mut self) {
        let at = self.at;
        let edges = self.text.grapheme_indices(true).map(|(edge, _)| edge);
        self.at = edges.chain([self.text.len()]).find(|edge| *edge >= at).unwrap_or(self.text.len());
    }

    /// Handles an editing key; `false` when the key is none.
    pub fn press(&mut self, press: Press) -> bool {
        let before = self.text[..self.at].graphemes(true).next_back().map_or(0, str::len);
        let after = self.text[self.at..].graphemes(true).next().map_or(0, str::len);
        match (press.key, press.ctrl, press.alt) {
            (Key::Char(c), false, false) => self.insert(Text::new(c.to_string()).as_str()),
            (Key::Backspace, false, false) | (Key::Char('h'), true, false) => {
                self.text.replace_range(self.at - before..self.at, "");
                self.at -= before;
                self.align();
            }
            (Key::Delete, false, false) => {
                self.text.replace_range(self.at..self.at + after, "");
                self.align();
            }
            (Key::Left, false, false) => self.at -= before,
            (Key::Right, false, false) => self.at += after,
            (Key::Home, ..) | (Key::Char('a'), true, false) => self.at = 0,
            (Key::End, ..) | (Key::Char('e'), true, false) => self.at = self.text.len(),
            (Key::Char('u'), true, false) => {
                self.text.replace_range(..self.at, "");
                self.at = 0;
            }
            (Key::Char('k'), true, false) => self.text.truncate(self.at),
            (Key::Char('w'), true, false) | (Key::Backspace, ..) => {
                let kept = self.text[..self.at].trim_end();
                let from = kept
                    .rfind(char::is_whitespace)
                    .map_or(0, |space| space + kept[space..].chars().next().map_or(0, char::len_utf8));
                self.text.replace_range(from..self.at, "");
                self.at = from;
                self.align();
            }
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(keys: &[Press]) -> Entry {
        let mut entry = Entry::default();
        for key in keys {
            entry.press(*key);
        }
        entry
    }

    #[test]
    fn a_paste_is_one_clean_line() {
        let mut entry = Entry::default();
        entry.paste("ana\u{1b}[31m\nq\nrm -rf");
        assert_eq!(entry.text(), "ana\u{241b}[31m");
        entry.paste(&"x".repeat(100_000));
        assert!(entry.text().len() <= MOST);
    }

    #[test]
    fn words_and_halves_can_be_deleted() {
        let mut entry = Entry::new("state = dead and key");
        entry.press(Press::ctrl('w'));
        assert_eq!(entry.text(), "state = dead and ");
        entry.press(Press::ctrl('u'));
        assert_eq!(entry.text(), "");
    }

    #[test]
    fn the_caret_moves_by_what_people_see_as_letters() {
        let mut entry = typed(&[Press::char('e'), Press::char('\u{301}'), Press::char('x')]);
        entry.press(Press::of(Key::Left));
        entry.press(Press::of(Key::Backspace));
        assert_eq!(entry.text(), "x");
    }

    #[test]
    fn the_window_keeps_the_caret_inside() {
        let entry = Entry::new(&"abcdefghij".repeat(5));
        let (part, caret) = entry.window(8);
        assert!(caret < 8 && part.len() < 10, "{part} {caret}");
    }
}
