//! Expression text becomes words with their places. Knows quotes and operators, but no field and no type.

use super::Op;
use crate::domain::Problem;

/// One piece of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text in quotes, without them.
    Quoted(String),
    /// Anything else that stands together.
    Bare(String),
}

impl Piece {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Quoted(text) | Self::Bare(text) => text,
        }
    }

    /// Whether it is this keyword, unquoted.
    pub(super) fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Bare(text) if text.eq_ignore_ascii_case(keyword))
    }
}

/// Where a bare piece ends, besides white space.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// Nothing else ends it.
    Space,
    /// Also comma and closing parenthesis: inside a list.
    Comma,
}

/// A reader over the text. Places are counted in characters, from 0.
pub(super) struct Lexer {
    chars: Vec<char>,
    at: usize,
}

impl Lexer {
    pub(super) fn new(text: &str) -> Self {
        Self { chars: text.chars().collect(), at: 0 }
    }

    /// Skips white space and tells where the next thing begins.
    pub(super) fn place(&mut self) -> usize {
        while self.chars.get(self.at).is_some_and(|c| c.is_whitespace()) {
            self.at += 1;
        }
        self.at
    }

    /// Goes back (or on) to a place that [`Self::place`] gave.
    pub(super) fn go(&mut self, place: usize) {
        self.at = place;
    }

    pub(super) fn at_end(&mut self) -> bool {
        self.place() >= self.chars.len()
    }

    /// Takes one character, if it is the next.
    pub(super) fn take(&mut self, c: char) -> bool {
        self.place();
        let found = self.chars.get(self.at) == Some(&c);
        self.at += usize::from(found);
        found
    }

    /// A name of letters, digits and underscores that begins with a letter; nothing is consumed when there is none.
    pub(super) fn name(&mut self) -> Option<String> {
        let start = self.place();
        self.chars.get(start).filter(|c| c.is_ascii_alphabetic())?;
        while self.chars.get(self.at).is_some_and(|c| c.is_ascii_alphanumeric() || *c == '_') {
            self.at += 1;
        }
        Some(self.chars[start..self.at].iter().collect())
    }

    /// An operator; nothing is consumed when there is none. `==` is read as `=`.
    pub(super) fn op(&mut self) -> Option<Op> {
        let start = self.place();
        let next = |n: usize| self.chars.get(start + n).copied();
        let (op, long) = match (next(0)?, next(1)) {
            ('!', Some('=')) => (Op::Ne, 2),
            ('<', Some('=')) => (Op::Le, 2),
            ('>', Some('=')) => (Op::Ge, 2),
            ('=', Some('=')) => (Op::Eq, 2),
            ('=', _) => (Op::Eq, 1),
            ('<', _) => (Op::Lt, 1),
            ('>', _) => (Op::Gt, 1),
            ('~', _) => (Op::Contains, 1),
            ('i' | 'I', Some('n' | 'N')) if next(2).is_some_and(|c| c.is_whitespace() || c == '(') => (Op::In, 2),
            _ => return None,
        };
        self.at = start + long;
        Some(op)
    }

    /// The next piece, or `None` at the end (or where `until` says that a list item ends).
    pub(super) fn piece(&mut self, until: Until) -> Result<Option<Piece>, Problem> {
        let start = self.place();
        match self.chars.get(start) {
            None => Ok(None),
            Some(&quote @ ('"' | '\'')) => self.quoted(start, quote).map(Some),
            Some(_) => {
                let ends = |c: char| c.is_whitespace() || until == Until::Comma && matches!(c, ',' | ')');
                while self.chars.get(self.at).is_some_and(|c| !ends(*c)) {
                    self.at += 1;
                }
                Ok((self.at > start).then(|| Piece::Bare(self.chars[start..self.at].iter().collect())))
            }
        }
    }

    /// Inside quotes a backslash takes the next character as it is.
    fn quoted(&mut self, start: usize, quote: char) -> Result<Piece, Problem> {
        let mut text = String::new();
        self.at = start + 1;
        while let Some(&c) = self.chars.get(self.at) {
            self.at += 1;
            match c {
                c if c == quote => return Ok(Piece::Quoted(text)),
                '\\' => {
                    text.extend(self.chars.get(self.at));
                    self.at += 1;
                }
                c => text.push(c),
            }
        }
        Err(Problem::usage("a quote is opened and never closed")
            .at(column(start))
            .hint(format!("close it with {quote}")))
    }
}

/// A place as a person counts it.
pub(super) fn column(place: usize) -> String {
    format!("column {}", place + 1)
}
