//! The door of a fake provider: what happens to a request before the provider sees it. Faults, credentials, rate
//! limits, and the log of what was asked.
//!
//! What must stay true: a fault of one provider never touches another; a hanging request ends when the company stops.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request as HttpRequest, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use futures_util::StreamExt;
use serde_json::json;
use tokio::sync::watch;

use super::call::{Call, Reply, pairs};
use super::profile::Keys;
use super::world::World;
use super::{clock, hubspot, stripe, zendesk};
use crate::domain::{System, Time};

/// Most bytes of a request's body.
const BODY: usize = 1024 * 1024;
/// Requests that are remembered.
const KEPT_REQUESTS: usize = 20_000;

/// A way in which a provider fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It answers as it should.
    None,
    /// It takes the request and never answers.
    Hang,
    /// It answers with this status, in its own shape of an error.
    Status(u16),
    /// It answers 200 with a web page.
    Html,
    /// It promises a long body, sends a part and hangs up.
    Cut,
    /// It answers after that many milliseconds.
    Slow(u64),
    /// It answers 429.
    RateLimit {
        /// Seconds that `Retry-After` asks for.
        retry_after: u64,
    },
}

/// A request that a fake provider got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Which provider.
    pub system: System,
    /// `GET`
    pub method: String,
    /// Without the query.
    pub path: String,
    /// Decoded, in order.
    pub query: Vec<(String, String)>,
    /// When.
    pub at: Time,
}

/// A limit on requests.
struct Limit {
    name: &'static str,
    count: u32,
    window: Duration,
}

const STRIPE_LIMIT: Limit = Limit { name: "global", count: 25, window: Duration::from_secs(1) };
const HUBSPOT_BURST: Limit = Limit { name: "TEN_SECONDLY_ROLLING", count: 190, window: Duration::from_secs(10) };
const HUBSPOT_SEARCH: Limit = Limit { name: "SECONDLY", count: 5, window: Duration::from_secs(1) };
const ZENDESK_MINUTE: Limit = Limit { name: "minute", count: 700, window: Duration::from_secs(60) };
/// Ten a minute in the real service; here story time is denser.
const ZENDESK_EXPORT: Limit = Limit { name: "export", count: 30, window: Duration::from_secs(60) };

fn limits(call: &Call, system: System) -> &'static [Limit] {
    match system {
        System::Stripe => &[STRIPE_LIMIT],
        System::Hubspot if call.path.ends_with("/search") => &[HUBSPOT_SEARCH, HUBSPOT_BURST],
        System::Hubspot => &[HUBSPOT_BURST],
        System::Zendesk if call.path.contains("/incremental/") => &[ZENDESK_EXPORT, ZENDESK_MINUTE],
        _ => &[ZENDESK_MINUTE],
    }
}

