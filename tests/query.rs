//! The language for choosing and ordering rows: what it reads, what it prints, what it refuses, and how it orders.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::cmp::Ordering;
use std::collections::BTreeMap;

use proptest::prelude::*;
use trueup::domain::{
    Class, Customer, Dataset, Delivery, DeliveryState, FieldKind, Match, Mismatch, Money, Per, Row, Severity, State,
    System, SystemView, Text, Time, Verdict,
};
use trueup::query::{Expr, Literal, Op, Sort, Term, compare, nearest, parse, parse_sort};

fn now() -> Time {
    Time::parse("2026-11-23T12:00:00Z").unwrap()
}

fn mismatch() -> Mismatch {
    Mismatch {
        id: "paid_blocked:1182".into(),
        class: Class::PaidBlocked,
        severity: Severity::Critical,
        verdict: Verdict::Disagree,
        customer: Some("1182".into()),
        name: Some("Ana Duarte".into()),
        email: Some("Ana@Duarte.example".into()),
        since: now().plus_ms(-3 * 3_600_000),
        systems: BTreeMap::from([("portal".into(), "trial".into()), ("stripe".into(), "active".into())]),
        money: Some(Money::monthly(4900, "usd")),
        headline: "paid, but locked out".into(),
        evidence: "Stripe active, portal still trial".into(),
        explanation: "…".into(),
        next_step: "…".into(),
        intent: None,
        settles_at: None,
        rank: 7,
    }
}

fn holds(text: &str, row: &Row) -> bool {
    parse(row.dataset(), text).unwrap_or_else(|p| panic!("{text}: {p}")).matches(row, now())
}

#[test]
fn conditions_hold_or_not() {
    let row = Row::Mismatch(Box::new(mismatch()));
    let table = [
        ("", true),
        ("class = paid_blocked", true),
        ("class=PAID_BLOCKED", true),
        ("class in plan_differs, paid_blocked", true),
        ("class in (plan_differs,trial_overrun)", false),
        ("severity >= high", true),
        ("severity < critical", false),
        ("verdict != settling and severity = critical", true),
        ("since > 2h", true),
        ("since > 4h", false),
        ("since < 1d", true),
        ("since < 2026-11-23", false),
        ("since >= 2026-11-23T09:00:00Z", true),
        ("money >= 49.00", true),
        ("money > 49.00 usd", false),
        ("money > $48.99", true),
        ("money > 1 eur", false),
        ("money != 1 eur", true),
        ("money > 500 usd/year", true),
        ("name = 'ana duarte'", true),
        ("name ~ DUART", true),
        ("name = ana", false),
        ("email = ana@duarte.example", true),
        ("systems = stripe=active", true),
        ("systems ~ portal", true),
        ("systems = hubspot", false),
        ("systems != hubspot", true),
        ("intent = null", true),
        ("intent != null", false),
        ("intent != set_state", true),
        ("intent = set_state", false),
        ("intent ~ state", false),
        ("customer = 1182", true),
        ("rank < 10 and rank >= 7", true),
        ("duarte", true),
        ("Ana Duarte and severity = critical", true),
        ("paid, but locked", true),
        ("zendesk", false),
        ("\"class = x\"", false),
    ];
    for (text, wanted) in table {
        assert_eq!(holds(text, &row), wanted, "{text}");
    }
}

#[test]
fn an_absent_field_holds_only_for_not_equal_and_null() {
    let mut bare = mismatch();
    bare.money = None;
    bare.systems.clear();
    let row = Row::Mismatch(Box::new(bare));
    for text in ["money != 1", "money = null", "systems = null", "systems != stripe"] {
        assert!(holds(text, &row), "{text}");
    }
    for text in ["money = 1", "money < 1", "money > -1", "money in 1, 2", "money != null", "systems ~ s"] {
        assert!(!holds(text, &row), "{text}");
    }
}

#[test]
fn durations_are_compared_in_milliseconds() {
    let row = Row::Delivery(Box::new(Delivery {
        id: "stripe:evt_1".into(),
        source: System::Stripe,
        event_id: "evt_1".into(),
        kind: "invoice.paid".into(),
        state: DeliveryState::Failed,
        received_at: now().plus_ms(-90_000),
        attempts: Some(3),
        status: Some(500),
        latency_ms: Some(1200),
        customer: None,
        deploy: None,
        reason: None,
    }));
    for text in
        ["latency_ms > 800ms", "latency_ms < 2s", "latency_ms = 1200", "received_at < 2m", "status >= 500", "stripe"]
    {
        assert!(holds(text, &row), "{text}");
    }
}

