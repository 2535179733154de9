//! Whether a provider's webhooks are registered as they must be: switched on, calling us, subscribed to what matters,
//! once each, in a fixed version.
//!
//! What must stay true: what a provider does not tell is *unknown*, with the reason, never a failure and never fine.
//! Which event types matter stands in one table.

use std::collections::BTreeMap;

use crate::domain::{Check, CheckState, Flag, Kind, Record, System, Text};

/// The event types without which changes of subscriptions, customers and invoices do not reach the product.
const REQUIRED: &[(System, &[&str])] = &[
    (
        System::Stripe,
        &[
            "customer.subscription.created",
            "customer.subscription.updated",
            "customer.subscription.deleted",
            "customer.updated",
            "invoice.paid",
            "invoice.payment_failed",
        ],
    ),
    (
        System::Paddle,
        &[
            "subscription.created",
            "subscription.updated",
            "subscription.canceled",
            "customer.updated",
            "transaction.completed",
            "transaction.payment_failed",
        ],
    ),
    (System::Vercel, &["deployment.succeeded", "deployment.error"]),
];

/// Providers that do not show how their webhooks are registered, or not to this kind of key.
const SILENT: &[(System, &str)] = &[
    (System::Hubspot, "HubSpot shows webhook subscriptions only to the app's own developer key"),
    (System::Gohighlevel, "GoHighLevel does not show how its webhooks are registered"),
    (System::Intercom, "Intercom does not show how its webhooks are registered"),
];

/// Providers whose endpoints carry an API version that should be fixed.
const VERSIONED: &[System] = &[System::Stripe];

/// What one source's endpoints come to. `told`: whether its endpoints have been read in full; `home`: the host that
/// ought to be called, where it is configured.
pub fn checks(system: System, records: &[Record], told: bool, home: Option<&str>) -> Vec<Check> {
    let name = format!("{} webhooks", system.title());
    if let Some((_, why)) = SILENT.iter().find(|(silent, _)| *silent == system) {
        return vec![row(&name, "its registration", CheckState::Unknown, Some((*why).to_owned()), None)];
    }
    let endpoints: Vec<&Record> =
        records.iter().filter(|r| r.system == system && r.kind == Kind::Endpoint && !r.deleted).collect();
    if !told {
        return Vec::new();
    }
    if endpoints.is_empty() {
        let why = format!("{} has no webhook endpoint: changes there reach nobody", system.title());
        let fix = "register the product's webhook address there";
        // A host of pages need not call anybody.
        let state = if REQUIRED.iter().any(|(s, _)| *s == system && *s != System::Vercel) {
            CheckState::Fail
        } else {
            return Vec::new();
        };
        return vec![row(&name, "none", state, Some(why), Some(fix))];
    }
    endpoints.iter().map(|endpoint| one(&name, endpoint, &endpoints, home)).collect()
}

/// What one endpoint comes to: the first rule that is broken decides, then the first that cannot be told.
fn one(name: &str, endpoint: &Record, all: &[&Record], home: Option<&str>) -> Check {
    let url = endpoint.name.as_ref().map_or("", |url| url.as_str());
    let findings =
        [enabled(endpoint), calls_home(url, home), subscribed(endpoint, all), alone(endpoint, all), pinned(endpoint)];
    let rank = |state: CheckState| match state {
        CheckState::Fail => 0,
        CheckState::Warn => 1,
        CheckState::Unknown => 2,
        CheckState::Pass => 3,
    };
    let worst = findings.into_iter().flatten().min_by_key(|(state, ..)| rank(*state));
    let label = format!("{name} {}", if url.is_empty() { endpoint.id.as_str() } else { url });
    // Two endpoints of one address are two rows.
    let twins = all.iter().filter(|other| other.name == endpoint.name).count();
    let label = if twins > 1 { format!("{label} ({})", endpoint.id) } else { label };
    match worst {
        Some((state, why, fix)) => row(&label, url, state, Some(why), fix),
        None => row(&label, url, CheckState::Pass, None, None),
    }
}

