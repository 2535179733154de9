//! Vercel's objects as deploys, records and checks. Field names: Vercel's OpenAPI document; times are milliseconds.
//!
//! What must stay true: which deployment serves production is what the project says, not what a deployment's own state
//! looks like (a rollback changes none of them); a state that is not known is never shown as live.

use serde_json::Value;

use crate::domain::{Check, CheckState, Deploy, DeployState, Kind, Record, System, Text, Time};
use crate::sources::http::address;
use crate::sources::value::{at, list, moment, raw, text, yes};

/// Where a deployment's commit stands: set by Vercel's own Git integrations.
const COMMITS: [&str; 4] =
    ["meta/githubCommitSha", "meta/gitlabCommitSha", "meta/bitbucketCommitSha", "meta/gitCommitSha"];
/// Likewise its branch.
const BRANCHES: [&str; 4] =
    ["meta/githubCommitRef", "meta/gitlabCommitRef", "meta/bitbucketCommitRef", "meta/gitCommitRef"];

/// The canonical state of a deployment, and why, where that needs saying.
pub(super) fn state(row: &Value, live: Option<&str>) -> (DeployState, Option<Text>) {
    let word = raw(row, "readyState").or_else(|| raw(row, "state")).unwrap_or_default();
    let told = || text(row, "errorMessage").or_else(|| text(row, "errorCode"));
    match word.as_str() {
        "QUEUED" | "INITIALIZING" => (DeployState::Queued, None),
        "BLOCKED" => (DeployState::Queued, Some(told().unwrap_or_else(|| Text::new("Vercel holds it back")))),
        "BUILDING" => (DeployState::Building, None),
        "ERROR" => (DeployState::Failed, Some(told().unwrap_or_else(|| Text::new("Vercel does not say why")))),
        "CANCELED" | "DELETED" => (DeployState::Canceled, None),
        "READY" if live.is_some() && live == raw(row, "uid").or_else(|| raw(row, "id")).as_deref() => {
            (DeployState::Live, None)
        }
        "READY" if at(row, "aliasError").is_some() => {
            let why = text(row, "aliasError/message").or_else(|| text(row, "aliasError/code"));
            (DeployState::Failed, Some(why.unwrap_or_else(|| Text::new("its domains could not be assigned"))))
        }
        "READY" => (DeployState::Ready, None),
        "" => (DeployState::Queued, Some(Text::new("Vercel does not say how it stands"))),
        other => (DeployState::Queued, Some(Text::new(format!("Vercel says `{other}`, which is not known here")))),
    }
}

/// When a deployment was made.
pub(super) fn created(row: &Value) -> Option<Time> {
    moment(row, "created").or_else(|| moment(row, "createdAt"))
}

/// A deployment; `None` without an id or a time.
pub(super) fn deploy(row: &Value, live: Option<&str>) -> Option<Deploy> {
    let (state, reason) = state(row, live);
    let target = match raw(row, "target").as_deref() {
        Some("production") => Some(Text::new("production")),
        Some(other) => Some(Text::new(other)),
        None => BRANCHES.iter().find_map(|path| text(row, path)).or_else(|| Some(Text::new("preview"))),
    };
    Some(Deploy {
        id: text(row, "uid").or_else(|| text(row, "id"))?,
        source: System::Vercel,
        state,
        commit: COMMITS.iter().find_map(|path| text(row, path)),
        created_at: created(row)?,
        ready_at: moment(row, "ready"),
        url: raw(row, "url").and_then(|host| Text::non_empty(address::shown(&format!("https://{host}")))),
        target,
        verdict: None,
        reason,
    })
}

/// A webhook; `None` without an id.
pub(super) fn endpoint(row: &Value, seen_at: Time) -> Option<Record> {
    let mut record = Record::new(System::Vercel, Kind::Endpoint, raw(row, "id")?, seen_at);
    record.name = raw(row, "url").and_then(|url| Text::non_empty(address::shown(&url)));
    record.created_at = moment(row, "createdAt");
    record.updated_at = moment(row, "updatedAt");
    let events: Vec<&str> = list(row, "events").iter().filter_map(Value::as_str).collect();
    if let Some(events) = Text::non_empty(events.join(" ")) {
        record.attributes.insert(Text::new("events"), events);
    }
    Some(record)
}

