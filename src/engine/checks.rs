//! Uptime checks: each on its own interval, confirmed before anybody is alarmed.
//!
//! What must stay true: three failures in a row make a check `fail`, two successes make it `pass` again, and a check
//! that could not be made is `unknown`, which is never green.

use std::time::Duration;

use crate::config::settings::{CheckSettings, Expect, Measure};
use crate::domain::{Check, CheckRun, CheckState, Text, Time};
use crate::query::Op;
use crate::sources::probe::ProbeResult;

/// Failures in a row that make a check fail.
pub const FAILURES_TO_BE_DOWN: u32 = 3;
/// Successes in a row that make it pass again.
pub const SUCCESSES_TO_BE_UP: u32 = 2;
/// A probe gives up after this.
pub const PROBE_LIMIT: Duration = Duration::from_secs(10);
/// Days before a certificate's end at which a check warns, whatever it expects.
const CERT_WARN_DAYS: i64 = 14;

/// One check and its run of equal outcomes.
#[derive(Debug)]
pub struct Watch {
    settings: CheckSettings,
    confirmed: CheckState,
    since: Option<Time>,
    run: (CheckState, u32),
    last: Option<CheckRun>,
}

impl Watch {
    /// Takes up what the store remembers of this check.
    pub fn resume(settings: CheckSettings, stored: Option<&Check>) -> Self {
        let confirmed = stored.map_or(CheckState::Unknown, |c| c.state);
        Self { settings, confirmed, since: stored.and_then(|c| c.since), run: (confirmed, 0), last: None }
    }

    /// Its settings.
    pub fn settings(&self) -> &CheckSettings {
        &self.settings
    }

    /// Takes in what a probe found; returns the run for the history.
    pub fn took(&mut self, probe: &ProbeResult, now: Time) -> CheckRun {
        let (state, reason) = self.judge(probe);
        let run = CheckRun {
            name: self.settings.name.clone(),
            at: now,
            state,
            latency_ms: probe.latency_ms,
            reason: reason.map(Text::new),
        };
        self.confirm(state, now);
        self.last = Some(run.clone());
        run
    }

    /// The row as it stands.
    pub fn row(&self) -> Check {
        let last = self.last.as_ref();
        let secure = self.settings.url.starts_with("https:");
        let pending = match self.run {
            (CheckState::Fail, times) if self.confirmed != CheckState::Fail => {
                Some(format!("failed {times} of {FAILURES_TO_BE_DOWN} times needed to call it down"))
            }
            _ => None,
        };
        let reason = last.and_then(|run| run.reason.clone());
        Check {
            name: self.settings.name.clone(),
            kind: Text::new(if secure { "https" } else { "http" }),
            target: Text::new(&self.settings.url),
            state: self.confirmed,
            since: self.since,
            latency_ms: last.and_then(|run| run.latency_ms),
            fix: reason.as_ref().map(|reason| Text::new(fix(reason.as_str()))),
            reason: match (reason, pending) {
                (Some(reason), Some(pending)) => Some(Text::new(format!("{reason}; {pending}"))),
                (reason, pending) => reason.or(pending.map(Text::new)),
            },
            uptime: None,
            recent: Vec::new(),
            seen_at: last.map(|run| run.at),
        }
    }

    /// Whether the last outcome is another than the confirmed one.
    pub fn in_doubt(&self) -> bool {
        self.run.0 != self.confirmed
    }

    /// Milliseconds until the next run: a check in doubt is looked at again soon.
    pub fn next_in_ms(&self) -> i64 {
        if self.in_doubt() { self.settings.every_ms.min(5_000) } else { self.settings.every_ms }
    }

    fn judge(&self, probe: &ProbeResult) -> (CheckState, Option<String>) {
        if let Some(failure) = &probe.failure {
            return (CheckState::Fail, Some(failure.to_string()));
        }
        for expect in &self.settings.expect {
            match measured(probe, expect.what) {
                None if expect.what == Measure::CertDays => {
                    return (CheckState::Unknown, Some("the certificate could not be read".to_owned()));
                }
                None => return (CheckState::Fail, Some("no answer".to_owned())),
                Some(value) if !holds(value, *expect) => return (CheckState::Fail, Some(unmet(value, *expect))),
                Some(_) => {}
            }
        }
        match probe.cert_days {
            Some(days) if days < CERT_WARN_DAYS => {
                (CheckState::Warn, Some(format!("certificate expires in {days} days")))
            }
            _ => (CheckState::Pass, None),
        }
    }