type Finding = Option<(CheckState, String, Option<&'static str>)>;

fn enabled(endpoint: &Record) -> Finding {
    endpoint.has(Flag::Disabled).then(|| {
        let why = "it is switched off: events are not delivered".to_owned();
        (CheckState::Fail, why, Some("switch it on again, after finding out why it was switched off"))
    })
}

fn calls_home(url: &str, home: Option<&str>) -> Finding {
    let home = home?;
    match host(url) {
        None => Some((CheckState::Unknown, "it does not say which address it calls".to_owned(), None)),
        Some(called) if Some(&called) == host(home).as_ref() => None,
        Some(called) => Some((
            CheckState::Warn,
            format!("it calls {called}, not {}", host(home).unwrap_or_default()),
            Some("point it at the address of [serve] public_url, or remove it"),
        )),
    }
}

/// The required types may be spread over several endpoints that are switched on.
fn subscribed(endpoint: &Record, all: &[&Record]) -> Finding {
    let (_, required) = REQUIRED.iter().find(|(system, _)| *system == endpoint.system)?;
    let events = |record: &Record| {
        let names = ["events", "enabled_events"];
        names.iter().find_map(|name| record.attributes.get(&Text::new(*name))).map(ToString::to_string)
    };
    let alive: Vec<&&Record> = all.iter().filter(|other| !other.has(Flag::Disabled)).collect();
    let told: Vec<String> = alive.iter().filter_map(|record| events(record)).collect();
    if events(endpoint).is_none() {
        let why = "the provider does not say which events it is subscribed to".to_owned();
        return Some((CheckState::Unknown, why, None));
    }
    let words: Vec<&str> = told.iter().flat_map(|list| list.split_whitespace()).collect();
    if words.contains(&"*") {
        return None;
    }
    let lacks: Vec<&str> = required.iter().copied().filter(|event| !words.contains(event)).collect();
    if lacks.is_empty() {
        return None;
    }
    if told.len() < alive.len() {
        let why = format!("whether another endpoint takes {} is not told", lacks.join(", "));
        return Some((CheckState::Unknown, why, None));
    }
    let why = format!("nobody is told of {}", lacks.join(", "));
    Some((CheckState::Fail, why, Some("subscribe the endpoint to these event types")))
}

fn alone(endpoint: &Record, all: &[&Record]) -> Finding {
    let mine = endpoint.name.as_ref()?;
    let twin = all
        .iter()
        .find(|other| other.id != endpoint.id && other.name.as_ref() == Some(mine) && !other.has(Flag::Disabled))?;
    let why = format!("a second endpoint ({}) calls the same address: every event may arrive twice", twin.id);
    Some((CheckState::Warn, why, Some("remove one of the two")))
}

fn pinned(endpoint: &Record) -> Finding {
    if !VERSIONED.contains(&endpoint.system) || endpoint.attributes.contains_key(&Text::new("api_version")) {
        return None;
    }
    let why = "no API version is fixed for it, or none is told: events may change their shape".to_owned();
    Some((CheckState::Unknown, why, Some("create the endpoint with an explicit API version")))
}

/// The host of an address, lower case; with its port where one is named.
fn host(url: &str) -> Option<String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default().trim().to_lowercase();
    (!host.is_empty()).then_some(host)
}

fn row(name: &str, target: &str, state: CheckState, reason: Option<String>, fix: Option<&str>) -> Check {
    Check {
        name: Text::new(name),
        kind: Text::new("webhook"),
        target: Text::new(target),
        state,
        since: None,
        latency_ms: None,
        reason: reason.map(Text::new),
        fix: fix.map(Text::new),
        uptime: None,
        recent: Vec::new(),
        seen_at: None,
    }
}

