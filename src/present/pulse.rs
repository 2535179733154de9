//! The pulse line: is anyone locked out, is money flowing, what is failing. What is fine is quiet.

use super::line::Line;
use super::{Ctx, Mark, format, table};
use crate::config::theme::{Role, Theme, Tone};
use crate::domain::{Money, Status};

/// Longest wait that a queue's oldest job may have before it is worth a warning.
const LONG_WAIT_MS: i64 = 15 * 60_000;
/// Longest p95 from payment to access that is fine.
const SLOW_ACCESS_MS: i64 = 5 * 60_000;

/// One figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// How it stands.
    pub tone: Tone,
    /// What it says.
    pub text: String,
}

/// The figures, the most important first.
pub fn figures(status: &Status, ctx: &Ctx) -> Vec<Figure> {
    let mut out = Vec::new();
    let mut say = |tone, text: String| out.push(Figure { tone, text });
    let blind = status.sources.ok < status.sources.total || status.sources.total == 0;
    match status.customers_blocked {
        0 if blind => say(Tone::Unknown, "nobody known locked out".to_owned()),
        0 => say(Tone::Ok, "nobody locked out".to_owned()),
        n => say(Tone::Crit, format!("{} locked out", format::count(n))),
    }
    let risk: Vec<String> = status.money_at_risk.iter().filter(|m| m.amount != 0).map(Money::to_string).collect();
    if risk.is_empty() {
        say(if blind { Tone::Unknown } else { Tone::Ok }, "no money at risk".to_owned());
    } else {
        say(Tone::Warn, format!("{} at risk", risk.join(" + ")));
    }
    let hooks = &status.webhooks;
    match format::share(hooks.failed, hooks.total) {
        None => say(Tone::Unknown, "no webhooks seen".to_owned()),
        Some(share) => {
            let tone = match share {
                2_500.. => Tone::Crit,
                100.. => Tone::Warn,
                _ => Tone::Ok,
            };
            say(tone, format!("webhooks {} failing", format::percent(share)));
        }
    }
    let jobs = &status.jobs;
    let wait = jobs.oldest_at.map(|at| ctx.now.since(at));
    let oldest = wait.map(|ms| format!(", oldest {}", format::age(ms))).unwrap_or_default();
    match (jobs.dead, jobs.open) {
        (0, 0) => say(Tone::Ok, "queue empty".to_owned()),
        (0, open) => {
            let late = wait.is_some_and(|ms| ms > LONG_WAIT_MS);
            say(if late { Tone::Warn } else { Tone::Ok }, format!("queue {}{oldest}", format::count(open)));
        }
        (dead, 0) => say(Tone::Crit, format!("{} dead jobs", format::count(dead))),
        (dead, open) => {
            say(Tone::Crit, format!("queue {}, {} dead{oldest}", format::count(open), format::count(dead)));
        }
    }
    let checks = &status.checks;
    if checks.total > 0 {
        let up = checks.pass + checks.warn;
        let tone = match (checks.fail, checks.unknown, checks.warn) {
            (1.., _, _) => Tone::Crit,
            (_, 1.., _) => Tone::Unknown,
            (_, _, 1..) => Tone::Warn,
            _ => Tone::Ok,
        };
        say(tone, format!("up {up} of {}", checks.total));
    }
    if let Some(share) = status.zero_touch {
        say(if share >= 95 { Tone::Ok } else { Tone::Warn }, format!("zero-touch {share} %"));
    }
    if let Some(ms) = status.paid_to_access_p95_ms.filter(|ms| *ms > SLOW_ACCESS_MS) {
        say(Tone::Warn, format!("paid to access {}", format::latency(ms)));
    }
    out
}

/// The figures as one line of at most `width` cells: all of them, or only what is wrong and then `rest ok`.
pub fn line(figures: &[Figure], width: u16, ctx: &Ctx, theme: &Theme) -> Line {
    for gap in [5, 4, 3] {
        let all = compose(figures.iter(), gap, ctx, theme);
        if all.width() <= width.into() {
            return all;
        }
    }
    let mut wrong: Vec<&Figure> = figures.iter().filter(|f| f.tone != Tone::Ok).collect();
    let quiet = figures.len() - wrong.len();
    loop {
        let mut line = compose(wrong.iter().copied(), 3, ctx, theme);
        let hidden = figures.len() - quiet - wrong.len();
        let tail = match (hidden, quiet) {
            (0, 0) => String::new(),
            (0, _) if wrong.is_empty() => "all ok".to_owned(),
            (0, _) => "rest ok".to_owned(),
            (n, _) => format!("+{n} more"),
        };
        if !tail.is_empty() {
            line.add("   ", Role::Text);
            line.add(tail, Role::Muted);
        }
        if line.width() <= width.into() || wrong.is_empty() {
            return line;
        }
        wrong.pop();
    }
}

fn compose<'a>(figures: impl Iterator<Item = &'a Figure>, gap: usize, ctx: &Ctx, theme: &Theme) -> Line {
    let mut line = Line::of("   ", Role::Text);
    for (at, figure) in figures.enumerate() {
        if at > 0 {
            line.add(" ".repeat(gap), Role::Text);
        }
        if figure.tone == Tone::Ok {
            line.add(&figure.text, Role::Muted);
        } else {
            let glyph = table::mark(Mark { tone: figure.tone, word: Some("") }, theme, ctx.ascii, 2);
            line.add(format!("{glyph}{}", figure.text), figure.tone);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Money, Time};

    fn broken() -> Status {
        let mut status = Status { customers_blocked: 3, zero_touch: Some(97), ..Status::default() };
        status.sources.total = 4;
        status.sources.ok = 4;
        status.money_at_risk = vec![Money::monthly(124_000, "usd")];
        (status.webhooks.total, status.webhooks.failed) = (1000, 4);
        status.checks.total = 9;
        status.checks.pass = 9;
        status
    }

    #[test]
    fn narrow_keeps_what_is_wrong_and_says_that_the_rest_is_fine() {
        let ctx = Ctx::plain(Time::from_secs(1_700_000_000));
        let theme = crate::config::theme::load("terminal", &[]).unwrap();
        let figures = figures(&broken(), &ctx);
        assert_eq!(line(&figures, 60, &ctx, &theme).text(), "   ✗ 3 locked out   ▴ $1,240/mo at risk   rest ok");
        let wide = line(&figures, 160, &ctx, &theme).text();
        assert!(wide.contains("webhooks 0.4 % failing") && wide.contains("zero-touch 97 %"), "{wide}");
    }

    #[test]
    fn missing_evidence_is_never_said_to_be_fine() {
        let mut status = broken();
        status.customers_blocked = 0;
        status.sources.ok = 3;
        let figures = figures(&status, &Ctx::plain(Time::from_secs(0)));
        assert_eq!(figures[0], Figure { tone: Tone::Unknown, text: "nobody known locked out".into() });
    }
}
