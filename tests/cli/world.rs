//! A folder of its own for each test, the real binary in it, and a store filled through its public verbs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use trueup::domain::{
    Batch, Check, CheckState, Class, ClusterKey, Customer, Delivery, DeliveryState, Judgement, Kind, Match, Mismatch,
    Money, Record, Severity, SourceHealth, SourceState, State, System, SystemView, Text, Time, Verdict,
};
use trueup::store::Store;

/// A folder that goes when the test ends.
pub(crate) struct World {
    pub(crate) home: PathBuf,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl World {
    pub(crate) fn new(config: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("trueup-cli-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let home = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&home).unwrap();
        std::fs::write(home.join("config.toml"), config).unwrap();
        Self { home }
    }

    /// The binary, which sees nothing of the machine but its own folder.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
        command.args(words).env_clear().env("TRUEUP_HOME", &self.home).env("HOME", &self.home).current_dir(&self.home);
        command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Said {
        self.command(words).output().unwrap().into()
    }

    pub(crate) async fn store(&self) -> Store {
        open(&self.home.join("trueup.db")).await
    }
}

pub(crate) async fn open(file: &Path) -> Store {
    Store::open(&format!("sqlite:{}", file.display())).await.unwrap()
}

pub(crate) fn now() -> Time {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Time::from_ms(i64::try_from(since.as_millis()).unwrap())
}

pub(crate) fn delivery(id: &str, state: DeliveryState, ago_ms: i64) -> Delivery {
    Delivery {
        id: Text::new(format!("stripe:{id}")),
        source: System::Stripe,
        event_id: Text::new(id),
        kind: "invoice.paid".into(),
        state,
        received_at: now().plus_ms(-ago_ms),
        attempts: Some(1),
        status: Some(200),
        latency_ms: Some(84),
        customer: Some("1182".into()),
        deploy: None,
        reason: None,
    }
}

pub(crate) fn health(system: System, state: SourceState) -> SourceHealth {
    SourceHealth {
        system,
        state,
        complete_at: Some(now()),
        complete: vec![Kind::Person],
        lag_ms: None,
        problem: (state == SourceState::Down).then(|| "503".into()),
        failing_since: None,
        retry_at: None,
    }
}

/// Ana, who paid and is locked out.
pub(crate) fn ana(verdict: Verdict) -> Judgement {
    let view = |system, state, wrong: &[&str]| SystemView {
        system,
        id: Some(Text::new(format!("{system}-1"))),
        state: Some(state),
        word: None,
        plan: Some("pro".into()),
        email: Some("ana@duarte.example".into()),
        matched: Some(Match::StoredLink),
        confidence: Some("certain".into()),
        seen_at: Some(now()),
        changed_at: Some(now()),
        note: Some("invoice paid".into()),
        wrong: wrong.iter().map(Text::new).collect(),
        unknown: None,
    };
    let mismatch = Mismatch {
        id: "paid_blocked:1182".into(),
        class: Class::PaidBlocked,
        severity: Severity::Critical,
        verdict,
        customer: Some("1182".into()),
        name: Some("Ana Duarte".into()),
        email: Some("ana@duarte.example".into()),
        since: now().plus_ms(-3 * 3_600_000),
        systems: [("portal".into(), "trial".into()), ("stripe".into(), "active".into())].into(),
        money: Some(Money::monthly(4900, "usd")),
        headline: "paid, but locked out".into(),
        evidence: "Stripe active, portal still trial".into(),
        explanation: "She paid, and the portal still says trial.".into(),
        next_step: "set the portal to active".into(),
        intent: Some("set_state".into()),
        settles_at: None,
        rank: 1,
    };
    Judgement {
        key: ClusterKey::Portal("1182".into()),
        customer: Some(Customer {
            id: "1182".into(),
            email: Some("ana@duarte.example".into()),
            name: Some("Ana \u{1b}[31mDuarte".into()),
            state: State::Trial,
            plan: Some("pro".into()),
            systems: vec![view(System::Portal, State::Trial, &["state"]), view(System::Stripe, State::Active, &[])],
            verdict,
            mismatches: vec![mismatch.id.clone()],
            money: Some(Money::monthly(4900, "usd")),
            updated_at: Some(now()),
        }),
        mismatches: vec![mismatch],
        again_at: None,
    }
}

/// A store with one customer, one mismatch, three deliveries, a check and three sources.
pub(crate) async fn filled(world: &World, verdict: Verdict, stripe: SourceState) {
    let store = world.store().await;
    let mut person = Record::new(System::Portal, Kind::Person, "1182", now());
    person.email = Some("ana@duarte.example".into());
    person.name = Some("Ana Duarte".into());
    person.state = Some(State::Trial);
    person.created_at = Some(now().plus_ms(-86_400_000));
    let batch = Batch { records: vec![person], ..Batch::default() };
    store.commit(System::Portal, &batch, now()).await.unwrap();
    let batch = Batch {
        deliveries: vec![
            delivery("evt_1", DeliveryState::Delivered, 60_000),
            delivery("evt_2", DeliveryState::Failed, 30_000),
            delivery("evt_3", DeliveryState::Retrying, 10_000),
        ],
        ..Batch::default()
    };
    store.commit(System::Stripe, &batch, now()).await.unwrap();
    store.save_judgements(&[ana(verdict)], None, now()).await.unwrap();
    store.save_source(&health(System::Portal, SourceState::Ok), None, now()).await.unwrap();
    store.save_source(&health(System::Stripe, stripe), Some(90), now()).await.unwrap();
    let check = Check {
        name: "login page".into(),
        kind: "http".into(),
        target: "https://acme.example/login".into(),
        state: CheckState::Pass,
        since: Some(now()),
        latency_ms: Some(212),
        reason: None,
        fix: None,
        uptime: None,
        recent: vec![],
        seen_at: Some(now()),
    };
    store.save_checks(&[], &[check], now()).await.unwrap();
    store.close().await;
}
