//! Text becomes an expression: `field op value`, joined by `and`; words without an operator are looked for anywhere.
//!
//! What must stay true: every complaint names the place and what would be right; no input makes it panic; what
//! [`std::fmt::Display`] prints of an [`Expr`] parses back to the same.

use super::lex::{Lexer, Piece, Until, column};
use super::value::{is_currency, literal, ops, takes};
use super::{Expr, Literal, Op, Term, nearest};
use crate::domain::{Dataset, Field, FieldKind, Problem, Text};

/// Reads an expression over the fields of a dataset. Empty text means everything.
///
/// # Errors
/// A [`Problem`] with the column, what was found, and what would be right.
pub fn parse(dataset: Dataset, text: &str) -> Result<Expr, Problem> {
    let mut parser = Parser { dataset, lexer: Lexer::new(text) };
    let mut expr = Expr::default();
    if parser.lexer.at_end() {
        return Ok(expr);
    }
    loop {
        expr.terms.push(parser.term()?);
        if parser.lexer.at_end() {
            return Ok(expr);
        }
        parser.and()?;
    }
}

/// The field of that name, or a complaint that names the nearest and lists them all.
pub(super) fn field(dataset: Dataset, name: &str) -> Result<&'static Field, Problem> {
    let lower = name.to_ascii_lowercase();
    dataset.field(&lower).ok_or_else(|| {
        let names = || dataset.fields().iter().map(|f| f.name);
        let guess = nearest(name, names()).map(|n| format!("did you mean `{n}`? ")).unwrap_or_default();
        Problem::usage(format!("{dataset} have no field `{name}`"))
            .hint(format!("{guess}fields: {}", names().collect::<Vec<_>>().join(" ")))
    })
}

struct Parser {
    dataset: Dataset,
    lexer: Lexer,
}

impl Parser {
    fn and(&mut self) -> Result<(), Problem> {
        let place = self.lexer.place();
        let found = self.lexer.piece(Until::Space)?;
        match found {
            Some(piece) if piece.is("and") => {
                if self.lexer.at_end() {
                    return Err(Problem::usage("something is missing after `and`").at(column(self.lexer.place())));
                }
                Ok(())
            }
            Some(piece) if piece.is("or") => Err(Problem::usage("`or` is not part of the language")
                .at(column(place))
                .hint("for several values of one field write `field in a, b`")),
            found => {
                let word = found.as_ref().map_or(",", Piece::text).to_owned();
                Err(Problem::usage(format!("expected `and` before `{word}`"))
                    .at(column(place))
                    .hint("put text that has spaces in quotes; join conditions with `and`"))
            }
        }
    }

    /// One condition, or words to look for.
    fn term(&mut self) -> Result<Term, Problem> {
        let place = self.lexer.place();
        if let Some(op) = self.lexer.op().filter(|op| *op != Op::In) {
            return Err(Problem::usage(format!("a field is missing before `{}`", op.as_str()))
                .at(column(place))
                .hint(format!("for example `{}`", self.example())));
        }
        self.lexer.go(place);
        match self.head() {
            Some((name, op)) => self.compare(place, &name, op),
            None => self.words(),
        }
    }

    /// A name and its operator, if that is what stands here.
    fn head(&mut self) -> Option<(String, Op)> {
        let place = self.lexer.place();
        let head = self.lexer.name().and_then(|name| self.lexer.op().map(|op| (name, op)));
        if head.is_none() {
            self.lexer.go(place);
        }
        head
    }

    fn compare(&mut self, place: usize, name: &str, op: Op) -> Result<Term, Problem> {
        let field = field(self.dataset, name).map_err(|p| p.at(column(place)))?;
        let allowed = ops(field.kind);
        if !allowed.contains(&op) {
            let words: Vec<_> = allowed.iter().map(|op| op.as_str()).collect();
            let (what, example) = takes(field.kind);
            return Err(Problem::usage(format!("`{}` cannot be used on `{name}`, which is {what}", op.as_str()))
                .at(column(place))
                .hint(format!("it takes {}; for example `{name} = {example}`", words.join(" "))));
        }
        let values = if op == Op::In { self.list(field)? } else { vec![self.one(field, op, Until::Space)?] };
        Ok(Term::Compare(field, op, values))
    }

    fn list(&mut self, field: &'static Field) -> Result<Vec<Literal>, Problem> {
        let open = self.lexer.place();
        let closed = self.lexer.take('(');
        let mut values = Vec::new();
        loop {
            values.push(self.one(field, Op::In, Until::Comma)?);
            if !self.lexer.take(',') {
                break;
            }
        }
        if closed && !self.lexer.take(')') {
            return Err(Problem::usage("a parenthesis is opened and never closed")
                .at(column(open))
                .hint(format!("write `{0} in a, b` or `{0} in (a, b)`", field.name)));
        }
        Ok(values)
    }

    fn one(&mut self, field: &'static Field, op: Op, until: Until) -> Result<Literal, Problem> {
        let place = self.lexer.place();
        let missing = || {
            let (what, example) = takes(field.kind);
            Problem::usage(format!("a value is missing after `{}`", op.as_str())).at(column(place)).hint(format!(
                "`{0}` takes {what}; for example `{0} {1} {example}`",
                field.name,
                op.as_str()
            ))
        };
        let first = self.lexer.piece(until)?.filter(|piece| !piece.is("and")).ok_or_else(missing)?;
        let mut pieces = vec![first];
        if field.kind == FieldKind::Money {
            let after = self.lexer.place();
            match self.lexer.piece(until)? {
                Some(piece) if is_currency(&piece) => pieces.push(piece),
                _ => self.lexer.go(after),
            }
        }
        literal(field, op, &pieces).map_err(|p| p.at(column(place)))
    }

    /// Words up to the next `and`: one phrase.
    fn words(&mut self) -> Result<Term, Problem> {
        let start = self.lexer.place();
        let mut phrase = String::new();
        loop {
            let place = self.lexer.place();
            if !phrase.is_empty()
                && let Some((name, op)) = self.head()
            {
                if op != Op::In && self.dataset.field(&name).is_some() {
                    return Err(Problem::usage(format!("expected `and` before `{name}`")).at(column(place)));
                }
                self.lexer.go(place);
            }
            match self.lexer.piece(Until::Space)? {
                Some(piece) if piece.is("and") => {
                    self.lexer.go(place);
                    break;
                }
                Some(piece) => {
                    if !phrase.is_empty() {
                        phrase.push(' ');
                    }
                    phrase.push_str(piece.text());
                }
                None => break,
            }
        }
        if phrase.trim().is_empty() {
            return Err(Problem::usage("there is nothing to look for")
                .at(column(start))
                .hint(format!("write a word, or a condition such as `{}`", self.example())));
        }
        Ok(Term::Any(Text::new(phrase)))
    }

    fn example(&self) -> String {
        let field = self.dataset.fields().iter().find(|f| matches!(f.kind, FieldKind::Word(_)));
        let field = field.unwrap_or(&self.dataset.fields()[0]);
        format!("{} = {}", field.name, takes(field.kind).1)
    }
}
