//! Foreign text: the one door through which strings from outside enter.
//!
//! What must stay true: a [`Text`] never holds a character that could move a cursor, reorder a line or hide itself.
//! Each such character is *shown* as one cell rather than dropped, so that tampering is visible and columns stay
//! aligned (`reliability.md` rows 26-28). This module refuses to guess what the sender meant.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

/// Most bytes that a [`Text`] keeps; what is beyond is cut and marked with `…`.
pub const MAX_BYTES: usize = 4096;
/// Most code points in one grapheme.
const MAX_POINTS: usize = 8;
/// Most bytes in one grapheme.
const MAX_CLUSTER: usize = 32;
/// Stands for an invisible or reordering character: width one everywhere, not of ambiguous width.
pub const MARK: char = '\u{2370}';

/// A sanitised, bounded string. Everything that is drawn, logged or printed and came from outside is one of these.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Text(Box<str>);

impl Text {
    /// Takes foreign text in, replacing what could act on a terminal by a visible mark.
    pub fn new(raw: impl AsRef<str>) -> Self {
        Self(clean(raw.as_ref()).into_owned().into_boxed_str())
    }

    /// The clean text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text, or `None` when it is blank: absent is `null`, never "".
    pub fn non_empty(raw: impl AsRef<str>) -> Option<Self> {
        let raw = raw.as_ref().trim();
        (!raw.is_empty()).then(|| Self::new(raw))
    }

    /// Whether a character was replaced when this text entered.
    pub fn is_marked(&self) -> bool {
        self.0.chars().any(|c| c == MARK || ('\u{2400}'..='\u{2421}').contains(&c))
    }

    /// The form under which two e-mail addresses are the same: trimmed, lower case.
    pub fn email_key(&self) -> Option<String> {
        let key = self.0.trim().to_lowercase();
        key.contains('@').then_some(key)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Text {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Text {
    fn from(raw: &str) -> Self {
        Self::new(raw)
    }
}

impl From<String> for Text {
    fn from(raw: String) -> Self {
        Self::new(raw)
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Cow::<'de, str>::deserialize(deserializer)?;
        Ok(Self::new(raw))
    }
}

/// Replaces what may not pass. Idempotent: cleaning clean text changes nothing.
fn clean(raw: &str) -> Cow<'_, str> {
    if raw.len() <= MAX_BYTES && raw.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len().min(MAX_BYTES));
    for cluster in raw.graphemes(true) {
        let before = out.len();
        for (points, c) in cluster.chars().take(MAX_POINTS).enumerate() {
            if out.len() - before + c.len_utf8() > MAX_CLUSTER {
                break;
            }
            out.push(shown(c, points == 0));
        }
        if out.len() > MAX_BYTES {
            out.truncate(before);
            while out.len() > MAX_BYTES - '…'.len_utf8() {
                out.pop();
            }
            out.push('…');
            break;
        }
    }
    Cow::Owned(out)
}

/// The character itself, or the one-cell picture that stands for it. A joiner inside a cluster (emoji families,
/// Indic scripts) is part of a readable glyph and passes; alone it is invisible and does not.
fn shown(c: char, first: bool) -> char {
    match c {
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or(MARK),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}' => MARK,
        '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' if !first => c,
        _ if is_hidden(c) => MARK,
        _ => c,
    }
}

/// Zero-width, reordering, tag, filler and separator characters, and code points without a meaning of their own.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e000}'..='\u{f8ff}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use unicode_width::UnicodeWidthStr;

    #[test]
    fn control_characters_are_shown_not_dropped() {
        assert_eq!(Text::new("real\rFAKE").as_str(), "real\u{240d}FAKE");
        assert_eq!(Text::new("Acme \u{1b}[2J Co").as_str(), "Acme \u{241b}[2J Co");
        assert!(Text::new("a\u{202e}b").is_marked());
        assert_eq!(Text::new("a\u{200b}b").as_str().width(), 3);
    }

    #[test]
    fn a_tower_of_marks_is_cut_to_one_bounded_cluster() {
        let tower = format!("e{}", "\u{301}".repeat(5000));
        let text = Text::new(&tower);
        assert!(text.as_str().len() <= MAX_CLUSTER);
        assert_eq!(text.as_str().width(), 1);
    }

    #[test]
    fn good_names_pass_unchanged() {
        for name in ["Zoë Ångström", "王小明", "محمد علي", "דוד כהן", "José", "नमस्ते", "👩‍👩‍👧 Family", "O’Neill — Söhne"]
        {
            assert_eq!(Text::new(name).as_str(), name);
        }
    }

    #[test]
    fn long_words_are_cut_with_a_sign() {
        let text = Text::new("x".repeat(100_000));
        assert!(text.as_str().len() <= MAX_BYTES && text.as_str().ends_with('…'));
    }

    proptest! {
        #[test]
        fn cleaning_is_idempotent_and_bounded(raw in any::<String>()) {
            let once = Text::new(&raw);
            prop_assert_eq!(&Text::new(once.as_str()), &once);
            prop_assert!(once.as_str().len() <= MAX_BYTES);
            prop_assert!(!once.as_str().chars().any(|c| c.is_control()));
        }
    }
}
