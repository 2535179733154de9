//! Holds a document against the table of keys: what is unknown, of the wrong type, or not understood.
//!
//! What must stay true: every problem is told at once; an unknown name gets the nearest known one; a credential in
//! the file is refused with the right way to give it and is never repeated. What needs two keys to judge is the
//! business of `build`.

use std::path::Path;

use super::complaint::Complaints;
use super::document::{Entry, Node};
use super::key::{self, Key, Kind, SECTIONS, Section, Shape};
use super::value::{self, Refusal};
use crate::domain::{Problem, System};
use crate::query::nearest::nearest;

/// Checks the whole document. `folder` is where relative files stand.
pub(crate) fn check(root: &Entry, folder: &Path, out: &mut Complaints) {
    Check { folder, out, system: None }.section("", root);
}

struct Check<'a> {
    folder: &'a Path,
    out: &'a mut Complaints,
    /// The source whose section is being read.
    system: Option<System>,
}

/// Sections directly below a path, by their last name.
fn below(path: &'static str) -> impl Iterator<Item = (&'static str, &'static Section)> + Clone {
    SECTIONS.iter().filter_map(move |section| {
        let rest = if path.is_empty() { section.path } else { section.path.strip_prefix(path)?.strip_prefix('.')? };
        (!rest.is_empty() && !rest.contains('.')).then_some((rest, section))
    })
}

/// `in [portal]`, or at the top of the file.
fn shown(path: &str) -> String {
    if path.is_empty() { "at the top of the file".to_owned() } else { format!("in [{path}]") }
}