/// By provider and limit: since when is counted, and how many there were.
type Windows = HashMap<(System, &'static str), (Instant, u32)>;

/// What all doors share.
pub(super) struct House {
    /// The company.
    pub world: Mutex<World>,
    /// What opens the doors.
    pub keys: Keys,
    /// How much looser than the real ones the limits are; `None`: there are none.
    pub looseness: Option<f64>,
    /// Becomes true when the company stops.
    pub stop: watch::Receiver<bool>,
    faults: Mutex<BTreeMap<System, Fault>>,
    requests: Mutex<VecDeque<Request>>,
    windows: Mutex<Windows>,
}

/// A lock that a panicking test thread does not poison for the others.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl House {
    /// A house around a world.
    pub(super) fn new(world: World, keys: Keys, looseness: Option<f64>, stop: watch::Receiver<bool>) -> Self {
        Self {
            world: Mutex::new(world),
            keys,
            looseness,
            stop,
            faults: Mutex::default(),
            requests: Mutex::default(),
            windows: Mutex::default(),
        }
    }

    /// Makes a provider fail from now on, or work again.
    pub(super) fn set_fault(&self, system: System, fault: Fault) {
        locked(&self.faults).insert(system, fault);
    }

    /// What was asked so far.
    pub(super) fn requests(&self) -> Vec<Request> {
        locked(&self.requests).iter().cloned().collect()
    }

    fn note(&self, system: System, call: &Call) {
        let mut requests = locked(&self.requests);
        if requests.len() >= KEPT_REQUESTS {
            requests.pop_front();
        }
        requests.push_back(Request {
            system,
            method: call.method.clone(),
            path: call.path.clone(),
            query: call.query.clone(),
            at: call.now,
        });
    }

    fn fault(&self, system: System) -> Fault {
        let set = locked(&self.faults).get(&system).copied().unwrap_or(Fault::None);
        if set == Fault::None && system == System::Hubspot && locked(&self.world).hubspot_down {
            return Fault::Status(503);
        }
        set
    }

    /// Counts a request; gives the limit that it breaks, or how many are left of the tightest.
    fn count(&self, system: System, call: &Call) -> Result<u32, (&'static Limit, u64)> {
        let Some(looseness) = self.looseness else { return Ok(u32::MAX) };
        let mut windows = locked(&self.windows);
        let now = Instant::now();
        let mut left = u32::MAX;
        for limit in limits(call, system) {
            let most = (f64::from(limit.count) * looseness) as u32;
            let (since, used) = windows.entry((system, limit.name)).or_insert((now, 0));
            if now.duration_since(*since) >= limit.window {
                (*since, *used) = (now, 0);
            }
            if *used >= most {
                let wait = limit.window.saturating_sub(now.duration_since(*since));
                return Err((limit, wait.as_secs() + 1));
            }
            *used += 1;
            left = left.min(most - *used);
        }
        Ok(left)
    }
}

/// One provider's door.
#[derive(Clone)]
pub(super) struct Door {
    /// Which provider.
    pub system: System,
    /// Its address.
    pub base: String,
    /// The house that it belongs to.
    pub house: Arc<House>,
}

/// Answers every request of one provider.
pub(super) async fn answer(State(door): State<Door>, request: HttpRequest) -> Response {
    let mut stop = door.house.stop.clone();
    tokio::select! {
        response = serve(&door, request) => response,
        _ = stop.wait_for(|stopped| *stopped) => rendered(Reply::new(503, json!({"error": "stopping"}))),
    }
}

async fn serve(door: &Door, request: HttpRequest) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY).await else {
        return rendered(Reply::new(413, json!({"error": "request body is too large"})));
    };
    let header = |name: &str| parts.headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let call = Call {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: pairs(parts.uri.query().unwrap_or_default()),
        authorization: header("authorization"),
        version: header("stripe-version"),
        body,
        base: door.base.clone(),
        now: clock::now(),
    };
    door.house.note(door.system, &call);
    match door.house.fault(door.system) {
        Fault::Hang => std::future::pending().await,
        Fault::Html => return page(200, "<!doctype html><title>Maintenance</title><h1>We will be right back</h1>"),
        Fault::Cut => return cut(),
        Fault::Status(status) => return rendered(failed(door.system, status)),
        Fault::RateLimit { retry_after } => return rendered(limited(door.system, "DAILY", retry_after)),
        Fault::Slow(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
        Fault::None => {}
    }
    rendered(answered(door, &call))
}

fn answered(door: &Door, call: &Call) -> Reply {
    let (system, house) = (door.system, &door.house);
    if let Some(refusal) = refusal(system, &house.keys, call) {
        return refusal;
    }
    let left = match house.count(system, call) {
        Ok(left) => left,
        Err((limit, wait)) => return limited(system, limit.name, wait),
    };
    let mut world = locked(&house.world);
    let reply = match system {
        System::Stripe => stripe::answer(&mut world, call),
        System::Hubspot => hubspot::answer(&mut world, call),
        _ => zendesk::answer(&mut world, call),
    };
    drop(world);
    with_usual_headers(system, call, reply, left)
}

