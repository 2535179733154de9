//! Carries out what the state machine asks for, each in a task of its own, and answers with messages.
//!
//! What must stay true: the UI thread never waits for any of this; every request is answered exactly once.

use std::collections::BTreeMap;
use std::future::Future;
use std::process::Stdio;
use std::sync::{Arc, OnceLock};

use tokio::sync::mpsc::Sender;

use crate::app::{Effect, Load, Msg, Page};
use crate::config::settings::Environment;
use crate::config::{theme, view};
use crate::domain::{Dataset, Problem, Row, Status, System, Text, Time, Traffic};
use crate::engine::Clock;
use crate::present::{Detail, Hit};
use crate::query;
use crate::store::Store;

/// Most mismatches of one customer that are shown.
const MOST_MISMATCHES: i64 = 40;

/// Everything that effects need.
pub struct Desk {
    /// Where rows come from.
    pub store: Store,
    /// Where answers go.
    pub messages: Sender<Msg>,
    /// The time.
    pub clock: Clock,
    /// The profile's name.
    pub name: Text,
    /// Where the product runs.
    pub environment: Environment,
    /// Sources whose provider cannot tell how deliveries went, and why.
    pub untold: OnceLock<BTreeMap<System, &'static str>>,
    /// The user's own view files: name and text.
    pub views: Vec<(String, String)>,
    /// The user's own theme files: name and text.
    pub themes: Vec<(String, String)>,
    /// Asks the engine of this process to look again now; `false` when it is not the one that collects.
    pub recheck: Arc<dyn Fn() -> bool + Send + Sync>,
}

/// What is left for the terminal's owner to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Errand {
    /// Put text into the clipboard.
    Copy(String),
    /// Switch capturing of the mouse.
    Mouse(bool),
    /// Draw everything anew.
    Redraw,
    /// Step back to the shell.
    Suspend,
    /// Leave.
    Quit,
}

impl Desk {
    /// Starts an effect; returns what only the terminal's owner can do.
    pub fn run(self: &Arc<Self>, effect: Effect) -> Option<Errand> {
        match effect {
            Effect::Load { pane, request, query } => {
                self.answer(move |desk| async move {
                    let revision = desk.store.revision().await.unwrap_or(0);
                    Msg::Rows { pane, request, revision, result: desk.page(&query).await }
                });
            }
            Effect::LoadTraffic { pane, request, window_ms, buckets } => {
                self.answer(move |desk| async move {
                    Msg::Traffic { pane, request, result: desk.traffic(window_ms, buckets).await }
                });
            }
            Effect::Find { pane, request, text, limit } => {
                self.answer(move |desk| async move {
                    // Whoever has typed one letter types another; that it cannot be prepared only costs time.
                    let _ = desk.store.prepare_to_find().await;
                    let found = desk.store.find(&text, limit).await;
                    let hits = found.map(|all| all.into_iter().map(|f| Hit { row: f.row, by: f.by }).collect());
                    Msg::Found { pane, request, result: hits }
                });
            }
            Effect::LoadStatus { request } => {
                self.answer(
                    move |desk| async move { Msg::Status { request, result: desk.status().await.map(Box::new) } },
                );
            }
            Effect::LoadCustomer { request, id, moments } => {
                self.answer(move |desk| async move {
                    Msg::Customer { request, result: desk.customer(&id, moments).await.map(|c| c.map(Box::new)) }
                });
            }
            Effect::LoadViews(role) => {
                self.answer(move |desk| async move { Msg::Views(view::load(&role, &desk.views).map(Box::new)) });
            }
            Effect::LoadTheme(name) => {
                self.answer(move |desk| async move { Msg::Theme(theme::load(&name, &desk.themes).map(Box::new)) });
            }
            Effect::OpenUrl(url) => self.answer(move |_| async move { open(&url).await }),
            Effect::Recheck => {
                let said = match (self.recheck)() {
                    true => "asking every source again",
                    false => "another process collects; its next round comes by itself",
                };
                self.answer(move |_| async move { Msg::Said(Text::new(said)) });
            }
            Effect::Copy(text) => return Some(Errand::Copy(text)),
            Effect::Mouse(on) => return Some(Errand::Mouse(on)),
            Effect::Redraw => return Some(Errand::Redraw),
            Effect::Suspend => return Some(Errand::Suspend),
            Effect::Quit => return Some(Errand::Quit),
        }
        None
    }

