//! The nearest known name to a mistyped one.
//!
//! What must stay true: it suggests only what a person could have meant (a slip of the finger, a swapped letter, a
//! dash for an underscore); when nothing is near it says nothing rather than something misleading.

/// The candidate nearest to `word`, if one is near enough to have been meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = fold(word);
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| (score(&word, &fold(candidate)), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, candidate)| (*distance, candidate.len()))
        .map(|(_, candidate)| candidate)
}

/// Names are compared ignoring case, dashes, dots and underscores.
fn fold(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).flat_map(char::to_lowercase).take(64).collect()
}

/// The distance, or one when the shorter is a whole beginning of the longer: `env` means `environment`.
fn score(word: &str, candidate: &str) -> usize {
    let beginning = word.len() >= 3 && (candidate.starts_with(word) || word.starts_with(candidate));
    let distance = distance(word, candidate);
    if beginning && candidate.len() >= 3 { distance.min(1) } else { distance }
}

/// Edits between two words: insert, delete, replace, swap two neighbours.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replace = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_a_stranger_is_not() {
        let known = ["environment", "stripe", "base_url", "tolerance", "no_access"];
        for (typed, meant) in [
            ("enviroment", Some("environment")),
            ("env", Some("environment")),
            ("strpie", Some("stripe")),
            ("base-url", Some("base_url")),
            ("noaccess", Some("no_access")),
            ("zebra", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, known), meant, "{typed}");
        }
    }
}
