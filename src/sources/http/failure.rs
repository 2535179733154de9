//! Why a call brought nothing, in words for a person.
//!
//! What must stay true: a message names provider, method, path, status and the provider's request id; never a query
//! string, never a credential. The cause decides what the engine does next.

use std::error::Error as _;
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::{headers, scrub::Scrub};
use crate::domain::{Problem, System, Text, Time};
use crate::sources::breaker::FAILURES;
use crate::sources::{Cause, SourceError};

/// A failed call, with what the sources themselves need to decide on.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What the engine and a person get. Boxed: a result that carries it stays small.
    pub error: Box<SourceError>,
    /// HTTP status, if there was an answer.
    pub status: Option<u16>,
}

impl Failure {
    /// A failure that is not about an HTTP status.
    pub fn new(cause: Cause, problem: Problem) -> Self {
        Self { error: Box::new(SourceError { cause, problem, retry_after_ms: None }), status: None }
    }

    /// Whether the provider says that the thing does not exist.
    pub fn is_missing(&self) -> bool {
        matches!(self.status, Some(404 | 410))
    }

    /// Whether it says that the provider is not there, talks nonsense or does not know our key: more of the same calls
    /// will not do better. Being told to wait, or no to one thing, is an answer.
    pub(super) fn is_breakdown(&self) -> bool {
        matches!(self.error.cause, Cause::Unavailable | Cause::Garbage) || self.status == Some(401)
    }

    /// The failure that opened the breaker, for everybody who asks while it is open. Holds no moment: the same words
    /// stand as long as nothing changes.
    pub(super) fn left_alone(mut self) -> Self {
        let paused =
            format!("paused after {FAILURES} failures in a row, one probe at a time goes out until it answers");
        let problem = &mut self.error.problem;
        problem.hint = Some(match problem.hint.take() {
            Some(hint) => Text::new(format!("{hint}; {paused}")),
            None => Text::new(paused),
        });
        self
    }

    /// Says when the next call may go.
    pub(super) fn again_in(mut self, left: Duration) -> Self {
        let left = i64::try_from(left.as_millis()).unwrap_or(i64::MAX).max(1);
        self.error.retry_after_ms = Some(left);
        self
    }

    /// Whether the key may do other things but not this one.
    pub fn is_forbidden(&self) -> bool {
        self.status == Some(403)
    }
}

impl From<Failure> for SourceError {
    fn from(failure: Failure) -> Self {
        *failure.error
    }
}

/// What was asked: for messages.
pub(super) struct About<'a> {
    pub(super) system: System,
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) base: &'a str,
    pub(super) renew: &'a str,
    pub(super) scrub: &'a Scrub,
}

