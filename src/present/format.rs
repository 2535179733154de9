//! How ages, money, shares, latencies, clocks and ids are written. One unit, few cells, nothing wraps.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::domain::money::thousands;
use crate::domain::{Money, Time};

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// An age in one unit: `now`, `10s`, `30s`, `26m`, `3h`, `2d`. Seconds come in coarse steps, so that an idle screen has
/// nothing to redraw for most of a minute. What lies ahead (clocks differ) is `now`.
pub fn age(ms: i64) -> String {
    match ms {
        ..10_000 => "now".to_owned(),
        10_000..30_000 => "10s".to_owned(),
        30_000..MINUTE => "30s".to_owned(),
        MINUTE..HOUR => format!("{}m", ms / MINUTE),
        HOUR..DAY => format!("{}h", ms / HOUR),
        _ => format!("{}d", (ms / DAY).min(99_999)),
    }
}

/// In how many milliseconds [`age`] of `ms` reads differently.
pub fn age_changes_in(ms: i64) -> i64 {
    let next = match ms {
        ..10_000 => 10_000,
        10_000..30_000 => 30_000,
        30_000..MINUTE => MINUTE,
        MINUTE..HOUR => (ms / MINUTE + 1) * MINUTE,
        HOUR..DAY => (ms / HOUR + 1) * HOUR,
        _ => (ms / DAY + 1) * DAY,
    };
    next - ms
}

/// A length of time in two units, for sentences: `3h 12m`, `2d 4h`, `40s`.
pub fn span(ms: i64) -> String {
    let ms = ms.max(0);
    let two = |big: i64, unit: &str, small: i64, sub: &str| {
        if small == 0 { format!("{big}{unit}") } else { format!("{big}{unit} {small}{sub}") }
    };
    match ms {
        ..MINUTE => format!("{}s", ms / SECOND),
        MINUTE..HOUR => format!("{}m", ms / MINUTE),
        HOUR..DAY => two(ms / HOUR, "h", ms % HOUR / MINUTE, "m"),
        _ => two(ms / DAY, "d", ms % DAY / HOUR, "h"),
    }
}

/// What is left until something, rounded up to ten seconds below ten minutes: `2m20s`, `14m`, `3h`.
pub fn left(ms: i64) -> String {
    match ms {
        ..=0 => "0s".to_owned(),
        1..MINUTE => format!("{}s", (ms + 9_999) / 10_000 * 10),
        MINUTE..600_000 => {
            let tens = (ms + 9_999) / 10_000 * 10;
            if tens % 60 == 0 { format!("{}m", tens / 60) } else { format!("{}m{:02}s", tens / 60, tens % 60) }
        }
        600_000..HOUR => format!("{}m", (ms + MINUTE - 1) / MINUTE),
        HOUR..DAY => format!("{}h", (ms + HOUR - 1) / HOUR),
        _ => format!("{}d", (ms + DAY - 1) / DAY),
    }
}

/// What is said of a mismatch that may still settle by itself.
pub fn settling(ms: i64) -> String {
    if ms > 0 { format!("settling, {} left", left(ms)) } else { "grace is over, comparing again".to_owned() }
}

/// In how many milliseconds [`left`] of `ms` reads differently; `None` when it stays at nothing.
pub fn left_changes_in(ms: i64) -> Option<i64> {
    let step = match ms {
        ..=0 => return None,
        1..=600_000 => 10_000,
        600_001..=HOUR => MINUTE,
        3_600_001..=DAY => HOUR,
        _ => DAY,
    };
    Some((ms - 1) % step + 1)
}

/// `in 12s`, `4m ago`, `now`: a moment as seen from `now`.
pub fn when(at: Time, now: Time) -> String {
    let ahead = at.since(now);
    if ahead > 0 {
        return format!("in {}", left(ahead));
    }
    match age(-ahead) {
        text if text == "now" => text,
        text => format!("{text} ago"),
    }
}

/// Money for a cell: the amount is never cut while the words after it can go, nor is a smaller one shown in its place.
pub fn money_in(money: &Money, width: usize) -> String {
    let whole = money.to_string();
    if whole.width() <= width { whole } else { money.squeezed(width).unwrap_or_else(|| money.bare()) }
}

/// `84ms`, `1.2s`, `14s`, `3m`.
pub fn latency(ms: i64) -> String {
    match ms {
        ..1000 => format!("{}ms", ms.max(0)),
        1000..10_000 => format!("{}.{}s", ms / 1000, ms % 1000 / 100),
        10_000..120_000 => format!("{}s", ms / 1000),
        120_000..HOUR => format!("{}m", ms / MINUTE),
        _ => age(ms),
    }
}

/// `0.4 %`, `100 %`, from hundredths of a percent. What is not all is never written as 100 %, what is not none never 0 %.
pub fn percent(hundredths: i64) -> String {
    match hundredths {
        ..=0 => "0 %".to_owned(),
        1..10 => "<0.1 %".to_owned(),
        10_000.. => "100 %".to_owned(),
        9_900..10_000 => format!("{}.{:02} %", hundredths / 100, hundredths % 100),
        _ => format!("{}.{} %", hundredths / 100, hundredths % 100 / 10),
    }
}

/// Hundredths of a percent that `part` is of `whole`; `None` of nothing.
pub fn share(part: i64, whole: i64) -> Option<i64> {
    (whole > 0).then(|| {
        let exact = i128::from(part.max(0)) * 10_000;
        let whole = i128::from(whole);
        let rounded = (exact + whole / 2) / whole;
        let rounded = if exact > 0 { rounded.max(1) } else { rounded };
        i64::try_from(if part < i64::try_from(whole).unwrap_or(i64::MAX) { rounded.min(9_999) } else { rounded })
            .unwrap_or(10_000)
    })
}

