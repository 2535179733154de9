//! Good files load; every bad file gets exactly the complaint that stands beside it; the example is the table.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use trueup::config::settings::{Access, Environment, JobsQuery};
use trueup::config::{Inputs, Settings, example, load, write};
use trueup::domain::{Problem, State, System};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(name)
}

fn files(name: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder(name))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    files.sort();
    files
}

struct World {
    variables: BTreeMap<&'static str, String>,
    files: BTreeMap<PathBuf, String>,
}

impl World {
    fn new(variables: &[(&'static str, &str)], files: &[(&str, &str)]) -> Self {
        Self {
            variables: variables.iter().map(|(k, v)| (*k, (*v).to_owned())).collect(),
            files: files.iter().map(|(k, v)| (PathBuf::from(k), (*v).to_owned())).collect(),
        }
    }

    fn load(&self, config: Option<&str>, store: Option<&str>) -> Result<Settings, Vec<Problem>> {
        load::load(&Inputs {
            config: config.map(Path::new),
            store,
            env: &|name| self.variables.get(name).cloned(),
            read: &|path| Ok(self.files.get(path).cloned()),
            here: Path::new("/here"),
            config_folder: Some(Path::new("/conf/trueup")),
            data_folder: Some(Path::new("/data/trueup")),
        })
    }
}

fn text(text: &str) -> Result<Settings, Vec<Problem>> {
    World::new(&[], &[("/here/config.toml", text)]).load(Some("config.toml"), None)
}

fn told(problems: &[Problem]) -> String {
    problems.iter().map(|p| format!("{p}\n")).collect::<String>().replace("/here/", "")
}

#[test]
fn every_good_file_loads() {
    let files = files("good");
    assert!(files.len() >= 4);
    for file in files {
        let read = std::fs::read_to_string(&file).unwrap();
        if let Err(problems) = text(&read) {
            panic!("{}:\n{}", file.display(), told(&problems));
        }
    }
}

#[test]
fn every_bad_file_gets_the_complaint_beside_it() {
    let files = files("bad");
    assert!(files.len() >= 12);
    let mut wrong = String::new();
    for file in files {
        let read = std::fs::read_to_string(&file).unwrap();
        let told = match text(&read) {
            Ok(_) => "it loads\n".to_owned(),
            Err(problems) => told(&problems),
        };
        let beside = file.with_extension("txt");
        if std::env::var_os("TRUEUP_BLESS").is_some() {
            std::fs::write(&beside, &told).unwrap();
        }
        let wanted = std::fs::read_to_string(&beside).unwrap_or_default();
        if wanted != told || told == "it loads\n" {
            wrong.push_str(&format!("== {}\n{told}-- wanted\n{wanted}\n", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_complaint_never_repeats_a_credential() {
    for file in files("bad") {
        let read = std::fs::read_to_string(&file).unwrap();
        for problem in text(&read).unwrap_err() {
            let told = format!("{problem} {}", serde_json::to_string(&problem).unwrap());
            assert!(!told.contains("CANARY"), "{}: {told}", file.display());
        }
    }
}

#[test]
fn the_example_is_the_table_and_loads_as_it_stands_and_with_everything_on() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.example.toml");
    if std::env::var_os("TRUEUP_BLESS").is_some() {
        std::fs::write(&path, example::example()).unwrap();
    }
    let stands = std::fs::read_to_string(path).unwrap();
    assert_eq!(stands, example::example(), "run the tests once with TRUEUP_BLESS=1");

    let shown = text(&stands).map_err(|p| told(&p)).unwrap();
    let empty = text("").unwrap();
    // What stands there switched on is the default: apart from it nothing is set.
    assert_eq!(shown.name, empty.name);
    assert_eq!(shown.environment, empty.environment);
    assert_eq!(shown.policy, empty.policy);
    assert_eq!(shown.acting, empty.acting);
    assert_eq!(shown.retention, empty.retention);
    assert_eq!(shown.listen, empty.listen);
    assert_eq!(shown.store, empty.store);
    assert!(shown.portal.is_none() && shown.sources.is_empty() && shown.checks.is_empty() && shown.plans.is_empty());

    let all = text(&example::switched_on(&stands)).map_err(|p| told(&p)).unwrap();
    assert_eq!(all.sources.len(), 10);
    let portal = all.portal.unwrap();
    assert_eq!(portal.every_ms, 5000);
    assert_eq!(portal.jobs, Some(JobsQuery::PgBoss));
    assert!(portal.customers.sql.starts_with("select u.id") && portal.tickets.is_some() && portal.deliveries.is_some());
    assert_eq!(portal.writes.len(), 5);
    assert_eq!(all.checks.len(), 1);

    // The defaults of a source and of a check, shown commented out, are what an empty section gets.
    let bare: String = all.sources.keys().map(|s| format!("[sources.{s}]\n")).collect();
    let bare = bare.replace("[sources.zendesk]\n", "[sources.zendesk]\nsubdomain = \"acme\"\n");
    let bare = text(&format!("{bare}\n[[checks]]\nname = \"a\"\nurl = \"https://a.example\"\n")).unwrap();
    for (system, source) in &all.sources {
        let default = &bare.sources[system];
        assert_eq!(source.base_url, default.base_url);
        assert_eq!(
            (source.every_ms, source.tolerance_ms, source.live),
            (default.every_ms, default.tolerance_ms, default.live)
        );
    }
    assert_eq!(all.checks[0].every_ms, bare.checks[0].every_ms);
    assert_eq!(all.checks[0].expect, bare.checks[0].expect);
}

#[test]
fn the_defaults_are_the_contracts() {
    let settings = text("").unwrap();
    assert_eq!(settings.environment, Environment::Production);
    assert_eq!(settings.policy.past_due, Access::Access);
    assert_eq!(settings.policy.unpaid, Access::NoAccess);
    assert_eq!(settings.policy.paused, Access::NoAccess);
    assert_eq!(settings.policy.incomplete, Access::NoAccess);
    assert_eq!(settings.policy.trialing, Access::Access);
    assert_eq!(settings.policy.canceled_in_period, Access::Access);
    assert_eq!(settings.policy.refunded, Access::NoAccess);
    assert!(!settings.acting.allow && settings.policy.auto.values().all(|on| !on));
    assert_eq!(settings.acting.role.as_str(), "admin");
    assert_eq!(settings.retention.deliveries_ms, 30 * 86_400_000);
    assert_eq!(settings.store.expose(), "sqlite:/data/trueup/trueup.db");
    let sources = text("[sources.stripe]\n[sources.hubspot]\n[sources.zendesk]\nsubdomain = 'acme'\n").unwrap().sources;
    assert_eq!(sources[&System::Stripe].every_ms, 20_000);
    assert_eq!(sources[&System::Hubspot].every_ms, 30_000);
    assert_eq!(sources[&System::Zendesk].every_ms, 60_000);
    assert_eq!(sources[&System::Zendesk].base_url, "https://acme.zendesk.com");
    assert!(sources.values().all(|s| s.live && s.tolerance_ms == 300_000));
}

#[test]
fn the_first_place_that_is_named_counts() {
    let named = |name: &str| format!("name = \"{name}\"\n");
    let (a, b, c, d) = (named("option"), named("variable"), named("home"), named("platform"));
    let all = [
        ("/here/a.toml", a.as_str()),
        ("/b/b.toml", b.as_str()),
        ("/home/t/config.toml", c.as_str()),
        ("/conf/trueup/config.toml", d.as_str()),
    ];
    let variables = [("TRUEUP_CONFIG", "/b/b.toml"), ("TRUEUP_HOME", "/home/t")];
    let name = |world: World, config| world.load(config, None).unwrap().name.as_str().to_owned();
    assert_eq!(name(World::new(&variables, &all), Some("a.toml")), "option");
    assert_eq!(name(World::new(&variables, &all), None), "variable");
    assert_eq!(name(World::new(&variables[1..], &all), None), "home");
    assert_eq!(name(World::new(&[], &all), None), "platform");

    // A folder that is named is never passed over for another profile's file.
    let missing = World::new(&[("TRUEUP_HOME", "/home/t")], &all[3..]).load(None, None).unwrap_err();
    assert!(missing[0].to_string().contains("/home/t/config.toml"), "{}", missing[0]);
    assert!(missing[0].to_string().contains("trueup init"), "{}", missing[0]);
}

#[test]
fn the_store_is_in_the_data_folder_unless_it_is_named() {
    let config = "[store]\nurl = 'sqlite:own.db'\n";
    let store = |variables: &[(&'static str, &str)], text: &str, option| {
        let world = World::new(variables, &[("/etc/acme/config.toml", text)]);
        world.load(Some("/etc/acme/config.toml"), option).unwrap().store.expose().to_owned()
    };
    assert_eq!(store(&[], "", None), "sqlite:/data/trueup/trueup.db");
    assert_eq!(store(&[("TRUEUP_HOME", "/h")], "", None), "sqlite:/h/trueup.db");
    assert_eq!(store(&[("TRUEUP_HOME", "/h")], config, None), "sqlite:/etc/acme/own.db");
    assert_eq!(store(&[("TRUEUP_STORE_URL", "postgres://db/x")], config, None), "postgres://db/x");
    assert_eq!(store(&[("TRUEUP_STORE_URL", "postgres://db/x")], config, Some("sqlite:t.db")), "sqlite:/here/t.db");
}

#[test]
fn the_portals_address_may_stand_in_the_environment_only() {
    let mapped = "[portal.customers]\nquery = 'select id, email from users'\n";
    let world = World::new(&[("TRUEUP_PORTAL_URL", "postgres://u:CANARY@db/acme")], &[("/here/c.toml", mapped)]);
    let portal = world.load(Some("c.toml"), None).unwrap().portal.unwrap();
    assert_eq!(portal.url.expose(), "postgres://u:CANARY@db/acme");
    assert!(!format!("{portal:?}").contains("CANARY"));
    assert_eq!(portal.customers.place.as_str(), "c.toml:2");

    let world = World::new(&[("TRUEUP_PORTAL_URL", "db:CANARY@acme")], &[("/here/c.toml", mapped)]);
    let problems = world.load(Some("c.toml"), None).unwrap_err();
    assert_eq!(problems[0].place.as_ref().unwrap().as_str(), "TRUEUP_PORTAL_URL");
    assert!(!told(&problems).contains("CANARY"));
}

#[test]
fn words_of_the_portal_are_compared_in_lower_case() {
    let settings = text(
        "[portal]\nurl = 'sqlite:p.db'\n[portal.customers]\nquery = 'select id, email from users;'\n\
         [portal.states]\nactive = ['ACTIVE', ' Paid ']\npast_due = 'Unpaid'\n",
    )
    .unwrap();
    let portal = settings.portal.unwrap();
    assert_eq!(portal.states.get("active"), Some(&State::Active));
    assert_eq!(portal.states.get("paid"), Some(&State::Active));
    assert_eq!(portal.states.get("unpaid"), Some(&State::PastDue));
    assert_eq!(portal.customers.sql, "select id, email from users");
    assert_eq!(portal.url.expose(), "sqlite:/here/p.db");
}

#[test]
fn a_new_file_loads_and_holds_what_was_asked_for() {
    let portal =
        "[portal]\nurl = \"sqlite:p.db\"\n\n[portal.customers]\nquery = '''\nselect id, email from users\n'''\n";
    let every: Vec<System> = System::ALL.to_vec();
    let file = write::starter("Harbor \"&\" Pine\n", Environment::Staging, portal, &every);
    let file = file.replace("CHANGE-ME", "acme");
    let settings = text(&file).map_err(|p| format!("{file}\n{}", told(&p))).unwrap();
    assert_eq!(settings.environment, Environment::Staging);
    assert!(settings.name.as_str().starts_with("Harbor \"&\" Pine"));
    assert_eq!(settings.sources.len(), 10);
    assert!(settings.portal.is_some());
    text(&write::starter("x", Environment::Production, "", &[])).unwrap();
}
