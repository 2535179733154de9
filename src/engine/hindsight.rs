//! Looking back at what is known: how the newest deploys turned out, and whether webhooks are registered as they must be.
//!
//! What must stay true: nobody is asked anything; what has not changed is not written again.

use crate::config::Settings;
use crate::domain::{Kind, Problem, Time};
use crate::reconcile::{deploy, endpoint};
use crate::store::Store;

/// Deploys that are looked at: an older one does not change any more.
const RELEASES: i64 = 6;
/// How far before a deploy deliveries are counted.
const BEFORE_MS: i64 = 24 * 3600 * 1000;
/// Deliveries after a deploy that are read, over all sources.
const MOST_AFTER: i64 = 4 * deploy::MOST_AFTER as i64;

/// Brings verdicts of deploys and checks of webhooks up to date. Says whether anything changed.
pub(super) async fn look(store: &Store, settings: &Settings, now: Time) -> Result<bool, Problem> {
    let deploys = deploys(store, now).await?;
    let webhooks = webhooks(store, settings, now).await?;
    Ok(deploys || webhooks)
}

async fn deploys(store: &Store, now: Time) -> Result<bool, Problem> {
    let releases = store.releases(RELEASES).await?;
    let mut changed = Vec::new();
    for (number, release) in releases.iter().enumerate() {
        let Some(at) = release.ready_at else { continue };
        // Newest first: the next release of the same host stands before it.
        let next = releases.iter().take(number).rfind(|other| other.source == release.source);
        let until = next.and_then(|other| other.ready_at).unwrap_or(now);
        let around = store.around(at, until, BEFORE_MS, MOST_AFTER).await?;
        let around: Vec<_> =
            around.into_iter().map(|(system, (before, after))| (system, deploy::Around { before, after })).collect();
        let (verdict, reason) = deploy::verdict(&around);
        if release.verdict.as_ref() != Some(&verdict) || release.reason != reason {
            let mut release = release.clone();
            (release.verdict, release.reason) = (Some(verdict), reason);
            changed.push(release);
        }
    }
    if changed.is_empty() {
        return Ok(false);
    }
    store.save_outcomes(&changed).await?;
    Ok(true)
}

async fn webhooks(store: &Store, settings: &Settings, now: Time) -> Result<bool, Problem> {
    let evidence = store.evidence().await?;
    let mut endpoints = endpoint::by_source(store.endpoints().await?);
    let home = settings.public_url.as_ref().map(|url| url.as_str());
    let mut changed = 0;
    for source in &evidence.sources {
        let records = endpoints.remove(&source.system).unwrap_or_default();
        let told = source.complete.contains(&Kind::Endpoint);
        let checks = endpoint::checks(source.system, &records, told, home);
        changed += store.replace_checks(&format!("{}/webhooks", source.system), &checks, now).await?;
    }
    Ok(changed > 0)
}
