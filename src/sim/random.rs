//! Seeded chance: the same seed tells the same story.
//!
//! Splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators"). Not for secrets.

/// A stream of numbers that depends on nothing but its seed.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// A stream from a seed and a label, so that two uses of one seed do not run in step.
    pub(super) fn new(seed: u64, label: &str) -> Self {
        let mut state = seed;
        for byte in label.bytes() {
            state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        let mut stream = Self(state);
        stream.next();
        stream
    }

    /// The next 64 bits.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`; 0 when the bound is 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        if bound == 0 { 0 } else { (self.next() % bound as u64) as usize }
    }

    /// A number in `low..=high`.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.next() % (high - low + 1).max(1) as u64) as i64
    }

    /// A number in `0.0..1.0`.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True in `percent` of a hundred cases.
    pub(super) fn percent(&mut self, percent: f64) -> bool {
        self.unit() * 100.0 < percent
    }

    /// Milliseconds until the next of events that come by chance, `mean` apart on average.
    pub(super) fn wait(&mut self, mean: f64) -> i64 {
        (-(1.0 - self.unit()).ln() * mean).round() as i64
    }

    /// One of a list; the list is not empty where this is called, and an empty one gives the default.
    pub(super) fn pick<T: Copy + Default>(&mut self, list: &[T]) -> T {
        list.get(self.below(list.len())).copied().unwrap_or_default()
    }

    /// How long a web request takes in milliseconds: mostly near `usual`, sometimes several times that.
    pub(super) fn latency(&mut self, usual: i64) -> i64 {
        let spread = 0.6 + self.unit() * 0.8;
        let tail = if self.percent(4.0) { 2.0 + self.unit() * 3.0 } else { 1.0 };
        (usual as f64 * spread * tail).round() as i64
    }

    /// `length` characters of 0-9 a-z A-Z.
    pub(super) fn word(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(super::ids::DIGITS[self.below(62)])).collect()
    }
}
