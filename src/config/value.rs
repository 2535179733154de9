//! Words of the configuration file become values: durations, addresses, conditions.
//!
//! What must stay true: a value is either understood wholly or refused with the reason and an example of what is
//! right. Nothing is rounded, clamped or guessed. A reason never repeats an address, which may hold a password.

use core::net::{IpAddr, SocketAddr};

use super::settings::{Expect, Measure};
use crate::query::Op;

/// Why a value is refused, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// What is wrong with it.
    pub(crate) what: String,
    /// What to write instead.
    pub(crate) hint: String,
}

fn refuse<T>(what: impl Into<String>, hint: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal { what: what.into(), hint: hint.into() })
}

/// Units of a duration, with their milliseconds.
const UNITS: &[(&str, i64)] =
    &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];
const DURATION: &str = "write a number and a unit: \"800ms\", \"60s\", \"5m\", \"2h\", \"30d\"";

/// A duration such as `60s` in milliseconds.
pub(crate) fn duration(text: &str) -> Result<i64, Refusal> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = (&text[..split], text[split..].trim());
    let ms = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, ms)| *ms);
    match (number.parse::<i64>(), ms) {
        (Ok(number), Some(ms)) => match number.checked_mul(ms) {
            Some(total) if total <= 10 * 366 * 86_400_000 => Ok(total),
            _ => refuse("the duration is longer than ten years", DURATION),
        },
        _ => refuse("this is not a duration", DURATION),
    }
}

/// Milliseconds as a person would write them: the largest unit that leaves no rest.
pub(crate) fn spell(ms: i64) -> String {
    let (name, unit) = UNITS.iter().rev().skip(1).find(|(_, unit)| ms != 0 && ms % unit == 0).unwrap_or(&UNITS[0]);
    format!("{}{name}", ms / unit)
}

/// Parts of an http(s) address.
struct Parts<'a> {
    https: bool,
    host: &'a str,
    rest: &'a str,
}

fn parts(text: &str) -> Option<Parts<'_>> {
    let (scheme, rest) = text.split_once("://")?;
    let https = match scheme {
        "https" => true,
        "http" => false,
        _ => return None,
    };
    if text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '\\' | '"' | '<' | '>' | '`')) {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    let host = match authority.strip_prefix('[') {
        Some(six) => {
            let (host, port) = six.split_once(']')?;
            host.parse::<core::net::Ipv6Addr>().ok()?;
            port_of(port)?;
            host
        }
        None => {
            let (host, port) = authority.find(':').map_or((authority, ""), |at| authority.split_at(at));
            port_of(port)?;
            let plain = host.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '.' | '_'));
            (plain && !host.is_empty() && !host.starts_with('.')).then_some(host)?
        }
    };
    Some(Parts { https, host, rest })
}

/// `""` or `:8080`.
fn port_of(text: &str) -> Option<()> {
    match text.strip_prefix(':') {
        None => text.is_empty().then_some(()),
        Some(port) => port.parse::<u16>().ok().filter(|p| *p > 0).map(|_| ()),
    }
}

fn loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

const ADDRESS: &str = "write it whole: \"https://host.example/path\"";

/// An http(s) address of any host, for a check.
pub(crate) fn link(text: &str) -> Result<String, Refusal> {
    match parts(text) {
        Some(_) => Ok(text.to_owned()),
        None if text.contains('@') => refuse("the address holds a user name or is not an address", ADDRESS),
        None => refuse("this is not an http or https address", ADDRESS),
    }
}

