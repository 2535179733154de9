//! How a deploy turned out: deliveries after it against deliveries before it.
//!
//! What must stay true: "worse" is said only of a difference that chance alone does not make (Fisher's exact test,
//! one-sided) *and* that matters; too few deliveries are said to be too few. The outcome is looked at when 20, 40, 80 ...
//! deliveries have come, not at each: looking all the time finds everything.

use crate::domain::{System, Text};

/// Deliveries after a deploy below which nothing is said; looks are taken at this number and its doublings.
pub const FEWEST_AFTER: usize = 20;
/// Deliveries before a deploy below which nothing is said.
pub const FEWEST_BEFORE: usize = 100;
/// Deliveries after a deploy that are looked at.
pub const MOST_AFTER: usize = FEWEST_AFTER << 5;
/// How likely chance may be to make such a difference, over all sources together.
const CHANCE: f64 = 0.003;
/// The share of failures must have grown by this much to matter.
const LEAST_GROWTH: f64 = 0.05;

/// What became of one source's deliveries around a deploy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Around {
    /// Before: failed of all.
    pub before: (usize, usize),
    /// After, oldest first: whether each failed.
    pub after: Vec<bool>,
}

/// What is said of a deploy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// More deliveries fail.
    Worse,
    /// No difference that could be told from chance.
    Same,
    /// Too few deliveries to say; the most that any source had after it.
    TooFew(usize),
}

/// What is said of a deploy, and on what grounds.
pub fn verdict(sources: &[(System, Around)]) -> (Text, Option<Text>) {
    match judge(sources) {
        (Outcome::TooFew(n), _) => (Text::new(format!("not enough traffic (n={n})")), None),
        (Outcome::Same, told) => (Text::new("same"), told.map(Text::new)),
        (Outcome::Worse, told) => (Text::new("worse"), told.map(Text::new)),
    }
}

/// The worst of all sources, with its figures.
pub fn judge(sources: &[(System, Around)]) -> (Outcome, Option<String>) {
    let enough: Vec<_> = sources.iter().filter_map(|(system, around)| Some((*system, figures(around)?))).collect();
    if enough.is_empty() {
        let most = sources.iter().map(|(_, around)| around.after.len()).max().unwrap_or(0);
        return (Outcome::TooFew(most), None);
    }
    let chance = CHANCE / enough.len() as f64;
    let worst = enough.iter().map(|(system, f)| (*system, *f, f.chance())).min_by(|a, b| a.2.total_cmp(&b.2));
    let Some((system, f, p)) = worst else { return (Outcome::TooFew(0), None) };
    let told = format!(
        "{}: {} of {} deliveries failed after it, {} of {} before",
        system.title(),
        f.after.0,
        f.after.1,
        f.before.0,
        f.before.1
    );
    let matters = f.share(f.after) >= f.share(f.before) + LEAST_GROWTH && f.share(f.after) >= 2.0 * f.share(f.before);
    (if p < chance && matters { Outcome::Worse } else { Outcome::Same }, Some(told))
}

/// Failed of all, before and after.
#[derive(Clone, Copy, Debug)]
struct Figures {
    before: (usize, usize),
    after: (usize, usize),
}

/// The figures of the newest look; `None` when there is too little.
fn figures(around: &Around) -> Option<Figures> {
    if around.before.1 < FEWEST_BEFORE || around.after.len() < FEWEST_AFTER {
        return None;
    }
    let mut look = FEWEST_AFTER;
    while look < MOST_AFTER && look * 2 <= around.after.len() {
        look *= 2;
    }
    let failed = around.after.iter().take(look).filter(|failed| **failed).count();
    Some(Figures { before: around.before, after: (failed, look) })
}

impl Figures {
    fn share(self, (failed, all): (usize, usize)) -> f64 {
        failed as f64 / all.max(1) as f64
    }

    /// Fisher's exact test: how likely at least so many of the failures fall after the deploy when nothing changed.
    fn chance(self) -> f64 {
        let failed = self.before.0 + self.after.0;
        let all = self.before.1 + self.after.1;
        let ways = |n: usize, k: usize| ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k);
        let whole = ways(all, failed);
        let most = failed.min(self.after.1);
        (self.after.0..=most)
            .filter(|k| failed - k <= self.before.1)
            .map(|k| (ways(self.after.1, k) + ways(self.before.1, failed - k) - whole).exp())
            .sum::<f64>()
            .min(1.0)
    }
}

