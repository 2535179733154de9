//! The fake Cloudflare (`providers.md` section 10): the zone of the company, its settings, records and certificate.
//!
//! What must stay true: every answer stands in the envelope; above the limit everything is refused for five minutes.

use std::time::Duration;

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::room::{Key, Limit, Room};
use super::world::World;
use crate::domain::{System, Time};

const ZONE: &str = "harborandpine.example";
const ZONE_ID: &str = "8d2f4b6a0c1e3957f1a2b3c4d5e6f708";
const DAY: i64 = 86_400_000;

/// What the company needs to know of it.
pub(super) const ROOM: Room = Room {
    system: System::Cloudflare,
    base_path: "/client/v4",
    config: "zone = \"harborandpine.example\"",
    key: |random| Key { api: random.word(40), secret: String::new() },
    admits: |call, key| call.bears(&key.api),
    refused: |_| Reply::new(401, failure(10_000, "Authentication error")),
    limits: |_| LIMITS,
    limited: |_, wait| {
        Reply::new(429, failure(10_013, "More than 1200 requests per 300 seconds")).with("retry-after", wait)
    },
    failed: |status| Reply::new(status, failure(10_001, "Internal error")),
    usual: |_, reply, _| reply,
    answer,
};

const LIMITS: &[Limit] = &[Limit { name: "five minutes", count: 1_200, window: Duration::from_secs(300) }];

/// The zone's settings.
const SETTINGS: &[(&str, &str)] = &[("ssl", "strict"), ("always_use_https", "on"), ("min_tls_version", "1.2")];

/// The zone's records: type, name below the zone, content.
const RECORDS: &[(&str, &str, &str)] = &[
    ("A", "", "192.0.2.20"),
    ("CNAME", "www.", "harbor-and-pine.netlify.app"),
    ("CNAME", "app.", "cname.vercel-dns.example"),
    ("MX", "", "mx1.mail.example"),
    ("TXT", "", "v=spf1 include:mail.example -all"),
    ("TXT", "_dmarc.", "v=DMARC1; p=quarantine"),
];

fn failure(code: u32, message: &str) -> Value {
    json!({"success": false, "errors": [{"code": code, "message": message}], "messages": [], "result": null})
}

fn good(result: Value) -> Reply {
    let count = result.as_array().map_or(1, Vec::len);
    Reply::ok(json!({"success": true, "errors": [], "messages": [], "result": result,
        "result_info": {"page": 1, "per_page": 500, "count": count, "total_count": count}}))
}

fn answer(world: &mut World, call: &Call) -> Reply {
    let segments = call.segments();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let missing = || Reply::new(404, failure(7_003, "Could not route to this object"));
    match (call.method.as_str(), &parts[..]) {
        ("GET", ["client", "v4", "zones"]) => {
            let found = call.get("name").is_none_or(|name| name == ZONE);
            good(json!(if found { vec![zone(world)] } else { Vec::new() }))
        }
        ("GET", ["client", "v4", "zones", ZONE_ID]) => good(zone(world)),
        ("GET", ["client", "v4", "zones", ZONE_ID, "settings", id]) => {
            match SETTINGS.iter().find(|(name, _)| name == id) {
                Some((name, value)) => good(json!({"id": name, "value": value, "editable": true, "modified_on": null})),
                None => missing(),
            }
        }
        ("GET", ["client", "v4", "zones", ZONE_ID, "ssl", "certificate_packs"]) => {
            let end = Time::from_ms(world.started.ms() + 64 * DAY).rfc3339();
            good(json!([{"id": "pack1", "type": "universal", "status": "active", "hosts": [ZONE, format!("*.{ZONE}")],
                "certificates": [{"id": "cert1", "expires_on": end, "status": "active"}]}]))
        }
        ("GET", ["client", "v4", "zones", ZONE_ID, "dns_records"]) => good(records(world)),
        _ => missing(),
    }
}

fn zone(world: &World) -> Value {
    let made = Time::from_ms(world.started.ms() - 500 * DAY).rfc3339();
    json!({
        "id": ZONE_ID, "name": ZONE, "status": "active", "paused": false, "development_mode": 0,
        "name_servers": ["fir.ns.example", "pine.ns.example"], "original_name_servers": null, "original_dnshost": null,
        "original_registrar": null, "activated_on": made, "created_on": made, "modified_on": made, "meta": {},
        "owner": {}, "account": {"id": "acc", "name": "Harbor & Pine"},
    })
}

fn records(world: &World) -> Value {
    let made = Time::from_ms(world.started.ms() - 400 * DAY).rfc3339();
    let row = |(number, (kind, below, content)): (usize, &(&str, &str, &str))| {
        json!({"id": format!("{number:032x}"), "type": kind, "name": format!("{below}{ZONE}"), "content": content,
            "proxied": *kind == "A", "proxiable": true, "ttl": 1, "created_on": made, "modified_on": made})
    };
    RECORDS.iter().enumerate().map(row).collect()
}
