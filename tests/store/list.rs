//! Listing is filtering: the database gives exactly the rows that a plain filter over all rows gives.

use crate::place::*;
use trueup::domain::*;
use trueup::query::{Expr, Literal, Op, Sort, Term};
use trueup::store::Store;

on_both_engines! {
    a_list_is_a_plain_filter,
    every_field_of_every_dataset_can_be_asked_and_ordered_by,
    an_order_is_total_and_pages_neither_repeat_nor_leave_out,
    default_orders_are_by_harm_and_newest_first,
    datasets_that_are_not_kept_are_empty,
}

fn is(field: &str, op: Op, value: Literal) -> Term {
    Term::Compare(Dataset::Mismatches.field(field).expect("a field"), op, vec![value])
}

fn words(text: &str) -> Literal {
    Literal::Text(Text::new(text))
}

fn severity(word: Severity) -> Literal {
    let rank = Severity::ALL.iter().position(|s| *s == word).unwrap();
    Literal::Word(word.as_str(), rank)
}

fn money(amount: i64, currency: &str, per: Option<Per>) -> Money {
    Money { amount, currency: Text::new(currency), per }
}

fn some_mismatches() -> Vec<Mismatch> {
    let mut all = Vec::new();
    let names = [
        Some("Ana Duarte"),
        Some("KESTREL GmbH"),
        None,
        Some("100% _sure_"),
        Some("ÉLODIE Straße"),
        Some("o'Neill \\ co"),
    ];
    let cash = [
        Some(money(4900, "usd", Some(Per::Month))),
        Some(money(120_000, "eur", Some(Per::Year))),
        None,
        Some(money(4900, "eur", None)),
    ];
    for n in 0..48_usize {
        let mut row = mismatch(&format!("M{n:02}"), &format!("c{}", n % 5), Class::ALL[n % 20]);
        row.severity = Severity::ALL[n % 4];
        row.verdict = Verdict::ALL[n % 3];
        row.customer = (n % 7 != 0).then(|| Text::new(format!("C{}", n % 5)));
        row.name = names[n % names.len()].map(Text::new);
        row.since = at(-(n as i64) * 1800);
        row.money = cash[n % cash.len()].clone();
        row.rank = (n as i64 * 37) % 48;
        if n % 2 == 0 {
            row.systems.insert(Text::new("portal"), Text::new("Trial"));
            row.systems.insert(Text::new("stripe"), Text::new("active"));
        }
        all.push(row);
    }
    all
}

async fn filled(place: &Place) -> (Store, Vec<Mismatch>) {
    let store = place.open().await;
    let all = some_mismatches();
    let judgements: Vec<Judgement> = all.iter().map(|m| judged(m.id.as_str(), None, vec![m.clone()])).collect();
    store.save_judgements(&judgements, None, at(0)).await.unwrap();
    (store, all)
}

type Plain = Box<dyn Fn(&Mismatch) -> bool>;

fn lower(text: &Option<Text>) -> Option<String> {
    text.as_ref().map(|text| text.as_str().to_lowercase())
}

