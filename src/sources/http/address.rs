//! Which addresses a credential may travel to.
//!
//! What must stay true: plain http reaches only this machine; a base address carries no user, query or fragment; an id
//! that a provider gave never changes the path that is asked.

use std::net::IpAddr;

use reqwest::Url;

use crate::domain::Problem;

/// Checks a base address and returns it without a trailing slash.
///
/// # Errors
/// A usage problem that says what is wrong with it.
pub fn base(text: &str) -> Result<String, Problem> {
    let wrong = |why: &str| {
        Problem::usage("this base_url cannot be used")
            .why(why)
            .hint("write it as https://host, or http://127.0.0.1:PORT")
    };
    let url = Url::parse(text.trim()).map_err(|e| wrong(&format!("it is not an address: {e}")))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("it carries a user name; credentials never stand in an address"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("it carries a query or a fragment"));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(wrong("it names no host"));
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err(wrong("plain http is allowed to this machine only: a credential would travel in clear")),
        other => return Err(wrong(&format!("`{other}` is neither https nor http"))),
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Whether the address is this very machine: 127.0.0.0/8, `::1` or `localhost`.
pub fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Scheme, host and port: what may be told of a foreign address without repeating its path or query.
pub fn origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let host = url.host_str()?;
    Some(match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    })
}

/// Whether a link that an answer holds stays with the host that was asked. A relative one does.
pub fn stays(base: &str, link: &str) -> bool {
    match Url::parse(link) {
        Ok(_) => origin(link) == origin(base),
        Err(_) => !link.trim_start().starts_with("//"),
    }
}

/// An address as it may be shown: without user, query and fragment, where tokens like to hide.
pub fn shown(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else {
        return text.split(['?', '#']).next().unwrap_or_default().to_owned();
    };
    url.set_query(None);
    url.set_fragment(None);
    if url.set_username("").is_err() || url.set_password(None).is_err() {
        return origin(text).unwrap_or_default();
    }
    url.into()
}

/// The id, if it can stand in a path as it is: letters, digits, `_`, `-`.
pub fn segment(id: &str) -> Option<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    (!id.is_empty() && id.len() <= 255 && id.chars().all(plain)).then_some(id)
}

/// A name that an operator gave (a project, a site), if it can stand in a path as it is: as [`segment`], and dots.
pub fn name_segment(name: &str) -> Option<&str> {
    let name = name.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    (!name.is_empty() && name.len() <= 255 && !name.starts_with('.') && name.chars().all(plain)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_reaches_this_machine_only() {
        for good in [
            "https://api.stripe.com",
            "https://api.netlify.com/api/v1/",
            "http://127.0.0.1:9000",
            "http://127.8.8.8",
            "http://[::1]:80",
            "http://localhost:1",
        ] {
            assert!(base(good).is_ok(), "{good}");
        }
        for bad in [
            "http://api.stripe.com",
            "http://127.0.0.1.evil.example",
            "http://localhost.evil.example",
            "http://0.0.0.0:1",
            "http://[::ffff:10.0.0.1]",
            "ftp://127.0.0.1",
            "https://user:pw@api.stripe.com",
            "https://api.stripe.com?x=1",
            "api.stripe.com",
            "",
        ] {
            assert!(base(bad).is_err(), "{bad}");
        }
        assert_eq!(base("https://h/api/v1/").unwrap(), "https://h/api/v1");
    }

    #[test]
    fn a_link_to_another_host_or_port_does_not_stay() {
        let base = "https://acme.zendesk.com";
        for (link, stays_there) in [
            ("https://acme.zendesk.com/api/v2/x?cursor=1", true),
            ("?after=abc", true),
            ("/v1/customers", true),
            ("https://acme.zendesk.com:444/", false),
            ("http://acme.zendesk.com/", false),
            ("https://evil.example/", false),
            ("//evil.example/", false),
        ] {
            assert_eq!(stays(base, link), stays_there, "{link}");
        }
    }

    #[test]
    fn ids_cannot_change_the_path() {
        assert_eq!(segment("evt_1Abc-9"), Some("evt_1Abc-9"));
        for bad in ["", "..", "a/b", "a?b", "a%2fb", "a b", "ä"] {
            assert_eq!(segment(bad), None, "{bad}");
            assert_eq!(name_segment(bad), None, "{bad}");
        }
        assert_eq!(name_segment(" acme.example "), Some("acme.example"));
    }

    #[test]
    fn what_is_shown_of_an_address_holds_no_token() {
        assert_eq!(shown("https://u:p@h.example/hook?token=abc#f"), "https://h.example/hook");
        assert_eq!(shown("not an address?token=abc"), "not an address");
    }
}
