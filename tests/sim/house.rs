//! What the tests share: a company in a folder of its own, and a client that knows its keys.

use std::path::PathBuf;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use trueup::domain::System;
use trueup::sim::{Options, Running, start};

static FOLDERS: AtomicU32 = AtomicU32::new(0);
static PROVIDER: Once = Once::new();

/// A folder that goes when the test ends.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("trueup-sim-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A company with a client.
pub(crate) struct House {
    pub(crate) running: Running,
    pub(crate) folder: Folder,
    pub(crate) http: reqwest::Client,
    stripe: String,
    hubspot: String,
    zendesk: String,
}

/// A frozen company without rate limits.
pub(crate) async fn frozen(seed: u64) -> House {
    open(Options { seed, story: false, rate_limits: false, ..Options::default() }).await
}

pub(crate) async fn open(options: Options) -> House {
    PROVIDER.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    let folder = Folder::new();
    let running = start(Options { dir: folder.0.clone(), ..options }).await.unwrap();
    let key = |name: &str| std::fs::read_to_string(folder.0.join(name)).unwrap().trim().to_owned();
    let (stripe, hubspot, zendesk) = (key("stripe.key"), key("hubspot.key"), key("zendesk.key"));
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
    House { running, folder, http, stripe, hubspot, zendesk }
}

impl House {
    pub(crate) async fn stripe(&self, path: &str) -> (u16, Value) {
        let url = format!("{}{path}", self.running.addresses().of(System::Stripe));
        self.send(self.http.get(url).bearer_auth(&self.stripe)).await
    }

    pub(crate) async fn hubspot(&self, path: &str) -> (u16, Value) {
        let url = format!("{}{path}", self.running.addresses().of(System::Hubspot));
        self.send(self.http.get(url).bearer_auth(&self.hubspot)).await
    }

    pub(crate) async fn hubspot_post(&self, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}{path}", self.running.addresses().of(System::Hubspot));
        self.send(self.http.post(url).bearer_auth(&self.hubspot).json(body)).await
    }

    pub(crate) async fn hubspot_patch(&self, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}{path}", self.running.addresses().of(System::Hubspot));
        self.send(self.http.patch(url).bearer_auth(&self.hubspot).json(body)).await
    }

    pub(crate) async fn stripe_post(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let url = format!("{}{path}", self.running.addresses().of(System::Stripe));
        self.send(self.http.post(url).bearer_auth(&self.stripe).form(form)).await
    }

    pub(crate) async fn zendesk(&self, path: &str) -> (u16, Value) {
        let url = format!("{}{path}", self.running.addresses().of(System::Zendesk));
        let user = "wren@harborandpine.example/token";
        self.send(self.http.get(url).basic_auth(user, Some(&self.zendesk))).await
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or(Value::Null))
    }

    /// All rows of a Stripe list, page by page.
    pub(crate) async fn stripe_all(&self, path: &str) -> Vec<Value> {
        let mut rows: Vec<Value> = Vec::new();
        let join = if path.contains('?') { '&' } else { '?' };
        loop {
            let after = rows.last().map_or(String::new(), |r| format!("&starting_after={}", r["id"].as_str().unwrap()));
            let (status, page) = self.stripe(&format!("{path}{join}limit=100{after}")).await;
            assert_eq!(status, 200, "{page}");
            rows.extend(page["data"].as_array().unwrap().iter().cloned());
            if page["has_more"] == false {
                return rows;
            }
        }
    }

    /// All HubSpot contacts, page by page.
    pub(crate) async fn contacts(&self) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut after = String::new();
        loop {
            let path = "/crm/v3/objects/contacts?limit=100&properties=email,lifecyclestage,portal_id";
            let (status, page) = self.hubspot(&format!("{path}{after}")).await;
            assert_eq!(status, 200, "{page}");
            rows.extend(page["results"].as_array().unwrap().iter().cloned());
            match page["paging"]["next"]["after"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return rows,
            }
        }
    }

    /// Everything that an incremental export of Zendesk gives.
    pub(crate) async fn export(&self, kind: &str, per_page: u32) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut query = "start_time=0".to_owned();
        loop {
            let path = format!("/api/v2/incremental/{kind}/cursor?{query}&per_page={per_page}");
            let (status, page) = self.zendesk(&path).await;
            assert_eq!(status, 200, "{page}");
            rows.extend(page[kind].as_array().unwrap().iter().cloned());
            query = format!("cursor={}", page["after_cursor"].as_str().unwrap().replace('=', "%3D"));
            if page["end_of_stream"] == true {
                return rows;
            }
        }
    }

    /// Rows of a query on the portal's database, each column as text.
    pub(crate) async fn portal(&self, sql: &'static str) -> Vec<Vec<Option<String>>> {
        use sqlx::{Column, Connection, Row};
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(self.folder.0.join("portal.db"))
            .read_only(true)
            .busy_timeout(Duration::from_secs(5));
        let mut connection = sqlx::sqlite::SqliteConnection::connect_with(&options).await.unwrap();
        let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
        let text = |row: &sqlx::sqlite::SqliteRow, n: usize| {
            let number = |row: &sqlx::sqlite::SqliteRow| row.try_get::<Option<i64>, _>(n).ok().flatten();
            row.try_get::<Option<String>, _>(n).unwrap_or_else(|_| number(row).map(|i| i.to_string()))
        };
        rows.iter().map(|row| row.columns().iter().map(|c| text(row, c.ordinal())).collect()).collect()
    }
}

/// Asks again and again until the answer is there, for at most `seconds`.
pub(crate) async fn until<T, F: AsyncFnMut() -> Option<T>>(seconds: u64, what: &str, mut ask: F) -> T {
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < end, "not within {seconds} s: {what}");
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
}
