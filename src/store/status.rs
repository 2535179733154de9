//! The figures of the header, counted by the database.
//!
//! What must stay true: only open disagreements count as harm; a customer's money counts once, however many
//! mismatches there are; what was not measured is `None`, not zero.

use super::Store;
use super::db::args;
use crate::domain::status::{CheckCounts, JobCounts, MismatchCounts, SourceCounts, WebhookCounts};
use crate::domain::{CheckState, Money, Problem, SourceState, Status, Text, Time};

/// Webhooks are counted over this long.
const WEBHOOKS_MS: i64 = 15 * 60_000;
/// Sign-ups are looked at over this long.
const SIGNUPS_MS: i64 = 7 * 86_400_000;

impl Store {
    /// The figures of the header; `environment` and `name` are left empty for the caller.
    pub async fn status(&self, now: Time) -> Result<Status, Problem> {
        let sources = self.sources().await?;
        let mut counts = SourceCounts { total: i64::try_from(sources.len()).unwrap_or(i64::MAX), ..Default::default() };
        for source in &sources {
            counts.ok += i64::from(source.state == SourceState::Ok);
            counts.states.insert(Text::new(source.name.as_str()), Text::new(source.state.as_str()));
        }
        Ok(Status {
            sources: counts,
            mismatches: self.mismatch_counts().await?,
            customers_blocked: self.number(BLOCKED).await?,
            money_at_risk: self.money_at_risk().await?,
            webhooks: self.webhook_counts(now).await?,
            jobs: self.job_counts().await?,
            checks: self.check_counts().await?,
            zero_touch: self.zero_touch(now).await?,
            seen_at: sources.iter().filter_map(|source| source.seen_at).max(),
            ..Default::default()
        })
    }

    async fn number(&self, sql: &'static str) -> Result<i64, Problem> {
        self.inner.db.rows(sql, args![]).await?.first().map_or(Ok(0), |line| line.int(0))
    }

    async fn mismatch_counts(&self) -> Result<MismatchCounts, Problem> {
        let mut counts = MismatchCounts { agree: self.number(AGREE).await?, ..Default::default() };
        for line in self.inner.db.rows(MISMATCHES, args![]).await? {
            let (verdict, number) = (line.text(0)?, line.int(3)?);
            match verdict.as_str() {
                "disagree" => {
                    counts.open += number;
                    *counts.by_severity.entry(Text::new(line.text(1)?)).or_default() += number;
                    *counts.by_class.entry(Text::new(line.text(2)?)).or_default() += number;
                }
                "settling" => counts.settling += number,
                "unknown" => counts.unknown += number,
                _ => {}
            }
        }
        Ok(counts)
    }

    async fn money_at_risk(&self) -> Result<Vec<Money>, Problem> {
        let found = self.inner.db.rows(AT_RISK, args![]).await?;
        found.iter().map(|line| Ok(Money::monthly(line.int(1)?, &line.text(0)?))).collect()
    }

    async fn webhook_counts(&self, now: Time) -> Result<WebhookCounts, Problem> {
        let found = self.inner.db.rows(WEBHOOKS, args![now.plus_ms(-WEBHOOKS_MS), now]).await?;
        let (total, failed) = found
            .first()
            .map_or(Ok((0, 0)), |line| Ok::<_, Problem>((line.int(0)?, line.maybe_int(1)?.unwrap_or(0))))?;
        let newest = self.inner.db.rows(NEWEST, args![now]).await?;
        let last_at = newest.first().map_or(Ok(None), |line| line.maybe_int(0))?;
        Ok(WebhookCounts { total, failed, last_at: last_at.map(Time::from_ms) })
    }

    async fn job_counts(&self) -> Result<JobCounts, Problem> {
        let found = self.inner.db.rows(JOBS, args![]).await?;
        let Some(line) = found.first() else { return Ok(JobCounts::default()) };
        let number = |at| line.maybe_int(at).map(Option::unwrap_or_default);
        Ok(JobCounts { open: number(0)?, dead: number(1)?, oldest_at: line.maybe_int(2)?.map(Time::from_ms) })
    }

    async fn check_counts(&self) -> Result<CheckCounts, Problem> {
        let mut counts = CheckCounts::default();
        for line in self.inner.db.rows("select state, count(*) from check_row group by state", args![]).await? {
            let number = line.int(1)?;
            counts.total += number;
            match CheckState::parse(&line.text(0)?) {
                Some(CheckState::Pass) => counts.pass += number,
                Some(CheckState::Warn) => counts.warn += number,
                Some(CheckState::Fail) => counts.fail += number,
                Some(CheckState::Unknown) | None => counts.unknown += number,
            }
        }
        Ok(counts)
    }

    async fn zero_touch(&self, now: Time) -> Result<Option<i64>, Problem> {
        let found = self.inner.db.rows(SIGNUPS, args![now.plus_ms(-SIGNUPS_MS), now]).await?;
        let Some(line) = found.first() else { return Ok(None) };
        let (all, agree) = (line.int(0)?, line.maybe_int(1)?.unwrap_or(0));
        Ok((all > 0).then(|| agree * 100 / all))
    }
}

const BLOCKED: &str =
    "select count(distinct cluster) from mismatch where class = 'paid_blocked' and verdict = 'disagree'";
const AGREE: &str = "select count(*) from customer where verdict = 'agree'";
const MISMATCHES: &str = "select verdict, severity, class, count(*) from mismatch group by verdict, severity, class";
const AT_RISK: &str = "select money_currency, cast(sum(most) as bigint) from (
     select cluster, money_currency, max(money) as most from mismatch
     where verdict = 'disagree' and severity in ('critical', 'high') and money is not null
     group by cluster, money_currency) as worst
   group by money_currency order by money_currency";
const WEBHOOKS: &str = "select count(*), sum(case when state in ('delivered', 'pending') then 0 else 1 end)
   from delivery where received_at > $1 and received_at <= $2";
const NEWEST: &str = "select max(received_at) from delivery where received_at <= $1";
const JOBS: &str = "select sum(case when state in ('due', 'leased', 'waiting') then 1 else 0 end),
     sum(case when state = 'dead' then 1 else 0 end),
     min(case when state in ('due', 'leased', 'waiting') then coalesce(created_at, run_at) end)
   from job";
// A sign-up of which nothing can be said yet, or now, counts neither way.
const SIGNUPS: &str =
    "select cast(coalesce(sum(case when c.verdict in ('agree', 'disagree') then 1 else 0 end), 0) as bigint),
     sum(case when c.verdict = 'agree' then 1 else 0 end)
   from record r left join customer c on c.cluster = 'p:' || r.id
   where r.system = 'portal' and r.kind = 'person' and r.deleted = 0 and r.created_at > $1 and r.created_at <= $2";