/// Expressions, each beside what it means in plain Rust.
fn matrix() -> Vec<(Vec<Term>, Plain)> {
    use Literal::{Age, Money as Cash, Null, Number, Time as When};
    let eur = |amount| money(amount, "eur", None);
    let any = |amount| money(amount, "", None);
    vec![
        (vec![], Box::new(|_| true)),
        (
            vec![is("name", Op::Eq, words("kestrel gmbh"))],
            Box::new(|m| lower(&m.name).as_deref() == Some("kestrel gmbh")),
        ),
        (
            vec![is("name", Op::Ne, words("Kestrel GMBH"))],
            Box::new(|m| lower(&m.name).as_deref() != Some("kestrel gmbh")),
        ),
        (vec![is("name", Op::Contains, words("élodie STRASSE"))], Box::new(|_| false)),
        (
            vec![is("name", Op::Contains, words("éLODIE"))],
            Box::new(|m| lower(&m.name).is_some_and(|n| n.contains("élodie"))),
        ),
        (vec![is("name", Op::Contains, words("% _"))], Box::new(|m| lower(&m.name).is_some_and(|n| n.contains("% _")))),
        (vec![is("name", Op::Contains, words("\\ "))], Box::new(|m| lower(&m.name).is_some_and(|n| n.contains("\\ ")))),
        (vec![is("name", Op::Contains, words("'"))], Box::new(|m| lower(&m.name).is_some_and(|n| n.contains('\'')))),
        (vec![is("name", Op::Gt, words("B"))], Box::new(|m| lower(&m.name).is_some_and(|n| n.as_str() > "b"))),
        (vec![is("name", Op::Eq, Null)], Box::new(|m| m.name.is_none())),
        (vec![is("name", Op::Ne, Null)], Box::new(|m| m.name.is_some())),
        (vec![is("customer", Op::Eq, words("c3"))], Box::new(|m| m.customer == text("C3"))),
        (vec![is("customer", Op::Ne, words("c3"))], Box::new(|m| m.customer != text("C3"))),
        (
            vec![Term::Compare(Dataset::Mismatches.field("customer").unwrap(), Op::In, vec![words("C1"), words("c2")])],
            Box::new(|m| m.customer == text("C1") || m.customer == text("C2")),
        ),
        (vec![is("severity", Op::Ge, severity(Severity::High))], Box::new(|m| m.severity >= Severity::High)),
        (vec![is("severity", Op::Lt, severity(Severity::High))], Box::new(|m| m.severity < Severity::High)),
        (vec![is("severity", Op::Ne, severity(Severity::High))], Box::new(|m| m.severity != Severity::High)),
        (vec![is("severity", Op::Lt, severity(Severity::Info))], Box::new(|_| false)),
        (vec![is("since", Op::Gt, Age(2 * 3_600_000))], Box::new(|m| at(0).since(m.since) > 2 * 3_600_000)),
        (vec![is("since", Op::Le, Age(2 * 3_600_000))], Box::new(|m| at(0).since(m.since) <= 2 * 3_600_000)),
        (vec![is("since", Op::Ge, When(at(-3600)))], Box::new(|m| m.since >= at(-3600))),
        (vec![is("since", Op::Eq, When(at(-1800)))], Box::new(|m| m.since == at(-1800))),
        (vec![is("rank", Op::Le, Number(9))], Box::new(|m| m.rank <= 9)),
        (vec![is("rank", Op::Ne, Number(9))], Box::new(|m| m.rank != 9)),
        (
            vec![is("money", Op::Ge, Cash(any(4900)))],
            Box::new(|m| m.money.as_ref().is_some_and(|c| c.per_month() >= 4900)),
        ),
        (
            vec![is("money", Op::Eq, Cash(any(10_000)))],
            Box::new(|m| m.money.as_ref().is_some_and(|c| c.per_month() == 10_000)),
        ),
        (
            vec![is("money", Op::Lt, Cash(eur(9000)))],
            Box::new(|m| m.money.as_ref().is_some_and(|c| c.currency == "eur" && c.per_month() < 9000)),
        ),
        (
            vec![is("money", Op::Ne, Cash(eur(4900)))],
            Box::new(|m| !m.money.as_ref().is_some_and(|c| c.currency == "eur" && c.per_month() == 4900)),
        ),
        (vec![is("money", Op::Eq, Null)], Box::new(|m| m.money.is_none())),
        (vec![is("systems", Op::Eq, words("PORTAL=trial"))], Box::new(|m| !m.systems.is_empty())),
        (vec![is("systems", Op::Eq, words("portal"))], Box::new(|_| false)),
        (vec![is("systems", Op::Contains, words("=ACT"))], Box::new(|m| !m.systems.is_empty())),
        (vec![is("systems", Op::Ne, words("stripe=active"))], Box::new(|m| m.systems.is_empty())),
        (vec![is("systems", Op::Eq, Null)], Box::new(|m| m.systems.is_empty())),
        (vec![Term::Any(Text::new("kestrel"))], Box::new(|m| lower(&m.name).is_some_and(|n| n.contains("kestrel")))),
        (vec![Term::Any(Text::new("PLAN_diff"))], Box::new(|m| m.class == Class::PlanDiffers)),
        (vec![Term::Any(Text::new("stripe=ACTIVE"))], Box::new(|m| !m.systems.is_empty())),
        (
            vec![
                is("severity", Op::Eq, severity(Severity::Critical)),
                is("name", Op::Ne, words("ana duarte")),
                Term::Any(Text::new("c")),
            ],
            Box::new(|m| m.severity == Severity::Critical && lower(&m.name).as_deref() != Some("ana duarte")),
        ),
    ]
}

