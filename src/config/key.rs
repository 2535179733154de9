//! The table of all keys of a configuration file: type, default and one line of documentation each.
//!
//! What must stay true: validation, suggestions and `config.example.toml` are made from this table; a key that is not
//! here does not exist. Defaults stand here as TOML and nowhere else.

use crate::domain::{System, SystemKind};

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The number 1.
    Version,
    /// A text that is not blank.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A text such as `"60s"`, at least this many milliseconds.
    Duration(i64),
    /// The address of a database.
    Database,
    /// An http(s) address; without encryption only to this machine.
    Safe,
    /// An http(s) address of any host.
    Link,
    /// A file; relative ones stand beside the configuration file.
    File,
    /// One SQL statement.
    Sql,
    /// A text or a list of texts.
    Texts,
    /// A list of conditions such as `"status = 200"`.
    Conditions,
    /// `address:port`.
    Listen,
}

/// One key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Its default as TOML; `None` when it is simply absent, or differs from source to source.
    pub default: Option<&'static str>,
    /// A value as TOML, for the example of a key without default.
    pub sample: &'static str,
    /// One line of documentation.
    pub doc: &'static str,
}

/// How a section is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// With the keys of the table.
    Keys,
    /// With names of the user's own, each of which takes this.
    Names(Kind),
    /// Several times, `[[so]]`.
    List,
}

/// One section. Sources stand apart: see [`source_keys`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its dotted path; empty for the top of the file.
    pub path: &'static str,
    /// How it is filled.
    pub shape: Shape,
    /// Whether the example shows it commented out, because it has no sensible content of its own.
    pub optional: bool,
    /// One line of documentation.
    pub doc: &'static str,
    /// Its keys; for [`Shape::Names`] the sample.
    pub keys: &'static [Key],
}

const fn with(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    Key { name, kind, default: Some(default), sample: default, doc }
}

const fn bare(name: &'static str, kind: Kind, sample: &'static str, doc: &'static str) -> Key {
    Key { name, kind, default: None, sample, doc }
}

const fn section(path: &'static str, doc: &'static str, keys: &'static [Key]) -> Section {
    Section { path, shape: Shape::Keys, optional: false, doc, keys }
}

const fn maybe(path: &'static str, doc: &'static str, keys: &'static [Key]) -> Section {
    Section { path, shape: Shape::Keys, optional: true, doc, keys }
}

const ACCESS: Kind = Kind::Word(&["access", "no_access"]);
const CRMS: Kind = Kind::Word(&["hubspot", "pipedrive", "gohighlevel"]);
const DESKS: Kind = Kind::Word(&["intercom", "zendesk"]);
/// Nothing is asked more often than once in a second.
const SECOND: i64 = 1000;
/// History shorter than an hour answers no question.
const HOUR: i64 = 3_600_000;

