//! The real binary in a folder of its own: what it prints, where, and with which code.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod silence;
mod world;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use trueup::domain::{Batch, DeliveryState, SourceState, System, Verdict};
use world::{World, delivery, filled, now};

const PLAIN: &str = "version = 1\nname = \"Harbor & Pine\"\nenvironment = \"staging\"\n";
const CONFIGURED: &str = "version = 1\nname = \"Harbor & Pine\"\nenvironment = \"staging\"\n\
    [portal]\nurl = \"sqlite:portal.db\"\n[portal.customers]\nquery = \"select id, email from users\"\n\
    [sources.stripe]\nmode = \"test\"\n";

#[test]
fn a_broken_configuration_is_told_whole_and_nothing_is_asked() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    let config = format!(
        "version = 1\nenviroment = \"staging\"\n[sources.stripe]\nbase_url = \"http://127.0.0.1:{port}\"\nmod = \"test\"\n[acting]\nallow = \"no\"\n"
    );
    let world = World::new(&config);
    for words in [
        &["status"][..],
        &["list", "customers"],
        &["find", "ana"],
        &["show", "customer", "1"],
        &["tail"],
        &["doctor"],
        &["list", "customers", "--json"],
    ] {
        let said = world.run(words);
        assert_eq!(said.code, 2, "{words:?}: {}{}", said.out, said.err);
        let told = format!("{}{}", said.out, said.err);
        for place in ["config.toml:2", "config.toml:5", "config.toml:7", "environment", "`mode`"] {
            assert!(told.contains(place), "{words:?} lacks {place}: {told}");
        }
    }
    assert!(listener.accept().is_err(), "a network call was made");
    assert!(!world.home.join("trueup.db").exists(), "a store was made");
}

