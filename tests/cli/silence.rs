//! A source that fell silent, in the list of mismatches: a person sees it once, a program sees every customer.

use trueup::domain::{Class, ClusterKey, Judgement, Severity, SourceState, System, Text, Verdict};

use crate::world::{World, ana, health, now};

const CONFIG: &str = "version = 1\nname = \"Harbor & Pine\"\n[sources.stripe]\nmode = \"test\"\n[sources.hubspot]\n";

/// Ana locked out, `dark` customers of whom HubSpot says nothing, and one whose state has no meaning.
async fn world(dark: usize) -> World {
    let world = World::new(CONFIG);
    let store = world.store().await;
    let unknown = |customer: usize, evidence: &str| {
        let mut judgement = ana(Verdict::Unknown);
        judgement.key = ClusterKey::Portal(Text::new(customer.to_string()));
        judgement.customer = None;
        let row = &mut judgement.mismatches[0];
        row.id = Text::new(format!("incomplete_evidence:{customer}:hubspot"));
        (row.class, row.severity, row.rank) = (Class::IncompleteEvidence, Severity::Warning, 100);
        row.name = Some(Text::new(format!("Customer {customer}")));
        row.since = now().plus_ms(-200_000);
        (row.headline, row.evidence) = ("cannot tell".into(), Text::new(evidence));
        judgement
    };
    let mut all: Vec<Judgement> = (0..dark).map(|n| unknown(n, "HubSpot does not answer (503)")).collect();
    all.push(unknown(90_000, "portal says \"frozen\""));
    all.push(ana(Verdict::Disagree));
    store.save_judgements(&all, None, now()).await.unwrap();
    store.save_source(&health(System::Stripe, SourceState::Ok), None, now()).await.unwrap();
    store.save_source(&health(System::Hubspot, SourceState::Down), None, now()).await.unwrap();
    store.close().await;
    world
}

#[tokio::test]
async fn a_person_sees_a_silent_source_once_with_the_number_of_customers() {
    // More than one page of the list.
    let world = world(1_234).await;
    let said = world.run(&["list", "mismatches"]);
    assert_eq!(said.code, 3, "{}", said.err);
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines.len(), 4, "title, Ana, the silence, the odd word: {}", said.out);
    assert!(lines[1].contains("Ana Duarte"), "the worst comes first: {}", lines[1]);
    let fold = lines.iter().find(|line| line.contains("HubSpot does not answer")).unwrap();
    for part in ["? unknown", "1,234 customers", "cannot tell", "3m", "--where 'class = incomplete_evidence'"] {
        assert!(fold.contains(part), "{part}: {fold}");
    }
    assert!(!fold.contains("$49"), "one customer's money is not that of all: {fold}");
    assert!(lines.iter().any(|line| line.contains("frozen") && line.contains("Customer 90000")), "{}", said.out);
    // What the line says shows them all.
    let each = world.run(&["list", "mismatches", "--where", "class = incomplete_evidence"]);
    assert_eq!(each.out.lines().count(), 1 + 1_235);
}

#[tokio::test]
async fn who_asks_for_single_rows_or_is_a_program_gets_every_row() {
    let world = world(5).await;
    let rows = |words: &[&str]| world.run(&[&["list", "mismatches"], words].concat()).out.lines().count();
    assert_eq!(rows(&[]), 1 + 3);
    assert_eq!(rows(&["--sort", "since"]), 1 + 3, "order alone asks for no single row");
    assert_eq!(rows(&["--json"]), 7);
    assert_eq!(rows(&["--plain"]), 1 + 7);
    assert_eq!(rows(&["--limit", "50"]), 1 + 7);
    assert_eq!(rows(&["--where", "verdict = unknown"]), 1 + 6);
}

#[tokio::test]
async fn a_few_customers_in_the_dark_are_named() {
    let said = world(3).await.run(&["list", "mismatches"]);
    assert!((0..3).all(|n| said.out.contains(&format!("Customer {n} "))), "{}", said.out);
}
