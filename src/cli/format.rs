//! How values are written in tables: short for a person, exact with `--plain`.

use super::output::Form;
use crate::domain::{Field, FieldKind, Money, Per, Time, Value};

/// A moment as an age, or exactly.
pub fn time(at: Time, now: Time, form: Form) -> String {
    if form == Form::Human { age(now.since(at)) } else { at.rfc3339() }
}

/// An age in one unit: `now`, `40s`, `26m`, `3h`, `2d`; what lies ahead has `in` before it.
pub fn age(ms: i64) -> String {
    let size = ms.saturating_abs();
    let text = match size {
        ..1000 => return "now".to_owned(),
        1000..60_000 => format!("{}s", size / 1000),
        60_000..3_600_000 => format!("{}m", size / 60_000),
        3_600_000..86_400_000 => format!("{}h", size / 3_600_000),
        _ => format!("{}d", size / 86_400_000),
    };
    if ms < 0 { format!("in {text}") } else { text }
}

/// A length of time: `84ms`, `1.2s`, `3m`.
pub fn latency(ms: i64) -> String {
    match ms {
        ..1000 => format!("{ms}ms"),
        1000..60_000 => format!("{}.{}s", ms / 1000, ms % 1000 / 100),
        _ => age(ms),
    }
}

/// Money as a person writes it: `$49/mo`, `€1,240.50`, `4,900 jpy`.
pub fn money(money: &Money) -> String {
    let unit = 10_i64.pow(money.decimals());
    let (whole, rest) = (money.amount / unit, (money.amount % unit).abs());
    let sign = if money.amount < 0 && whole == 0 { "-" } else { "" };
    let mut number = format!("{sign}{}", grouped(whole));
    if rest != 0 {
        number.push_str(&format!(".{rest:0width$}", width = money.decimals() as usize));
    }
    let per = money.per.map_or("", Per::suffix);
    match money.currency.as_str() {
        "usd" => format!("${number}{per}"),
        "eur" => format!("€{number}{per}"),
        "gbp" => format!("£{number}{per}"),
        other => format!("{number} {other}{per}"),
    }
}

/// A number with its thousands apart: `12,345`.
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = String::from(if number < 0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A field's value; empty when it is absent.
pub fn value(field: &Field, value: &Value, now: Time, form: Form) -> String {
    match value {
        Value::Null => String::new(),
        Value::Text(text) => text.as_str().to_owned(),
        Value::Word(word) => (*word).to_owned(),
        Value::Time(at) => time(*at, now, form),
        Value::Money(amount) => money(amount),
        Value::List(list) => list.iter().map(|text| text.as_str()).collect::<Vec<_>>().join(" "),
        Value::Number(number) if field.name == "uptime" => format!("{}.{:02} %", number / 100, number % 100),
        Value::Number(number) if field.kind == FieldKind::Duration && form == Form::Human => latency(*number),
        Value::Number(number) if field.kind == FieldKind::Duration => format!("{number}ms"),
        Value::Number(number) => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_and_ages_read_as_people_write_them() {
        let cash = |amount, currency| money(&Money::monthly(amount, currency));
        assert_eq!(
            [cash(4900, "usd"), cash(124_050, "eur"), cash(1_234_567, "JPY"), cash(-50, "usd"), cash(5, "gbp")],
            ["$49/mo", "€1,240.50/mo", "1,234,567 jpy/mo", "$-0.50/mo", "£0.05/mo"]
        );
        assert_eq!([age(0), age(59_999), age(-90_000), age(172_800_000)], ["now", "59s", "in 1m", "2d"]);
        assert_eq!([latency(84), latency(1250), latency(180_000)], ["84ms", "1.2s", "3m"]);
    }
}
