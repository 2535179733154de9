//! What the claims share: a company that stands still, its settings, a store beside it, and ways to look at both.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection};
use trueup::config::{Inputs, Settings, load};
use trueup::domain::{Check, Class, Customer, Dataset, Mismatch, Row, SourceRow, SourceState, System, Text, Verdict};
use trueup::engine::{self, Built, Engine, EngineState, Summary};
use trueup::query::Expr;
use trueup::sim::{FEWEST, Options, Running, start};
use trueup::sources::budget::Limits;
use trueup::sources::registry::{self, SourceSpec};
use trueup::store::Store;

/// How often a live engine asks its sources here.
const EVERY_MS: i64 = 1_000;

pub(crate) struct House {
    pub(crate) company: Running,
    pub(crate) folder: Folder,
    pub(crate) settings: Settings,
}

/// A folder that goes when the test ends.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Somebody who signs up while something fails; not part of any picture.
const NEWCOMER: &str = "newcomer";

/// What a person would read off the screen: customers by id, mismatches by id.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Picture {
    pub(crate) customers: BTreeMap<String, Verdict>,
    pub(crate) mismatches: BTreeMap<String, (Class, Verdict)>,
}

impl House {
    /// A company whose search indexes keep up at once, without pages to look at.
    pub(crate) async fn open() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("trueup-engine-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = Folder(std::env::temp_dir().join(name));
        let options = Options {
            dir: folder.0.clone(),
            seed: 11,
            speed: 1000.0,
            customers: FEWEST,
            story: false,
            rate_limits: false,
            webhooks_to: None,
        };
        let company = start(options).await.unwrap();
        let mut settings = settings(&company);
        settings.checks.clear();
        settings.portal.as_mut().unwrap().every_ms = EVERY_MS;
        settings.sources.values_mut().for_each(|source| source.every_ms = EVERY_MS);
        Self { company, folder, settings }
    }

    pub(crate) async fn store(&self) -> Store {
        Store::open(&format!("sqlite:{}", self.folder.0.join("trueup.db").display())).await.unwrap()
    }

    /// The sources as the binary makes them, except that they need not save the fakes' calls.
    pub(crate) async fn built(&self) -> Built {
        let mut built = engine::build::sources(&self.settings, &|_| None).await;
        for (system, source) in &mut built {
            let Some(settings) = self.settings.sources.get(system) else { continue };
            let (api_key, _) = engine::build::credential(&self.settings, *system, "api_key", &|_| None).await.unwrap();
            let spec = SourceSpec {
                system: *system,
                base_url: settings.base_url.clone(),
                live: settings.live,
                link_field: settings.link_field.clone(),
                account: settings.account.clone(),
                api_key,
                limits: Some(Limits::LOOPBACK),
            };
            assert!(source.is_ok(), "{system} can be made as the settings say");
            *source = registry::build(&spec).map(Arc::from);
        }
        built
    }

    /// One round with sources of its own, as a new process would have them.
    pub(crate) async fn round(&self, store: &Store) -> Summary {
        self.round_with(store, &self.built().await).await
    }

    pub(crate) async fn round_with(&self, store: &Store, built: &Built) -> Summary {
        engine::sync_once(store, &self.settings, built, &engine::wall_clock()).await.unwrap()
    }

    /// A running engine.
    pub(crate) async fn engine(&self, store: &Store, holder: &str) -> Engine {
        let settings = self.settings.clone();
        Engine::start(store.clone(), settings, self.built().await, engine::wall_clock(), holder.into())
    }

    /// A running engine that has read everything, and what it found.
    pub(crate) async fn settled(&self, store: &Store) -> (Engine, Picture) {
        let engine = self.engine(store, "one").await;
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let sources = store.sources().await.unwrap();
            let read = sources.len() == self.settings.sources.len() + 1
                && sources.iter().all(|source| source.state == SourceState::Ok);
            if read && picture(store).await.customers.values().any(|verdict| *verdict == Verdict::Agree) {
                break;
            }
            assert!(Instant::now() < end, "not read in time: {:?}, {sources:?}", *engine.state().borrow());
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
        let mut known = picture(store).await;
        loop {
            tokio::time::sleep(Duration::from_millis(1_200)).await;
            let now = picture(store).await;
            if now == known {
                return (engine, now);
            }
            known = now;
        }
    }