    fn confirm(&mut self, state: CheckState, now: Time) {
        let times = if self.run.0 == state { self.run.1.saturating_add(1) } else { 1 };
        self.run = (state, times);
        let needed = match (self.confirmed, state) {
            (_, CheckState::Fail) => FAILURES_TO_BE_DOWN,
            (CheckState::Fail, _) => SUCCESSES_TO_BE_UP,
            _ => 1,
        };
        if state != self.confirmed && times >= needed {
            self.confirmed = state;
            self.since = Some(now);
        }
    }
}

fn measured(probe: &ProbeResult, what: Measure) -> Option<i64> {
    match what {
        Measure::Status => probe.status.map(i64::from),
        Measure::Time => probe.latency_ms,
        Measure::CertDays => probe.cert_days,
    }
}

fn holds(value: i64, expect: Expect) -> bool {
    match expect.op {
        Op::Eq | Op::In | Op::Contains => value == expect.value,
        Op::Ne => value != expect.value,
        Op::Lt => value < expect.value,
        Op::Le => value <= expect.value,
        Op::Gt => value > expect.value,
        Op::Ge => value >= expect.value,
    }
}

fn unmet(value: i64, expect: Expect) -> String {
    match expect.what {
        Measure::Status => format!("answered {value}"),
        Measure::Time => format!("took {value} ms"),
        Measure::CertDays => format!("certificate expires in {value} days"),
    }
}

/// What to do about the commonest reasons; the first part that occurs decides.
const FIXES: &[(&str, &str)] = &[
    ("certificate", "renew the certificate, or see why its automatic renewal failed"),
    ("self-signed", "install a certificate from a public authority"),
    ("wrong host", "put this host name on the certificate"),
    ("name", "check the DNS record of this host"),
    ("refused", "nothing listens there: is the server running?"),
    ("timeout", "the server accepts but does not answer: look at its load and its database"),
    ("no answer", "the server accepts but does not answer: look at its load and its database"),
    ("answered 5", "look at the server's log for this path"),
    ("answered 4", "check the address: the server says that there is nothing to see"),
    ("answered 3", "put the final address here: redirects are not followed"),
    ("took", "slow: look at what changed on the server or its database"),
];

fn fix(reason: &str) -> &'static str {
    FIXES.iter().find(|(part, _)| reason.contains(part)).map_or("open the address by hand and look", |(_, fix)| fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch() -> Watch {
        let expect = vec![Expect { what: Measure::Status, op: Op::Eq, value: 200 }];
        Watch::resume(
            CheckSettings { name: "login".into(), url: "https://a.example/".to_owned(), every_ms: 60_000, expect },
            None,
        )
    }

    fn answer(status: u16) -> ProbeResult {
        ProbeResult { status: Some(status), latency_ms: Some(12), cert_days: Some(60), failure: None }
    }

    #[test]
    fn three_failures_make_it_down_and_two_successes_up() {
        let mut watch = watch();
        let states: Vec<CheckState> = [200, 500, 500, 500, 200, 500, 200, 200]
            .iter()
            .enumerate()
            .map(|(i, status)| {
                watch.took(&answer(*status), Time::from_secs(i as i64));
                watch.row().state
            })
            .collect();
        use CheckState::{Fail, Pass};
        assert_eq!(states, [Pass, Pass, Pass, Fail, Fail, Fail, Fail, Pass]);
        assert_eq!(watch.row().since, Some(Time::from_secs(7)));
    }

    #[test]
    fn a_certificate_that_could_not_be_read_is_unknown_and_one_that_ends_soon_warns() {
        let mut watch = watch();
        watch.settings.expect = vec![Expect { what: Measure::CertDays, op: Op::Gt, value: 3 }];
        watch.took(&ProbeResult { cert_days: None, ..answer(200) }, Time::from_secs(1));
        assert_eq!(watch.row().state, CheckState::Unknown);
        watch.took(&ProbeResult { cert_days: Some(9), ..answer(200) }, Time::from_secs(2));
        assert_eq!(watch.row().state, CheckState::Warn);
    }

    #[test]
    fn a_check_in_doubt_is_looked_at_again_soon() {
        let mut watch = watch();
        watch.took(&answer(200), Time::from_secs(1));
        assert_eq!(watch.next_in_ms(), 60_000);
        watch.took(&answer(500), Time::from_secs(2));
        assert_eq!(watch.next_in_ms(), 5_000);
    }
}