#[test]
fn complaints_name_the_place_and_the_nearest_word() {
    let table = [
        ("severty = high", "column 1", "severity"),
        ("severity = hihg", "column 12", "`high`"),
        ("verdict = disagree and clas = x", "column 24", "`class`"),
        ("since > soon", "column 9", "since > 2h"),
        ("money > much", "column 9", "49.00"),
        ("money > 49.001", "column 9", "49.00"),
        ("rank = 1.5", "column 8", "rank = 3"),
        ("name < b", "column 1", "= != ~ in"),
        ("severity ~ hi", "column 1", "= != <"),
        ("severity =", "column 11", "severity = info"),
        ("severity in high,", "column 18", "severity in info"),
        ("severity in (high", "column 13", "severity in"),
        ("severity = high or severity = info", "column 17", "field in a, b"),
        ("name = Ana Duarte", "column 12", "quotes"),
        ("= high", "column 1", "class ="),
        ("severity = high and", "column 20", ""),
        ("name = \"Ana", "column 8", "close it"),
        ("since > null", "column 9", "since = null"),
        ("ana severity = high", "column 5", ""),
        ("rank = 99999999999999999999", "column 8", "rank = 3"),
        ("since > 99999999999999999w", "column 9", "2h"),
    ];
    for (text, place, hint) in table {
        let problem = parse(Dataset::Mismatches, text).expect_err(text);
        assert_eq!(problem.place.as_ref().map(Text::as_str), Some(place), "{text}: {problem}");
        assert!(problem.hint.as_ref().map_or("", Text::as_str).contains(hint), "{text}: {problem}");
    }
    let problem = parse(Dataset::Sources, "colour = red").expect_err("no such field");
    assert!(problem.hint.unwrap().as_str().contains("name kind state seen_at lag_ms rate_left problem"));
}

#[test]
fn slips_of_the_finger_are_recognised_and_strangers_are_not() {
    let words = ["state", "severity", "verdict", "since"];
    for (word, wanted) in [
        ("sevrity", Some("severity")),
        ("satte", Some("state")),
        ("VERDICT", Some("verdict")),
        ("sev", Some("severity")),
        ("colour", None),
        ("", None),
        ("x", None),
    ] {
        assert_eq!(nearest(word, words), wanted, "{word}");
    }
    assert_eq!(nearest(&"s".repeat(100_000), words), None);
}

#[test]
fn sorting_puts_the_absent_last_in_both_directions_and_breaks_ties_by_key() {
    let make = |id: &str, money: Option<i64>| {
        let mut m = mismatch();
        m.id = id.into();
        m.money = money.map(|amount| Money::monthly(amount, "usd"));
        Row::Mismatch(Box::new(m))
    };
    let mut rows = [make("d", None), make("b", Some(5)), make("a", Some(9)), make("c", Some(5))];
    let order = |rows: &mut [Row], text| {
        let sort = parse_sort(Dataset::Mismatches, text).unwrap();
        rows.sort_by(|a, b| compare(a, b, &sort));
        rows.iter().map(|r| r.key().as_str().to_owned()).collect::<String>()
    };
    assert_eq!(order(&mut rows, "money"), "bcad");
    assert_eq!(order(&mut rows, "-money"), "abcd");
    assert!(parse_sort(Dataset::Mismatches, "-mony").expect_err("typo").hint.unwrap().as_str().contains("`money`"));
}

// ---- properties ----

fn text() -> impl Strategy<Value = Text> {
    prop_oneof!["[a-zA-Z0-9@.\"'\\\\,() ]{1,12}", any::<String>(), Just("and".to_owned()), Just("null".to_owned())]
        .prop_map(Text::new)
}

fn money() -> impl Strategy<Value = Money> {
    let per = proptest::option::of(proptest::sample::select(Per::ALL));
    (-10_000_000..10_000_000_i64, proptest::sample::select(vec!["", "usd", "jpy", "kwd"]), per)
        .prop_map(|(amount, currency, per)| Money { amount, currency: currency.into(), per })
}

fn literal(kind: FieldKind) -> BoxedStrategy<Literal> {
    match kind {
        FieldKind::Text | FieldKind::List => text().prop_map(Literal::Text).boxed(),
        FieldKind::Number | FieldKind::Duration => any::<i64>().prop_map(Literal::Number).boxed(),
        FieldKind::Time => prop_oneof![
            (-62_000_000_000_000..250_000_000_000_000_i64).prop_map(|ms| Literal::Time(Time::from_ms(ms))),
            any::<i64>().prop_map(Literal::Age),
            (-1000..1000_i64).prop_map(|days| Literal::Age(days * 86_400_000)),
        ]
        .boxed(),
        FieldKind::Money => money().prop_map(Literal::Money).boxed(),
        FieldKind::Word(words) => (0..words.len()).prop_map(move |i| Literal::Word(words[i], i)).boxed(),
    }
}