impl Check<'_> {
    fn section(&mut self, path: &'static str, entry: &Entry) {
        let Some(table) = SECTIONS.iter().find(|section| section.path == path) else { return };
        match (table.shape, &entry.node) {
            (Shape::List, Node::List(elements)) => {
                for element in elements {
                    self.members(table, element);
                }
            }
            (Shape::List, node) => {
                let what = format!("`{path}` is a list of sections, not {}", node.kind());
                self.out.add(entry.line, Problem::usage(what).hint(format!("write [[{path}]] before each")));
            }
            (_, Node::Table(_)) => self.members(table, entry),
            (_, node) => self.not_a_section(path, entry.line, node),
        }
    }

    fn not_a_section(&mut self, path: &str, line: usize, node: &Node) {
        let what = format!("`{path}` is a section, not {}", node.kind());
        self.out.add(line, Problem::usage(what).hint(format!("write [{path}] on a line of its own, its keys below")));
    }

    fn members(&mut self, table: &'static Section, entry: &Entry) {
        if !matches!(entry.node, Node::Table(_)) {
            return self.not_a_section(table.path, entry.line, &entry.node);
        }
        for (name, member) in entry.node.table() {
            if let Shape::Names(kind) = table.shape {
                self.value(name, kind, member);
            } else if let Some(key) = table.keys.iter().find(|key| key.name == name) {
                self.value(key.name, key.kind, member);
            } else if let Some((_, section)) = below(table.path).find(|(below, _)| below == name) {
                self.section(section.path, member);
            } else if table.path.is_empty() && name == "sources" {
                self.sources(member);
            } else {
                let known = table.keys.iter().map(|key| key.name).chain(below(table.path).map(|(name, _)| name));
                let extra = table.path.is_empty().then_some("sources");
                self.unknown(name, member, table.path, known.chain(extra));
            }
        }
    }

    fn sources(&mut self, entry: &Entry) {
        let Node::Table(members) = &entry.node else { return self.not_a_section("sources", entry.line, &entry.node) };
        for (name, member) in members {
            let Some(system) = key::sources().find(|system| system.as_str() == name) else {
                let words = key::sources().map(System::as_str);
                let hint = nearest(name, words.clone()).map_or_else(
                    || format!("sources are: {}", words.collect::<Vec<_>>().join(" ")),
                    |meant| format!("did you mean [sources.{meant}]?"),
                );
                self.out.add(member.line, Problem::usage(format!("unknown source `{name}`")).hint(hint));
                continue;
            };
            let path = format!("sources.{name}");
            let Node::Table(keys) = &member.node else {
                self.not_a_section(&path, member.line, &member.node);
                continue;
            };
            self.system = Some(system);
            for (name, entry) in keys {
                match key::source_keys(system).find(|key| key.name == name) {
                    Some(key) => self.value(key.name, key.kind, entry),
                    None => {
                        let known = key::source_keys(system).map(|key| key.name);
                        self.unknown(name, entry, &path, known);
                    }
                }
            }
            self.system = None;
        }
    }

    fn unknown(&mut self, name: &str, entry: &Entry, path: &str, known: impl Iterator<Item = &'static str> + Clone) {
        if is_credential_name(name) && matches!(entry.node, Node::Text(_) | Node::List(_)) {
            let field = if name.contains("secret") { "webhook_secret" } else { "api_key" };
            self.out.add(entry.line, credential(name, self.system, field));
            return;
        }
        let what = format!("unknown key `{name}` {}", shown(path));
        let hint = if let Some(meant) = nearest(name, known.clone()) {
            format!("did you mean `{meant}`?")
        } else if let Some(home) = home(name, path) {
            home
        } else {
            let known: Vec<_> = known.collect();
            if known.is_empty() { "remove the line".to_owned() } else { format!("known here: {}", known.join(" ")) }
        };
        self.out.add(entry.line, Problem::usage(what).hint(hint));
    }

    fn value(&mut self, name: &str, kind: Kind, entry: &Entry) {
        match &entry.node {
            Node::Text(text) if looks_secret(text) && !matches!(kind, Kind::Sql) => {
                let field = if text.starts_with("whsec_") { "webhook_secret" } else { "api_key" };
                self.out.add(entry.line, credential(name, self.system, field));
            }
            Node::Text(text) if text.trim().is_empty() && kind != Kind::Version => {
                let problem = Problem::usage(format!("`{name}` is empty"));
                self.out.add(entry.line, problem.hint("give it a value, or remove the line"));
            }
            Node::Text(text) => {
                if let Err(refusal) = self.text(kind, text) {
                    self.refuse(name, entry.line, refusal);
                }
            }
            Node::Flag(_) if kind == Kind::Flag => {}
            Node::Number(1) if kind == Kind::Version => {}
            Node::Number(version) if kind == Kind::Version => {
                let what = format!("this file is of version {version}; this trueup reads version 1");
                self.out.add(entry.line, Problem::usage(what).hint("write version = 1, or use a newer trueup"));
            }
            Node::List(elements) if matches!(kind, Kind::Texts | Kind::Conditions) => {
                for element in elements {
                    match &element.node {
                        Node::Text(_) => self.value(name, kind, element),
                        node => self.wrong(name, kind, element.line, node),
                    }
                }
            }
            node => self.wrong(name, kind, entry.line, node),
        }
    }

    fn text(&self, kind: Kind, text: &str) -> Result<(), Refusal> {
        match kind {
            Kind::Text | Kind::Sql | Kind::File | Kind::Texts => Ok(()),
            Kind::Version => Err(Refusal { what: "is a number, not a text".into(), hint: "write version = 1".into() }),
            Kind::Flag => Err(Refusal {
                what: "is true or false, not a text".into(),
                hint: "write it without quotes: true or false".into(),
            }),
            Kind::Word(words) if words.contains(&text) => Ok(()),
            Kind::Word(words) => Err(Refusal {
                what: format!("does not know `{}`", clip(text)),
                hint: nearest(text, words.iter().copied()).map_or_else(
                    || format!("one of: {}", words.join(" ")),
                    |meant| format!("did you mean \"{meant}\"? One of: {}", words.join(" ")),
                ),
            }),
            Kind::Duration(least) => match value::duration(text) {
                Ok(ms) if ms < least => Err(Refusal {
                    what: "is too short".into(),
                    hint: format!("the least is \"{}\"", value::spell(least)),
                }),
                other => other.map(|_| ()),
            },
            Kind::Database => value::database(text, self.folder).map(|_| ()),
            Kind::Safe => value::safe_link(text).map(|_| ()),
            Kind::Link => value::link(text).map(|_| ()),
            Kind::Conditions => value::condition(text).map(|_| ()),
            Kind::Listen => value::listen(text),
        }
    }

    fn refuse(&mut self, name: &str, line: usize, refusal: Refusal) {
        let joint = if refusal.what.starts_with("is ") || refusal.what.starts_with("does ") { "" } else { ":" };
        let what = format!("`{name}`{joint} {}", refusal.what);
        self.out.add(line, Problem::usage(what).hint(refusal.hint));
    }

    fn wrong(&mut self, name: &str, kind: Kind, line: usize, node: &Node) {
        let (wanted, hint) = match kind {
            Kind::Version => ("a number", "write version = 1".to_owned()),
            Kind::Flag => ("true or false", format!("write {name} = true or {name} = false")),
            Kind::Duration(_) => match node {
                Node::Number(n) => ("a text with a unit", format!("write {name} = \"{n}s\" if you mean seconds")),
                _ => ("a text with a unit", format!("write {name} = \"60s\"")),
            },
            Kind::Texts => ("a text or a list of texts", format!("write {name} = [\"one\", \"two\"]")),
            Kind::Conditions => ("a list of conditions", format!("write {name} = [\"status = 200\"]")),
            Kind::Listen => ("a text", format!("write {name} = \"127.0.0.1:8787\"")),
            _ => ("a text", format!("write {name} = \"...\"")),
        };
        self.out.add(line, Problem::usage(format!("`{name}` is {wanted}, not {}", node.kind())).hint(hint));
    }
}