impl About<'_> {
    /// Something that is not what was asked for.
    pub(super) fn garbage(&self, what: &str, headers: Option<&HeaderMap>) -> Failure {
        let problem = self.problem(&format!("{} {}", self.call(), what), headers);
        Failure::new(Cause::Garbage, problem.hint(format!("check that base_url {} is the provider's API", self.base)))
    }

    /// No whole answer.
    pub(super) fn unavailable(&self, what: &str) -> Failure {
        let problem = self.problem(&format!("{} {what}", self.call()), None);
        Failure::new(Cause::Unavailable, problem.hint("trueup tries again by itself"))
    }

    /// The provider told us to wait.
    pub(super) fn limited(&self, wait_ms: Option<i64>) -> Failure {
        let when = wait_ms.map_or(String::new(), |ms| format!("; the next call may go in {} s", (ms + 999) / 1000));
        let problem = self.problem(&format!("asked us to slow down{when}"), None);
        let mut failure = Failure::new(Cause::RateLimited, problem.hint("trueup waits and goes on by itself"));
        failure.error.retry_after_ms = wait_ms;
        failure
    }

    /// An answer whose status is not a success.
    pub(super) fn status(&self, status: StatusCode, headers: &HeaderMap, body: &[u8], now: Time) -> Failure {
        let json: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let code = status.as_u16();
        let mut what = format!("{} answered {code}", self.call());
        if let Some(reason) = status.canonical_reason() {
            what.push(' ');
            what.push_str(reason);
        }
        let asks = matches!(code, 429 | 408 | 425 | 500..=599);
        let wait = if asks { headers::wait_ms(headers, now, code == 429) } else { None };
        let renew = self.renew;
        let login = format!("`trueup login {}`", self.system);
        let (cause, hint) = match code {
            300..=399 => {
                let to = headers.get("location").and_then(|v| v.to_str().ok());
                let to = to.map_or("nowhere".to_owned(), |l| super::address::origin(l).unwrap_or("itself".to_owned()));
                what.push_str(&format!("; it redirects to {to}"));
                (Cause::Settings, "redirects are never followed; correct base_url".to_owned())
            }
            401 => (Cause::Refused, format!("make a new key at {renew}, then run {login}")),
            403 => (
                Cause::Refused,
                format!("give the key the missing permission at {renew}, or make a new one; then {login}"),
            ),
            404 | 410 => (Cause::Settings, "check base_url and the account parameters of this source".to_owned()),
            429 => (Cause::RateLimited, "trueup waits and goes on by itself".to_owned()),
            408 | 409 | 425 | 500..=599 => (Cause::Unavailable, "trueup tries again by itself".to_owned()),
            _ => (Cause::Settings, "the provider does not accept this call; look into its changelog".to_owned()),
        };
        let mut problem = self.problem(&what, Some(headers)).hint(hint);
        if problem.why.is_none() {
            // The provider names the request in the body only.
            problem.why = request_in(&json).map(|id| Text::new(format!("request {}", self.scrub.clean(&id))));
        }
        if let Some(said) = message(&json) {
            let said: String = self.scrub.clean(&said).chars().take(300).collect();
            let id = problem.why.take().map(|why| format!(" ({why})")).unwrap_or_default();
            problem = problem.why(format!("{said}{id}"));
        }
        Failure { error: Box::new(SourceError { cause, problem, retry_after_ms: wait }), status: Some(code) }
    }

    /// What the HTTP library complains about. Its own words hold the whole URL, so they are not used as they are.
    pub(super) fn transport(&self, error: &reqwest::Error, timeout: Duration) -> Failure {
        let host = super::address::origin(self.base).unwrap_or_default();
        if error.is_timeout() && !error.is_connect() {
            return self.unavailable(&format!("got no whole answer within {} s", timeout.as_secs_f32().ceil()));
        }
        let mut deepest = String::new();
        let mut kind = None;
        let mut source = error.source();
        while let Some(inner) = source {
            deepest = inner.to_string();
            if let Some(io) = inner.downcast_ref::<std::io::Error>() {
                kind = Some(io.kind());
                if let Some(wrapped) = io.get_ref() {
                    deepest = wrapped.to_string();
                }
            }
            if deepest.contains("dns error") {
                let failure = self.unavailable(&format!("could not be made: the name of {host} does not resolve"));
                return failure;
            }
            source = inner.source();
        }
        let why = match kind {
            Some(std::io::ErrorKind::ConnectionRefused) => "the connection was refused".to_owned(),
            _ if error.is_timeout() => "no connection within 3 s".to_owned(),
            _ if deepest.is_empty() => "the connection broke".to_owned(),
            _ => self.scrub.clean(&deepest),
        };
        let verb = if error.is_connect() { "could not be made: no connection to" } else { "was cut off by" };
        let mut failure = self.unavailable(&format!("{verb} {host}"));
        failure.error.problem = failure.error.problem.why(why);
        failure
    }

    fn call(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn problem(&self, what: &str, headers: Option<&HeaderMap>) -> Problem {
        let problem = Problem::evidence(self.scrub.clean(what)).at(self.system.title());
        match headers.and_then(headers::request_id) {
            Some(id) => problem.why(format!("request {}", self.scrub.clean(&id))),
            None => problem,
        }
    }
}

/// The request's id where the body tells it: Paddle `meta.request_id`.
pub(super) fn request_in(json: &Value) -> Option<String> {
    let id = json.pointer("/meta/request_id")?.as_str()?;
    (!id.is_empty()).then(|| id.chars().take(80).collect())
}

/// The provider's own words: Stripe `error.message`, HubSpot `message`, Zendesk `description` or `error`, Paddle
/// `error.code` and `error.detail`.
fn message(json: &Value) -> Option<String> {
    let word = |path: &str| json.pointer(path)?.as_str().filter(|said| !said.trim().is_empty());
    if let (Some(code), Some(detail)) = (word("/error/code"), word("/error/detail")) {
        return Some(format!("{code}: {detail}"));
    }
    [
        "/error/message",
        "/error/detail",
        "/message",
        "/description",
        "/error/title",
        "/error",
        "/errors/0/message",
        "/errors/0/detail",
    ]
    .iter()
    .find_map(|path| json.pointer(path)?.as_str())
    .filter(|said| !said.trim().is_empty())
    .map(str::to_owned)
}