fn term(dataset: Dataset) -> BoxedStrategy<Term> {
    let compare = proptest::sample::select(dataset.fields()).prop_flat_map(move |field| {
        let ops = match field.kind {
            FieldKind::Text | FieldKind::List => vec![Op::Eq, Op::Ne, Op::Contains, Op::In],
            _ => vec![Op::Eq, Op::Ne, Op::Lt, Op::Le, Op::Gt, Op::Ge, Op::In],
        };
        (proptest::sample::select(ops), proptest::collection::vec(literal(field.kind), 1..4), any::<bool>()).prop_map(
            move |(op, mut values, null)| {
                let field = dataset.field(field.name).unwrap();
                if op != Op::In {
                    values.truncate(1);
                }
                if null && matches!(op, Op::Eq | Op::Ne) {
                    values = vec![Literal::Null];
                }
                Term::Compare(field, op, values)
            },
        )
    });
    let word = text().prop_filter("not blank", |t| !t.as_str().trim().is_empty()).prop_map(Term::Any);
    prop_oneof![4 => compare, 1 => word].boxed()
}

fn customer() -> impl Strategy<Value = Row> {
    let maybe = || proptest::option::of("[a-cA-C]{0,2}");
    (("[a-e]", maybe(), maybe()), (0..5_usize, 0..4_usize), proptest::option::of(money()), (0..4_i64, 0..3_usize))
        .prop_map(|((id, email, plan), (state, verdict), money, (at, systems))| {
            let view = |system: &System| SystemView {
                system: *system,
                id: Some("x".into()),
                state: None,
                word: None,
                plan: None,
                email: None,
                matched: Some(Match::Own),
                confidence: None,
                seen_at: None,
                changed_at: None,
                note: None,
                wrong: vec![],
                unknown: None,
            };
            Row::Customer(Box::new(Customer {
                id: id.into(),
                email: email.map(Text::new),
                name: None,
                state: State::ALL[state],
                plan: plan.map(Text::new),
                systems: System::ALL.iter().take(systems).map(view).collect(),
                verdict: Verdict::ALL[verdict],
                mismatches: vec![],
                money,
                updated_at: (at > 0).then(|| Time::from_secs(at)),
            }))
        })
}

proptest! {
    #[test]
    fn what_is_printed_parses_back_to_the_same(
        (dataset, terms) in proptest::sample::select(Dataset::ALL)
            .prop_flat_map(|d| (Just(d), proptest::collection::vec(term(d), 0..4)))
    ) {
        let expr = Expr { terms };
        let printed = expr.to_string();
        prop_assert_eq!(parse(dataset, &printed).map_err(|p| format!("{printed}: {p}")), Ok(expr));
    }

    #[test]
    fn no_input_makes_the_parser_panic(raw in any::<String>()) {
        for dataset in Dataset::ALL {
            let _ = parse(*dataset, &raw);
        }
    }

    #[test]
    fn almost_good_input_never_panics_and_good_input_prints_stably(
        raw in "(state|since|money|systems|x|and|in|=|!=|>=|~|<| |,|\\(|\\)|\"|'|\\\\|2h|49|\\$|/mo|usd|null|é|active){0,12}"
    ) {
        if let Ok(expr) = parse(Dataset::Customers, &raw) {
            let printed = expr.to_string();
            prop_assert_eq!(parse(Dataset::Customers, &printed), Ok(expr), "{}", printed);
        }
    }

    #[test]
    fn ordering_is_total_and_transitive(
        a in customer(), b in customer(), c in customer(),
        field in proptest::sample::select(Dataset::Customers.fields()), descending in any::<bool>()
    ) {
        let sort = Sort { field: Dataset::Customers.field(field.name).unwrap(), descending };
        let order = |x: &Row, y: &Row| compare(x, y, &sort);
        prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
        prop_assert_eq!(order(&a, &a), Ordering::Equal);
        if order(&a, &b).is_le() && order(&b, &c).is_le() {
            prop_assert!(order(&a, &c).is_le());
        }
        if order(&a, &b).is_eq() {
            prop_assert_eq!(a.key(), b.key());
        }
    }

    #[test]
    fn a_condition_and_its_opposite_never_both_hold_nor_both_fail(row in customer(), wanted in "[a-cA-C]{1,2}") {
        let expr = |op: &str| parse(Dataset::Customers, &format!("plan {op} {wanted}")).unwrap();
        prop_assert_ne!(expr("=").matches(&row, now()), expr("!=").matches(&row, now()));
    }
}
