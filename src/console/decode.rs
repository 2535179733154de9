//! Bytes from the terminal become keys, pastes and the rest.
//!
//! What must stay true: no input, however broken or hostile, panics, grows without bound or is taken for a key that
//! nobody pressed; pasted text comes out as one paste, whatever is in it. Sequences as in xterm's `ctlseqs` and the
//! Linux console.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

/// Longest escape sequence that is waited for.
const MAX_SEQUENCE: usize = 64;
/// Longest answer of the terminal that is skipped.
const MAX_STRING: usize = 4096;
/// Longest paste, in bytes; the rest is dropped.
pub(super) const MAX_PASTE: usize = 4096;
const PASTE_END: &[u8] = b"\x1b[201~";

/// Turns bytes into events, keeping what is not complete yet.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    pending: Vec<u8>,
    paste: Option<Vec<u8>>,
}

/// What stands at the beginning of the pending bytes.
enum Step {
    /// So many bytes are an event, or nothing that we know.
    Taken(usize, Option<Event>),
    /// More bytes are needed.
    More,
    /// A paste begins after so many bytes.
    Paste(usize),
}

impl Decoder {
    /// Takes bytes that were read together.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.pending.extend_from_slice(bytes);
        let mut out = Vec::new();
        loop {
            if self.paste.is_some() {
                match self.pasted() {
                    Some(text) => out.push(Event::Paste(text)),
                    None => return out,
                }
            }
            if self.pending.is_empty() {
                return out;
            }
            match step(&self.pending) {
                Step::Taken(len, event) => {
                    self.pending.drain(..len.max(1));
                    out.extend(event);
                }
                Step::Paste(len) => {
                    self.pending.drain(..len);
                    self.paste = Some(Vec::new());
                }
                Step::More => return out,
            }
        }
    }

    /// Nothing more came: what is pending stands for itself.
    pub(super) fn settle(&mut self) -> Vec<Event> {
        if let Some(paste) = self.paste.take() {
            self.pending.clear();
            return vec![Event::Paste(clean(&paste))];
        }
        let pending = std::mem::take(&mut self.pending);
        match pending.as_slice() {
            [] => Vec::new(),
            [0x1b] => vec![key(KeyCode::Esc, KeyModifiers::NONE)],
            // Alt with a key whose sequence could have been longer.
            [0x1b, second] if second.is_ascii_graphic() => vec![typed(*second as char, KeyModifiers::ALT)],
            _ => Vec::new(),
        }
    }

    /// How long to wait for more, in milliseconds; `None`: nothing is pending.
    pub(super) fn patience(&self) -> Option<i64> {
        if self.paste.is_some() {
            return Some(1_000);
        }
        (!self.pending.is_empty()).then_some(25)
    }

    /// Moves pending bytes into the paste; the whole text when its end has come. What follows the end in the same
    /// bytes was not typed: a paste that holds its own end mark does not become keys.
    fn pasted(&mut self) -> Option<String> {
        let paste = self.paste.as_mut()?;
        let end = self.pending.windows(PASTE_END.len()).rposition(|part| part == PASTE_END);
        let (take, done) = match end {
            Some(_) => (self.pending.len(), true),
            // The end mark may be cut in two.
            None => (self.pending.len() - begun_end(&self.pending), false),
        };
        let room = (MAX_PASTE + PASTE_END.len()).saturating_sub(paste.len());
        paste.extend_from_slice(&self.pending[..take.min(room)]);
        self.pending.drain(..take);
        if !done {
            return None;
        }
        let text = clean(paste);
        self.paste = None;
        Some(text)
    }
}

/// How many of the last bytes are the beginning of an end mark.
fn begun_end(bytes: &[u8]) -> usize {
    (1..PASTE_END.len()).rev().find(|len| bytes.ends_with(&PASTE_END[..*len])).unwrap_or(0)
}

/// Pasted text without anything that acts: line ends and tabs stay, other control characters and marks go.
fn clean(paste: &[u8]) -> String {
    let text = String::from_utf8_lossy(paste).replace("\u{1b}[200~", "").replace("\u{1b}[201~", "");
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut out: String = text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect();
    while out.len() > MAX_PASTE {
        out.pop();
    }
    out
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
    Event::Key(KeyEvent::new(code, modifiers))
}

/// A character; capitals say that shift was held.
fn typed(c: char, modifiers: KeyModifiers) -> Event {
    let shift = if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
    key(KeyCode::Char(c), modifiers | shift)
}

