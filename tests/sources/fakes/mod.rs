//! Small fakes of the providers, written from their published shapes, over real HTTP on loopback.
//!
//! Every call and its answer are recorded, so that a test can say what was asked, and how often.

pub mod cloudflare;
pub mod gohighlevel;
pub mod hubspot;
pub mod intercom;
pub mod netlify;
pub mod paddle;
pub mod pipedrive;
pub mod stripe;
pub mod vercel;
pub mod zendesk;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::Response;
use serde_json::Value;
use trueup::domain::{Batch, Check, Delivery, Deploy, Kind, Problem, Record, Text, Time};
use trueup::sources::{Source, SourceError};

/// One call as it arrived.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: BTreeMap<String, String>,
    pub body: Option<Value>,
}

impl Call {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str())
    }
    pub fn number(&self, name: &str) -> Option<i64> {
        self.get(name)?.parse().ok()
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(body: &Value) -> Self {
        Self::new(200, &body.to_string()).with("content-type", "application/json")
    }
    pub fn new(status: u16, body: &str) -> Self {
        Self { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }
    /// Sets the provider's clock.
    pub fn dated(self, at: Time) -> Self {
        self.with("date", at.utc().format("%a, %d %b %Y %H:%M:%S GMT"))
    }
}

type Handler = Arc<dyn Fn(&Call) -> Answer + Send + Sync>;
type Exchanges = Arc<Mutex<Vec<(Call, Answer)>>>;

/// A fake that listens on loopback until it is dropped.
pub struct Fake {
    pub base: String,
    calls: Exchanges,
    task: tokio::task::JoinHandle<()>,
}

impl Fake {
    pub async fn start(answer: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Self {
        let calls: Exchanges = Arc::default();
        let state: (Handler, _) = (Arc::new(answer), calls.clone());
        let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(serve).with_state(state);
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { base, calls, task }
    }

    pub fn exchanges(&self) -> Vec<(Call, Answer)> {
        lock(&self.calls).clone()
    }

    pub fn calls(&self) -> Vec<Call> {
        self.exchanges().into_iter().map(|(call, _)| call).collect()
    }

    /// Method and path of every call since the last time that this was asked.
    pub fn take_paths(&self) -> Vec<String> {
        lock(&self.calls).drain(..).map(|(call, _)| format!("{} {}", call.method, call.path)).collect()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

async fn serve(State((handler, calls)): State<(Handler, Exchanges)>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let url = reqwest::Url::parse(&format!("http://fake{}", parts.uri)).unwrap();
    let bytes = to_bytes(body, 1 << 20).await.unwrap();
    let call = Call {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: url.query_pairs().into_owned().collect(),
        headers: parts
            .headers
            .iter()
            .map(|(k, v)| (k.to_string(), String::from_utf8_lossy(v.as_bytes()).into_owned()))
            .collect(),
        body: serde_json::from_slice(&bytes).ok(),
    };
    let answer = handler(&call);
    lock(&calls).push((call, answer.clone()));
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).unwrap()
}

/// What a store would hold after applying batches.
#[derive(Debug, Default)]
pub struct Held {
    pub records: BTreeMap<(Kind, Text), Record>,
    pub deliveries: BTreeMap<Text, Delivery>,
    pub deploys: BTreeMap<Text, Deploy>,
    pub checks: Vec<Check>,
    pub partial: Option<Problem>,
    pub rate_left: Option<i64>,
    pub skew_ms: Option<i64>,
    pub cursor: Option<String>,
    pub steps: usize,
    pub finished: Vec<Kind>,
}

impl Held {
    /// Applies a batch as the store does: an older version never replaces a newer one, what a full collection did not
    /// see is gone.
    pub fn apply(&mut self, batch: Batch) {
        for record in batch.records {
            let key = (record.kind, record.id.clone());
            if self.records.get(&key).is_none_or(|known| known.version <= record.version) {
                self.records.insert(key, record);
            } else if let Some(known) = self.records.get_mut(&key) {
                known.seen_at = record.seen_at;
            }
        }
        for delivery in batch.deliveries {
            self.deliveries.insert(delivery.id.clone(), delivery);
        }
        for deploy in batch.deploys {
            self.deploys.insert(deploy.id.clone(), deploy);
        }
        if let Some(checks) = batch.checks {
            self.checks = checks;
        }
        for (kind, began) in batch.finished {
            self.finished.push(kind);
            for record in self.records.values_mut().filter(|r| r.kind == kind && r.seen_at < began) {
                record.deleted = true;
            }
        }
        self.partial = batch.partial;
        self.rate_left = batch.rate_left.or(self.rate_left);
        self.skew_ms = batch.clock_skew_ms.or(self.skew_ms);
        assert!(batch.cursor.as_ref().is_none_or(|c| c.len() <= 4096), "cursor too long");
        self.cursor = batch.cursor;
        self.steps += 1;
    }

    /// Runs one round to its end.
    pub async fn round(&mut self, source: &dyn Source, now: Time) -> Result<(), SourceError> {
        for _ in 0..5000 {
            let cursor = self.cursor.clone();
            let batch = source.collect(cursor.as_deref(), now).await?;
            let more = batch.more;
            self.apply(batch);
            if !more {
                return Ok(());
            }
        }
        panic!("the collection does not end");
    }

    pub fn get(&self, kind: Kind, id: &str) -> &Record {
        &self.records[&(kind, Text::new(id))]
    }

    /// What is there, without when and in which order it was read.
    pub fn content(&self) -> Vec<Record> {
        let living = self.records.values().filter(|r| !r.deleted);
        living.map(|r| Record { version: 0, seen_at: Time::from_ms(0), updated_at: None, ..r.clone() }).collect()
    }
}
