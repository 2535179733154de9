//! What Harbor & Pine has deployed: the portal at Vercel, the marketing site at Netlify.
//!
//! What must stay true: exactly one release of each is live; the history grows by the story alone and only its newest
//! part is kept.

use super::random::Random;
use crate::domain::Time;

/// Most releases that are kept.
const KEPT: usize = 200;
/// Milliseconds between the start of a build and its end.
const BUILD: i64 = 48_000;
const HOUR: i64 = 3_600_000;

/// One release.
#[derive(Clone, Debug)]
pub(super) struct Release {
    /// Number, from 1.
    pub number: usize,
    /// Commit.
    pub commit: String,
    /// Branch.
    pub branch: &'static str,
    /// Milliseconds.
    pub created: i64,
    /// Milliseconds.
    pub ready: i64,
    /// Whether it was built.
    pub built: bool,
    /// Whether it is for everybody.
    pub production: bool,
}

/// Releases of one thing, oldest first.
#[derive(Clone, Debug)]
pub(super) struct Releases {
    /// Oldest first.
    pub rows: Vec<Release>,
    made: usize,
    random: Random,
}

impl Releases {
    /// A month of them.
    pub(super) fn history(seed: u64, what: &str, started: Time, hours_between: i64) -> Self {
        let random = Random::new(seed, &format!("releases of {what}"));
        let mut releases = Self { rows: Vec::new(), made: 0, random };
        let mut ago = 30 * 24 * HOUR;
        while ago > 2 * HOUR {
            let (production, built) = (!releases.random.percent(40.0), !releases.random.percent(8.0));
            releases.add(started.ms() - ago, production, built);
            ago -= releases.random.between(hours_between * HOUR / 2, hours_between * HOUR * 3 / 2);
        }
        releases.add(started.ms() - 2 * HOUR, true, true);
        releases
    }

    /// Releases to everybody, ready now.
    pub(super) fn release(&mut self, now: i64) {
        self.add(now - BUILD, true, true);
        let extra = self.rows.len().saturating_sub(KEPT);
        self.rows.drain(..extra);
    }

    fn add(&mut self, created: i64, production: bool, built: bool) {
        self.made += 1;
        let commit = (0..5).map(|_| format!("{:08x}", self.random.below(1 << 31))).collect();
        let branch = if production { "main" } else { "next" };
        let ready = created + BUILD;
        self.rows.push(Release { number: self.made, commit, branch, created, ready, built, production });
    }

    /// The one that is served.
    pub(super) fn live(&self) -> Option<&Release> {
        self.rows.iter().rev().find(|release| release.production && release.built)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_built_release_is_live_and_the_list_does_not_grow_without_end() {
        let mut releases = Releases::history(1, "x", Time::from_secs(1_700_000_000), 9);
        assert!(releases.rows.len() > 30 && releases.rows.is_sorted_by_key(|r| r.created));
        assert_eq!(releases.live().unwrap().number, releases.rows.last().unwrap().number);
        for i in 0..500 {
            releases.release(1_700_000_000_000 + i * 1000);
        }
        assert_eq!(releases.rows.len(), KEPT);
        assert_eq!(releases.live().unwrap().created, 1_700_000_499_000 - BUILD);
    }
}
