//! The one client through which every provider is asked.
//!
//! What must stay true: a credential goes to the origin it is bound to and nowhere else; redirects are not followed; an
//! answer is JSON of at most 16 MiB or it is an error; every call is inside its provider's budget and ends within its
//! timeout; no message holds a credential or a query string; a provider that keeps failing gets no call but a probe.
//! It refuses to retry: the engine decides when to ask again, and knows from the [`Failure`] what to do.
//!
//! Proxies: `HTTPS_PROXY`/`ALL_PROXY` and `NO_PROXY` are honoured for https (the tunnel does not see the content);
//! calls to this machine never use one. Extra root certificates: `SSL_CERT_FILE`, as the platform's verifier reads it.

pub mod address;
mod failure;
pub mod headers;
pub mod paging;
mod scrub;
mod sieve;

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use reqwest::{Method, Url};
use serde_json::Value;

pub use failure::Failure;
pub use paging::Paging;

use self::failure::About;
use self::scrub::Scrub;
use super::Cause;
use super::breaker::{Breaker, Outcome};
use super::budget::{Budget, Lane, Limits, Priority};
use super::secret::Secret;
use crate::domain::{Problem, System, Text, Time};

/// Largest answer that is read.
pub const MOST_BYTES: usize = 16 * 1024 * 1024;
/// Of an error's body only this much is read.
const ERROR_BYTES: usize = 64 * 1024;
/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(3);
/// Longest silence within an answer.
const SILENCE: Duration = Duration::from_secs(10);
/// What we say we are.
const AGENT: &str = concat!("trueup/", env!("CARGO_PKG_VERSION"));

/// Installs the TLS implementation that every client of this program uses. May be called again at no cost; must have
/// been called before the first https connection of the process (every [`Client`] and probe does it itself).
pub fn install_tls() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        // An error only says that one is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// How a credential travels.
#[derive(Clone, Debug)]
pub enum Auth {
    /// `Authorization: Bearer`.
    Bearer(Secret),
    /// `Authorization: Basic` with this user and the secret as password.
    Basic {
        /// The user part.
        user: String,
        /// The password part.
        secret: Secret,
    },
    /// A header of the provider's own, with the secret as its value.
    Header {
        /// The header's name, lower case.
        name: &'static str,
        /// Its value.
        secret: Secret,
    },
}

impl Auth {
    fn secret(&self) -> &Secret {
        match self {
            Self::Bearer(secret) | Self::Basic { secret, .. } | Self::Header { secret, .. } => secret,
        }
    }
}

/// What is particular to one provider.
#[derive(Clone, Copy, Debug)]
pub struct Conduct {
    /// Who.
    pub system: System,
    /// Headers that every call carries.
    pub headers: &'static [(&'static str, &'static str)],
    /// Where a key is made or changed.
    pub renew: &'static str,
    /// Reads a wait in milliseconds out of the body of a 429.
    pub wait_in_body: fn(&Value) -> Option<i64>,
}

/// One step's clock: `now` as it was given, moved on by the time that has passed since.
#[derive(Clone, Copy, Debug)]
pub struct Round {
    /// The moment that the caller gave. Rows of this step are seen at this moment.
    pub now: Time,
    since: Instant,
}

impl Round {
    /// Begins with the caller's moment.
    pub fn new(now: Time) -> Self {
        Self { now, since: Instant::now() }
    }

    fn clock(&self) -> Time {
        self.now.plus_ms(i64::try_from(self.since.elapsed().as_millis()).unwrap_or(0))
    }
}

/// One call.
#[derive(Clone, Debug)]
pub struct Ask {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
    bare: bool,
    dropped: &'static [&'static str],
    lane: Lane,
    priority: Priority,
}

impl Ask {
    /// A read. `path` begins with `/` and is told in messages, so it never holds an e-mail address.
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            query: Vec::new(),
            body: None,
            bare: false,
            dropped: &[],
            lane: Lane::General,
            priority: Priority::Background,
        }
    }

    /// A read whose question is a JSON body (searches).
    pub fn search(path: impl Into<String>, body: Value) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(path) }
    }

    /// Adds a query parameter.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// Adds a query parameter if there is a value.
    #[must_use]
    pub fn with_some(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Counts it for the provider's narrow limit as well.
    #[must_use]
    pub fn narrow(mut self) -> Self {
        self.lane = Lane::Narrow;
        self
    }

    /// The answer is a list without anything around it (Netlify's lists, Vercel's webhooks).
    #[must_use]
    pub fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// Passes over these fields while the answer is read, wherever they stand in it: secrets that a provider puts
    /// beside what was asked for never become values of this program.
    #[must_use]
    pub fn without(mut self, fields: &'static [&'static str]) -> Self {
        self.dropped = fields;
        self
    }

    /// A person waits for it.
    #[must_use]
    pub fn for_operator(mut self) -> Self {
        self.priority = Priority::Operator;
        self
    }
}

