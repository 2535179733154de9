//! Uptime checks and the engine's own: confirmed before anybody is alarmed, and remembered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use trueup::config::settings::{CheckSettings, Expect, Measure};
use trueup::domain::{Check, CheckState};
use trueup::engine::pulse;
use trueup::query::Op;
use trueup::store::Store;

use crate::house::{House, checks, within};

/// A page whose answer can be changed, and how often it was asked for.
struct Page {
    status: Arc<AtomicU16>,
    asked: Arc<AtomicU32>,
    check: CheckSettings,
}

impl Page {
    async fn open() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (status, asked) = (Arc::new(AtomicU16::new(200)), Arc::new(AtomicU32::new(0)));
        let (answer, counted) = (Arc::clone(&status), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((mut visitor, _)) = listener.accept().await {
                let mut request = [0; 2048];
                if visitor.read(&mut request).await.unwrap_or(0) == 0 {
                    continue;
                }
                counted.fetch_add(1, Ordering::SeqCst);
                let status = answer.load(Ordering::SeqCst);
                let text = format!("HTTP/1.1 {status} Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                let _ = visitor.write_all(text.as_bytes()).await;
            }
        });
        let expect = vec![Expect { what: Measure::Status, op: Op::Eq, value: 200 }];
        let check = CheckSettings { name: "a page".into(), url, every_ms: 200, expect };
        Self { status, asked, check }
    }

    fn answer(&self, status: u16) -> u32 {
        self.status.store(status, Ordering::SeqCst);
        self.asked.load(Ordering::SeqCst)
    }
}

async fn check(store: &Store, name: &str) -> Option<Check> {
    checks(store).await.into_iter().find(|check| check.name.as_str() == name)
}

async fn reaches(store: &Store, state: CheckState) -> Check {
    let look = || async { check(store, "a page").await.filter(|check| check.state == state) };
    within(6, &format!("the check is {}", state.as_str()), look).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_failures_alarm_and_two_successes_end_it_and_all_is_remembered() {
    let mut house = House::open().await;
    let page = Page::open().await;
    house.settings.checks.push(page.check.clone());
    let store = house.store().await;
    let engine = house.engine(&store, "one").await;
    reaches(&store, CheckState::Pass).await;

    let asked = page.answer(500);
    let failed = reaches(&store, CheckState::Fail).await;
    assert!(page.asked.load(Ordering::SeqCst) >= asked + 3, "no alarm before the third failure");
    assert!(failed.reason.unwrap().as_str().contains("500") && failed.fix.is_some());
    let asked = page.answer(200);
    reaches(&store, CheckState::Pass).await;
    assert!(page.asked.load(Ordering::SeqCst) >= asked + 2, "no all-clear before the second success");

    let own = || async { check(&store, pulse::NAME).await.filter(|check| check.state == CheckState::Pass) };
    within(10, "the engine's own check passes", own).await;
    engine.stop().await;

    let before = check(&store, "a page").await.unwrap();
    let uptime = before.uptime.unwrap();
    assert!((1..10_000).contains(&uptime), "three failures are in it: {uptime}");
    store.close().await;
    let store = house.store().await;
    assert_eq!(check(&store, "a page").await.unwrap(), before);
    let engine = house.engine(&store, "two").await;
    let goes_on = || async { check(&store, "a page").await.filter(|now| now.recent.len() > before.recent.len() + 2) };
    let after = within(6, "the history goes on", goes_on).await;
    assert!(after.uptime.unwrap() > uptime, "successes are added to what was there");
    assert_eq!(after.since, before.since, "a restart is no new beginning");
    assert!(after.recent.starts_with(&before.recent) || before.recent.len() > 50);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_round_is_enough_to_confirm_that_a_page_is_down() {
    let mut house = House::open().await;
    let page = Page::open().await;
    house.settings.checks.push(page.check.clone());
    let store = house.store().await;
    house.round(&store).await;
    assert_eq!(check(&store, "a page").await.unwrap().state, CheckState::Pass);
    assert_eq!(page.answer(503), 1, "a page that is well is looked at once");
    house.round(&store).await;
    assert_eq!(check(&store, "a page").await.unwrap().state, CheckState::Fail);
    page.answer(200);
    house.round(&store).await;
    assert_eq!(check(&store, "a page").await.unwrap().state, CheckState::Pass);
}
