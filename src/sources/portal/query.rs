//! Checks a mapping query before it is ever sent: one statement, and one that only reads.
//!
//! What must stay true: text that passes can stand between parentheses as `select * from (TEXT) t`, is a single
//! SELECT, and calls nothing that is known to act. It is the first of three guards; the others are the read-only
//! transaction and the rights of the database role. It does not know whether tables exist.

use super::lex::{Dialect, Token, tokens};
use crate::domain::{Problem, Text};

/// Longest query that is taken, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// Verbs that write, lock or change the session, where a statement may begin.
const VERBS: &[&str] = &[
    "insert", "update", "delete", "merge", "copy", "do", "call", "set", "reset", "begin", "commit", "rollback",
    "create", "alter", "drop", "truncate", "grant", "revoke", "vacuum", "analyze", "lock", "listen", "notify",
    "execute", "prepare", "attach", "detach", "pragma", "reindex", "replace", "explain", "show", "table", "fetch",
    "declare",
];
/// Functions that act, wait or reach outside, by how their names begin.
const ACTING_FUNCTIONS: &[&str] = &[
    "pg_",
    "lo_",
    "dblink",
    "set_config",
    "nextval",
    "setval",
    "query_to_xml",
    "cursor_to_xml",
    "table_to_xml",
    "load_extension",
    "readfile",
    "writefile",
    "edit",
    "fts3_tokenizer",
    "txid_current",
    "sys_",
];
/// Exceptions that only look.
const LOOKING_FUNCTIONS: &[&str] = &["pg_typeof", "pg_size_pretty", "txid_current_if_assigned"];

/// A query of the configuration and where it stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sql {
    /// One SELECT.
    pub sql: String,
    /// Where it stands, for complaints: `config.toml:12`.
    pub place: Text,
}

/// The query without a closing semicolon, or why it may not run.
pub(super) fn checked(query: &Sql, dialect: Dialect) -> Result<String, Problem> {
    verdict(&query.sql, dialect).map_err(|refused| {
        let problem = Problem::usage(refused.what).at(&query.place);
        match refused.hint {
            Some(hint) => problem.hint(hint),
            None => problem.hint("a mapping is one SELECT (or WITH ... SELECT); its columns are taken by name"),
        }
    })
}

struct Refused {
    what: String,
    hint: Option<&'static str>,
}

fn refused<T>(what: impl Into<String>) -> Result<T, Refused> {
    Err(Refused { what: what.into(), hint: None })
}

fn verdict(sql: &str, dialect: Dialect) -> Result<String, Refused> {
    if sql.len() > MAX_BYTES {
        return refused("the query is longer than 64 KiB");
    }
    if sql.contains('\0') {
        return refused("the query holds a NUL character");
    }
    let all = tokens(sql, dialect).or_else(refused)?;
    let end = all.iter().position(|(_, token)| *token == Token::Sign(';'));
    if let Some(end) = end
        && all[end..].iter().any(|(_, token)| *token != Token::Sign(';'))
    {
        return refused("the query holds more than one statement");
    }
    let (text, code) = match end {
        Some(end) => (&sql[..all[end].0], &all[..end]),
        None => (sql, &all[..]),
    };
    match code.first() {
        None => return refused("the query is empty"),
        Some((_, Token::Word(word))) if word == "select" || word == "with" => {}
        Some((_, Token::Word(word))) => return refused(format!("the query begins with `{word}`, not with SELECT")),
        Some(_) => return refused("the query does not begin with SELECT"),
    }
    balanced(code)?;
    for index in 0..code.len() {
        let before = index.checked_sub(1).map(|i| &code[i].1);
        let after = code.get(index + 1).map(|(_, token)| token);
        judge(&code[index].1, before, after)?;
    }
    Ok(text.trim().to_owned())
}

