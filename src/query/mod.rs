//! The small language for choosing and ordering rows: `field op value and ...`.
//!
//! One grammar for a view's `where`, the console's `/` and `--where` (contract section 6). Pure: an age such as `2h`
//! is kept as an age and compared against the `now` that the caller gives.

use crate::domain::{Field, Money, Text, Time};

mod lex;
pub mod nearest;
pub mod order;
pub mod parse;
pub mod predicate;
mod print;
mod value;

pub use nearest::nearest;
pub use order::{compare, parse_sort};
pub use parse::parse;

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `=`
    Eq,
    /// `!=`; also true when the field is absent.
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `~`: contains, ignoring case.
    Contains,
    /// `in a, b, c`
    In,
}

impl Op {
    /// Every operator as it is written.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("=", Self::Eq),
        ("!=", Self::Ne),
        ("<", Self::Lt),
        ("<=", Self::Le),
        (">", Self::Gt),
        (">=", Self::Ge),
        ("~", Self::Contains),
        ("in", Self::In),
    ];

    /// As it is written in an expression.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::Contains => "~",
            Self::In => "in",
        }
    }
}

/// A typed value of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    /// Text, compared ignoring case.
    Text(Text),
    /// A whole number, or a duration in milliseconds.
    Number(i64),
    /// A moment.
    Time(Time),
    /// An age in milliseconds: `since > 2h` means more than two hours ago.
    Age(i64),
    /// Money in minor units; without a currency it is compared by amount alone.
    Money(Money),
    /// A word of a closed set, with its rank.
    Word(&'static str, usize),
    /// `null`: the field is absent.
    Null,
}

/// One part of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// `field op value`; several values only for `in`.
    Compare(&'static Field, Op, Vec<Literal>),
    /// A bare word: some text field contains it.
    Any(Text),
}

/// Terms joined by `and`. Empty means everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expr {
    /// All of these must hold.
    pub terms: Vec<Term>,
}

/// What to order by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The field.
    pub field: &'static Field,
    /// Largest first.
    pub descending: bool,
}
