//! What a provider says beside the answer: when to come back, how many calls are left, what its clock shows.
//!
//! What must stay true: a header that makes no sense is ignored, never an error; no header makes us wait longer than a day.

use chrono::{DateTime, NaiveDateTime};
use reqwest::header::HeaderMap;

use crate::domain::Time;

/// Longest wait that a header may ask for.
const LONGEST_MS: i64 = 24 * 3600 * 1000;
/// A `Date` header has whole seconds and is often cached for one: closer than this is the same clock.
const SAME_CLOCK_MS: i64 = 1500;

/// Headers that say when the window starts anew, as seconds from now, epoch seconds or epoch milliseconds.
const RESETS: &[&str] = &["x-ratelimit-reset", "ratelimit-reset", "x-rate-limit-reset", "x-hubspot-ratelimit-reset"];
/// Headers that say how many calls are left in a window; the one that is nearest its end counts.
const LEFT: &[&str] = &[
    "x-rate-limit-remaining",
    "ratelimit-remaining",
    "x-ratelimit-remaining",
    "x-hubspot-ratelimit-remaining",
    "x-hubspot-ratelimit-secondly-remaining",
    DAY_LEFT,
];
/// HighLevel counts a day beside its short window; what is spent for the day does not come back with the window.
const DAY_LEFT: &str = "x-ratelimit-daily-remaining";
const DAY_RESET: &str = "x-ratelimit-daily-reset";
/// HighLevel tells how long its window is, not when it ends.
const WINDOW_MS: &str = "x-ratelimit-interval-milliseconds";
/// Wait for a day that is spent and whose end is not told.
const DAY_SPENT_MS: i64 = 3600 * 1000;
/// Windows that a provider counts in: how many calls are left, of how many, and when the window ends.
/// From the providers' documentation: Zendesk, the IETF draft, Intercom / Vercel / Netlify / Cloudflare / Pipedrive,
/// GoHighLevel, HubSpot. Stripe and Paddle tell none. A daily budget is not one to slow down within.
const WINDOWS: &[Window] = &[
    Window { left: "ratelimit-remaining", most: &["ratelimit-limit"], end: End::At("ratelimit-reset") },
    Window { left: "x-rate-limit-remaining", most: &["x-rate-limit"], end: End::At("x-rate-limit-reset") },
    Window {
        left: "x-ratelimit-remaining",
        most: &["x-ratelimit-limit", "x-ratelimit-max"],
        end: End::At("x-ratelimit-reset"),
    },
    Window {
        left: "x-ratelimit-remaining",
        most: &["x-ratelimit-limit", "x-ratelimit-max"],
        end: End::Long("x-ratelimit-interval-milliseconds"),
    },
    Window {
        left: "x-hubspot-ratelimit-remaining",
        most: &["x-hubspot-ratelimit-max"],
        end: End::Long("x-hubspot-ratelimit-interval-milliseconds"),
    },
    Window {
        left: "x-hubspot-ratelimit-secondly-remaining",
        most: &["x-hubspot-ratelimit-secondly"],
        end: End::Ms(1000),
    },
];

struct Window {
    left: &'static str,
    most: &'static [&'static str],
    end: End,
}