/// A good answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The JSON.
    pub body: Value,
    /// Calls left in the current window: the provider's own count, else our budget's.
    pub left: Option<i64>,
    /// How far the provider's clock is ahead of ours, in milliseconds.
    pub skew_ms: Option<i64>,
    /// The provider's clock when it answered; ours when it shows none.
    pub at: Time,
    about: (Method, String),
}

/// The client of one provider account.
pub struct Client {
    conduct: Conduct,
    base: String,
    auth: Auth,
    scrub: Scrub,
    budget: Budget,
    breaker: Breaker,
    /// What opened the breaker: the answer to everybody who asks while it is open.
    opened_by: Mutex<Option<Failure>>,
    timeout: Duration,
    without: &'static [&'static str],
    http: OnceLock<Result<reqwest::Client, String>>,
}

impl Client {
    /// A client for one account. Opens nothing yet.
    ///
    /// # Errors
    /// A base address that may not be used, or a credential that is bound to another host.
    pub fn new(conduct: Conduct, base_url: &str, auth: Auth, limits: &Limits) -> Result<Self, Problem> {
        let base = address::base(base_url).map_err(|p| p.at(format!("sources.{}.base_url", conduct.system)))?;
        let header = auth_header(&auth, &base).ok_or_else(|| {
            Problem::evidence("the credential is bound to another host than base_url")
                .at(conduct.system.title())
                .hint(format!("run `trueup login {}`", conduct.system))
        })?;
        let scrub = Scrub::new(auth.secret(), &base, &header);
        let (budget, timeout) = (Budget::new(limits), limits.timeout);
        let (breaker, opened_by) = (Breaker::default(), Mutex::new(None));
        Ok(Self {
            conduct,
            base,
            auth,
            scrub,
            budget,
            breaker,
            opened_by,
            timeout,
            without: &[],
            http: OnceLock::new(),
        })
    }