#[test]
fn a_missing_configuration_says_where_it_was_looked_for_and_what_to_do() {
    let world = World::new(PLAIN);
    std::fs::remove_file(world.home.join("config.toml")).unwrap();
    let said = world.run(&["status"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("config.toml") && said.err.contains("trueup init"), "{}", said.err);
    let said = world.run(&["--config", "other.toml", "status"]);
    assert!(said.code == 2 && said.err.contains("other.toml") && said.err.contains("--config"), "{}", said.err);
}

#[test]
fn help_is_short_or_whole_and_lists_every_command_and_code() {
    let world = World::new(PLAIN);
    let (short, whole) = (world.run(&["-h"]), world.run(&["--help"]));
    assert_eq!((short.code, whole.code), (0, 0));
    for command in [
        "demo",
        "sim",
        "init",
        "login",
        "logout",
        "doctor",
        "sync",
        "status",
        "find",
        "list",
        "show",
        "tail",
        "keys",
        "views",
        "completions",
        "man",
    ] {
        assert!(short.out.contains(&format!("  {command} ")), "{command}");
    }
    for later in ["apply", "undo", "serve", "launch", "audit"] {
        assert!(!whole.out.contains(&format!("  {later} ")), "{later} does not work yet");
    }
    assert!(whole.out.contains("Exit codes:") && whole.out.contains("70  a bug"), "{}", whole.out);
    assert!(!short.out.contains("Exit codes:\n") && short.out.len() < whole.out.len());
    assert_eq!(world.run(&["--version"]).out.trim(), format!("trueup {}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_usage_ends_with_2_and_names_what_was_meant() {
    let world = World::new(PLAIN);
    for (words, meant) in [
        (&["lsit", "customers"][..], "list"),
        (&["list", "mismatchs"], "mismatches"),
        (&["list", "customers", "--limt", "3"], "--limit"),
        (&["show", "customr", "1"], "customer"),
        (&["login", "strpe"], "stripe"),
        (&["list", "customers", "--where", "stat = trial"], "state"),
        (&["list", "customers", "--sort", "updated"], "updated_at"),
        (&["sync"], "--once"),
        (&["find", " "], "look for"),
    ] {
        let said = world.run(words);
        assert_eq!(said.code, 2, "{words:?}: {}", said.err);
        assert!(said.err.contains(meant) && said.out.is_empty(), "{words:?}: {}", said.err);
    }
    let said = world.run(&["list", "customers", "--where", "nmae = x", "--where", "state > > 3"]);
    assert_eq!(said.err.matches("error:").count(), 2, "{}", said.err);
}

#[test]
fn completions_and_the_manual_are_made_for_every_command() {
    let world = World::new(PLAIN);
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let said = world.run(&["completions", shell]);
        assert!(said.code == 0 && said.out.contains("tail") && said.out.contains("no-input"), "{shell}");
        assert!(!["bash", "zsh"].contains(&shell) || said.out.contains("mismatches"), "{shell} knows the datasets");
    }
    let said = world.run(&["man"]);
    assert_eq!(said.code, 0);
    for part in [".TH trueup", "trueup\\-list", "trueup\\-doctor", "Exit codes"] {
        assert!(said.out.contains(part), "{part}");
    }
}

#[test]
fn the_fields_of_every_dataset_are_printed() {
    let world = World::new("this is not TOML");
    for dataset in trueup::domain::Dataset::ALL {
        let human = world.run(&["views", "fields", dataset.as_str()]);
        let json = world.run(&["views", "fields", dataset.as_str(), "--json"]);
        assert_eq!((human.code, json.code), (0, 0), "needs no configuration");
        let fields = json.json()[0]["fields"].as_array().unwrap().len();
        assert_eq!(fields, dataset.fields().len());
        assert_eq!(human.out.lines().count(), fields + 1);
    }
}

#[test]
fn an_empty_store_lists_nothing_and_is_fine() {
    let world = World::new(PLAIN);
    for dataset in trueup::domain::Dataset::WORDS {
        let said = world.run(&["list", dataset]);
        assert_eq!((said.code, said.out.as_str()), (0, ""), "{dataset}: {}", said.err);
        assert!(said.err.contains(&format!("no {dataset} yet")), "{}", said.err);
        let said = world.run(&["list", dataset, "--json"]);
        assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (0, "", ""), "{dataset}");
    }
    assert!(world.home.join("trueup.db").exists());
    let said = world.run(&["status", "--json"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert_eq!(said.json()[0]["environment"], "staging");
}

#[test]
fn sources_that_were_never_asked_are_missing_evidence_not_peace() {
    let world = World::new(CONFIGURED);
    let said = world.run(&["status"]);
    assert_eq!(said.code, 3, "{}", said.out);
    assert!(said.out.contains("0 of 2 answer"), "{}", said.out);
    assert!(!said.out.contains('✓'), "nothing that was not read is fine: {}", said.out);
}

#[tokio::test]
async fn the_code_says_whether_something_is_open_or_cannot_be_told() {
    for (verdict, stripe, code) in [
        (Verdict::Disagree, SourceState::Ok, 1),
        (Verdict::Settling, SourceState::Ok, 0),
        (Verdict::Unknown, SourceState::Ok, 1),
        (Verdict::Unknown, SourceState::Down, 3),
        (Verdict::Disagree, SourceState::Down, 3),
        (Verdict::Settling, SourceState::Failed, 3),
    ] {
        let world = World::new(CONFIGURED);
        filled(&world, verdict, stripe).await;
        let list = world.run(&["list", "mismatches", "--json"]);
        assert_eq!(list.code, code, "list {verdict} {stripe}: {}", list.err);
        let status = world.run(&["status"]);
        assert_eq!(status.code, code, "status {verdict} {stripe}: {}{}", status.out, status.err);
        assert_eq!(world.run(&["list", "customers"]).code, 0);
    }
}

#[tokio::test]
async fn three_is_for_sources_that_do_not_answer_and_not_for_what_is_merely_unknown() {
    for (stripe, code) in
        [(SourceState::Collecting, 1), (SourceState::Partial, 3), (SourceState::Waiting, 3), (SourceState::Failed, 3)]
    {
        let world = World::new(CONFIGURED);
        filled(&world, Verdict::Unknown, stripe).await;
        for words in [&["status"][..], &["list", "mismatches"]] {
            assert_eq!(world.run(words).code, code, "{words:?} with {stripe}");
        }
    }
    let world = World::new(CONFIGURED);
    assert_eq!(world.run(&["list", "mismatches"]).code, 3, "nobody was asked yet, so an empty list is no peace");
    for topic in ["status", "list", "sync"] {
        let page = world.run(&["help", topic]).out;
        let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(page.contains("3 when a source did not answer or refused us"), "{topic}: {page}");
        assert!(
            page.contains("a verdict that is unknown") && page.contains("while all sources answer"),
            "{topic}: {page}"
        );
    }
}

#[tokio::test]
async fn json_has_the_shapes_of_the_contract() {
    let world = World::new(CONFIGURED);
    filled(&world, Verdict::Disagree, SourceState::Ok).await;
    for (words, fields) in [
        (&["list", "customers"][..], "id email name state plan systems verdict mismatches money updated_at"),
        (
            &["list", "mismatches"],
            "id class severity verdict customer email since systems money explanation next_step intent",
        ),
        (
            &["list", "deliveries"],
            "id source event_id type state received_at attempts status latency_ms customer deploy reason",
        ),
        (&["list", "checks"], "name kind target state since latency_ms reason fix"),
        (&["list", "sources"], "name kind state seen_at lag_ms rate_left problem"),
        (
            &["status"],
            "environment sources mismatches customers_blocked money_at_risk webhooks jobs checks zero_touch paid_to_access_p95_ms",
        ),
        (&["find", "ana@duarte.example"], "id email name state plan systems verdict by"),
        (&["show", "customer", "1182"], "id email systems open timeline"),
        (&["show", "mismatch", "paid_blocked:1182"], "id class explanation"),
        (&["show", "delivery", "stripe:evt_2"], "id event_id type"),
        (&["show", "check", "login page"], "name state"),
    ] {
        let mut words = words.to_vec();
        words.push("--json");
        let said = world.run(&words);
        let rows = said.json();
        assert!(!rows.is_empty(), "{words:?}: {}", said.err);
        for row in &rows {
            for field in fields.split(' ') {
                assert!(row.get(field).is_some(), "{words:?} has no {field}: {row}");
                assert_ne!(row[field], "", "{words:?} {field} is absent, never empty");
            }
        }
    }
    let customer = &world.run(&["list", "customers", "--json"]).json()[0];
    for field in ["system", "id", "state", "plan", "match", "confidence", "seen_at"] {
        assert!(customer["systems"][0].get(field).is_some(), "{field}");
    }
    assert_eq!(customer["money"], serde_json::json!({"amount": 4900, "currency": "usd", "per": "month"}));
    assert_eq!(world.run(&["list", "deliveries", "--json", "--where", "state = failed"]).json().len(), 1);
    assert_eq!(world.run(&["list", "deliveries", "--json", "--limit", "2"]).json().len(), 2);
    let sorted = world.run(&["list", "deliveries", "--json", "--sort", "received_at"]).json();
    assert_eq!(sorted[0]["event_id"], "evt_1");
}

#[tokio::test]
async fn tables_are_for_people_and_plain_text_is_whole() {
    let world = World::new(CONFIGURED);
    filled(&world, Verdict::Disagree, SourceState::Ok).await;
    let human = world.run(&["list", "mismatches"]);
    for part in ["✗ critical", "Ana Duarte", "paid, but locked out", "$49/mo", "3h", "paid_blocked:1182"] {
        assert!(human.out.contains(part), "{part}: {}", human.out);
    }
    assert!(!human.out.contains('\u{1b}'), "no colour without a terminal");

    let plain = world.run(&["list", "mismatches", "--plain"]);
    assert!(!plain.out.contains('✗') && plain.out.contains("critical"), "{}", plain.out);
    assert!(plain.out.contains('Z') && !plain.out.contains(" 3h "), "exact times: {}", plain.out);

    let customer = world.run(&["show", "customer", "1182"]);
    for part in [
        "Ana \u{241b}[31mDuarte",
        "paid, but locked out",
        "She paid",
        "next: set the portal",
        "stored link (certain)",
        "trial ✗",
    ] {
        assert!(customer.out.contains(part), "{part}: {}", customer.out);
    }
    assert_eq!(world.run(&["show", "customer", "ana@duarte.example"]).code, 0, "anything that finds one will do");
    let nobody = world.run(&["show", "customer", "nobody"]);
    assert!(nobody.code == 2 && nobody.err.contains("trueup find"), "{}", nobody.err);

    let status = world.run(&["status"]);
    for part in ["Harbor & Pine", "STAGING", "read-only", "1 locked out", "$49/mo at risk", "2 of 2 answer"] {
        assert!(status.out.contains(part), "{part}: {}", status.out);
    }
}

#[tokio::test]
async fn colour_only_where_it_is_wanted() {
    use portable_pty::{CommandBuilder, PtySize, native_pty_system};
    let world = World::new(CONFIGURED);
    filled(&world, Verdict::Disagree, SourceState::Ok).await;
    let shown = |words: &[&str], set: &[(&str, &str)]| {
        let pty = native_pty_system().openpty(PtySize { rows: 24, cols: 80, ..PtySize::default() }).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_trueup"));
        command.args(words);
        command.env_clear();
        command.env("TRUEUP_HOME", &world.home);
        command.env("TERM", "xterm");
        set.iter().for_each(|(name, value)| command.env(name, value));
        let mut child = pty.slave.spawn_command(command).unwrap();
        drop(pty.slave);
        let mut text = String::new();
        let _ = pty.master.try_clone_reader().unwrap().read_to_string(&mut text);
        child.wait().unwrap();
        text
    };
    let words = &["list", "mismatches"];
    let coloured = shown(words, &[]);
    assert!(coloured.contains("\u{1b}[1;31m✗ critical"), "{coloured}");
    assert!(coloured.contains("paid_blocked:1182") && !coloured.contains("Stripe active"), "columns go: {coloured}");
    for set in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let text = shown(words, &[set]);
        assert!(text.contains("✗ critical") && !text.contains('\u{1b}'), "{set:?}: {text}");
    }
    assert!(shown(words, &[("NO_COLOR", "")]).contains('\u{1b}'), "an empty NO_COLOR says nothing");
    assert!(!shown(&["list", "mismatches", "--plain"], &[]).contains('\u{1b}'));
}

#[tokio::test]
async fn a_reader_that_goes_away_ends_it_quietly() {
    let world = World::new(PLAIN);
    let store = world.store().await;
    let deliveries = (0..3000).map(|n| delivery(&format!("evt_{n}"), DeliveryState::Delivered, n)).collect();
    store.commit(System::Stripe, &Batch { deliveries, ..Batch::default() }, now()).await.unwrap();
    store.close().await;
    let mut child = world.command(&["list", "deliveries", "--json"]).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    out.read_line(&mut first).unwrap();
    drop(out);
    let said: world::Said = child.wait_with_output().unwrap().into();
    assert!(first.contains("evt_0"), "{first}");
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    assert_eq!(world.run(&["list", "deliveries", "--json"]).json().len(), 3000, "every page, every row once");
}

#[cfg(unix)]
#[tokio::test]
async fn tail_prints_what_happens_and_ends_when_it_is_interrupted() {
    let world = World::new(PLAIN);
    filled(&world, Verdict::Agree, SourceState::Ok).await;
    let mut child = world.command(&["tail", "--json", "-n", "1", "--where", "source = stripe"]).spawn().unwrap();
    let (send, lines) = std::sync::mpsc::channel();
    let out = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || out.lines().map_while(Result::ok).for_each(|line| drop(send.send(line))));
    let next = || {
        let line = lines.recv_timeout(Duration::from_secs(20)).expect("a line");
        let row: serde_json::Value = serde_json::from_str(&line).unwrap();
        (row["event_id"].as_str().unwrap().to_owned(), row["state"].as_str().unwrap().to_owned())
    };
    assert_eq!(next(), ("evt_3".into(), "retrying".into()));

    let store = world.store().await;
    let commit = async |row| {
        let batch = Batch { deliveries: vec![row], ..Batch::default() };
        store.commit(System::Stripe, &batch, now()).await.unwrap();
    };
    commit(delivery("evt_4", DeliveryState::Pending, 0)).await;
    assert_eq!(next(), ("evt_4".into(), "pending".into()));
    commit(delivery("evt_2", DeliveryState::Delivered, 30_000)).await;
    assert_eq!(next(), ("evt_2".into(), "delivered".into()), "an old one that changes is told again");

    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let began = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(5));
    assert!(lines.recv_timeout(Duration::from_millis(100)).is_err(), "nothing is printed twice");
}

