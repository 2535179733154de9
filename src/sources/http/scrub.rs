//! Takes our own credential out of foreign words before they become a message.
//!
//! What must stay true: neither the credential nor the forms in which it travels (Basic's base64, percent-encoding)
//! stand in a `Problem`.

use crate::sources::secret::Secret;

/// Knows the forms of one credential. Prints as nothing.
pub(super) struct Scrub {
    secret: Secret,
    forms: Vec<String>,
}

/// What stands in its place.
const DOTS: &str = "••••••••";
/// Forms shorter than this would blank out ordinary words.
const SHORTEST: usize = 4;

impl Scrub {
    /// All forms of this secret: as it is, percent-encoded, and `header`, the value that the Authorization header holds.
    pub(super) fn new(secret: &Secret, base_url: &str, header: &str) -> Self {
        let plain = secret.expose_for(base_url).unwrap_or_default();
        let basic = header.strip_prefix("Basic ").unwrap_or_default();
        let forms = [plain.to_owned(), escaped(plain), basic.to_owned()];
        Self { secret: secret.clone(), forms: forms.into_iter().filter(|f| f.len() >= SHORTEST).collect() }
    }

    /// The text without the credential.
    pub(super) fn clean(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for form in &self.forms {
            if out.contains(form.as_str()) {
                out = out.replace(form.as_str(), DOTS);
            }
        }
        // Whatever is left (a very short secret) costs the whole text rather than a leak.
        if self.secret.occurs_in(&out) { DOTS.to_owned() } else { out }
    }
}

/// Percent-encoding of everything but unreserved characters.
fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, b| {
        if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
            out.push(char::from(b));
        } else {
            let _ = write!(out, "%{b:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_form_of_the_secret_is_left() {
        let secret = Secret::new("sk/canary+1234", "https://h.example");
        let scrub = Scrub::new(&secret, "https://h.example", "Basic bWU6c2svY2FuYXJ5");
        let text = "key sk/canary+1234, sk%2Fcanary%2B1234 or bWU6c2svY2FuYXJ5 is bad";
        let clean = scrub.clean(text);
        assert!(!clean.contains("canary") && !clean.contains("bWU6c2sv"), "{clean}");
        assert!(clean.starts_with("key ••••••••"));
    }
}