/// A domain of the project; `None` without a name.
pub(super) fn domain(row: &Value) -> Option<Check> {
    let name = text(row, "name")?;
    let verified = at(row, "verified").and_then(Value::as_bool);
    let wanted: Vec<String> = list(row, "verification")
        .iter()
        .filter_map(|step| Some(format!("{} record {}", raw(step, "type")?, raw(step, "domain")?)))
        .collect();
    let wanted = if wanted.is_empty() { "a DNS record".to_owned() } else { wanted.join(", ") };
    let (state, reason, fix) = match verified {
        Some(true) => (CheckState::Pass, None, None),
        Some(false) => (
            CheckState::Fail,
            Some(format!("Vercel has not verified that it is yours: it waits for a {wanted}")),
            Some("set the record that Vercel shows under Project > Settings > Domains"),
        ),
        None => (CheckState::Unknown, Some("Vercel does not say whether it is verified".to_owned()), None),
    };
    let redirect = text(row, "redirect").filter(|_| yes(row, "verified"));
    Some(Check {
        name: Text::new(format!("Vercel domain {name}")),
        kind: Text::new("dns"),
        target: redirect.map_or_else(|| name.clone(), |to| Text::new(format!("{name} to {to}"))),
        state,
        since: None,
        latency_ms: None,
        reason: reason.map(Text::new),
        fix: fix.map(Text::new),
        uptime: None,
        recent: Vec::new(),
        seen_at: None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_state_word_has_its_meaning_and_an_unknown_one_is_never_live() {
        for (row, expected) in [
            (json!({"readyState": "QUEUED"}), DeployState::Queued),
            (json!({"readyState": "INITIALIZING"}), DeployState::Queued),
            (json!({"readyState": "BLOCKED"}), DeployState::Queued),
            (json!({"state": "BUILDING"}), DeployState::Building),
            (json!({"readyState": "ERROR", "errorMessage": "no"}), DeployState::Failed),
            (json!({"readyState": "CANCELED"}), DeployState::Canceled),
            (json!({"readyState": "DELETED"}), DeployState::Canceled),
            (json!({"readyState": "READY", "uid": "dpl_1", "target": "production"}), DeployState::Live),
            (json!({"readyState": "READY", "uid": "dpl_2", "readySubstate": "PROMOTED"}), DeployState::Ready),
            (json!({"readyState": "READY", "uid": "dpl_3", "readySubstate": "STAGED"}), DeployState::Ready),
            (json!({"readyState": "READY", "uid": "dpl_4", "readySubstate": "ROLLING"}), DeployState::Ready),
            (
                json!({"readyState": "READY", "uid": "dpl_5", "aliasError": {"code": "x", "message": "no alias"}}),
                DeployState::Failed,
            ),
            (json!({"readyState": "LEVITATING", "uid": "dpl_1"}), DeployState::Queued),
            (json!({"readyState": 7, "uid": "dpl_1"}), DeployState::Queued),
            (json!({"uid": "dpl_1"}), DeployState::Queued),
        ] {
            assert_eq!(state(&row, Some("dpl_1")).0, expected, "{row}");
        }
        assert_eq!(
            state(&json!({"readyState": "LEVITATING"}), None).1.unwrap().as_str().matches("LEVITATING").count(),
            1
        );
        // Nothing is live when the project does not say so.
        assert_eq!(state(&json!({"readyState": "READY", "uid": "dpl_1"}), None).0, DeployState::Ready);
    }

    #[test]
    fn a_deployment_keeps_what_vercel_says() {
        let row = json!({"uid": "dpl_1", "url": "acme-abc.vercel.app", "created": 1_700_000_000_000_i64,
            "ready": 1_700_000_090_000_i64, "readyState": "READY", "target": null,
            "meta": {"githubCommitSha": "abc123", "githubCommitRef": "fix/webhook", "SECRET": "canary"}});
        let deploy = deploy(&row, None).unwrap();
        assert_eq!((deploy.commit.unwrap().as_str(), deploy.target.unwrap().as_str()), ("abc123", "fix/webhook"));
        assert_eq!(deploy.ready_at, Some(Time::from_ms(1_700_000_090_000)));
        assert_eq!(deploy.url.unwrap().as_str(), "https://acme-abc.vercel.app/");
        assert!(super::deploy(&json!({"uid": "dpl_1"}), None).is_none());
    }

    #[test]
    fn a_domain_that_is_not_verified_fails_and_one_that_says_nothing_is_unknown() {
        let waits = domain(&json!({"name": "acme.example", "verified": false,
            "verification": [{"type": "TXT", "domain": "_vercel.acme.example", "value": "canary", "reason": "pending"}]}));
        let waits = waits.unwrap();
        assert_eq!(waits.state, CheckState::Fail);
        assert!(waits.reason.unwrap().as_str().contains("TXT record _vercel.acme.example"));
        assert_eq!(domain(&json!({"name": "a.example", "verified": true})).unwrap().state, CheckState::Pass);
        assert_eq!(domain(&json!({"name": "a.example"})).unwrap().state, CheckState::Unknown);
        assert!(domain(&json!({"verified": true})).is_none());
    }
}