    /// Somebody signs up in the portal, and is seen as fast as ever.
    pub(crate) async fn somebody_signs_up(&self, store: &Store) {
        let now = "strftime('%Y-%m-%dT%H:%M:%fZ')";
        let sql = format!(
            r#"insert into users (id, email, name, role, "createdAt", "updatedAt")
               select '{NEWCOMER}', 'new@comer.example', 'New Comer', role, {now}, {now} from users limit 1"#
        );
        self.portal(sql).await;
        let look = || async { store.get(Dataset::Customers, NEWCOMER).await.unwrap() };
        within(8, "the newcomer is there", look).await;
    }

    /// Runs a statement on the portal's database, over a connection of its own.
    pub(crate) async fn portal(&self, sql: impl Into<String>) {
        let url = format!("sqlite:{}", self.folder.0.join("portal.db").display());
        let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
        sqlx::query(AssertSqlSafe(sql.into())).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    /// Changes a contact in the fake HubSpot, as a colleague would.
    pub(crate) async fn write_contact(&self, id: &str, property: &str, value: &str) {
        let key = std::fs::read_to_string(self.folder.0.join("hubspot.key")).unwrap();
        let url = format!("{}/crm/v3/objects/contacts/{id}", self.company.addresses().of(System::Hubspot));
        let body = serde_json::json!({"properties": {property: value}});
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = http.patch(url).bearer_auth(key.trim()).json(&body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
    }

    /// How many requests a fake got so far.
    pub(crate) fn asked(&self, system: System) -> usize {
        self.company.requests().iter().filter(|request| request.system == system).count()
    }
}

fn settings(company: &Running) -> Settings {
    let nothing = |_: &str| None;
    let read = |path: &std::path::Path| std::fs::read_to_string(path).map(Some).map_err(|error| error.to_string());
    let folder = company.config().parent().unwrap();
    load::load(&Inputs {
        config: Some(company.config()),
        store: None,
        env: &nothing,
        read: &read,
        here: folder,
        config_folder: None,
        data_folder: Some(folder),
    })
    .unwrap()
}

/// Tries until there is an answer; fails after so many seconds.
pub(crate) async fn within<T, F: Future<Output = Option<T>>>(secs: u64, what: &str, look: impl Fn() -> F) -> T {
    let end = Instant::now() + Duration::from_secs(secs);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "not within {secs} s: {what}");
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
}

async fn rows(store: &Store, dataset: Dataset) -> Vec<Row> {
    store.list(dataset, &Expr::default(), None, 10_000, 0, engine::wall_clock()()).await.unwrap()
}

pub(crate) async fn customers(store: &Store) -> Vec<Customer> {
    let unpack = |row| if let Row::Customer(row) = row { *row } else { panic!("not a customer") };
    rows(store, Dataset::Customers).await.into_iter().map(unpack).collect()
}

pub(crate) async fn mismatches(store: &Store) -> Vec<Mismatch> {
    let unpack = |row| if let Row::Mismatch(row) = row { *row } else { panic!("not a mismatch") };
    rows(store, Dataset::Mismatches).await.into_iter().map(unpack).collect()
}

pub(crate) async fn checks(store: &Store) -> Vec<Check> {
    let unpack = |row| if let Row::Check(row) = row { *row } else { panic!("not a check") };
    rows(store, Dataset::Checks).await.into_iter().map(unpack).collect()
}

pub(crate) async fn picture(store: &Store) -> Picture {
    let text = |text: Text| text.as_str().to_owned();
    let (customers, mismatches) = (customers(store).await.into_iter(), mismatches(store).await.into_iter());
    Picture {
        customers: customers.filter(|row| row.id.as_str() != NEWCOMER).map(|row| (text(row.id), row.verdict)).collect(),
        mismatches: mismatches
            .filter(|row| row.customer.as_ref().is_none_or(|id| id.as_str() != NEWCOMER))
            .map(|row| (text(row.id), (row.class, row.verdict)))
            .collect(),
    }
}

pub(crate) async fn source(store: &Store, system: System) -> Option<SourceRow> {
    store.sources().await.unwrap().into_iter().find(|source| source.name == system)
}

/// The source once it is silent for the engine, too.
pub(crate) async fn silent(store: &Store, system: System, secs: u64) -> SourceRow {
    let look = || async {
        let row = source(store, system).await?;
        matches!(row.state, SourceState::Down | SourceState::Failed).then_some(row)
    };
    within(secs, &format!("{system} is seen to fail"), look).await
}

pub(crate) async fn nothing_rests_on(store: &Store, system: System, secs: u64) {
    let end = Instant::now() + Duration::from_secs(secs);
    while let Some(what) = rests_on(store, system).await {
        assert!(Instant::now() < end, "after {secs} s: {what}");
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
}

pub(crate) async fn until_state(engine: &Engine, secs: u64, want: impl Fn(&EngineState) -> bool) {
    let mut state = engine.state();
    let reached = tokio::time::timeout(Duration::from_secs(secs), state.wait_for(|now| want(now))).await;
    assert!(reached.is_ok(), "the engine is {:?} after {secs} s", *engine.state().borrow());
}

impl Picture {
    /// Without what was settling at another moment: that changes with time alone.
    pub(crate) fn without_settling_of(mut self, other: &Self) -> Self {
        self.customers.retain(|id, _| other.customers.get(id) != Some(&Verdict::Settling));
        self.mismatches.retain(|id, _| other.mismatches.get(id).is_none_or(|row| row.1 != Verdict::Settling));
        self
    }
}

/// The screen shows what it showed before, in time.
pub(crate) async fn as_before(store: &Store, settling: &Picture, secs: u64) {
    let end = Instant::now() + Duration::from_secs(secs);
    let before = &settling.clone().without_settling_of(settling);
    loop {
        let now = picture(store).await.without_settling_of(settling);
        if now == *before {
            return;
        }
        if Instant::now() > end {
            let customers: Vec<_> =
                now.customers.iter().filter(|(id, v)| before.customers.get(*id) != Some(v)).collect();
            let rows: Vec<_> = now.mismatches.iter().filter(|(id, v)| before.mismatches.get(*id) != Some(v)).collect();
            let gone: Vec<_> = before.mismatches.keys().filter(|id| !now.mismatches.contains_key(*id)).collect();
            let sources = store.sources().await.unwrap();
            panic!("not as before within {secs} s: {customers:?} {rows:?}, gone: {gone:?}, sources: {sources:?}");
        }
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
}

/// Whether nothing on the screen rests on a system that does not answer; else what does.
pub(crate) async fn rests_on(store: &Store, system: System) -> Option<String> {
    for row in customers(store).await {
        // Somebody whom no portal customer claims is shown without a portal.
        let stranger = row.id.as_str().contains(':');
        let view = row.systems.iter().find(|view| view.system == system);
        if row.verdict == Verdict::Agree {
            return Some(format!("customer {} agrees", row.id));
        }
        if !(stranger && view.is_none()) && view.is_none_or(|view| view.unknown.is_none()) {
            return Some(format!("customer {} shows {system} as known", row.id));
        }
    }
    let on_it =
        mismatches(store).await.into_iter().filter(|row| row.systems.contains_key(&Text::from(system.as_str())));
    let on_it: Vec<Mismatch> = on_it.collect();
    if on_it.is_empty() {
        return Some(format!("no mismatch names {system}: the claim is empty"));
    }
    on_it
        .iter()
        .find(|row| row.verdict != Verdict::Unknown)
        .map(|row| format!("{} is {}", row.id, row.verdict.as_str()))
}