const CUSTOMERS_SAMPLE: &str = r#"'''
select u.id as id, u.email as email, u.name as name, s.status as state, s.plan as plan,
u."stripeCustomerId" as billing_id, u."createdAt" as created_at, u."updatedAt" as updated_at
from "user" u left join subscription s on s."referenceId" = u.id
'''"#;

/// Every section but those of the sources, in the order of the example.
pub const SECTIONS: &[Section] = &[
    section(
        "",
        "",
        &[
            with("version", Kind::Version, "1", "version of this file's format"),
            with("name", Kind::Text, "\"unnamed\"", "your product's name; shown in every frame"),
            with(
                "environment",
                Kind::Word(&["production", "staging", "development"]),
                "\"production\"",
                "production | staging | development",
            ),
        ],
    ),
    section(
        "store",
        "trueup's own tables",
        &[bare(
            "url",
            Kind::Database,
            "\"sqlite:trueup.db\"",
            "sqlite:file, relative to this file, or postgres://... (schema `trueup`); TRUEUP_STORE_URL wins. Default: trueup.db in the data folder",
        )],
    ),
    maybe(
        "portal",
        "the product's own database; only ever read, unless [portal.writes] is given",
        &[
            bare(
                "url",
                Kind::Database,
                "\"postgres://localhost/acme\"",
                "postgres://... or sqlite:file; TRUEUP_PORTAL_URL wins",
            ),
            with("every", Kind::Duration(SECOND), "\"5s\"", "how often it is asked for what changed"),
        ],
    ),
    maybe(
        "portal.customers",
        "columns by name: id email name state plan billing_id crm_id support_id role tenant created_at updated_at trial_ends_at; id and email are required, others become attributes",
        &[bare("query", Kind::Sql, CUSTOMERS_SAMPLE, "one SELECT")],
    ),
    maybe(
        "portal.states",
        "the portal's words for each state; any other word is needs_review",
        &[
            bare("trial", Kind::Texts, "[\"trialing\"]", "trying the product"),
            bare("active", Kind::Texts, "[\"active\"]", "paying, or entitled"),
            bare("past_due", Kind::Texts, "[\"past_due\", \"unpaid\"]", "a payment failed"),
            bare("canceled", Kind::Texts, "[\"canceled\", \"deleted\"]", "ended"),
            bare("needs_review", Kind::Texts, "[\"unknown\"]", "a person must look"),
        ],
    ),
    maybe(
        "portal.tickets",
        "support requests; columns: id customer_id email subject created_at external_id",
        &[bare(
            "query",
            Kind::Sql,
            "'select id, user_id as customer_id, subject, created_at, ticket_id as external_id from support_request'",
            "one SELECT",
        )],
    ),
    maybe(
        "portal.deliveries",
        "received webhooks; columns: id event_id source type received_at state status latency_ms error",
        &[bare(
            "query",
            Kind::Sql,
            "'select id, event_id, source, type, received_at, status, error from webhook_log'",
            "one SELECT",
        )],
    ),
    maybe(
        "portal.jobs",
        "the portal's own queue: a known kind, or a query",
        &[
            bare(
                "kind",
                Kind::Word(&["pg-boss", "graphile-worker"]),
                "\"pg-boss\"",
                "pg-boss | graphile-worker, instead of a query",
            ),
            bare(
                "query",
                Kind::Sql,
                "'select queue as kind, id as key, state, attempts, max_attempts, run_at, last_error from job'",
                "one SELECT; columns: id kind key state attempts max_attempts run_at last_error customer_id",
            ),
        ],
    ),
    maybe(
        "portal.writes",
        "statements with which the portal may be changed, once acting is allowed; bound parameters only",
        &[
            bare(
                "set_state",
                Kind::Sql,
                "'update subscription set status = :state where \"referenceId\" = :id'",
                ":id and :state, the first word listed in [portal.states]",
            ),
            bare(
                "set_plan",
                Kind::Sql,
                "'update subscription set plan = :plan where \"referenceId\" = :id'",
                ":id and :plan",
            ),
            bare(
                "link_billing",
                Kind::Sql,
                "'update \"user\" set \"stripeCustomerId\" = :billing_id where id = :id'",
                ":id and :billing_id",
            ),
            bare("link_crm", Kind::Sql, "'update \"user\" set crm_id = :crm_id where id = :id'", ":id and :crm_id"),
            bare(
                "link_support",
                Kind::Sql,
                "'update \"user\" set support_id = :support_id where id = :id'",
                ":id and :support_id",
            ),
        ],
    ),
    Section {
        path: "plans",
        shape: Shape::Names(Kind::Texts),
        optional: false,
        doc: "the portal's plan names, each with what billing calls it: price ids, lookup keys, nicknames, product names; [] marks a free plan",
        keys: &[bare("pro", Kind::Texts, "[\"price_1NfX\", \"pro_monthly\"]", "one line a plan")],
    },
    section(
        "policy",
        "what each billing status entitles to: access | no_access",
        &[
            with("past_due", ACCESS, "\"access\"", "a payment failed and is tried again"),
            with("unpaid", ACCESS, "\"no_access\"", "all tries failed"),
            with("paused", ACCESS, "\"no_access\"", "paused by the customer or by you"),
            with("incomplete", ACCESS, "\"no_access\"", "the first payment has not succeeded"),
            with("trialing", ACCESS, "\"access\"", "on trial"),
            with("canceled_in_period", ACCESS, "\"access\"", "canceled, but paid until a later day"),
            with("refunded", ACCESS, "\"no_access\"", "the money was given back or is disputed"),
            bare("crm", CRMS, "\"hubspot\"", "where a customer ought to be, when several CRMs are configured"),
            bare("support", DESKS, "\"zendesk\"", "likewise, when several support desks are configured"),
        ],
    ),
    section(
        "policy.auto",
        "what may be put right without asking, once acting is allowed",
        &[
            with("create_contact", Kind::Flag, "false", "create a missing contact"),
            with("raise_access", Kind::Flag, "false", "let a payer in, only on proof of payment read within 60 s"),
            with("set_stage", Kind::Flag, "false", "move a contact's stage to what billing says"),
            with("route_ticket", Kind::Flag, "false", "file a support request that has no ticket"),
            with("add_tag", Kind::Flag, "false", "tag a contact"),
        ],
    ),
    section(
        "acting",
        "who may change what",
        &[
            with("allow", Kind::Flag, "false", "without it nothing outside is ever written"),
            with("role", Kind::Word(&["viewer", "support", "admin"]), "\"admin\"", "viewer | support | admin"),
        ],
    ),
    section(
        "serve",
        "the headless engine",
        &[
            with("listen", Kind::Listen, "\"127.0.0.1:8787\"", "address and port for webhooks"),
            bare(
                "public_url",
                Kind::Safe,
                "\"https://hooks.acme.example\"",
                "what providers call. Default: the listen address",
            ),
        ],
    ),
    section(
        "retention",
        "how long history is kept",
        &[
            with("deliveries", Kind::Duration(HOUR), "\"30d\"", "webhooks and their tries"),
            with("checks", Kind::Duration(HOUR), "\"30d\"", "single runs of checks"),
        ],
    ),
    Section {
        path: "checks",
        shape: Shape::List,
        optional: true,
        doc: "is it up? One section a check",
        keys: &[
            bare("name", Kind::Text, "\"login page\"", "unique"),
            bare("url", Kind::Link, "\"https://acme.example/login\"", "what is asked"),
            with("every", Kind::Duration(SECOND), "\"60s\"", "how often"),
            with(
                "expect",
                Kind::Conditions,
                "[\"status < 400\"]",
                "conditions that must all hold, of status, time and cert_days: \"status = 200\", \"time < 800ms\", \"cert_days > 14\"",
            ),
        ],
    },
];

/// Keys that every source takes.
pub const SOURCE_KEYS: &[Key] = &[
    bare("base_url", Kind::Safe, "", "the provider's own base URL by default; plain http only to this machine"),
    bare("every", Kind::Duration(SECOND), "", "how often it is asked for what changed"),
    bare("api_key_file", Kind::File, "\"credentials/api_key\"", "a file that holds the credential; see `trueup login`"),
    bare(
        "webhook_secret_file",
        Kind::File,
        "\"credentials/webhook_secret\"",
        "a file that holds the secret with which webhooks are signed",
    ),
    bare("forward_to", Kind::Safe, "\"https://acme.example/api/webhooks\"", "pass stored events on to the portal"),
    with("tolerance", Kind::Duration(SECOND), "\"300s\"", "accepted age of a signature, both ways"),
];

const MODE: Key =
    with("mode", Kind::Word(&["live", "test"]), "\"live\"", "live | test; a key of the other mode is refused");
const LINK: Key = bare("link_field", Kind::Text, "\"portal_id\"", "where the portal's id is kept in that system");

/// Keys that only this source takes.
pub const fn own_keys(system: System) -> &'static [Key] {
    match system {
        System::Stripe | System::Paddle => const { &[MODE, LINK] },
        System::Hubspot => {
            const { &[LINK, bare("app_id", Kind::Text, "\"123456\"", "the app that receives webhooks")] }
        }
        System::Pipedrive => const { &[LINK] },
        System::Gohighlevel => {
            const { &[LINK, bare("location_id", Kind::Text, "\"ve9EPM428h8vShlRW1KT\"", "the location")] }
        }
        System::Zendesk => {
            const {
                &[
                    bare("subdomain", Kind::Text, "\"acme\"", "as in acme.zendesk.com; not needed with base_url"),
                    bare("email", Kind::Text, "\"ops@acme.example\"", "whose API token it is"),
                ]
            }
        }
        System::Vercel => {
            const {
                &[
                    bare("project", Kind::Text, "\"acme-web\"", "name or id"),
                    bare("team", Kind::Text, "\"team_acme\"", "slug or id"),
                ]
            }
        }
        System::Netlify => {
            const {
                &[
                    bare("site", Kind::Text, "\"acme-web\"", "name or id"),
                    bare("account", Kind::Text, "\"acme\"", "slug"),
                ]
            }
        }
        System::Cloudflare => const { &[bare("zone", Kind::Text, "\"acme.example\"", "name or id")] },
        System::Portal | System::Intercom => &[],
    }
}

/// All keys of a source, its own first.
pub fn source_keys(system: System) -> impl Iterator<Item = &'static Key> + Clone {
    own_keys(system).iter().chain(SOURCE_KEYS)
}

/// Every system that a source section may be named after.
pub fn sources() -> impl Iterator<Item = System> + Clone {
    System::ALL.iter().copied().filter(|system| system.kind() != SystemKind::Portal)
}

/// The provider's own base URL (providers.md); `None` for Zendesk, whose host is the account's.
pub const fn base_url(system: System) -> Option<&'static str> {
    Some(match system {
        System::Stripe => "https://api.stripe.com",
        System::Paddle => "https://api.paddle.com",
        System::Hubspot => "https://api.hubapi.com",
        System::Pipedrive => "https://api.pipedrive.com",
        System::Gohighlevel => "https://services.leadconnectorhq.com",
        System::Intercom => "https://api.intercom.io",
        System::Vercel => "https://api.vercel.com",
        System::Netlify => "https://api.netlify.com/api/v1",
        System::Cloudflare => "https://api.cloudflare.com/client/v4",
        System::Zendesk | System::Portal => return None,
    })
}

/// The sandbox's base URL, where a provider has one of its own.
pub const fn test_base_url(system: System) -> Option<&'static str> {
    match system {
        System::Paddle => Some("https://sandbox-api.paddle.com"),
        _ => base_url(system),
    }
}

/// How often a source is asked, as TOML.
pub const fn every(system: System) -> &'static str {
    match system {
        System::Stripe => "\"20s\"",
        System::Hubspot => "\"30s\"",
        _ => "\"60s\"",
    }
}