    /// Never takes in the fields of these names, wherever they stand in an answer: secrets that a provider puts there.
    #[must_use]
    pub fn without(mut self, fields: &'static [&'static str]) -> Self {
        self.without = fields;
        self
    }

    /// The base address, without a trailing slash.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Makes one call inside the budget, unless the provider keeps failing.
    ///
    /// # Errors
    /// Everything that is not a JSON answer with a success status.
    pub async fn send(&self, ask: Ask, round: &Round) -> Result<Reply, Failure> {
        let about = self.about(&ask.method, &ask.path);
        let open = |left: Duration| self.left_alone(&about, left);
        self.breaker.check(tokio::time::Instant::now()).map_err(open)?;
        self.budget.take(ask.lane, ask.priority).await.map_err(|ms| about.limited(Some(ms)))?;
        // It may have opened while the call waited for its turn.
        let pass = self.breaker.enter(tokio::time::Instant::now()).map_err(open)?;
        let answer = self.call(&ask, round).await;
        let outcome = match &answer {
            Err(failure) if failure.is_breakdown() => Outcome::Failed,
            _ => Outcome::Answered,
        };
        let opened = pass.settle(outcome, tokio::time::Instant::now());
        answer.map_err(|failure| match opened {
            Some(left) if outcome == Outcome::Failed => {
                let mut last = self.opened_by.lock().unwrap_or_else(PoisonError::into_inner);
                let told = failure.error.retry_after_ms.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0);
                last.insert(failure.left_alone()).clone().again_in(left.max(Duration::from_millis(told)))
            }
            _ => failure,
        })
    }

    /// What everybody is told while the breaker is open: the failure that opened it.
    fn left_alone(&self, about: &About<'_>, left: Duration) -> Failure {
        let last = self.opened_by.lock().unwrap_or_else(PoisonError::into_inner).clone();
        last.unwrap_or_else(|| about.unavailable("was not made").left_alone()).again_in(left)
    }

    async fn call(&self, ask: &Ask, round: &Round) -> Result<Reply, Failure> {
        let about = self.about(&ask.method, &ask.path);
        let url = Url::parse(&format!("{}{}", self.base, ask.path))
            .map_err(|_| about.garbage("cannot be asked: an id of the provider breaks the address", None))?;
        let http = self.http().map_err(|why| {
            Failure::new(Cause::Settings, Problem::bug("the HTTP client could not be set up").why(why))
        })?;
        let mut request = http.request(ask.method.clone(), url.clone()).timeout(self.timeout).query(&ask.query);
        for (name, value) in self.conduct.headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = &ask.body {
            request = request.json(body);
        }
        let bound = || Failure::new(Cause::Settings, Problem::bug("a call would leave the credential's own host"));
        let secret = self.auth.secret().expose_for(url.as_str()).ok_or_else(bound)?;
        request = match &self.auth {
            Auth::Bearer(_) => request.bearer_auth(secret),
            Auth::Basic { user, .. } => request.basic_auth(user, Some(secret)),
            Auth::Header { name, .. } => request.header(*name, secret),
        };
        let begun = Instant::now();
        let answer = request.send().await.map_err(|e| about.transport(&e, self.timeout))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        tracing::debug!(
            system = %self.conduct.system, method = %ask.method, path = %ask.path, status = status.as_u16(),
            ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX), "provider answered"
        );
        let now = round.clock();
        // Searches and exports are counted apart, and what is told with them may be about their own limit.
        if ask.lane == Lane::General
            && let Some(quota) = headers::quota(&headers, now)
        {
            self.budget.told(&quota);
        }
        if !status.is_success() {
            let body = read(answer, ERROR_BYTES).await.unwrap_or_else(Unread::so_far);
            return Err(self.refused(&about, status, &headers, &body, now));
        }
        let body = match read(answer, MOST_BYTES).await {
            Ok(body) => body,
            Err(Unread::TooLarge(_)) => {
                let what = format!("answered with more than {} MiB", MOST_BYTES / 1024 / 1024);
                return Err(about.garbage(&what, Some(&headers)));
            }
            Err(Unread::Broken(error, _)) => return Err(about.transport(&error, self.timeout)),
        };
        let dropped: Vec<&str> = self.without.iter().chain(ask.dropped).copied().collect();
        let body = parse(&body, ask.bare, &dropped).map_err(|wrong| match wrong {
            Wrong::Cut => about.unavailable("got an answer that was cut off"),
            Wrong::Shape(what) => about.garbage(what, Some(&headers)),
        })?;
        let left = headers::left(&headers).or_else(|| Some(self.budget.left()));
        let at = headers::date(&headers).unwrap_or(now);
        let about = (ask.method.clone(), ask.path.clone());
        Ok(Reply { body, left, skew_ms: headers::skew_ms(&headers, now), at, about })
    }

    /// Makes no call for so long: the provider wants more rest than its answer says.
    pub fn pause(&self, ms: i64) {
        self.budget.pause(ms);
    }

    /// Says that an answer, good JSON as it may be, is not what was asked for.
    pub fn garbage(&self, reply: &Reply, what: &str) -> Failure {
        let mut failure = self.about(&reply.about.0, &reply.about.1).garbage(what, None);
        if let Some(id) = failure::request_in(&reply.body) {
            failure.error.problem.why = Some(Text::new(format!("request {}", self.scrub.clean(&id))));
        }
        failure
    }

    /// Refuses a link that leads to another host. Links are never followed; one that leaves is a sign of a wrong or
    /// hostile answer.
    ///
    /// # Errors
    /// Garbage, naming the host.
    pub fn same_host(&self, reply: &Reply, link: Option<&str>) -> Result<(), Failure> {
        match link {
            Some(link) if !address::stays(&self.base, link) => {
                let to = address::origin(link).unwrap_or_else(|| "elsewhere".to_owned());
                Err(self.garbage(reply, &format!("names a next page on another host, {to}")))
            }
            _ => Ok(()),
        }
    }

    fn about<'a>(&'a self, method: &'a Method, path: &'a str) -> About<'a> {
        About {
            system: self.conduct.system,
            method: method.as_str(),
            path,
            base: &self.base,
            renew: self.conduct.renew,
            scrub: &self.scrub,
        }
    }

    fn refused(
        &self,
        about: &About<'_>,
        status: reqwest::StatusCode,
        headers: &reqwest::header::HeaderMap,
        body: &[u8],
        now: Time,
    ) -> Failure {
        let mut failure = about.status(status, headers, body, now);
        if failure.error.cause == Cause::RateLimited {
            let wait = &mut failure.error.retry_after_ms;
            if wait.is_none() {
                *wait = serde_json::from_slice(body).ok().and_then(|json| (self.conduct.wait_in_body)(&json));
            }
            self.budget.pause(wait.unwrap_or(1000));
        } else if let Some(ms) = failure.error.retry_after_ms {
            self.budget.pause(ms);
        }
        failure
    }

    /// Set up at the first call: reading the system's root certificates takes some milliseconds that the first frame
    /// of the console should not wait for.
    fn http(&self) -> Result<&reqwest::Client, String> {
        let made = self.http.get_or_init(|| {
            install_tls();
            let mut builder = reqwest::Client::builder()
                .user_agent(AGENT)
                .connect_timeout(CONNECT)
                .read_timeout(SILENCE)
                .timeout(self.timeout)
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .tcp_nodelay(true)
                .pool_idle_timeout(Duration::from_secs(60));
            if self.base.starts_with("http://") {
                // This machine only: no proxy may see it, and no root certificates are needed.
                builder = builder.no_proxy().tls_certs_only(std::iter::empty());
            }
            builder.build().map_err(|e| e.without_url().to_string())
        });
        made.as_ref().map_err(Clone::clone)
    }
}