/// When a window ends.
enum End {
    /// This header says when.
    At(&'static str),
    /// It is as long as this header says, in milliseconds, and rolls.
    Long(&'static str),
    /// It is this long, in milliseconds, and rolls.
    Ms(i64),
}

/// What a provider says of its tightest window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Calls left.
    pub left: i64,
    /// Of how many.
    pub most: Option<i64>,
    /// When there are new ones, in milliseconds from now.
    pub ends_ms: Option<i64>,
    /// Whether the window ends at that moment, so that until then the number only falls; else it rolls.
    pub fixed: bool,
}

/// Headers that name the request at the provider.
const REQUEST_IDS: &[&str] =
    &["request-id", "x-hubspot-correlation-id", "x-zendesk-request-id", "x-request-id", "x-correlation-id", "cf-ray"];

/// The provider's clock.
pub fn date(headers: &HeaderMap) -> Option<Time> {
    http_date(text(headers, "date")?)
}

/// How far the provider's clock is ahead of ours, in milliseconds; 0 when nothing can be told apart.
pub fn skew_ms(headers: &HeaderMap, now: Time) -> Option<i64> {
    let skew = date(headers)?.plus_ms(500).since(now);
    Some(if skew.abs() < SAME_CLOCK_MS { 0 } else { skew })
}

/// How long to wait, in milliseconds, in any of the forms in use: `Retry-After-Ms`, `Retry-After` as seconds or as a
/// date, and, when `resets` is set, the provider's own window headers.
pub fn wait_ms(headers: &HeaderMap, now: Time, resets: bool) -> Option<i64> {
    // A date is read against the provider's own clock where it shows one: ours may be wrong.
    let now = date(headers).unwrap_or(now);
    let after_ms = || number(text(headers, "retry-after-ms")?, 1.0);
    let after = || {
        let value = text(headers, "retry-after")?;
        number(value, 1000.0).or_else(|| Some(http_date(value)?.since(now)))
    };
    let spent = || text(headers, DAY_LEFT).is_some_and(|left| left.trim() == "0");
    let day = || spent().then(|| text(headers, DAY_RESET).and_then(|t| window(t, now)).unwrap_or(DAY_SPENT_MS));
    let reset = || {
        let named = || RESETS.iter().find_map(|name| window(text(headers, name)?, now));
        day().or_else(named).or_else(|| number(text(headers, WINDOW_MS)?, 1.0))
    };
    let wait = after_ms().or_else(after).or_else(|| if resets { reset() } else { None })?;
    Some(wait.clamp(0, LONGEST_MS))
}

/// Calls left in the current window, by the provider's own count.
pub fn left(headers: &HeaderMap) -> Option<i64> {
    LEFT.iter().filter_map(|name| text(headers, name)?.trim().parse::<i64>().ok()).filter(|n| *n >= 0).min()
}

/// What the provider says of its tightest window, if it says anything.
pub fn quota(headers: &HeaderMap, now: Time) -> Option<Quota> {
    let now = date(headers).unwrap_or(now);
    let whole = |name: &str| text(headers, name)?.trim().parse::<i64>().ok().filter(|n| *n >= 0);
    let told = WINDOWS.iter().filter_map(|of| {
        let left = whole(of.left)?;
        let most = of.most.iter().find_map(|name| whole(name)).filter(|most| *most >= left);
        let (ends_ms, fixed) = match of.end {
            End::At(name) => (text(headers, name).and_then(|value| window(value, now)).filter(|ms| *ms >= 0), true),
            End::Long(name) => (whole(name), false),
            End::Ms(ms) => (Some(ms), false),
        };
        let ends_ms = ends_ms.map(|ms| ms.min(LONGEST_MS));
        Some(Quota { left, most, ends_ms, fixed: fixed && ends_ms.is_some() })
    });
    // Of two that are as tight the one that says when it ends is worth more.
    told.min_by_key(|quota| (quota.left, quota.ends_ms.is_none()))
}

/// The provider's name for this request.
pub fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = REQUEST_IDS.iter().find_map(|name| text(headers, name))?;
    Some(id.chars().take(80).collect())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// A number of `unit` milliseconds; negative and endless ones are none.
fn number(text: &str, unit: f64) -> Option<i64> {
    let value: f64 = text.trim().parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "clamped to a day just before")]
    (value.is_finite() && value >= 0.0).then(|| (value * unit).ceil().min(LONGEST_MS as f64) as i64)
}

/// A window's end: small numbers are seconds from now, large ones seconds or milliseconds since 1970.
fn window(text: &str, now: Time) -> Option<i64> {
    let value: f64 = text.trim().parse().ok()?;
    match value {
        v if !v.is_finite() || v < 0.0 => None,
        v if v < 1e7 => number(text, 1000.0),
        #[expect(clippy::cast_possible_truncation, reason = "below 1e11, and Time clamps")]
        v if v < 1e11 => Some(Time::from_ms((v * 1000.0) as i64).since(now)),
        #[expect(clippy::cast_possible_truncation, reason = "a cast from f64 saturates, and Time clamps")]
        v => Some(Time::from_ms(v as i64).since(now)),
    }
}