fn step(bytes: &[u8]) -> Step {
    match bytes {
        [] => Step::More,
        [0x1b] => Step::More,
        [0x1b, b'[', ..] => control(bytes),
        [0x1b, b'O', rest @ ..] => match rest.first() {
            None => Step::More,
            Some(letter) => Step::Taken(3, function(*letter).map(|code| key(code, KeyModifiers::NONE))),
        },
        [0x1b, b']' | b'P' | b'_' | b'^' | b'X', rest @ ..] => string(rest),
        // Escape pressed before a sequence: it is a key of its own.
        [0x1b, 0x1b, ..] => Step::Taken(1, Some(key(KeyCode::Esc, KeyModifiers::NONE))),
        [0x1b, rest @ ..] => match plain(rest, KeyModifiers::ALT) {
            Step::Taken(len, event) => Step::Taken(len + 1, event),
            other => other,
        },
        _ => plain(bytes, KeyModifiers::NONE),
    }
}

/// One character or control byte.
fn plain(bytes: &[u8], modifiers: KeyModifiers) -> Step {
    let ctrl = modifiers | KeyModifiers::CONTROL;
    let event = match bytes[0] {
        b'\r' => key(KeyCode::Enter, modifiers),
        b'\t' => key(KeyCode::Tab, modifiers),
        0x7f => key(KeyCode::Backspace, modifiers),
        0 => key(KeyCode::Char(' '), ctrl),
        byte @ 0x01..=0x1a => key(KeyCode::Char((byte - 1 + b'a') as char), ctrl),
        byte @ 0x1c..=0x1f => key(KeyCode::Char((byte - 0x1c + b'4') as char), ctrl),
        byte if byte.is_ascii() => typed(byte as char, modifiers),
        _ => return wide(bytes, modifiers),
    };
    Step::Taken(1, Some(event))
}

/// A character of several bytes.
fn wide(bytes: &[u8], modifiers: KeyModifiers) -> Step {
    let len = match bytes[0] {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Step::Taken(1, None),
    };
    let there = &bytes[..bytes.len().min(len)];
    match std::str::from_utf8(there) {
        Ok(text) => {
            let c = text.chars().next().filter(|c| !c.is_control());
            Step::Taken(len, c.map(|c| typed(c, modifiers)))
        }
        Err(error) if error.error_len().is_none() && there.len() < len => Step::More,
        Err(_) => Step::Taken(1, None),
    }
}

/// An answer of the terminal's (OSC, DCS and their like), which nobody asked for: skipped to its end.
fn string(rest: &[u8]) -> Step {
    for (at, byte) in rest.iter().enumerate() {
        match byte {
            0x07 => return Step::Taken(at + 3, None),
            b'\\' if at > 0 && rest[at - 1] == 0x1b => return Step::Taken(at + 3, None),
            _ if at >= MAX_STRING => return Step::Taken(at + 2, None),
            _ => {}
        }
    }
    Step::More
}

/// `ESC [ parameters letter`.
fn control(bytes: &[u8]) -> Step {
    // The Linux console's first five function keys have a second bracket.
    if let [_, _, b'[', rest @ ..] = bytes {
        return match rest.first() {
            None => Step::More,
            Some(letter @ b'A'..=b'E') => Step::Taken(4, Some(key(KeyCode::F(letter - b'A' + 1), KeyModifiers::NONE))),
            Some(_) => Step::Taken(4, None),
        };
    }
    let Some(end) = bytes[2..].iter().position(|byte| !(0x20..=0x3f).contains(byte)).map(|end| end + 2) else {
        return if bytes.len() > MAX_SEQUENCE { Step::Taken(bytes.len(), None) } else { Step::More };
    };
    let letter = bytes[end];
    if !(0x40..=0x7e).contains(&letter) {
        // Broken off by something else: that is read next.
        return Step::Taken(end, None);
    }
    let parameters = String::from_utf8_lossy(&bytes[2..end]).into_owned();
    if letter == b'M' && parameters.is_empty() {
        // The oldest mouse report: three bytes follow, and we never ask for it.
        return if bytes.len() < end + 4 { Step::More } else { Step::Taken(end + 4, None) };
    }
    if letter == b'~' && parameters == "200" {
        return Step::Paste(end + 1);
    }
    Step::Taken(end + 1, meaning(&parameters, letter))
}

