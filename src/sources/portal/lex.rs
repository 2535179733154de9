//! Cuts SQL text into tokens, just far enough to tell code from strings and comments.
//!
//! What must stay true: whatever this module takes for a string, a comment or a quoted name, the database takes for
//! the same; that is why the two engines are cut by their own rules. It understands no grammar.

/// Whose rules for strings and comments hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Nested comments, dollar quotes, `E''` strings.
    Postgres,
    /// `[name]`, backticks, `?` and `:name` placeholders.
    Sqlite,
}

/// One piece of code; comments and blanks are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A bare word or keyword, lower case.
    Word(String),
    /// A quoted name, unquoted, as written.
    Name(String),
    /// A string between single quotes.
    Text,
    /// A dollar-quoted string or a number: its content does not matter.
    Literal,
    /// A placeholder to be bound: `$1`, `?`, `:name`, `@name`.
    Placeholder(&'a str),
    /// Any other character.
    Sign(char),
}

/// Why text cannot be cut.
pub(super) type Broken = &'static str;

/// Cuts the text; each token with the byte at which it begins.
pub(super) fn tokens(sql: &str, dialect: Dialect) -> Result<Vec<(usize, Token<'_>)>, Broken> {
    let mut out = Vec::new();
    let bytes = sql.as_bytes();
    let mut at = 0;
    while let Some(c) = sql[at..].chars().next() {
        let start = at;
        let rest = &sql[at..];
        if c.is_whitespace() {
            at += c.len_utf8();
        } else if rest.starts_with("--") {
            at += rest.find(|c| ends_line(c, dialect)).map_or(rest.len(), |end| end + 1);
        } else if rest.starts_with("/*") {
            at += comment(rest, dialect).ok_or("a comment does not end")?;
        } else if c == '\'' {
            let escapes = dialect == Dialect::Postgres && is_escape_string(&out, start);
            at += quoted(rest, '\'', escapes).ok_or("a string does not end")?;
            if matches!(out.last(), Some((_, Token::Text))) {
                // Postgres joins them, and reads the second by the rules of the first: not worth following.
                return Err("two strings stand side by side");
            }
            out.push((start, Token::Text));
        } else if c == '"' || (dialect == Dialect::Sqlite && c == '`') {
            let len = quoted(rest, c, false).ok_or("a quoted name does not end")?;
            let double = format!("{c}{c}");
            out.push((start, Token::Name(rest[1..len - 1].replace(&double, &c.to_string()))));
            at += len;
        } else if c == '[' && dialect == Dialect::Sqlite {
            let len = rest.find(']').ok_or("a quoted name does not end")? + 1;
            out.push((start, Token::Name(rest[1..len - 1].to_owned())));
            at += len;
        } else if c == '$' && dialect == Dialect::Postgres && dollar_tag(rest).is_some() {
            let tag = dollar_tag(rest).unwrap_or_default();
            let end = rest[tag.len()..].find(tag).ok_or("a dollar-quoted string does not end")?;
            at += end + 2 * tag.len();
            out.push((start, Token::Literal));
        } else if is_placeholder(rest, bytes, start, dialect) {
            let len = 1 + rest[1..].find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len() - 1);
            out.push((start, Token::Placeholder(&rest[..len])));
            at += len;
        } else if c.is_ascii_digit() {
            at += rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_')).unwrap_or(rest.len());
            out.push((start, Token::Literal));
        } else if c.is_alphabetic() || c == '_' {
            let len = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
            out.push((start, Token::Word(rest[..len].to_lowercase())));
            at += len;
        } else {
            out.push((start, Token::Sign(c)));
            at += c.len_utf8();
        }
    }
    Ok(out)
}

/// Where a `--` comment ends: SQLite reads on over a carriage return, Postgres does not.
fn ends_line(c: char, dialect: Dialect) -> bool {
    c == '\n' || (c == '\r' && dialect == Dialect::Postgres)
}

/// `E'...'`: the quote follows directly on a bare `e`.
fn is_escape_string(out: &[(usize, Token<'_>)], quote: usize) -> bool {
    matches!(out.last(), Some((at, Token::Word(word))) if word == "e" && at + 1 == quote)
}

/// Length of a comment, its marks included. Only Postgres nests them.
fn comment(rest: &str, dialect: Dialect) -> Option<usize> {
    let bytes = rest.as_bytes();
    let (mut at, mut depth) = (2, 1);
    while at + 1 < bytes.len() {
        match (bytes[at], bytes[at + 1]) {
            (b'*', b'/') => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return Some(at);
                }
            }
            (b'/', b'*') if dialect == Dialect::Postgres => {
                depth += 1;
                at += 2;
            }
            _ => at += 1,
        }
    }
    None
}

/// Length of something between quotes, which are doubled (or escaped by a backslash) inside.
fn quoted(rest: &str, quote: char, escapes: bool) -> Option<usize> {
    let mut chars = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if escapes && c == '\\' {
            chars.next();
        } else if c == quote {
            if chars.peek().is_some_and(|(_, next)| *next == quote) {
                chars.next();
            } else {
                return Some(at + c.len_utf8());
            }
        }
    }
    None
}

/// `$$` or `$tag$` at the beginning.
fn dollar_tag(rest: &str) -> Option<&str> {
    let end = rest[1..].find('$')? + 2;
    let tag = &rest[1..end - 1];
    let first_fits = !tag.starts_with(|c: char| c.is_ascii_digit());
    (first_fits && tag.chars().all(|c| c.is_alphanumeric() || c == '_')).then(|| &rest[..end])
}

/// Whether something to be bound begins here. `::` is a cast; `?` is an operator on Postgres' JSON.
fn is_placeholder(rest: &str, bytes: &[u8], at: usize, dialect: Dialect) -> bool {
    let next = rest.chars().nth(1);
    let named = next.is_some_and(|c| c.is_alphanumeric() || c == '_');
    match rest.as_bytes()[0] {
        b'$' => named,
        b'?' => dialect == Dialect::Sqlite,
        b':' => named && (at == 0 || bytes[at - 1] != b':') && dialect == Dialect::Sqlite,
        b'@' => named && dialect == Dialect::Sqlite,
        _ => false,
    }
}
