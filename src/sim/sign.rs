//! Signatures of webhooks, made as each provider makes them (`ring` HMAC), and the base64 that they need.

use ring::hmac;

use crate::domain::{System, Time};

/// The headers that prove a request to come from `system`; empty for a system whose webhooks are not simulated.
/// `url` is the full address as the provider calls it (HubSpot signs it).
pub(super) fn headers(system: System, secret: &str, url: &str, body: &str, now: Time) -> Vec<(&'static str, String)> {
    match system {
        System::Stripe => {
            let t = now.secs();
            let tag = hex(&mac(secret, &format!("{t}.{body}")));
            vec![("Stripe-Signature", format!("t={t},v1={tag}"))]
        }
        System::Hubspot => {
            let t = now.ms().to_string();
            let tag = base64(&mac(secret, &format!("POST{url}{body}{t}")));
            vec![("X-HubSpot-Signature-v3", tag), ("X-HubSpot-Request-Timestamp", t)]
        }
        System::Zendesk => {
            let t = now.rfc3339();
            let tag = base64(&mac(secret, &format!("{t}{body}")));
            vec![("X-Zendesk-Webhook-Signature", tag), ("X-Zendesk-Webhook-Signature-Timestamp", t)]
        }
        _ => Vec::new(),
    }
}

fn mac(secret: &str, text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// RFC 4648 with padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().enumerate().fold(0_u32, |bits, (i, b)| bits | u32::from(*b) << (16 - 8 * i));
        for i in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

/// Undoes [`base64`]; `None` when it is not base64.
pub(super) fn unbase64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut held) = (0_u32, 0);
    for byte in text.bytes() {
        let digit = ALPHABET.iter().position(|d| *d == byte)? as u32;
        bits = bits << 6 | digit;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held & 0xff) as u8);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_the_one_of_rfc_4648() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(plain.as_bytes()), coded);
            assert_eq!(unbase64(coded).unwrap(), plain.as_bytes());
        }
    }

    /// Expected value from RFC 4231, test case 2, through the same function.
    #[test]
    fn the_mac_is_hmac_sha256() {
        let tag = hex(&mac("Jefe", "what do ya want for nothing?"));
        assert_eq!(tag, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn each_provider_signs_what_it_documents() {
        let now = Time::from_secs(1_700_000_000);
        let [(name, value)] = &headers(System::Stripe, "whsec_x", "", "{}", now)[..] else { panic!("one header") };
        assert_eq!(*name, "Stripe-Signature");
        let expected = hex(&mac("whsec_x", "1700000000.{}"));
        assert_eq!(value, &format!("t=1700000000,v1={expected}"));
        let hubspot = headers(System::Hubspot, "s", "http://127.0.0.1:1/webhooks/hubspot", "[]", now);
        let expected = base64(&mac("s", "POSThttp://127.0.0.1:1/webhooks/hubspot[]1700000000000"));
        assert_eq!(hubspot[0].1, expected);
        let zendesk = headers(System::Zendesk, "s", "", "", now);
        assert_eq!(zendesk[0].1, base64(&mac("s", "2023-11-14T22:13:20Z")));
    }
}