/// Why a body was not read to its end, with what was read.
enum Unread {
    TooLarge(Vec<u8>),
    Broken(reqwest::Error, Vec<u8>),
}

impl Unread {
    fn so_far(self) -> Vec<u8> {
        match self {
            Self::TooLarge(body) | Self::Broken(_, body) => body,
        }
    }
}

/// Reads at most `most` bytes (unpacked). A body that announces more is not even begun.
async fn read(mut answer: reqwest::Response, most: usize) -> Result<Vec<u8>, Unread> {
    if answer.content_length().is_some_and(|n| n > most as u64) {
        return Err(Unread::TooLarge(Vec::new()));
    }
    let mut body = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > most => {
                body.extend_from_slice(&chunk[..most - body.len()]);
                return Err(Unread::TooLarge(body));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) => return Err(Unread::Broken(error, body)),
        }
    }
}

enum Wrong {
    Cut,
    Shape(&'static str),
}

fn parse(body: &[u8], bare: bool, dropped: &[&str]) -> Result<Value, Wrong> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii();
    match body.first() {
        None => return Err(Wrong::Shape("answered with an empty body")),
        Some(b'<') => return Err(Wrong::Shape("answered with a web page (HTML) instead of JSON")),
        Some(_) => {}
    }
    let value = sieve::read(body, dropped)
        .map_err(|e| if e.is_eof() { Wrong::Cut } else { Wrong::Shape("answered with something that is not JSON") })?;
    match (bare, value.is_array(), value.is_object()) {
        (true, true, _) | (false, _, true) => Ok(value),
        (true, ..) => Err(Wrong::Shape("answered with JSON that is not a list")),
        (false, ..) => Err(Wrong::Shape("answered with JSON that is not an object")),
    }
}

/// What the header that authorizes will hold; `None` when the secret is bound to another origin.
fn auth_header(auth: &Auth, base: &str) -> Option<String> {
    let secret = auth.secret().expose_for(base)?;
    Some(match auth {
        Auth::Bearer(_) => format!("Bearer {secret}"),
        Auth::Header { .. } => secret.to_owned(),
        Auth::Basic { user, .. } => format!("Basic {}", base64(format!("{user}:{secret}").as_bytes())),
    })
}

/// RFC 4648 section 4; needed only to know what to take out of foreign words.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word = (0..3).fold(0_u32, |word, i| word << 8 | u32::from(group.get(i).copied().unwrap_or(0)));
        for i in 0..4 {
            let sextet = (word >> (18 - 6 * i)) & 63;
            out.push(if i <= group.len() { char::from(ALPHABET[sextet as usize]) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_what_everybody_else_calls_it() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn only_json_objects_are_answers() {
        let parse = |body: &[u8]| parse(body, false, &[]);
        assert!(parse(b" {\"a\":1} ").is_ok());
        assert!(matches!(parse(b"{\"a\":[1,"), Err(Wrong::Cut)));
        for bad in [&b""[..], b"<!doctype html>", b"[1]", b"nope", b"\xff\xfe"] {
            assert!(matches!(parse(bad), Err(Wrong::Shape(_))));
        }
        assert!(parse("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn a_bare_list_is_an_answer_where_one_was_asked_for() {
        assert!(parse(b"[]", true, &[]).is_ok());
        assert!(matches!(parse(b"{}", true, &[]), Err(Wrong::Shape("answered with JSON that is not a list"))));
        assert!(matches!(parse(b"[{\"a\":", true, &["x"]), Err(Wrong::Cut)));
    }
}