/// Parentheses close what they opened: nothing breaks out of the wrapping.
fn balanced(code: &[(usize, Token<'_>)]) -> Result<(), Refused> {
    let mut depth = 0_i32;
    for (_, token) in code {
        depth += match token {
            Token::Sign('(') => 1,
            Token::Sign(')') => -1,
            _ => 0,
        };
        if depth < 0 {
            return refused("a parenthesis closes that was never opened");
        }
    }
    if depth == 0 { Ok(()) } else { refused("a parenthesis is not closed") }
}

fn judge(token: &Token<'_>, before: Option<&Token<'_>>, after: Option<&Token<'_>>) -> Result<(), Refused> {
    let is_call = after == Some(&Token::Sign('('));
    match token {
        Token::Placeholder(text) => Err(Refused {
            what: format!("the query has the placeholder `{text}`, and nothing is bound to it"),
            hint: Some("write the value itself; casts are written `::text`"),
        }),
        Token::Word(word) if word == "into" => refused("SELECT ... INTO writes a table"),
        Token::Word(word) if is_call && acts(word) => refused(format!("the function `{word}` does more than read")),
        Token::Name(name) if is_call && acts(&name.to_lowercase()) => {
            refused(format!("the function `{name}` does more than read"))
        }
        Token::Word(word) if matches!(before, Some(Token::Word(w)) if w == "for") && locks(word) => {
            refused(format!("FOR {} locks rows", word.to_uppercase()))
        }
        Token::Word(word) if VERBS.contains(&word.as_str()) && !is_call && begins_statement(before) => Err(Refused {
            what: format!("the query holds a statement that begins with `{word}`"),
            hint: Some("only reading is allowed; a column of that name is written in double quotes"),
        }),
        Token::Word(_) | Token::Name(_) | Token::Text | Token::Literal | Token::Sign(_) => Ok(()),
    }
}

fn begins_statement(before: Option<&Token<'_>>) -> bool {
    matches!(before, None | Some(Token::Sign('(' | ')')))
}

fn locks(word: &str) -> bool {
    matches!(word, "update" | "share" | "no" | "key")
}

fn acts(function: &str) -> bool {
    !LOOKING_FUNCTIONS.contains(&function) && ACTING_FUNCTIONS.iter().any(|start| function.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn why(sql: &str, dialect: Dialect) -> Option<String> {
        checked(&Sql { sql: sql.into(), place: Text::new("config.toml:12") }, dialect).err().map(|p| p.to_string())
    }

    #[test]
    fn reading_passes_in_all_its_forms() {
        for sql in [
            "select 1",
            "SELECT id, email FROM \"user\" ;",
            "with a as (select 1 as id) select * from a",
            "with a as materialized (select 1 as id) select * from a -- the end",
            "select ';' as x, 'it''s; drop table users' as y from t /* ; delete from t */",
            "select u.\"delete\", u.update, count(*) from u group by 1",
            "select replace(email, ' ', '') as email, coalesce(set_at, now()) from t",
            "select a, (select max(b) from c where c.a = t.a) from t",
        ] {
            assert_eq!(why(sql, Dialect::Postgres), None, "{sql}");
            assert_eq!(why(sql, Dialect::Sqlite), None, "{sql}");
        }
        for sql in [
            "select $$ ; delete from users $$ as x",
            "select $a$ $$ ; $a$ as x, data ? 'key', data->>'a', id::text from t",
            r"select E'\'; drop table users; --' as x",
            "select 1 /* outer /* inner */ ; still a comment */ as x",
        ] {
            assert_eq!(why(sql, Dialect::Postgres), None, "{sql}");
        }
        assert_eq!(why("select [a;b], `c;d` from t", Dialect::Sqlite), None);
    }

    #[test]
    fn everything_that_does_more_than_read_is_refused_with_its_place() {
        for sql in [
            "",
            " -- nothing",
            "select 1; select 2",
            "select 1; -- a\n delete from users",
            "delete from users",
            "update users set admin = true",
            "copy users to program 'sh'",
            "do $$ begin delete from users; end $$",
            "set default_transaction_read_only = off",
            "pragma writable_schema = 1",
            "with x as (delete from users returning *) select * from x",
            "with x as not materialized (update users set a = 1 returning *) select * from x",
            "with x as (select 1) delete from users",
            "with x as (select 1) insert into users select * from x",
            "select * into copy_of_users from users",
            "select * from users for update",
            "select * from users for no key update",
            "select pg_sleep(10)",
            "select \"pg_terminate_backend\"(1)",
            "select pg_catalog.pg_read_file('/etc/passwd')",
            "select pg_catalog . pg_sleep (5)",
            "select set_config('transaction_read_only', 'off', false)",
            "select nextval('s')",
            "select query_to_xml('delete from users', true, true, '')",
            "select load_extension('x')",
            "select 1) t; delete from users; select * from (select 1",
            "select 1) t, (select 2",
            "select (1",
            "select 'open",
            "select \"open",
            "select /* open",
            "select * from users where id = $1",
            "select \0 1",
        ] {
            for dialect in [Dialect::Postgres, Dialect::Sqlite] {
                let complaint = why(sql, dialect).unwrap_or_else(|| panic!("{sql} passed on {dialect:?}"));
                assert!(complaint.starts_with("config.toml:12: "), "{complaint}");
            }
        }
        for sql in ["select * from t where a = ?", "select * from t where a = :id", "select @x"] {
            assert!(why(sql, Dialect::Sqlite).is_some(), "{sql}");
        }
        // The two engines disagree about where these end; each is judged by its own rules.
        assert!(why("select $$ ; delete from users $$", Dialect::Sqlite).is_some());
        assert!(why("select 1 /* /* */ ; delete from users */", Dialect::Sqlite).is_some());
        assert!(why("select 1 -- \r ; delete from users", Dialect::Postgres).is_some());
        assert!(why("select E'a'\n'b\\' ' ; delete from users; --'", Dialect::Postgres).is_some());
        assert!(why(r"select '\'; delete from users; --'", Dialect::Postgres).is_some());
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_check(sql in any::<String>()) {
            let _ = why(&sql, Dialect::Postgres);
            let _ = why(&sql, Dialect::Sqlite);
        }

        #[test]
        fn no_mix_of_marks_smuggles_a_second_statement(parts in proptest::collection::vec(
            prop::sample::select(vec!["'", "\"", "$$", "$a$", "/*", "*/", "--", "\n", ";", "(", ")", "delete from t", "x",
                "select 1", " ", "\\", "e'"]), 0..14))
        {
            // What passes holds no semicolon outside strings and comments, whichever way it is cut.
            let sql = format!("select {}", parts.concat());
            for dialect in [Dialect::Postgres, Dialect::Sqlite] {
                let query = Sql { sql: sql.clone(), place: Text::new("x:1") };
                if let Ok(text) = checked(&query, dialect) {
                    let again = tokens(&text, dialect).unwrap();
                    prop_assert!(again.iter().all(|(_, t)| *t != Token::Sign(';')));
                }
            }
        }
    }
}
