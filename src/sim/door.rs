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
use super::clock;
use super::profile::Keys;
use super::room::{Limit, Room};
use super::world::World;
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
        if set == Fault::None && locked(&self.world).down.contains(&system) {
            return Fault::Status(503);
        }
        set
    }

    /// Counts a request; gives the limit that it breaks, or how many are left of the tightest.
    fn count(&self, room: &Room, call: &Call) -> Result<u32, (&'static Limit, u64)> {
        let Some(looseness) = self.looseness else { return Ok(u32::MAX) };
        let mut windows = locked(&self.windows);
        let now = Instant::now();
        let mut left = u32::MAX;
        for limit in (room.limits)(call) {
            let most = (f64::from(limit.count) * looseness) as u32;
            let (since, used) = windows.entry((room.system, limit.name)).or_insert((now, 0));
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
    pub room: &'static Room,
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
    let text = |value: &axum::http::HeaderValue| value.to_str().ok().map(str::to_owned);
    let headers = parts.headers.iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?)));
    let call = Call {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: pairs(parts.uri.query().unwrap_or_default()),
        headers: headers.collect(),
        body,
        base: door.base.clone(),
        now: clock::now(),
    };
    let room = door.room;
    door.house.note(room.system, &call);
    match door.house.fault(room.system) {
        Fault::Hang => std::future::pending().await,
        Fault::Html => return page(200, "<!doctype html><title>Maintenance</title><h1>We will be right back</h1>"),
        Fault::Cut => return cut(),
        Fault::Status(status) => return rendered((room.failed)(status)),
        Fault::RateLimit { retry_after } => return rendered((room.limited)("DAILY", retry_after)),
        Fault::Slow(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
        Fault::None => {}
    }
    rendered(answered(door, &call))
}

fn answered(door: &Door, call: &Call) -> Reply {
    let (room, house) = (door.room, &door.house);
    if !house.keys.of(room.system).is_some_and(|key| (room.admits)(call, key)) {
        return (room.refused)(call);
    }
    let left = match house.count(room, call) {
        Ok(left) => left,
        Err((limit, wait)) => return (room.limited)(limit.name, wait),
    };
    let reply = (room.answer)(&mut locked(&house.world), call);
    (room.usual)(call, reply, left)
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