/// The reply to a request without the right credential.
fn refusal(system: System, keys: &Keys, call: &Call) -> Option<Reply> {
    let given = call.authorization.as_deref();
    match system {
        System::Stripe => {
            let message = match given {
                Some(given) if given == format!("Bearer {}", keys.stripe) => return None,
                Some(_) => "Invalid API Key provided".to_owned(),
                None => {
                    "You did not provide an API key. You need to provide your API key in the Authorization header, \
                         using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
                        .to_owned()
                }
            };
            Some(stripe::error(401, json!({"message": message, "type": "invalid_request_error"})))
        }
        System::Hubspot if given == Some(&format!("Bearer {}", keys.hubspot)) => None,
        System::Hubspot => Some(hubspot::error(
            401,
            "INVALID_AUTHENTICATION",
            "Authentication credentials not found. This API supports OAuth 2.0 authentication",
        )),
        _ if given == Some(&keys.zendesk_header()) => None,
        _ => Some(Reply::new(401, json!({"error": "Couldn't authenticate you"}))),
    }
}

fn limited(system: System, policy: &str, wait: u64) -> Reply {
    match system {
        System::Stripe => stripe::error(
            429,
            json!({"code": "rate_limit", "type": "invalid_request_error",
                   "message": "Request rate limit exceeded. Learn more about rate limits: https://stripe.com/docs/rate-limits"}),
        )
        .with("stripe-rate-limited-reason", "global-rate")
        .with("stripe-should-retry", "false")
        .with("request-id", "req_ratelimited00"),
        System::Hubspot => {
            let message = match policy {
                "SECONDLY" => "You have reached your secondly limit.",
                "TEN_SECONDLY_ROLLING" => "You have reached your ten_secondly_rolling limit.",
                _ => "You have reached your daily limit.",
            };
            let mut reply = hubspot::error(429, "RATE_LIMITS", message);
            reply.body["errorType"] = json!("RATE_LIMIT");
            reply.body["policyName"] = json!(policy);
            reply
        }
        _ => Reply::new(
            429,
            json!({"error": "APIRateLimitExceeded", "description": "Number of allowed API requests per minute exceeded"}),
        )
        .with("retry-after", wait),
    }
}

fn failed(system: System, status: u16) -> Reply {
    match system {
        System::Stripe => stripe::error(
            status,
            json!({"type": "api_error", "message": "An unknown error occurred; the request may be retried."}),
        )
        .with("stripe-should-retry", status >= 500)
        .with("request-id", "req_unwell0000000"),
        System::Hubspot => hubspot::error(status, "INTERNAL_ERROR", "Service temporarily unavailable"),
        _ => Reply::new(status, json!({"error": "Service Unavailable", "description": "Please try again later"})),
    }
}

fn with_usual_headers(system: System, call: &Call, reply: Reply, left: u32) -> Reply {
    let left_text = |usual: u32| left.min(usual).to_string();
    match system {
        System::Stripe => {
            let version = call.version.clone().unwrap_or_else(|| super::stripe_shapes::VERSION.to_owned());
            let id = format!("req_{:014x}", call.now.ms());
            reply.with("request-id", id).with("stripe-version", version)
        }
        System::Hubspot => reply
            .with("x-hubspot-ratelimit-daily", 650_000)
            .with("x-hubspot-ratelimit-daily-remaining", 640_000)
            .with("x-hubspot-ratelimit-interval-milliseconds", 10_000)
            .with("x-hubspot-ratelimit-max", HUBSPOT_BURST.count)
            .with("x-hubspot-ratelimit-remaining", left_text(HUBSPOT_BURST.count)),
        _ => reply
            .with("x-rate-limit", ZENDESK_MINUTE.count)
            .with("x-rate-limit-remaining", left_text(ZENDESK_MINUTE.count)),
    }
}

fn rendered(reply: Reply) -> Response {
    let mut response = Response::new(Body::from(reply.body.to_string()));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    for (name, value) in reply.headers {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    }
    response
}

/// A web page.
pub(super) fn page(status: u16, html: &'static str) -> Response {
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

/// A reply that breaks off: the length says more than comes. The pause lets the first part out before the end.
fn cut() -> Response {
    let parts: [Result<&'static str, std::io::Error>; 2] =
        [Ok("{\"object\": \"list\", \"data\": [{\"id\": \"cus_"), Err(std::io::ErrorKind::ConnectionReset.into())];
    let stream = futures_util::stream::iter(parts).then(|part| async {
        if part.is_err() {
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        part
    });
    let mut response = Response::new(Body::from_stream(stream));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    headers.insert(header::CONTENT_LENGTH, header::HeaderValue::from_static("65536"));
    response
}