async fn a_list_is_a_plain_filter(place: &Place) {
    let (store, all) = filled(place).await;
    for (terms, plain) in matrix() {
        let expr = Expr { terms };
        let mut expected: Vec<&Mismatch> = all.iter().filter(|m| plain(m)).collect();
        expected.sort_by_key(|m| m.rank);
        let expected: Vec<Row> = expected.into_iter().map(|m| Row::Mismatch(Box::new(m.clone()))).collect();
        let rows = store.list(Dataset::Mismatches, &expr, None, i64::MAX, 0, at(0)).await.unwrap();
        assert_eq!(rows, expected, "{expr:?}");
        let count = store.count(Dataset::Mismatches, &expr, at(0)).await.unwrap();
        assert_eq!(count, expected.len() as i64, "{expr:?}");
    }
}

/// One literal that fits each kind.
fn fitting(kind: FieldKind) -> Literal {
    match kind {
        FieldKind::Text | FieldKind::List => words("a"),
        FieldKind::Number | FieldKind::Duration => Literal::Number(1),
        FieldKind::Time => Literal::Age(1000),
        FieldKind::Money => Literal::Money(money(1, "usd", None)),
        FieldKind::Word(words) => Literal::Word(words[0], 0),
    }
}

async fn every_field_of_every_dataset_can_be_asked_and_ordered_by(place: &Place) {
    let store = place.open().await;
    for dataset in Dataset::ALL {
        for field in dataset.fields() {
            for op in [Op::Eq, Op::Ne, Op::Lt, Op::Le, Op::Gt, Op::Ge, Op::Contains, Op::In] {
                for value in [fitting(field.kind), Literal::Null] {
                    let terms = vec![Term::Compare(field, op, vec![value]), Term::Any(Text::new("a"))];
                    let expr = Expr { terms };
                    for descending in [false, true] {
                        let sort = Some(Sort { field, descending });
                        let rows = store.list(*dataset, &expr, sort, 5, 0, at(0)).await;
                        assert_eq!(rows, Ok(vec![]), "{dataset} {} {op:?}", field.name);
                    }
                }
            }
        }
    }
}

async fn an_order_is_total_and_pages_neither_repeat_nor_leave_out(place: &Place) {
    let (store, all) = filled(place).await;
    for field in ["name", "money", "severity", "since", "systems", "customer"] {
        for descending in [false, true] {
            let sort = Some(Sort { field: Dataset::Mismatches.field(field).unwrap(), descending });
            let mut paged = Vec::new();
            for page in 0..10 {
                paged
                    .extend(store.list(Dataset::Mismatches, &Expr::default(), sort, 7, page * 7, at(0)).await.unwrap());
            }
            let whole = store.list(Dataset::Mismatches, &Expr::default(), sort, 1000, 0, at(0)).await.unwrap();
            assert_eq!(paged, whole);
            assert_eq!(whole.len(), all.len());
            let absent = |row: &Row| matches!(row.value(field), Value::Null) || row.value(field) == Value::List(vec![]);
            let first_absent = whole.iter().position(absent).unwrap_or(whole.len());
            assert!(whole[first_absent..].iter().all(absent), "the absent come last: {field}");
            if field == "severity" {
                let ranks: Vec<Severity> = whole
                    .iter()
                    .map(|row| match row {
                        Row::Mismatch(m) => m.severity,
                        _ => panic!("a mismatch"),
                    })
                    .collect();
                let sorted = if descending { ranks.is_sorted_by(|a, b| a >= b) } else { ranks.is_sorted() };
                assert!(sorted);
            }
        }
    }
}

async fn default_orders_are_by_harm_and_newest_first(place: &Place) {
    let (store, _) = filled(place).await;
    let deliveries = [3, 1, 2].map(|n| delivery(&format!("e{n}"), DeliveryState::Delivered, at(n)));
    store.commit(System::Stripe, &Batch { deliveries: deliveries.into(), ..Batch::default() }, at(9)).await.unwrap();
    let rows = store.list(Dataset::Deliveries, &Expr::default(), None, 2, 0, at(9)).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.key().to_string()).collect::<Vec<_>>(), ["e3", "e2"]);
    let rows = store.list(Dataset::Mismatches, &Expr::default(), None, 3, 0, at(9)).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.value("rank")).collect::<Vec<_>>(), [0, 1, 2].map(Value::Number));
}

async fn datasets_that_are_not_kept_are_empty(place: &Place) {
    let store = place.open().await;
    for dataset in [Dataset::Attempts, Dataset::Plans, Dataset::Audit] {
        assert_eq!(store.list(dataset, &Expr::default(), None, 9, 0, at(0)).await, Ok(vec![]));
        assert_eq!(store.count(dataset, &Expr::default(), at(0)).await, Ok(0));
        assert_eq!(store.get(dataset, "1").await, Ok(None));
    }
}