#[test]
fn doctor_names_everything_with_its_fix() {
    let world = World::new("version = 1\nname = \"x\"\n[sources.hubspot]\n[sources.pipedrive]\n");
    let said = world.run(&["doctor"]);
    for part in
        ["config.toml", "no portal is configured", "trueup init", "crm = \"hubspot\"", "can be read and written"]
    {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    let json = world.run(&["doctor", "--json"]);
    let answer = &json.json()[0];
    assert!(answer["findings"].as_array().unwrap().iter().any(|f| f["area"] == "store" && f["state"] == "pass"));

    let world =
        World::new("[sources.stripe]\nbase_url = \"http://127.0.0.1:1\"\n[sources.hubspot]\napi_key_file = \"key\"\n");
    let mut command = world.command(&["doctor"]);
    let said: world::Said = command.env("TRUEUP_STRIPE_API_KEY", "sk_test_CANARYCANARY").output().unwrap().into();
    assert_eq!(said.code, 2, "{}{}", said.out, said.err);
    for part in ["the Stripe key is of test mode", "mode = \"test\"", "hubspot api_key", "key cannot be read"] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    assert!(!format!("{}{}", said.out, said.err).contains("CANARY"));
    let mut command = world.command(&["doctor"]);
    let said: world::Said = command.env("TRUEUP_STRIPE_API_KEY", "rk_live_CANARYCANARY").output().unwrap().into();
    assert!(said.out.contains("environment variable TRUEUP_STRIPE_API_KEY, live key (rk_live_...)"), "{}", said.out);

    let world = World::new("vresion = 1\n[store]\nurl = 3\n");
    let said = world.run(&["doctor", "--json"]);
    let answer = &said.json()[0];
    assert_eq!((said.code, answer["ok"].as_bool()), (2, Some(false)));
    assert_eq!(answer["findings"].as_array().unwrap().len(), 2);
}

#[test]
fn a_secret_comes_from_standard_input_and_is_never_printed() {
    let world = World::new(PLAIN);
    let give = |words: &[&str], secret: &str| {
        let mut child = world.command(words).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
        world::Said::from(child.wait_with_output().unwrap())
    };
    for (words, secret, why) in [
        (&["login", "stripe"][..], "pk_live_CANARY\n", "publishable"),
        (&["login", "stripe"], "whsec_CANARY", "--field webhook_secret"),
        (&["login", "stripe"], "sk_live CANARY", "white space"),
        (&["login", "hubspot"], "  \n", "empty"),
    ] {
        let said = give(words, secret);
        assert_eq!(said.code, 2, "{words:?}");
        assert!(said.err.contains(why), "{words:?}: {}", said.err);
        assert!(!format!("{}{}", said.out, said.err).contains("CANARY"));
    }
    // There is no keyring here: the answer comes soon and says what helps.
    #[cfg(target_os = "linux")]
    {
        let began = Instant::now();
        let said = give(&["login", "stripe"], "sk_live_CANARY");
        assert!(said.code == 3 && said.err.contains("TRUEUP_STRIPE_API_KEY"), "{}: {}", said.code, said.err);
        assert!(began.elapsed() < Duration::from_secs(8) && !said.err.contains("CANARY"));
    }
    let said = give(&["login", "stripe"], "sk_test_CANARY");
    assert!(said.code == 2 && said.err.contains("test mode"), "{}", said.err);
    let said = world.run(&["login", "stripe", "sk_live_CANARY"]);
    assert_eq!(said.code, 2, "a secret is not an argument");
}

#[cfg(target_os = "linux")]
#[test]
fn a_secret_typed_at_a_terminal_is_not_shown() {
    use portable_pty::{CommandBuilder, PtySize, native_pty_system};
    let world = World::new(PLAIN);
    for (typed, code) in [("sk_test_CANARY\r", 2), ("pk_x\x15sk_test_CANARX\x7fY\r", 2), ("CANARY\x03", 5)] {
        let pty = native_pty_system().openpty(PtySize::default()).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_trueup"));
        command.args(["login", "stripe"]);
        command.env_clear();
        command.env("TRUEUP_HOME", &world.home);
        let mut child = pty.slave.spawn_command(command).unwrap();
        drop(pty.slave);
        let mut reader = pty.master.try_clone_reader().unwrap();
        let mut writer = pty.master.take_writer().unwrap();
        let (mut text, mut part) = (String::new(), [0; 4096]);
        let mut given = false;
        while let Ok(read @ 1..) = reader.read(&mut part) {
            text.push_str(&String::from_utf8_lossy(&part[..read]));
            if text.contains("not shown") && !given {
                given = true;
                writer.write_all(typed.as_bytes()).unwrap();
            }
        }
        assert_eq!(child.wait().unwrap().exit_code(), code, "{text}");
        assert!(given && !text.contains("CANAR"), "{text}");
        assert!(code == 5 || text.contains("test mode"), "the key arrived whole: {text}");
    }
    let said = world.run(&["login", "stripe", "--no-input"]);
    assert_eq!(said.code, 2, "nothing on standard input: {}", said.err);
}

#[test]
fn every_way_of_naming_the_store_works() {
    let world = World::new(PLAIN);
    assert_eq!(world.run(&["--store", "sqlite:here.db", "status"]).code, 0);
    assert!(world.home.join("here.db").exists());
    let mut command = world.command(&["status"]);
    let said: world::Said = command.env("TRUEUP_STORE_URL", "sqlite:sub/folder/env.db").output().unwrap().into();
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(world.home.join("sub/folder/env.db").exists());
    let said = world.run(&["--store", "redis://x", "status"]);
    assert!(said.code == 2 && said.err.contains("--store"), "{}", said.err);
}
