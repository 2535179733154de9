//! What Cloudflare says of a zone, as checks. Field names and words: Cloudflare's API document.
//!
//! What must stay true: a part that the token may not read is *unknown*, never "off"; a word that is not known is
//! unknown too. What is wrong comes with what to do.

use serde_json::Value;

use crate::domain::{Check, CheckState, Text, Time};
use crate::sources::value::{at, int, list, moment, raw, text, yes};

/// A certificate is renewed by Cloudflare about a month before its end; with less than this left, that failed.
const WARN_DAYS: i64 = 14;
const DAY_MS: i64 = 24 * 3600 * 1000;

/// What a part came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outcome(pub(super) CheckState, pub(super) Option<String>, pub(super) Option<&'static str>);

impl Outcome {
    fn pass() -> Self {
        Self(CheckState::Pass, None, None)
    }
    fn warn(why: impl Into<String>, fix: &'static str) -> Self {
        Self(CheckState::Warn, Some(why.into()), Some(fix))
    }
    fn fail(why: impl Into<String>, fix: &'static str) -> Self {
        Self(CheckState::Fail, Some(why.into()), Some(fix))
    }
    pub(super) fn unknown(why: impl Into<String>) -> Self {
        Self(CheckState::Unknown, Some(why.into()), None)
    }

    /// The token may not read it.
    pub(super) fn no_access(permission: &str) -> Self {
        let why = format!("no access: the token lacks the permission {permission}");
        Self(CheckState::Unknown, Some(why), Some("edit the API token at Cloudflare and add that permission"))
    }
}