    fn answer<F>(self: &Arc<Self>, work: impl FnOnce(Arc<Self>) -> F)
    where
        F: Future<Output = Msg> + Send + 'static,
    {
        let messages = self.messages.clone();
        let work = work(Arc::clone(self));
        tokio::spawn(async move {
            // The console may be gone by now; then nobody waits for the answer.
            let _ = messages.send(work.await).await;
        });
    }

    fn now(&self) -> Time {
        (self.clock)()
    }

    async fn page(&self, load: &Load) -> Result<Page, Problem> {
        let now = self.now();
        let rows = self.store.list(load.dataset, &load.expr, load.sort, load.limit, load.offset, now).await?;
        let whole = load.offset == 0 && i64::try_from(rows.len()).is_ok_and(|n| n < load.limit);
        let total = match (load.count, whole) {
            (false, _) => None,
            (true, true) => i64::try_from(rows.len()).ok(),
            (true, false) => Some(self.store.count(load.dataset, &load.expr, now).await?),
        };
        Ok(Page { rows, total })
    }

    async fn traffic(&self, window_ms: i64, buckets: usize) -> Result<Vec<Traffic>, Problem> {
        let mut rows = self.store.traffic(window_ms, buckets, self.now()).await?;
        // The portal receives; events are the providers'.
        rows.retain(|row| row.source != System::Portal);
        for row in &mut rows {
            if row.total == 0 && row.unknown.is_none() {
                row.unknown = self.untold.get().and_then(|untold| untold.get(&row.source)).map(|why| Text::new(*why));
            }
        }
        Ok(rows)
    }

    async fn status(&self) -> Result<Status, Problem> {
        let mut status = self.store.status(self.now()).await?;
        status.environment = Text::new(self.environment.as_str());
        status.name = self.name.clone();
        Ok(status)
    }

    async fn customer(&self, id: &Text, moments: i64) -> Result<Option<Detail>, Problem> {
        let Some(Row::Customer(customer)) = self.store.get(Dataset::Customers, id.as_str()).await? else {
            return Ok(None);
        };
        let expr = query::Expr {
            terms: Dataset::Mismatches
                .field("customer")
                .map(|field| query::Term::Compare(field, query::Op::Eq, vec![query::Literal::Text(id.clone())]))
                .into_iter()
                .collect(),
        };
        let rows = self.store.list(Dataset::Mismatches, &expr, None, MOST_MISMATCHES, 0, self.now()).await?;
        let mismatches = rows
            .into_iter()
            .filter_map(|row| match row {
                Row::Mismatch(mismatch) => Some(*mismatch),
                _ => None,
            })
            .collect();
        let timeline = self.store.timeline(id.as_str(), moments).await?;
        Ok(Some(Detail { customer: *customer, mismatches, timeline }))
    }
}

/// Opens a page with the desktop's own opener. Its output goes nowhere: the screen is ours.
async fn open(url: &str) -> Msg {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let shown = Text::new(url);
    let mut command = std::process::Command::new(program);
    let (stdin, stdout, stderr) = (Stdio::null(), Stdio::null(), Stdio::null());
    command.arg(url).stdin(stdin).stdout(stdout).stderr(stderr);
    match command.spawn() {
        Ok(mut opener) => {
            // Somebody has to take its exit code.
            tokio::task::spawn_blocking(move || opener.wait());
            Msg::Said(Text::new(format!("opened {shown}")))
        }
        Err(_) => Msg::Said(Text::new(format!("no browser here; the address is {shown}"))),
    }
}
