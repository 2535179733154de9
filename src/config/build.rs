//! A document becomes [`Settings`], with every default filled in from the table of keys.
//!
//! What must stay true: whatever needs two keys to judge is judged here, and everything is judged before anything is
//! refused. A value that `check` has already complained of is silently replaced by its default: the result is thrown
//! away then.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::complaint::Complaints;
use super::document::{Entry, Node};
use super::key::{self, Key, Kind, SECTIONS};
use super::settings::{
    Access, Acting, CheckSettings, Environment, Expect, JobsQuery, Policy, Portal, Query, Retention, Settings,
    SourceSettings, Url,
};
use super::value;
use crate::domain::{Problem, State, System, SystemKind, Text};

/// What stands outside the file.
pub(crate) struct Around<'a> {
    /// Name of the file, for the places of queries.
    pub(crate) file: &'a str,
    /// Folder of the file.
    pub(crate) folder: &'a Path,
    /// Folder for data.
    pub(crate) data: &'a Path,
    /// A store's address that wins over the file's, and where it was given.
    pub(crate) store: Option<(&'static str, String)>,
    /// Likewise the portal's.
    pub(crate) portal: Option<(&'static str, String)>,
}

/// Builds the settings and complains of what does not fit together.
pub(crate) fn build(root: &Entry, around: &Around<'_>, out: &mut Complaints) -> Settings {
    let read = Read { root };
    let sources = sources(&read, around, out);
    Settings {
        name: Text::new(read.text("", "name").unwrap_or_default().trim()),
        environment: match read.text("", "environment") {
            Some("staging") => Environment::Staging,
            Some("development") => Environment::Development,
            _ => Environment::Production,
        },
        store: store(&read, around, out),
        portal: portal(&read, around, out),
        plans: plans(&read, out),
        policy: policy(&read, &sources, out),
        sources,
        acting: Acting {
            allow: read.flag("acting", "allow"),
            role: Text::new(read.text("acting", "role").unwrap_or_default()),
        },
        checks: checks(&read, out),
        retention: Retention {
            deliveries_ms: read.ms("retention", "deliveries"),
            checks_ms: read.ms("retention", "checks"),
        },
        listen: Text::new(read.text("serve", "listen").unwrap_or_default()),
        public_url: read.text("serve", "public_url").map(Text::new),
        folder: around.folder.to_path_buf(),
        data: around.data.to_path_buf(),
    }
}

/// Values by section and key, from the file or the table's default.
struct Read<'a> {
    root: &'a Entry,
}

fn known(path: &str, name: &str) -> Option<&'static Key> {
    SECTIONS.iter().find(|section| section.path == path)?.keys.iter().find(|key| key.name == name)
}

/// The text of a default, which stands in the table as TOML.
fn unquoted(default: &'static str) -> &'static str {
    default.trim_matches('"')
}

impl<'a> Read<'a> {
    fn entry(&self, path: &str, name: &str) -> Option<&'a Entry> {
        if path.is_empty() { self.root.get(name) } else { self.root.get(path)?.get(name) }
    }

    fn text(&self, path: &str, name: &str) -> Option<&'a str> {
        let given = self.entry(path, name).and_then(|entry| entry.node.text());
        given.or_else(|| known(path, name)?.default.map(unquoted))
    }

    fn flag(&self, path: &str, name: &str) -> bool {
        match self.entry(path, name).map(|entry| &entry.node) {
            Some(Node::Flag(flag)) => *flag,
            _ => known(path, name).and_then(|key| key.default) == Some("true"),
        }
    }

    fn ms(&self, path: &str, name: &str) -> i64 {
        self.text(path, name).and_then(|text| value::duration(text).ok()).unwrap_or_default()
    }
}

/// A text, or the texts of a list.
fn texts(entry: &Entry) -> Vec<(&str, usize)> {
    match &entry.node {
        Node::Text(text) => vec![(text.as_str(), entry.line)],
        node => node.list().iter().filter_map(|e| Some((e.node.text()?, e.line))).collect(),
    }
}

