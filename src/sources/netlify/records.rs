//! Netlify's objects as deploys and records. Field names: Netlify's own API document; state words: its Go client and,
//! where it names none, third-party clients (unverified, so an unknown word is shown as it stands).
//!
//! What must stay true: only the deploy that the site names as published is live; a hook's data is read for its address
//! alone, and only of hooks that call an address of ours.

use serde_json::Value;

use crate::domain::{Deploy, DeployState, Flag, Kind, Record, System, Text, Time};
use crate::sources::http::address;
use crate::sources::value::{moment, raw, text, yes};

/// The canonical state of a deploy, and why, where that needs saying.
pub(super) fn state(row: &Value, published: Option<&str>) -> (DeployState, Option<Text>) {
    if yes(row, "skipped") {
        return (DeployState::Canceled, text(row, "error_message"));
    }
    let word = raw(row, "state").unwrap_or_default();
    match word.as_str() {
        "new" | "enqueued" | "pending_review" => (DeployState::Queued, None),
        "building" | "uploading" | "uploaded" | "preparing" | "processing" | "processed" | "retrying" => {
            (DeployState::Building, None)
        }
        "ready" if published.is_some() && published == raw(row, "id").as_deref() => (DeployState::Live, None),
        "ready" | "prepared" => (DeployState::Ready, None),
        "error" => {
            let why = text(row, "error_message").unwrap_or_else(|| Text::new("Netlify does not say why"));
            (DeployState::Failed, Some(why))
        }
        "rejected" => {
            (DeployState::Failed, Some(text(row, "error_message").unwrap_or_else(|| Text::new("it was rejected"))))
        }
        "" => (DeployState::Queued, Some(Text::new("Netlify does not say how it stands"))),
        other => (DeployState::Queued, Some(Text::new(format!("Netlify says `{other}`, which is not known here")))),
    }
}

/// A deploy; `None` without an id or a time.
pub(super) fn deploy(row: &Value, published: Option<&str>) -> Option<Deploy> {
    let (state, reason) = state(row, published);
    let context = raw(row, "context").unwrap_or_default();
    let target = match context.as_str() {
        "production" | "" => text(row, "context"),
        _ => text(row, "branch").or_else(|| text(row, "context")),
    };
    let url = ["deploy_ssl_url", "deploy_url"].iter().find_map(|field| raw(row, field));
    Some(Deploy {
        id: text(row, "id")?,
        source: System::Netlify,
        state,
        commit: text(row, "commit_ref"),
        created_at: moment(row, "created_at")?,
        ready_at: moment(row, "published_at"),
        url: url.and_then(|url| Text::non_empty(address::shown(&url))),
        target,
        verdict: None,
        reason,
    })
}

/// A hook that calls an address; `None` for others, whose data may hold another service's secret.
pub(super) fn endpoint(row: &Value, seen_at: Time) -> Option<Record> {
    if raw(row, "type").as_deref() != Some("url") {
        return None;
    }
    let mut record = Record::new(System::Netlify, Kind::Endpoint, raw(row, "id")?, seen_at);
    record.name = raw(row, "data/url").and_then(|url| Text::non_empty(address::shown(&url)));
    record.created_at = moment(row, "created_at");
    record.updated_at = moment(row, "updated_at");
    if yes(row, "disabled") {
        record.flags.push(Flag::Disabled);
    }
    if let Some(event) = text(row, "event") {
        record.attributes.insert(Text::new("events"), event);
    }
    Some(record)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_state_word_has_its_meaning_and_an_unknown_one_is_never_live() {
        use DeployState::{Building, Canceled, Failed, Live, Queued, Ready};
        for (word, expected) in [
            ("new", Queued),
            ("enqueued", Queued),
            ("pending_review", Queued),
            ("building", Building),
            ("uploading", Building),
            ("uploaded", Building),
            ("preparing", Building),
            ("processing", Building),
            ("processed", Building),
            ("retrying", Building),
            ("prepared", Ready),
            ("ready", Ready),
            ("error", Failed),
            ("rejected", Failed),
            ("levitating", Queued),
            ("", Queued),
        ] {
            let row = json!({"id": "d2", "state": word});
            assert_eq!(state(&row, Some("d1")).0, expected, "{word}");
            let published = json!({"id": "d1", "state": word});
            let same = if word == "ready" { Live } else { expected };
            assert_eq!(state(&published, Some("d1")).0, same, "{word}");
        }
        assert_eq!(state(&json!({"id": "d1", "state": "error", "skipped": true}), None).0, Canceled);
        assert!(state(&json!({"state": "levitating"}), None).1.unwrap().as_str().contains("levitating"));
    }

    #[test]
    fn only_hooks_that_call_an_address_are_endpoints_and_their_secrets_stay_away() {
        let hook = |kind: &str| {
            json!({"id": "h1", "type": kind, "event": "deploy_created", "disabled": true,
                "data": {"url": "https://acme.example/in?key=canary", "signature_secret": "canary"}})
        };
        let record = endpoint(&hook("url"), Time::from_ms(1)).unwrap();
        assert!(record.has(Flag::Disabled) && !format!("{record:?}").contains("canary"));
        assert!(endpoint(&hook("slack"), Time::from_ms(1)).is_none());
        assert!(endpoint(&json!({"type": "url"}), Time::from_ms(1)).is_none());
    }

    #[test]
    fn a_branch_deploy_is_told_by_its_branch() {
        let row = json!({"id": "d1", "state": "ready", "context": "branch-deploy", "branch": "next",
            "created_at": "2024-01-01T00:00:00Z", "published_at": null, "commit_ref": "abc"});
        let found = deploy(&row, None).unwrap();
        assert_eq!(found.target, Some(Text::new("next")));
        assert_eq!((found.ready_at, found.commit), (None, Some(Text::new("abc"))));
    }
}