/// An http(s) address that credentials or customers' data are sent to, without a `/` at its end.
pub(crate) fn safe_link(text: &str) -> Result<String, Refusal> {
    link(text)?;
    let Some(found) = parts(text) else { return refuse("this is not an http or https address", ADDRESS) };
    if !found.https && !loopback(found.host) {
        return refuse(
            "plain http would send credentials or customers' data unencrypted",
            "use https://; plain http is taken only for this machine (127.0.0.1, localhost, [::1])",
        );
    }
    if found.rest.contains(['?', '#']) {
        return refuse("the address has a `?` or `#` part", "give the address up to its path only");
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// `127.0.0.1:8787`, `[::1]:8787`, `localhost:8787`.
pub(crate) fn listen(text: &str) -> Result<(), Refusal> {
    let named = text.strip_prefix("localhost").is_some_and(|port| port.starts_with(':') && port_of(port).is_some());
    if named || text.parse::<SocketAddr>().is_ok() {
        return Ok(());
    }
    refuse("this is not an address and a port", "write \"127.0.0.1:8787\"")
}

/// A database address, whole: relative files of SQLite are taken from `folder`.
pub(crate) fn database(text: &str, folder: &std::path::Path) -> Result<String, Refusal> {
    const HINT: &str = "write \"postgres://user@host/database\" or \"sqlite:file.db\"";
    let text = text.trim();
    if let Some(rest) = text.strip_prefix("sqlite:") {
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (path, options) = rest.split_once('?').map_or((rest, None), |(path, options)| (path, Some(options)));
        if path.is_empty() || path.ends_with('/') {
            return refuse("the address names no file", HINT);
        }
        if path.contains(":memory:") {
            return refuse("a database in memory is empty in every connection", "name a file: \"sqlite:trueup.db\"");
        }
        let whole = folder.join(path);
        let options = options.map(|o| format!("?{o}")).unwrap_or_default();
        return Ok(format!("sqlite:{}{options}", whole.display()));
    }
    for scheme in ["postgres://", "postgresql://"] {
        if let Some(rest) = text.strip_prefix(scheme) {
            let bad = rest.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control());
            return if bad { refuse("the address is not whole", HINT) } else { Ok(text.to_owned()) };
        }
    }
    if text.starts_with("mysql:") || text.starts_with("mariadb:") {
        return refuse("MySQL cannot be read yet", HINT);
    }
    refuse("this is not the address of a database that trueup reads", HINT)
}

/// A condition of a check: `status = 200`, `time < 800ms`, `cert_days > 14`.
pub(crate) fn condition(text: &str) -> Result<Expect, Refusal> {
    const HINT: &str = "write \"status = 200\", \"time < 800ms\" or \"cert_days > 14\"";
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let what = match name {
        "status" => Measure::Status,
        "time" => Measure::Time,
        "cert_days" => Measure::CertDays,
        _ => {
            let meant = crate::query::nearest::nearest(name, ["status", "time", "cert_days"]);
            let hint = meant.map_or_else(|| HINT.to_owned(), |name| format!("did you mean `{name}`?"));
            return refuse(format!("a check does not measure `{name}`"), hint);
        }
    };
    let rest = rest.trim_start();
    // The longer ones first: `<=` begins with `<`.
    let ops = [("!=", Op::Ne), ("<=", Op::Le), (">=", Op::Ge), ("=", Op::Eq), ("<", Op::Lt), (">", Op::Gt)];
    let Some((op, value)) = ops.iter().find_map(|(sign, op)| rest.strip_prefix(sign).map(|v| (*op, v.trim()))) else {
        return refuse("the condition has none of = != < <= > >=", HINT);
    };
    let value = match what {
        Measure::Time => duration(value)?,
        Measure::Status => match value.parse() {
            Ok(status @ 100..=599) => status,
            _ => return refuse("a status is a number from 100 to 599", HINT),
        },
        Measure::CertDays => match value.parse() {
            Ok(days @ 0..=3650) => days,
            _ => return refuse("days are a number from 0 to 3650", HINT),
        },
    };
    Ok(Expect { what, op, value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("60s"), Ok(60_000));
        assert_eq!(duration("800 ms"), Ok(800));
        assert_eq!(duration("30d"), Ok(2_592_000_000));
        for bad in ["", "60", "s", "-5s", "1.5h", "60 sec", "99999999999w", "９s"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
        assert_eq!([spell(60_000), spell(2_592_000_000), spell(1500)], ["1m", "30d", "1500ms"]);
    }

    #[test]
    fn plain_http_goes_to_this_machine_only() {
        for good in [
            "https://api.stripe.com",
            "http://127.0.0.1:4242",
            "http://localhost:1/x/",
            "http://[::1]:9",
            "http://127.9.9.9",
        ] {
            assert!(safe_link(good).is_ok(), "{good}");
        }
        for bad in [
            "http://api.stripe.com",
            "http://127.0.0.1.evil.example",
            "http://127.0.0.1@evil.example",
            "http://localhost.evil.example",
            "http://127.0.0.1\\@evil.example",
            "ftp://x.example",
            "api.stripe.com",
            "https://",
            "https://x.example:0",
            "https://x.example:port",
            "https://user:pw@x.example",
            "https://x.example/?a=b",
            "https://x .example",
            "https://[::1",
        ] {
            assert!(safe_link(bad).is_err(), "{bad}");
        }
        assert_eq!(safe_link("https://api.netlify.com/api/v1/").unwrap(), "https://api.netlify.com/api/v1");
    }

    #[test]
    fn a_relative_sqlite_file_stands_beside_the_configuration() {
        let folder = Path::new("/etc/acme");
        assert_eq!(database("sqlite:trueup.db", folder).unwrap(), "sqlite:/etc/acme/trueup.db");
        assert_eq!(database("sqlite://x/y.db?mode=ro", folder).unwrap(), "sqlite:/etc/acme/x/y.db?mode=ro");
        assert_eq!(database("sqlite:///var/y.db", folder).unwrap(), "sqlite:/var/y.db");
        assert_eq!(database("postgres://u:p@h/d", folder).unwrap(), "postgres://u:p@h/d");
        for bad in ["", "sqlite:", "sqlite::memory:", "mysql://h/d", "postgres://", "/var/x.db", "host=x user=y"] {
            assert!(database(bad, folder).is_err(), "{bad}");
        }
    }

    #[test]
    fn conditions_of_checks() {
        assert_eq!(condition("status = 200").unwrap(), Expect { what: Measure::Status, op: Op::Eq, value: 200 });
        assert_eq!(condition("time<800ms").unwrap(), Expect { what: Measure::Time, op: Op::Lt, value: 800 });
        assert_eq!(condition("cert_days >= 14").unwrap(), Expect { what: Measure::CertDays, op: Op::Ge, value: 14 });
        for bad in
            ["", "status", "status 200", "status = ok", "time < 800", "latency < 3s", "status ~ 2", "status = 99"]
        {
            assert!(condition(bad).is_err(), "{bad}");
        }
    }
}