fn meaning(parameters: &str, letter: u8) -> Option<Event> {
    if let Some(report) = parameters.strip_prefix('<') {
        return mouse(report, letter);
    }
    let mut numbers = parameters.split(';').map(|n| n.split(':').next().and_then(|n| n.parse::<u32>().ok()));
    let first = numbers.next().flatten();
    let modifiers = modifiers(numbers.next().flatten().unwrap_or(1));
    let code = match letter {
        b'I' => return Some(Event::FocusGained),
        b'O' => return Some(Event::FocusLost),
        b'Z' => return Some(key(KeyCode::BackTab, modifiers | KeyModifiers::SHIFT)),
        b'~' => numbered(first?)?,
        b'u' => match char::from_u32(first?)? {
            '\r' => KeyCode::Enter,
            '\t' => KeyCode::Tab,
            '\u{1b}' => KeyCode::Esc,
            '\u{7f}' => KeyCode::Backspace,
            c if c.is_control() => return None,
            c => return Some(typed(c, modifiers)),
        },
        letter => function(letter)?,
    };
    Some(key(code, modifiers))
}

fn function(letter: u8) -> Option<KeyCode> {
    Some(match letter {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'P'..=b'S' => KeyCode::F(letter - b'P' + 1),
        b'M' => KeyCode::Enter,
        _ => return None,
    })
}

fn numbered(number: u32) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number as u8 - 10),
        17..=21 => KeyCode::F(number as u8 - 11),
        23..=24 => KeyCode::F(number as u8 - 12),
        _ => return None,
    })
}

/// xterm's number is one more than a set of bits.
fn modifiers(number: u32) -> KeyModifiers {
    let bits = number.saturating_sub(1);
    let mut out = KeyModifiers::NONE;
    for (bit, modifier) in
        [(1, KeyModifiers::SHIFT), (2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL), (8, KeyModifiers::SUPER)]
    {
        if bits & bit != 0 {
            out |= modifier;
        }
    }
    out
}

