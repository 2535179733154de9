//! A Cloudflare with one zone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use trueup::domain::Time;

use super::{Answer, Call, Fake, lock};

/// A moment on Cloudflare's clock, in milliseconds.
pub const START: i64 = 1_760_000_000_000;
/// The zone's id.
pub const ZONE: &str = "023e105f4ecef8ad9ca31a8372d0c353";

#[derive(Clone, Default)]
pub struct World {
    pub zone: Value,
    pub settings: BTreeMap<&'static str, Value>,
    pub packs: Vec<Value>,
    pub records: Vec<Value>,
    pub clock: i64,
    pub page: usize,
    /// Path endings that are answered 403.
    pub forbidden: Vec<&'static str>,
}

pub type Shared = Arc<Mutex<World>>;

pub async fn start(world: World) -> (Fake, Shared) {
    let shared: Shared = Arc::new(Mutex::new(world));
    let inner = shared.clone();
    (Fake::start(move |call| lock(&inner).answer(call)).await, shared)
}

pub fn record(id: usize, kind: &str, name: &str, content: &str) -> Value {
    json!({"id": format!("{id:032x}"), "type": kind, "name": name, "content": content, "proxied": false,
        "proxiable": true, "ttl": 1, "created_on": "2025-01-01T00:00:00Z", "modified_on": "2025-01-01T00:00:00Z"})
}

impl World {
    pub fn small() -> Self {
        let end = Time::from_ms(START + 60 * 24 * 3_600_000).rfc3339();
        Self {
            zone: json!({"id": ZONE, "name": "acme.example", "status": "active", "paused": false,
                "development_mode": 0, "name_servers": ["a.ns.example", "b.ns.example"], "original_dnshost": null,
                "original_registrar": null, "original_name_servers": null, "activated_on": null,
                "created_on": "2025-01-01T00:00:00Z", "modified_on": "2025-01-01T00:00:00Z", "meta": {}, "owner": {},
                "account": {"id": "acc", "name": "Acme"}}),
            settings: BTreeMap::from([
                ("ssl", json!("strict")),
                ("always_use_https", json!("on")),
                ("min_tls_version", json!("1.2")),
            ]),
            packs: vec![json!({"id": "pack1", "status": "active", "hosts": ["acme.example"],
                "certificates": [{"id": "c1", "expires_on": end, "private_key": "canary"}]})],
            records: vec![
                record(1, "A", "acme.example", "192.0.2.1"),
                record(2, "MX", "acme.example", "mx.example"),
                record(3, "TXT", "acme.example", "v=spf1 -all"),
                record(4, "TXT", "_dmarc.acme.example", "v=DMARC1; p=none"),
                record(5, "TXT", "acme.example", "some-verification=canary"),
            ],
            clock: START,
            page: 500,
            forbidden: Vec::new(),
        }
    }

    pub fn answer(&mut self, call: &Call) -> Answer {
        assert_eq!(call.method, "GET");
        assert!(call.headers["authorization"].starts_with("Bearer "));
        self.reply(call).dated(Time::from_ms(self.clock))
    }

    fn reply(&self, call: &Call) -> Answer {
        let path = call.path.strip_prefix("/client/v4").unwrap_or(&call.path);
        if self.forbidden.iter().any(|end| path.ends_with(end)) {
            let body = json!({"success": false, "errors": [{"code": 9109, "message": "Unauthorized to access requested resource"}],
                "messages": [], "result": null});
            return Answer::new(403, &body.to_string());
        }
        let rest = path.strip_prefix(&format!("/zones/{ZONE}"));
        match (path, rest) {
            ("/zones", _) => {
                let found = call.get("name") == self.zone["name"].as_str();
                good(json!(if found { vec![self.zone.clone()] } else { Vec::new() }), 1, 20, usize::from(found))
            }
            (_, Some("")) => good(self.zone.clone(), 1, 1, 1),
            (_, Some("/ssl/certificate_packs")) => good(json!(self.packs), 1, 20, self.packs.len()),
            (_, Some("/dns_records")) => {
                let size = self.page.min(usize::try_from(call.number("per_page").unwrap()).unwrap());
                let page = usize::try_from(call.number("page").unwrap()).unwrap();
                let rows: Vec<Value> = self.records.iter().skip((page - 1) * size).take(size).cloned().collect();
                good(json!(rows), page, size, self.records.len())
            }
            (_, Some(rest)) if rest.starts_with("/settings/") => {
                let id = rest.trim_start_matches("/settings/");
                let value = self.settings.get(id).unwrap_or_else(|| panic!("unknown setting {id}"));
                good(json!({"id": id, "value": value, "editable": true, "modified_on": null}), 1, 1, 1)
            }
            other => panic!("unknown path {other:?}"),
        }
    }
}

fn good(result: Value, page: usize, size: usize, total: usize) -> Answer {
    Answer::json(&json!({"success": true, "errors": [], "messages": [], "result": result,
        "result_info": {"page": page, "per_page": size, "count": size.min(total), "total_count": total}}))
}