/// The three forms of RFC 9110 section 5.6.7.
fn http_date(text: &str) -> Option<Time> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc2822(text) {
        return Some(Time::from_ms(at.timestamp_millis()));
    }
    ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .map(|at| Time::from_ms(at.and_utc().timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
        list.iter().map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_str(v).unwrap())).collect()
    }

    #[test]
    fn every_form_of_retry_after_is_read() {
        let now = Time::from_secs(NOW);
        for (name, value, ms) in [
            ("retry-after", "7", Some(7000)),
            ("retry-after", "1.5", Some(1500)),
            ("retry-after", "0", Some(0)),
            ("retry-after", "Tue, 14 Nov 2023 22:13:50 GMT", Some(30_000)),
            ("retry-after", "Tuesday, 14-Nov-23 22:13:50 GMT", Some(30_000)),
            ("retry-after", "Tue Nov 14 22:13:50 2023", Some(30_000)),
            ("retry-after", "Tue, 14 Nov 2023 22:13:00 GMT", Some(0)),
            ("retry-after", "99999999999999999999", Some(LONGEST_MS)),
            ("retry-after", "soon", None),
            ("retry-after", "-4", None),
            ("retry-after-ms", "250", Some(250)),
            ("x-ratelimit-reset", "12", Some(12_000)),
            ("x-ratelimit-reset", "1700000020", Some(20_000)),
            ("x-ratelimit-reset", "1700000020000", Some(20_000)),
            ("ratelimit-reset", "3", Some(3000)),
            ("x-rate-limit-reset", "NaN", None),
        ] {
            assert_eq!(wait_ms(&headers(&[(name, value)]), now, true), ms, "{name}: {value}");
        }
        assert_eq!(wait_ms(&headers(&[("x-ratelimit-reset", "12")]), now, false), None);
    }

    #[test]
    fn a_date_is_read_against_the_providers_own_clock() {
        let both =
            headers(&[("date", "Wed, 15 Nov 2023 22:13:20 GMT"), ("retry-after", "Wed, 15 Nov 2023 22:13:25 GMT")]);
        assert_eq!(wait_ms(&both, Time::from_secs(NOW), true), Some(5000));
        assert_eq!(skew_ms(&both, Time::from_secs(NOW)), Some(86_400_500));
    }

    #[test]
    fn every_providers_way_of_telling_its_quota_is_read() {
        let told = |left, most, ends_ms, fixed| Some(Quota { left, most, ends_ms, fixed });
        for (who, list, quota) in [
            ("stripe", vec![("request-id", "req_1")], None),
            ("paddle", vec![("retry-after", "4")], None),
            (
                "hubspot",
                vec![
                    ("x-hubspot-ratelimit-max", "190"),
                    ("x-hubspot-ratelimit-remaining", "120"),
                    ("x-hubspot-ratelimit-interval-milliseconds", "10000"),
                    ("x-hubspot-ratelimit-daily-remaining", "9"),
                ],
                told(120, Some(190), Some(10_000), false),
            ),
            (
                "zendesk",
                vec![("x-rate-limit", "700"), ("x-rate-limit-remaining", "41")],
                told(41, Some(700), None, false),
            ),
            (
                "zendesk lists",
                vec![
                    ("x-rate-limit-remaining", "41"),
                    ("ratelimit-limit", "700"),
                    ("ratelimit-remaining", "41"),
                    ("ratelimit-reset", "22"),
                ],
                told(41, Some(700), Some(22_000), true),
            ),
            (
                "intercom",
                vec![("x-ratelimit-limit", "167"), ("x-ratelimit-remaining", "3"), ("x-ratelimit-reset", "1700000009")],
                told(3, Some(167), Some(9_000), true),
            ),
            (
                "gohighlevel",
                vec![
                    ("x-ratelimit-max", "100"),
                    ("x-ratelimit-remaining", "77"),
                    ("x-ratelimit-interval-milliseconds", "10000"),
                    ("x-ratelimit-daily-remaining", "199000"),
                ],
                told(77, Some(100), Some(10_000), false),
            ),
            ("vercel, cloudflare", vec![("x-ratelimit-remaining", "8")], told(8, None, None, false)),
            (
                "netlify",
                vec![("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1700000030")],
                told(0, None, Some(30_000), true),
            ),
            ("nonsense", vec![("x-ratelimit-remaining", "many"), ("x-rate-limit-remaining", "-3")], None),
        ] {
            assert_eq!(super::quota(&headers(&list), Time::from_secs(NOW)), quota, "{who}");
        }
    }

    #[test]
    fn the_smallest_number_left_counts() {
        let map = headers(&[("x-rate-limit-remaining", "70"), ("ratelimit-remaining", "12"), ("x-request-id", "r1")]);
        assert_eq!(left(&map), Some(12));
        assert_eq!(request_id(&map), Some("r1".to_owned()));
    }
}