/// `button;column;row`, pressed (`M`) or released (`m`).
fn mouse(report: &str, letter: u8) -> Option<Event> {
    let mut numbers = report.split(';').map(|n| n.parse::<u16>().ok());
    let (button, column, row) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let which = match button & 0b11 {
        0 => Some(MouseButton::Left),
        1 => Some(MouseButton::Middle),
        2 => Some(MouseButton::Right),
        _ => None,
    };
    let kind = match (button & 0b0110_0000, which, letter) {
        (0b0100_0000, Some(MouseButton::Left), _) => MouseEventKind::ScrollUp,
        (0b0100_0000, Some(MouseButton::Middle), _) => MouseEventKind::ScrollDown,
        (0b0100_0000, Some(MouseButton::Right), _) => MouseEventKind::ScrollLeft,
        (0b0100_0000, None, _) => MouseEventKind::ScrollRight,
        (0b0010_0000, Some(which), b'M') => MouseEventKind::Drag(which),
        (0b0010_0000, None, _) => MouseEventKind::Moved,
        (0, Some(which), b'M') => MouseEventKind::Down(which),
        (0, Some(which), b'm') => MouseEventKind::Up(which),
        _ => return None,
    };
    let mut held = KeyModifiers::NONE;
    for (bit, modifier) in [(4, KeyModifiers::SHIFT), (8, KeyModifiers::ALT), (16, KeyModifiers::CONTROL)] {
        if button & bit != 0 {
            held |= modifier;
        }
    }
    Some(Event::Mouse(MouseEvent {
        kind,
        column: column.saturating_sub(1),
        row: row.saturating_sub(1),
        modifiers: held,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(bytes: &[u8]) -> Vec<Event> {
        let mut decoder = Decoder::default();
        let mut out = decoder.feed(bytes);
        out.extend(decoder.settle());
        out
    }

    #[test]
    fn keys_are_known_by_their_bytes() {
        let none = KeyModifiers::NONE;
        for (bytes, code, modifiers) in [
            (&b"a"[..], KeyCode::Char('a'), none),
            (b"G", KeyCode::Char('G'), KeyModifiers::SHIFT),
            ("é".as_bytes(), KeyCode::Char('é'), none),
            ("👍".as_bytes(), KeyCode::Char('👍'), none),
            (b"\r", KeyCode::Enter, none),
            (b"\x1b", KeyCode::Esc, none),
            (b"\x1bx", KeyCode::Char('x'), KeyModifiers::ALT),
            (b"\x1b]", KeyCode::Char(']'), KeyModifiers::ALT),
            (b"\x03", KeyCode::Char('c'), KeyModifiers::CONTROL),
            (b"\x1a", KeyCode::Char('z'), KeyModifiers::CONTROL),
            (b"\x7f", KeyCode::Backspace, none),
            (b"\x1b[A", KeyCode::Up, none),
            (b"\x1bOB", KeyCode::Down, none),
            (b"\x1b[1;5C", KeyCode::Right, KeyModifiers::CONTROL),
            (b"\x1b[3~", KeyCode::Delete, none),
            (b"\x1b[6;2~", KeyCode::PageDown, KeyModifiers::SHIFT),
            (b"\x1b[Z", KeyCode::BackTab, KeyModifiers::SHIFT),
            (b"\x1bOP", KeyCode::F(1), none),
            (b"\x1b[[C", KeyCode::F(3), none),
            (b"\x1b[24~", KeyCode::F(12), none),
            (b"\x1b[97;5u", KeyCode::Char('a'), KeyModifiers::CONTROL),
        ] {
            assert_eq!(keys(bytes), [key(code, modifiers)], "{bytes:?}");
        }
        assert_eq!(keys(b"\x1b[I\x1b[O"), [Event::FocusGained, Event::FocusLost]);
    }

    #[test]
    fn a_sequence_that_comes_in_pieces_is_one_key() {
        let mut decoder = Decoder::default();
        assert!(decoder.feed(b"\x1b").is_empty() && decoder.patience().is_some());
        assert!(decoder.feed(b"[1;").is_empty());
        assert_eq!(decoder.feed(b"2A"), [key(KeyCode::Up, KeyModifiers::SHIFT)]);
        assert!(decoder.feed(&"é".as_bytes()[..1]).is_empty());
        assert_eq!(decoder.feed(&"é".as_bytes()[1..]), [typed('é', KeyModifiers::NONE)]);
        assert!(decoder.patience().is_none());
    }

    #[test]
    fn a_paste_is_data_even_with_a_false_end_in_it() {
        let paste = |text: &str| vec![Event::Paste(text.to_owned())];
        assert_eq!(keys(b"\x1b[200~hello\r\nworld\x1b[201~"), paste("hello\nworld"));
        assert_eq!(keys(b"\x1b[200~a\x1b[201~q\ry\x1b[201~"), paste("aq\ny"));
        assert_eq!(keys(b"\x1b[200~a\x1b[201~q"), paste("aq"));
        assert_eq!(keys(b"\x1b[200~\x03\x1b\x1b[2Jx\x1b[201~"), paste("[2Jx"));
        let mut decoder = Decoder::default();
        assert!(decoder.feed(b"\x1b[200~ab\x1b[20").is_empty());
        assert_eq!(decoder.feed(b"1~"), paste("ab"));
        assert!(decoder.feed(b"\x1b[200~never ends").is_empty());
        assert_eq!(decoder.settle(), paste("never ends"));
        let long = [b"\x1b[200~".as_slice(), &vec![b'x'; 100_000], b"\x1b[201~"].concat();
        let Event::Paste(text) = &keys(&long)[0] else { panic!() };
        assert_eq!(text.len(), MAX_PASTE);
    }

    #[test]
    fn the_terminals_own_answers_are_no_keys() {
        assert!(keys(b"\x1b]11;rgb:0000/0000/0000\x1b\\").is_empty());
        assert!(keys(b"\x1b]52;c;aGVsbG8=\x07").is_empty());
        assert!(keys(b"\x1bP1$r0m\x1b\\\x1b[?1;2c\x1b[?2026;1$y").is_empty());
    }

    proptest! {
        #[test]
        fn no_bytes_break_it_and_nothing_is_kept_for_ever(pieces in proptest::collection::vec(
            proptest::collection::vec(prop_oneof![any::<u8>(), Just(0x1b), Just(b'['), Just(b'~'), Just(b'2')], 0..40), 0..20))
        {
            let mut decoder = Decoder::default();
            for piece in &pieces {
                for event in decoder.feed(piece) {
                    if let Event::Paste(text) = event {
                        prop_assert!(text.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control()));
                    }
                }
                prop_assert!(decoder.pending.len() <= MAX_STRING + 64);
            }
            decoder.settle();
            prop_assert!(decoder.patience().is_none());
        }

        #[test]
        fn how_bytes_are_cut_does_not_matter(bytes in "[a-zé\r\t]{0,30}", cut in 0_usize..40) {
            let bytes = bytes.as_bytes();
            let cut = cut.min(bytes.len());
            let mut decoder = Decoder::default();
            let mut out = decoder.feed(&bytes[..cut]);
            out.extend(decoder.feed(&bytes[cut..]));
            prop_assert_eq!(out, keys(bytes));
        }
    }
}