/// Endpoints by source.
pub fn by_source(records: Vec<Record>) -> BTreeMap<System, Vec<Record>> {
    let mut sources: BTreeMap<System, Vec<Record>> = BTreeMap::new();
    for record in records {
        sources.entry(record.system).or_default().push(record);
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Time;

    const ALL: &str = "customer.subscription.created customer.subscription.updated customer.subscription.deleted \
                       customer.updated invoice.paid invoice.payment_failed";
    const HOME: Option<&str> = Some("https://app.acme.example");

    fn endpoint(id: &str, url: &str, events: Option<&str>, version: Option<&str>) -> Record {
        let mut record = Record::new(System::Stripe, Kind::Endpoint, id, Time::from_ms(1));
        record.name = Text::non_empty(url);
        for (name, value) in [("events", events), ("api_version", version)] {
            if let Some(value) = value {
                record.attributes.insert(Text::new(name), Text::new(value));
            }
        }
        record
    }

    fn good(id: &str) -> Record {
        endpoint(id, "https://app.acme.example/hooks/stripe", Some(ALL), Some("2023-08-16"))
    }

    fn states(records: &[Record]) -> Vec<CheckState> {
        checks(System::Stripe, records, true, HOME).iter().map(|check| check.state).collect()
    }

    fn why(records: &[Record]) -> String {
        checks(System::Stripe, records, true, HOME)[0].reason.as_ref().unwrap().to_string()
    }

    #[test]
    fn a_good_registration_passes_and_each_broken_one_is_found() {
        use CheckState::{Fail, Pass, Unknown, Warn};
        assert_eq!(states(&[good("we_1")]), [Pass]);
        assert_eq!(states(&[endpoint("we_1", "https://app.acme.example/x", Some("*"), Some("v"))]), [Pass]);
        let mut off = good("we_1");
        off.flags.push(Flag::Disabled);
        assert_eq!(states(&[off.clone()]), [Fail]);
        assert!(why(&[off]).contains("switched off"));
        let away = endpoint("we_1", "https://old.acme.example/hooks", Some(ALL), Some("v"));
        assert_eq!(states(std::slice::from_ref(&away)), [Warn]);
        assert!(why(&[away]).contains("old.acme.example"));
        let deaf = endpoint("we_1", "https://app.acme.example/x", Some("invoice.paid"), Some("v"));
        assert_eq!(states(std::slice::from_ref(&deaf)), [Fail]);
        assert!(why(&[deaf]).contains("customer.subscription.deleted"));
        assert_eq!(states(&[good("we_1"), good("we_2")]), [Warn, Warn]);
        assert_eq!(states(&[endpoint("we_1", "https://app.acme.example/x", Some(ALL), None)]), [Unknown]);
        assert_eq!(states(&[endpoint("we_1", "https://app.acme.example/x", None, Some("v"))]), [Unknown]);
        assert_eq!(states(&[endpoint("we_1", "", Some(ALL), Some("v"))]), [Unknown]);
        assert_eq!(states(&[]), [Fail], "no endpoint at all");
    }

    #[test]
    fn two_endpoints_may_share_the_work_and_each_has_its_own_row() {
        let (first, second) = ALL.split_at(ALL.find("customer.updated").unwrap());
        let half = |id: &str, path: &str, events: &str| {
            endpoint(id, &format!("https://app.acme.example/{path}"), Some(events), Some("v"))
        };
        assert_eq!(states(&[half("a", "x", first), half("b", "y", second)]), [CheckState::Pass; 2]);
        let twins = checks(System::Stripe, &[good("we_1"), good("we_2")], true, HOME);
        assert_ne!(twins[0].name, twins[1].name);
    }

    #[test]
    fn what_is_not_told_is_unknown_or_not_said() {
        assert!(checks(System::Stripe, &[], false, HOME).is_empty(), "not read yet");
        assert!(checks(System::Netlify, &[], true, HOME).is_empty(), "a host need not call anybody");
        for system in [System::Hubspot, System::Gohighlevel, System::Intercom] {
            let told = checks(system, &[], false, None);
            assert_eq!(told[0].state, CheckState::Unknown);
            assert!(told[0].reason.is_some());
        }
        // Without a configured address nothing is said about where it calls.
        let away = endpoint("we_1", "https://anywhere.example/", Some(ALL), Some("v"));
        assert_eq!(checks(System::Stripe, &[away], true, None)[0].state, CheckState::Pass);
        let mut gone = good("we_1");
        gone.deleted = true;
        assert_eq!(states(&[gone]), [CheckState::Fail]);
    }
}
