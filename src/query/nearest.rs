//! Which known word somebody probably meant. Every suggestion in the house comes from here.
//!
//! What must stay true: it only suggests what is close enough to be a slip of the finger, and its cost is bounded
//! however long the word is. It never corrects anything by itself.

/// Words longer than this are not slips of the finger.
const LONGEST: usize = 48;

/// The candidate that `word` most probably meant: fewest edits, at most one in three letters; else one that begins
/// with it (or the reverse). Case is ignored. The first of equals wins.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.trim().to_lowercase().chars().take(LONGEST + 1).collect();
    if word.is_empty() || word.len() > LONGEST {
        return None;
    }
    let allowed = (word.len() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let other: Vec<char> = candidate.to_lowercase().chars().take(LONGEST + 1).collect();
        let edits = distance(&word, &other);
        let cost = if edits <= allowed && edits < other.len() {
            edits
        } else if word.len() >= 3 && other.starts_with(&word) || other.len() >= 3 && word.starts_with(&other) {
            allowed + 1
        } else {
            continue;
        };
        if best.is_none_or(|(least, _)| cost < least) {
            best = Some((cost, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Edits between two words: insert, delete, replace, or swap two neighbours.
fn distance(a: &[char], b: &[char]) -> usize {
    let width = b.len() + 1;
    let mut before = vec![0; width];
    let mut last: Vec<usize> = (0..width).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1; width];
        for (j, y) in b.iter().enumerate() {
            let mut cost = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                cost = cost.min(before[j - 1] + 1);
            }
            row[j + 1] = cost;
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(a.len())
}