/// Natural logarithm of `n!`: exact sums for small numbers, Stirling's series beyond.
fn ln_factorial(n: usize) -> f64 {
    if n < 20 {
        return (2..=n).map(|i| (i as f64).ln()).sum();
    }
    let x = n as f64;
    x * x.ln() - x + 0.5 * (std::f64::consts::TAU * x).ln() + 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3))
        + 1.0 / (1260.0 * x.powi(5))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chance with a seed (SplitMix64).
    struct Dice(u64);

    impl Dice {
        fn fails(&mut self, share: f64) -> bool {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64) < share
        }

        fn around(&mut self, (before, n): (f64, usize), (after, m): (f64, usize)) -> Around {
            let failed = (0..n).filter(|_| self.fails(before)).count();
            Around { before: (failed, n), after: (0..m).map(|_| self.fails(after)).collect() }
        }
    }

    /// Whether "worse" is ever said while the deliveries come in one by one.
    fn ever_worse(sources: &[(System, Around)]) -> bool {
        let longest = sources.iter().map(|(_, around)| around.after.len()).max().unwrap();
        // Between two doublings nothing is said anew.
        (0..6).map(|i| FEWEST_AFTER << i).filter(|n| *n <= longest).any(|n| {
            let so_far: Vec<_> = sources
                .iter()
                .map(|(s, a)| (*s, Around { before: a.before, after: a.after.iter().copied().take(n).collect() }))
                .collect();
            judge(&so_far).0 == Outcome::Worse
        })
    }

    #[test]
    fn a_thousand_deploys_that_changed_nothing_are_hardly_ever_called_worse() {
        for (share, seed) in [(0.002, 1), (0.01, 2), (0.05, 3), (0.2, 4), (0.5, 5)] {
            let mut dice = Dice(seed);
            let wrong = (0..1000)
                .filter(|_| {
                    let sources: Vec<_> = [System::Stripe, System::Hubspot, System::Zendesk]
                        .map(|system| (system, dice.around((share, 200), (share, 320))))
                        .into();
                    ever_worse(&sources)
                })
                .count();
            assert!(wrong < 10, "{wrong} of 1000 at a share of failures of {share}");
        }
    }

    #[test]
    fn real_breakage_is_found_with_twenty_deliveries() {
        for (before, after) in [(FEWEST_BEFORE, 20), (200, 20), (200, 40), (500, 60)] {
            let mut dice = Dice(7);
            let found = (0..1000)
                .filter(|_| {
                    let around = dice.around((0.05, before), (0.5, after));
                    judge(&[(System::Stripe, around)]).0 == Outcome::Worse
                })
                .count();
            assert!(found >= 950, "{found} of 1000 with {before} before and {after} after");
        }
    }

    #[test]
    fn too_little_is_said_to_be_too_little_and_the_grounds_are_told() {
        let around =
            |before, after: usize, failed: usize| Around { before, after: (0..after).map(|i| i < failed).collect() };
        let few = verdict(&[(System::Stripe, around((0, 500), 7, 7)), (System::Hubspot, around((0, 9), 3, 0))]);
        assert_eq!(few, (Text::new("not enough traffic (n=7)"), None));
        assert_eq!(verdict(&[]).0, Text::new("not enough traffic (n=0)"));
        let (word, why) =
            verdict(&[(System::Stripe, around((2, 200), 25, 18)), (System::Hubspot, around((0, 200), 25, 0))]);
        assert_eq!(word, Text::new("worse"));
        assert_eq!(why.unwrap().as_str(), "Stripe: 18 of 20 deliveries failed after it, 2 of 200 before");
        assert_eq!(verdict(&[(System::Stripe, around((2, 200), 25, 1))]).0, Text::new("same"));
    }

    #[test]
    fn the_test_is_fishers() {
        // The lady tasting tea: 3 of 4 right, p = 17/70.
        let tea = Figures { before: (1, 4), after: (3, 4) };
        assert!((tea.chance() - 17.0 / 70.0).abs() < 1e-9);
        assert!(
            (ln_factorial(300) - ln_factorial(19) - (20..=300).map(|i| f64::from(i).ln()).sum::<f64>()).abs() < 1e-6
        );
    }
}
