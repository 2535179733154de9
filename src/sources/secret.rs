//! Secrets are a type: it prints as dots, cannot be serialised, and is bound to the host that it is for.

use std::fmt;

/// A credential, usable only for one origin.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    value: String,
    origin: String,
}

impl Secret {
    /// Binds a value to the origin (`https://api.stripe.com`, scheme, host and port) that it may be sent to.
    pub fn new(value: impl Into<String>, base_url: &str) -> Self {
        Self { value: value.into().trim().to_owned(), origin: origin(base_url) }
    }

    /// The value, if `url` is of the origin that it is bound to; `None` for any other host.
    pub fn expose_for(&self, url: &str) -> Option<&str> {
        (origin(url) == self.origin).then_some(&self.value)
    }

    /// How a key begins (`sk_live`), to tell its mode; never more than eight characters and never the whole.
    pub fn prefix(&self) -> &str {
        let end = self.value.char_indices().nth(8).map_or(0, |(i, _)| i);
        &self.value[..end]
    }

    /// Whether this text contains the secret: used to redact foreign text before it becomes a message.
    pub fn occurs_in(&self, text: &str) -> bool {
        !self.value.is_empty() && text.contains(&self.value)
    }
}

/// Scheme, host and port of a URL, lower case.
fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let scheme = scheme.to_ascii_lowercase();
    let host = host.to_ascii_lowercase();
    let default = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => "",
    };
    format!("{scheme}://{}", host.strip_suffix(default).unwrap_or(&host))
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("••••••••")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("••••••••")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_dots_and_goes_to_its_own_host_only() {
        let secret = Secret::new("sk_live_abcdefgh", "https://api.stripe.com");
        assert_eq!(format!("{secret} {secret:?}"), "•••••••• ••••••••");
        assert!(secret.expose_for("https://api.stripe.com/v1/customers?limit=1").is_some());
        assert!(secret.expose_for("https://API.stripe.com:443/v1").is_some());
        for other in [
            "https://api.stripe.com.evil.example/",
            "http://api.stripe.com/",
            "https://api.stripe.com@evil.example/",
            "https://evil.example/?https://api.stripe.com",
        ] {
            assert!(secret.expose_for(other).is_none(), "{other}");
        }
    }
}