/// Where a key of that name does belong.
fn home(name: &str, path: &str) -> Option<String> {
    let section = SECTIONS.iter().find(|s| s.path != path && s.keys.iter().any(|key: &Key| key.name == name));
    if let Some(section) = section.filter(|s| s.shape != Shape::List || !path.starts_with("sources")) {
        return Some(if section.path.is_empty() {
            format!("`{name}` belongs at the top, before the first [section]")
        } else {
            format!("`{name}` belongs in [{}]", section.path)
        });
    }
    let owners: Vec<_> = key::sources()
        .filter(|system| key::own_keys(*system).iter().any(|key| key.name == name))
        .map(|system| format!("[sources.{system}]"))
        .collect();
    if !owners.is_empty() {
        return Some(format!("`{name}` belongs in {}", owners.join(" or ")));
    }
    SECTIONS
        .iter()
        .find(|s| s.path == name || s.path.ends_with(&format!(".{name}")))
        .map(|s| format!("the section is [{}]", s.path))
}

const SECRET_NAMES: &[&str] = &["api_key", "apikey", "secret", "token", "password", "private_key", "credential"];
const SECRET_VALUES: &[&str] =
    &["sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_", "pat-na", "pat-eu", "pdl_live_", "pdl_sdbx_", "ghp_"];

fn is_credential_name(name: &str) -> bool {
    let name = name.to_lowercase();
    !name.ends_with("_file") && SECRET_NAMES.iter().any(|secret| name.contains(secret))
}

fn looks_secret(text: &str) -> bool {
    SECRET_VALUES.iter().any(|prefix| text.starts_with(prefix))
}

fn credential(name: &str, system: Option<System>, field: &str) -> Problem {
    let source = system.map_or("SOURCE", System::as_str);
    let option = if field == "api_key" { String::new() } else { format!(" --field {field}") };
    Problem::usage(format!("`{name}` holds a credential; credentials never stand in this file"))
        .why("the file is read, copied and shared by people and programs")
        .hint(format!(
            "take it out, then run `trueup login {source}{option}`, or set TRUEUP_{}_{}, or name a file of mode 0600: {field}_file = \"...\"; replace the credential if the file was shared",
            source.to_uppercase(),
            field.to_uppercase(),
        ))
}

/// The beginning of a word that somebody wrote, for a complaint.
fn clip(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}