fn address(
    given: Option<&(&'static str, String)>,
    file: Option<&str>,
    folder: &Path,
    out: &mut Complaints,
) -> Option<Url> {
    let raw = given.map(|(_, raw)| raw.as_str()).or(file)?;
    match (value::database(raw, folder), given) {
        (Ok(url), _) => Some(Url::new(url)),
        (Err(refusal), Some((place, _))) => {
            out.elsewhere(place, Problem::usage(refusal.what).hint(refusal.hint));
            None
        }
        // The file's own address has been complained of by `check`.
        (Err(_), None) => None,
    }
}

fn store(read: &Read<'_>, around: &Around<'_>, out: &mut Complaints) -> Url {
    address(around.store.as_ref(), read.text("store", "url"), around.folder, out)
        .unwrap_or_else(|| Url::new(format!("sqlite:{}", around.data.join("trueup.db").display())))
}

fn portal(read: &Read<'_>, around: &Around<'_>, out: &mut Complaints) -> Option<Portal> {
    let section = read.root.get("portal");
    let line = section.map_or(1, |entry| entry.line);
    if section.is_none() && around.portal.is_none() {
        return None;
    }
    let given = read.entry("portal", "url");
    let url = address(around.portal.as_ref(), read.text("portal", "url"), around.folder, out);
    if given.is_none() && around.portal.is_none() {
        let problem = Problem::usage("[portal] has no `url`");
        out.add(line, problem.hint("give it here, or in TRUEUP_PORTAL_URL"));
    }
    let query = |path: &str| {
        let entry = read.entry(path, "query")?;
        let place = Text::new(format!("{}:{}", around.file, entry.line));
        entry.node.text().map(|sql| Query { sql: sql.trim().trim_end_matches(';').to_owned(), place })
    };
    if read.entry("portal.customers", "query").is_none() {
        let problem = Problem::usage("[portal.customers] has no `query`").hint(
            "run `trueup init`: it looks at the portal's tables and proposes the query that finds your customers",
        );
        match (read.root.get("portal.customers").or(section), &around.portal) {
            (None, Some((place, _))) => out.elsewhere(place, problem),
            (at, _) => out.add(at.map_or(line, |entry| entry.line), problem),
        }
    }
    for path in ["portal.tickets", "portal.deliveries"] {
        if let Some(entry) = read.root.get(path).filter(|_| read.entry(path, "query").is_none()) {
            let problem = Problem::usage(format!("[{path}] has no `query`"));
            out.add(entry.line, problem.hint("give one SELECT, or remove the section"));
        }
    }
    Some(Portal {
        url: url.unwrap_or_else(|| Url::new("")),
        customers: query("portal.customers").unwrap_or(Query { sql: String::new(), place: Text::default() }),
        states: states(read, out),
        tickets: query("portal.tickets"),
        deliveries: query("portal.deliveries"),
        jobs: jobs(read, query("portal.jobs"), out),
        writes: writes(read, out),
        every_ms: read.ms("portal", "every"),
    })
}

fn states(read: &Read<'_>, out: &mut Complaints) -> BTreeMap<String, State> {
    let mut states: BTreeMap<String, (State, usize)> = BTreeMap::new();
    for (name, entry) in read.root.get("portal.states").map_or(&[][..], |entry| entry.node.table()) {
        let Some(state) = State::parse(name) else { continue };
        for (word, line) in texts(entry) {
            let word = word.trim().to_lowercase();
            match states.get(&word) {
                Some((other, first)) if *other != state => out.add(
                    line,
                    Problem::usage(format!("`{word}` is listed for both `{other}` and `{state}`"))
                        .why(format!("line {first} has it already"))
                        .hint("a word of the portal means one state: keep one of the two"),
                ),
                Some(_) => {}
                None => {
                    states.insert(word, (state, line));
                }
            }
        }
    }
    states.into_iter().map(|(word, (state, _))| (word, state)).collect()
}

fn jobs(read: &Read<'_>, query: Option<Query>, out: &mut Complaints) -> Option<JobsQuery> {
    let section = read.root.get("portal.jobs")?;
    let kind = read.text("portal.jobs", "kind");
    match (kind, query) {
        (Some(_), Some(_)) => {
            let problem = Problem::usage("[portal.jobs] has a `kind` and a `query`");
            out.add(section.line, problem.hint("keep one: `kind` for pg-boss or graphile-worker, else `query`"));
            None
        }
        (None, None) => {
            let problem = Problem::usage("[portal.jobs] has neither a `kind` nor a `query`");
            out.add(section.line, problem.hint("write kind = \"pg-boss\" or \"graphile-worker\", or give one SELECT"));
            None
        }
        (Some("graphile-worker"), None) => Some(JobsQuery::GraphileWorker),
        (Some(_), None) => Some(JobsQuery::PgBoss),
        (None, Some(query)) => Some(JobsQuery::Query(query)),
    }
}

/// What each write must bind.
const BINDS: &[(&str, &[&str])] = &[
    ("set_state", &[":id", ":state"]),
    ("set_plan", &[":id", ":plan"]),
    ("link_billing", &[":id", ":billing_id"]),
    ("link_crm", &[":id", ":crm_id"]),
    ("link_support", &[":id", ":support_id"]),
];

fn writes(read: &Read<'_>, out: &mut Complaints) -> BTreeMap<String, String> {
    let mut writes = BTreeMap::new();
    for (name, binds) in BINDS {
        let Some(entry) = read.entry("portal.writes", name) else { continue };
        let Some(sql) = entry.node.text() else { continue };
        let sql = sql.trim().trim_end_matches(';');
        for bind in *binds {
            let bound = sql
                .match_indices(bind)
                .any(|(at, _)| !sql[at + bind.len()..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'));
            if !bound {
                let problem = Problem::usage(format!("`{name}` does not use {bind}"));
                out.add(entry.line, problem.hint(format!("the statement binds {}", binds.join(" and "))));
            }
        }
        if sql.contains(';') {
            let problem = Problem::usage(format!("`{name}` holds more than one statement"));
            out.add(entry.line, problem.hint("keep one statement; put several into a function of the database"));
        }
        writes.insert((*name).to_owned(), sql.to_owned());
    }
    writes
}

fn plans(read: &Read<'_>, out: &mut Complaints) -> BTreeMap<Text, Vec<Text>> {
    let mut plans = BTreeMap::new();
    let mut owner: BTreeMap<&str, &str> = BTreeMap::new();
    for (plan, entry) in read.root.get("plans").map_or(&[][..], |entry| entry.node.table()) {
        let names = texts(entry);
        for (name, line) in &names {
            if let Some(other) = owner.insert(name, plan).filter(|other| other != plan) {
                let problem = Problem::usage(format!("`{name}` is listed for both `{other}` and `{plan}`"));
                out.add(*line, problem.hint("what billing calls a plan belongs to one plan: keep one of the two"));
            }
        }
        plans.insert(Text::new(plan), names.into_iter().map(|(name, _)| Text::new(name.trim())).collect());
    }
    plans
}

fn policy(read: &Read<'_>, sources: &BTreeMap<System, SourceSettings>, out: &mut Complaints) -> Policy {
    let access = |name| match read.text("policy", name) {
        Some("access") => Access::Access,
        _ => Access::NoAccess,
    };
    let mut target = |name: &str, kind: SystemKind| {
        let entry = read.entry("policy", name)?;
        let system = System::parse(entry.node.text()?).filter(|system| system.kind() == kind)?;
        if !sources.contains_key(&system) {
            out.add(
                entry.line,
                Problem::usage(format!("`{name}` names {system}, which is not configured"))
                    .hint(format!("add [sources.{system}], or remove this line")),
            );
        }
        Some(system)
    };
    let crm = target("crm", SystemKind::Crm);
    let support = target("support", SystemKind::Support);
    let auto = SECTIONS.iter().filter(|section| section.path == "policy.auto").flat_map(|section| section.keys);
    Policy {
        past_due: access("past_due"),
        unpaid: access("unpaid"),
        paused: access("paused"),
        incomplete: access("incomplete"),
        trialing: access("trialing"),
        canceled_in_period: access("canceled_in_period"),
        refunded: access("refunded"),
        crm,
        support,
        auto: auto.map(|key| (key.name.to_owned(), read.flag("policy.auto", key.name))).collect(),
    }
}

fn sources(read: &Read<'_>, around: &Around<'_>, out: &mut Complaints) -> BTreeMap<System, SourceSettings> {
    let members = read.root.get("sources").map_or(&[][..], |entry| entry.node.table());
    let systems = members.iter().filter_map(|(name, entry)| {
        let system = System::parse(name).filter(|system| system.kind() != SystemKind::Portal)?;
        Some((system, entry))
    });
    systems.map(|(system, entry)| (system, source(system, entry, around.folder, out))).collect()
}

fn source(system: System, entry: &Entry, folder: &Path, out: &mut Complaints) -> SourceSettings {
    let given = |name: &str| entry.get(name).and_then(|entry| entry.node.text());
    let ms = |name: &str, default: &'static str| {
        value::duration(given(name).unwrap_or(unquoted(default))).unwrap_or_default()
    };
    let live = given("mode") != Some("test");
    let own = key::own_keys(system).iter().filter(|key| !matches!(key.name, "mode" | "link_field"));
    let files = key::source_keys(system).filter(|key| key.kind == Kind::File);
    let tolerance = key::SOURCE_KEYS.iter().find(|key| key.name == "tolerance").and_then(|key| key.default);
    SourceSettings {
        base_url: base_url(system, live, entry, out),
        live,
        link_field: given("link_field").map(str::to_owned),
        account: own.filter_map(|key| Some((key.name.to_owned(), given(key.name)?.trim().to_owned()))).collect(),
        credential_files: files
            .filter_map(|key| Some((key.name.trim_end_matches("_file").to_owned(), beside(folder, given(key.name)?))))
            .collect(),
        forward_to: given("forward_to").map(str::to_owned),
        tolerance_ms: ms("tolerance", tolerance.unwrap_or_default()),
        every_ms: ms("every", key::every(system)),
    }
}

fn beside(folder: &Path, path: &str) -> PathBuf {
    folder.join(path)
}

fn base_url(system: System, live: bool, entry: &Entry, out: &mut Complaints) -> String {
    if let Some(given) = entry.get("base_url") {
        return given.node.text().and_then(|text| value::safe_link(text).ok()).unwrap_or_default();
    }
    let own = if live { key::base_url(system) } else { key::test_base_url(system) };
    if let Some(own) = own {
        return own.to_owned();
    }
    let Some(subdomain) = entry.get("subdomain") else {
        let problem = Problem::usage(format!("[sources.{system}] does not say whose account it is"));
        out.add(entry.line, problem.hint("write subdomain = \"acme\" for acme.zendesk.com"));
        return String::new();
    };
    let name = subdomain.node.text().unwrap_or_default();
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        let problem = Problem::usage("`subdomain` is not a single name");
        out.add(subdomain.line, problem.hint("of acme.zendesk.com it is only the first part: subdomain = \"acme\""));
    }
    format!("https://{name}.zendesk.com")
}

fn checks(read: &Read<'_>, out: &mut Complaints) -> Vec<CheckSettings> {
    let mut checks: Vec<CheckSettings> = Vec::new();
    let mut lines: BTreeMap<String, usize> = BTreeMap::new();
    for entry in read.root.get("checks").map_or(&[][..], |entry| entry.node.list()) {
        let given = |name: &str| entry.get(name).and_then(|entry| entry.node.text());
        for name in ["name", "url"] {
            if entry.get(name).is_none() {
                let problem = Problem::usage(format!("a check has no `{name}`"));
                out.add(entry.line, problem.hint(format!("give it {name} = \"...\"")));
            }
        }
        let name = given("name").unwrap_or_default().trim().to_owned();
        if let Some(first) = lines.insert(name.to_lowercase(), entry.line).filter(|_| !name.is_empty()) {
            out.add(
                entry.get("name").map_or(entry.line, |entry| entry.line),
                Problem::usage(format!("two checks are called `{name}`"))
                    .why(format!("the first begins on line {first}"))
                    .hint("give each its own name: their history is kept under it"),
            );
        }
        let default = |name| known("checks", name).and_then(|key| key.default).unwrap_or_default();
        let expect: Vec<Expect> = match entry.get("expect") {
            Some(given) => texts(given).into_iter().filter_map(|(text, _)| value::condition(text).ok()).collect(),
            None => value::condition(default("expect").trim_matches(['[', ']', '"'])).into_iter().collect(),
        };
        if entry.get("expect").is_some_and(|given| given.node.list().is_empty() && given.node.text().is_none()) {
            let problem = Problem::usage(format!("check `{name}` expects nothing"));
            out.add(entry.line, problem.hint("remove `expect`; by default the status must be below 400"));
        }
        checks.push(CheckSettings {
            name: Text::new(&name),
            url: given("url").unwrap_or_default().to_owned(),
            every_ms: value::duration(given("every").unwrap_or(unquoted(default("every")))).unwrap_or_default(),
            expect,
        });
    }
    checks
}