/// `1,204`
pub fn count(n: i64) -> String {
    format!("{}{}", if n < 0 { "-" } else { "" }, thousands(n.unsigned_abs()))
}

/// `14:02:11` in local time.
pub fn clock(at: Time, offset_s: i32) -> String {
    local(at, offset_s).format("%H:%M:%S").to_string()
}

/// The shortest form that is clear now: `14:02` today, `3 Nov` this year, `3 Nov 2023` before.
pub fn moment(at: Time, now: Time, offset_s: i32) -> String {
    let (there, here) = (local(at, offset_s), local(now, offset_s));
    let form = if there.date_naive() == here.date_naive() {
        "%H:%M"
    } else if there.format("%Y").to_string() == here.format("%Y").to_string() {
        "%-d %b"
    } else {
        "%-d %b %Y"
    };
    there.format(form).to_string()
}

fn local(at: Time, offset_s: i32) -> chrono::DateTime<chrono::Utc> {
    at.plus_ms(i64::from(offset_s) * 1000).utc()
}

/// Cuts at the end to `width` cells, with `…` (`~` in ASCII) for what is gone. Whole graphemes only.
pub fn fit(text: &str, width: usize, ascii: bool) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let Some(room) = width.checked_sub(1) else { return String::new() };
    let mut out = head(text, room).0.trim_end().to_owned();
    out.push(if ascii { '~' } else { '…' });
    out
}

/// Cuts in the middle to `width` cells: `sub_1Nf..Q29k`. Both ends of an id tell something.
pub fn middle(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let Some(room) = width.checked_sub(2).filter(|room| *room > 1) else { return head(text, width).0.to_owned() };
    let back = (room / 2).min(4);
    let (front, _) = head(text, room - back);
    let tail: Vec<&str> = text.graphemes(true).rev().collect();
    let mut taken = Vec::new();
    let mut used = 0;
    for grapheme in tail {
        used += grapheme.width();
        if used > back {
            break;
        }
        taken.push(grapheme);
    }
    taken.reverse();
    format!("{front}..{}", taken.concat())
}

/// The longest start that fits, and the cells that it takes.
fn head(text: &str, width: usize) -> (&str, usize) {
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        let wide = grapheme.width();
        if used + wide > width {
            return (&text[..at], used);
        }
        used += wide;
    }
    (text, used)
}

/// Breaks a paragraph at spaces into lines of at most `width` cells; a word that is longer is cut.
pub fn wrap(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    if width == 0 || most == 0 {
        return lines;
    }
    for word in text.split_whitespace() {
        let word = fit(word, width, false);
        let full = lines.len() == most;
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(&word);
            }
            Some(line) if full => {
                *line = fit(&format!("{line} {word}"), width, false);
                return lines;
            }
            _ => lines.push(word),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Per;
    use proptest::prelude::*;

    #[test]
    fn a_cell_drops_words_before_it_cuts_an_amount() {
        let yen = Money { amount: 22_000, currency: "jpy".into(), per: Some(Per::Month) };
        assert_eq!(money_in(&yen, 10), "¥22,000/mo");
        assert_eq!(money_in(&yen, 9), "¥22,000");
        assert_eq!(money_in(&yen, 6), "¥22k");
        assert_eq!(money_in(&Money::monthly(124_050, "eur"), 8), "€1,240");
    }

    #[test]
    fn a_share_is_never_rounded_to_all_or_nothing() {
        assert_eq!(percent(share(1, 1_000_000).unwrap()), "<0.1 %");
        assert_eq!(percent(share(999_999, 1_000_000).unwrap()), "99.99 %");
        assert_eq!(percent(share(5, 5).unwrap()), "100 %");
        assert_eq!(percent(share(0, 5).unwrap()), "0 %");
        assert_eq!(share(0, 0), None);
    }

    #[test]
    fn ids_keep_both_ends() {
        assert_eq!(middle("sub_1NfXyzAbcQ29k", 13), "sub_1Nf..Q29k");
        assert_eq!(middle("short", 13), "short");
    }

    #[test]
    fn ages_and_latencies_have_one_unit() {
        let all = [4, 40_000, 26 * MINUTE, 3 * HOUR, 2 * DAY].map(age);
        assert_eq!(all, ["now", "30s", "26m", "3h", "2d"]);
        assert_eq!([84, 1_240, 14_000].map(latency), ["84ms", "1.2s", "14s"]);
        assert_eq!([140_000, 61_000, 20 * MINUTE].map(left), ["2m20s", "1m10s", "20m"]);
    }

    proptest! {
        #[test]
        fn cuts_never_exceed_their_width(text in any::<String>(), width in 0_usize..40) {
            let text = crate::domain::Text::new(text);
            prop_assert!(fit(text.as_str(), width, false).width() <= width);
            prop_assert!(middle(text.as_str(), width).width() <= width);
            for line in wrap(text.as_str(), width, 3) {
                prop_assert!(line.width() <= width);
            }
        }

        #[test]
        fn an_age_reads_the_same_until_it_is_said_to_change(ms in 0_i64..400_000_000, part in 0.0_f64..1.0) {
            let change = age_changes_in(ms);
            prop_assert!(change > 0);
            let before = ms + ((change - 1) as f64 * part) as i64;
            prop_assert_eq!(age(before), age(ms));
            prop_assert_ne!(age(ms + change), age(ms));
        }

        #[test]
        fn what_is_left_reads_the_same_until_it_is_said_to_change(ms in 1_i64..400_000_000, part in 0.0_f64..1.0) {
            let change = left_changes_in(ms).unwrap();
            let before = ms - ((change - 1) as f64 * part) as i64;
            prop_assert_eq!(left(before), left(ms));
            prop_assert_ne!(left(ms - change), left(ms));
        }
    }
}
