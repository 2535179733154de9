//! What came in and what goes out: a request and a reply, free of any web framework.

use std::collections::BTreeMap;

use axum::body::Bytes;
use serde_json::Value;

use crate::domain::Time;

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// `GET`
    pub method: String,
    /// As it was sent, without the query.
    pub path: String,
    /// Decoded, in order.
    pub query: Vec<(String, String)>,
    /// Headers that are text, by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// What was sent.
    pub body: Bytes,
    /// Where it came in: `http://127.0.0.1:40001`.
    pub base: String,
    /// When.
    pub now: Time,
}

impl Call {
    /// A header, by lower-case name.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// Whether it carries this bearer token.
    pub(super) fn bears(&self, token: &str) -> bool {
        self.header("authorization").and_then(|given| given.strip_prefix("Bearer ")) == Some(token)
    }

    /// The first value of a query key.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// The first value of a query key, as a number.
    pub(super) fn number(&self, key: &str) -> Option<i64> {
        self.get(key).and_then(|v| v.parse().ok())
    }

    /// Decoded parts of the path.
    pub(super) fn segments(&self) -> Vec<String> {
        self.path.split('/').filter(|s| !s.is_empty()).map(|s| decoded(s, false)).collect()
    }

    /// The body as JSON.
    pub(super) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The body as a form.
    pub(super) fn form(&self) -> Vec<(String, String)> {
        pairs(&String::from_utf8_lossy(&self.body))
    }
}

/// A reply.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    /// Status code.
    pub status: u16,
    /// JSON.
    pub body: Value,
    /// Headers beside the content type.
    pub headers: Vec<(&'static str, String)>,
}

impl Reply {
    /// A reply with a status and a body.
    pub(super) fn new(status: u16, body: Value) -> Self {
        Self { status, body, headers: Vec::new() }
    }

    /// 200.
    pub(super) fn ok(body: Value) -> Self {
        Self::new(200, body)
    }

    /// Adds a header.
    #[must_use]
    pub(super) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }
}

/// The pairs of a query string or a form.
pub(super) fn pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(key, true), decoded(value, true))
        })
        .collect()
}

/// Undoes percent-encoding, and `+` where it stands for a space.
fn decoded(text: &str, plus: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escape = bytes.get(at + 1..at + 3).filter(|_| *byte == b'%');
        let code = escape.and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|h| u8::from_str_radix(h, 16).ok());
        match (byte, code) {
            (_, Some(code)) => {
                out.push(code);
                at += 2;
            }
            (b'+', None) if plus => out.push(b' '),
            (other, None) => out.push(*other),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_decoded() {
        let pairs = pairs("created%5Bgt%5D=5&email=a%2Bb%40c.example&q=x+y&bad=%zz");
        let expected = [("created[gt]", "5"), ("email", "a+b@c.example"), ("q", "x y"), ("bad", "%zz")];
        assert_eq!(pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>(), expected);
    }
}