/// The check of a part of a zone.
pub(super) fn check(zone: &str, part: &str, kind: &str, outcome: Outcome) -> Check {
    let Outcome(state, reason, fix) = outcome;
    Check {
        name: Text::new(format!("{zone} {part}")),
        kind: Text::new(kind),
        target: Text::new(zone),
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

/// What the zone itself tells: served by Cloudflare, not paused, not in development mode.
pub(super) fn zone(zone: &Value) -> Vec<(&'static str, Outcome)> {
    let servers: Vec<&str> = list(zone, "name_servers").iter().filter_map(Value::as_str).collect();
    let delegation = "set the name servers that Cloudflare names at the registrar of the domain";
    let active = match raw(zone, "status").as_deref() {
        Some("active") => Outcome::pass(),
        Some("pending") => {
            Outcome::fail(format!("the registrar does not point at {} yet", servers.join(" and ")), delegation)
        }
        Some("initializing") => Outcome::warn("Cloudflare is still setting it up", "wait; it takes some minutes"),
        Some("moved") => Outcome::fail("the registrar does not point at Cloudflare any more", delegation),
        Some("deactivated" | "deleted" | "read only") => {
            Outcome::fail("Cloudflare has switched it off", "look at the zone in Cloudflare's dashboard")
        }
        Some(other) => Outcome::unknown(format!("Cloudflare says `{}`, which is not known here", Text::new(other))),
        None => Outcome::unknown("Cloudflare does not say how the zone stands"),
    };
    let paused = match at(zone, "paused").and_then(Value::as_bool) {
        Some(false) => Outcome::pass(),
        Some(true) => Outcome::warn(
            "paused: Cloudflare answers names only and protects nothing",
            "resume Cloudflare on the zone's overview page",
        ),
        None => Outcome::unknown("Cloudflare does not say whether it is paused"),
    };
    let development = match int(zone, "development_mode") {
        Some(left) if left > 0 => Outcome::warn(
            format!("on for another {} min: nothing is cached", (left + 59) / 60),
            "switch development mode off under Caching",
        ),
        Some(_) => Outcome::pass(),
        None => Outcome::unknown("Cloudflare does not say whether development mode is on"),
    };
    vec![("zone active", active), ("not paused", paused), ("development mode off", development)]
}

/// A setting that matters: its id, the check's name, and how its value is judged.
pub(super) type Setting = (&'static str, &'static str, fn(&str) -> Outcome);

/// The settings that are read.
pub(super) const SETTINGS: &[Setting] = &[
    ("ssl", "encryption to the server", ssl),
    ("always_use_https", "always https", always_https),
    ("min_tls_version", "oldest TLS", min_tls),
];

fn ssl(value: &str) -> Outcome {
    let fix = "set SSL/TLS to Full (strict), with a certificate on the server";
    match value {
        "strict" => Outcome::pass(),
        "full" => Outcome::warn("the server's certificate is not verified (mode `full`)", fix),
        "flexible" => Outcome::fail("traffic from Cloudflare to the server is not encrypted (mode `flexible`)", fix),
        "off" => Outcome::fail("visitors are served without encryption (mode `off`)", fix),
        other => unknown_value(other),
    }
}

fn always_https(value: &str) -> Outcome {
    match value {
        "on" => Outcome::pass(),
        "off" => Outcome::warn(
            "plain http is answered by Cloudflare as it is",
            "switch on Always Use HTTPS under SSL/TLS > Edge Certificates, unless the server redirects",
        ),
        other => unknown_value(other),
    }
}

fn min_tls(value: &str) -> Outcome {
    match value {
        "1.2" | "1.3" => Outcome::pass(),
        "1.0" | "1.1" => Outcome::warn(
            format!("TLS {value} is accepted, which is obsolete"),
            "set the minimum TLS version to 1.2 under SSL/TLS > Edge Certificates",
        ),
        other => unknown_value(other),
    }
}

fn unknown_value(value: &str) -> Outcome {
    Outcome::unknown(format!("Cloudflare says `{}`, which is not known here", Text::new(value)))
}

/// The certificates that Cloudflare shows to visitors: the end of the one that ends last among those in use counts for
/// each set of hosts; the worst set decides.
pub(super) fn certificates(packs: &[Value], now: Time) -> Outcome {
    let status = |pack: &Value| raw(pack, "status").unwrap_or_default();
    let active: Vec<&Value> = packs.iter().filter(|pack| status(pack) == "active").collect();
    if active.is_empty() {
        let words: Vec<String> = packs.iter().map(status).filter(|word| !word.is_empty()).collect();
        if words.is_empty() {
            let fix = "order one under SSL/TLS > Edge Certificates";
            return Outcome::fail("Cloudflare has no certificate for this zone", fix);
        }
        let fix = "look at SSL/TLS > Edge Certificates: validation may need a DNS record";
        return Outcome::fail(format!("no certificate is active (only {})", Text::new(words.join(", "))), fix);
    }
    let ends = active.iter().filter_map(|pack| {
        list(pack, "certificates")
            .iter()
            .filter_map(|c| moment(c, "expires_on"))
            .max()
            .or_else(|| moment(pack, "expires_on"))
    });
    let Some(end) = ends.min() else {
        return Outcome::unknown("Cloudflare does not say when the certificate ends");
    };
    let left = end.since(now);
    let days = left.div_euclid(DAY_MS);
    let fix = "see why its renewal fails under SSL/TLS > Edge Certificates";
    match days {
        _ if left <= 0 => Outcome::fail("the certificate has expired", fix),
        days if days < WARN_DAYS => Outcome::warn(format!("certificate expires in {days} days"), fix),
        _ => Outcome::pass(),
    }
}

/// What a founder's mail and site need among the records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Records {
    address: bool,
    mail: bool,
    spf: usize,
    dmarc: bool,
}

impl Records {
    /// Takes in one record.
    pub(super) fn take(&mut self, zone: &str, record: &Value) {
        let name = raw(record, "name").unwrap_or_default().to_lowercase();
        let apex = name == zone || name == format!("www.{zone}");
        let content = raw(record, "content").unwrap_or_default();
        let content = content.trim_start_matches('"').to_lowercase();
        match raw(record, "type").as_deref() {
            Some("A" | "AAAA" | "CNAME" | "HTTPS") => self.address |= apex,
            Some("MX") => self.mail |= name == zone && !matches!(content.as_str(), "" | "."),
            Some("TXT") if name == zone && content.starts_with("v=spf1") => self.spf += 1,
            Some("TXT") if name == format!("_dmarc.{zone}") => self.dmarc |= content.starts_with("v=dmarc1"),
            _ => {}
        }
        // A DMARC policy may be kept elsewhere.
        self.dmarc |= name == format!("_dmarc.{zone}") && raw(record, "type").as_deref() == Some("CNAME");
    }

    /// What they come to. A zone without mail has nothing to prove.
    pub(super) fn judge(self) -> Vec<(&'static str, Outcome)> {
        let address = if self.address {
            Outcome::pass()
        } else {
            Outcome::warn("neither the domain nor www has an address", "add an A or CNAME record for the domain")
        };
        if !self.mail {
            return vec![("address", address)];
        }
        let spf = match self.spf {
            1 => Outcome::pass(),
            0 => Outcome::warn(
                "mail is received here, but no SPF record says who may send: resets and invoices may land in spam",
                "add the TXT record `v=spf1 ...` that your mail provider names",
            ),
            n => Outcome::fail(
                format!("{n} SPF records: receivers ignore all of them"),
                "merge them into one TXT record beginning with v=spf1",
            ),
        };
        let dmarc = if self.dmarc {
            Outcome::pass()
        } else {
            Outcome::warn("no DMARC record: large mail providers refuse bulk mail", "add a TXT record at _dmarc")
        };
        vec![("address", address), ("SPF", spf), ("DMARC", dmarc)]
    }
}

/// A zone's name, lower case.
pub(super) fn name(zone: &Value) -> Option<String> {
    text(zone, "name").map(|name| name.to_string().to_lowercase())
}

/// Whether the envelope says that all went well.
pub(super) fn succeeded(body: &Value) -> bool {
    yes(body, "success")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn state_of(outcome: &Outcome) -> CheckState {
        outcome.0
    }

    #[test]
    fn words_are_judged_and_unknown_ones_are_unknown() {
        use CheckState::{Fail, Pass, Unknown, Warn};
        for (setting, value, expected) in [
            ("ssl", "strict", Pass),
            ("ssl", "full", Warn),
            ("ssl", "flexible", Fail),
            ("ssl", "off", Fail),
            ("ssl", "origin_pull", Unknown),
            ("always_use_https", "on", Pass),
            ("always_use_https", "off", Warn),
            ("always_use_https", "maybe", Unknown),
            ("min_tls_version", "1.0", Warn),
            ("min_tls_version", "1.1", Warn),
            ("min_tls_version", "1.2", Pass),
            ("min_tls_version", "1.3", Pass),
            ("min_tls_version", "2.0", Unknown),
        ] {
            let judge = SETTINGS.iter().find(|(id, ..)| *id == setting).unwrap().2;
            let outcome = judge(value);
            assert_eq!(state_of(&outcome), expected, "{setting} = {value}");
            assert_eq!(outcome.2.is_some(), matches!(expected, Warn | Fail), "what is wrong has a fix: {value}");
        }
        for (word, expected) in [
            (json!("active"), Pass),
            (json!("pending"), Fail),
            (json!("initializing"), Warn),
            (json!("moved"), Fail),
            (json!("levitating"), Unknown),
            (json!(null), Unknown),
        ] {
            let parts = zone(&json!({"status": word, "paused": false, "development_mode": 0}));
            assert_eq!(state_of(&parts[0].1), expected, "{word}");
        }
        let parts = zone(&json!({"status": "active", "paused": true, "development_mode": 7200}));
        assert_eq!((state_of(&parts[1].1), state_of(&parts[2].1)), (Warn, Warn));
        assert!(zone(&json!({})).iter().all(|(_, outcome)| state_of(outcome) == Unknown));
    }

    #[test]
    fn a_certificate_is_told_by_its_days() {
        let now = Time::parse("2026-01-01").unwrap();
        let pack = |status: &str, end: &str| json!({"status": status, "certificates": [{"expires_on": end}]});
        for (packs, expected) in [
            (vec![pack("active", "2026-03-01T00:00:00Z")], CheckState::Pass),
            (vec![pack("active", "2026-01-09T00:00:00Z")], CheckState::Warn),
            (vec![pack("active", "2025-12-31T00:00:00Z")], CheckState::Fail),
            (vec![pack("pending_validation", "2026-03-01T00:00:00Z")], CheckState::Fail),
            (vec![pack("expired", "2025-03-01T00:00:00Z"), pack("active", "2026-03-01T00:00:00Z")], CheckState::Pass),
            (vec![json!({"status": "active", "certificates": [{"surprise": 1}]})], CheckState::Unknown),
            (vec![], CheckState::Fail),
        ] {
            assert_eq!(certificates(&packs, now).0, expected, "{packs:?}");
        }
        let soon = certificates(&[pack("active", "2026-01-09T00:00:00Z")], now);
        assert_eq!(soon.1.as_deref(), Some("certificate expires in 8 days"));
    }

    #[test]
    fn mail_needs_one_spf_record_and_a_policy() {
        let judge = |rows: &[(&str, &str, &str)]| {
            let mut records = Records::default();
            for (kind, name, content) in rows {
                records.take("acme.example", &json!({"type": kind, "name": name, "content": content}));
            }
            records.judge().into_iter().map(|(name, outcome)| (name, outcome.0)).collect::<Vec<_>>()
        };
        use CheckState::{Fail, Pass, Warn};
        let base = [("A", "acme.example", "192.0.2.1"), ("MX", "acme.example", "mx.example")];
        assert_eq!(judge(&base), [("address", Pass), ("SPF", Warn), ("DMARC", Warn)]);
        let spf = ("TXT", "acme.example", "\"v=spf1 -all\"");
        let dmarc = ("TXT", "_dmarc.acme.example", "v=DMARC1; p=none");
        assert_eq!(judge(&[base[0], base[1], spf, dmarc]), [("address", Pass), ("SPF", Pass), ("DMARC", Pass)]);
        assert_eq!(judge(&[base[1], spf, spf, dmarc])[1], ("SPF", Fail));
        assert_eq!(judge(&[("A", "app.acme.example", "192.0.2.1")]), [("address", Warn)]);
    }
}
