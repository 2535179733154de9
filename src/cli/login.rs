//! `login` and `logout`: a credential goes into the system's keyring, or leaves it.
//!
//! What must stay true: the credential comes from a prompt or standard input only and is never printed; what is plainly
//! not the credential that was asked for is refused before it is stored.

use super::args::Credential;
use super::exit::{Exit, Outcome};
use super::output::Output;
use super::prompt;
use crate::domain::{Problem, System, Text};

/// What the prompt asks for, by system: what people call it, and where it is found.
const fn asked(system: System, webhook: bool) -> &'static str {
    match (system, webhook) {
        (System::Stripe, false) => "Stripe secret or restricted key (sk_... or rk_..., Developers > API keys)",
        (System::Paddle, false) => "Paddle API key (Developer tools > Authentication)",
        (System::Hubspot, false) => "HubSpot private app token (pat-..., Settings > Private Apps)",
        (System::Pipedrive, false) => "Pipedrive API token (Personal preferences > API)",
        (System::Gohighlevel, false) => "GoHighLevel private integration token (Settings > Private Integrations)",
        (System::Intercom, false) => "Intercom access token (Developer Hub > Authentication)",
        (System::Zendesk, false) => "Zendesk API token (Admin Center > Apps and integrations > API tokens)",
        (System::Vercel, false) => "Vercel token (Account Settings > Tokens)",
        (System::Netlify, false) => "Netlify personal access token (User settings > Applications)",
        (System::Cloudflare, false) => "Cloudflare API token (My Profile > API Tokens)",
        (System::Hubspot | System::Intercom, true) => "the app's client secret",
        (System::Pipedrive, true) => "user:password of the webhook",
        (System::Gohighlevel, true) => "the Ed25519 public key",
        (_, true) => "the webhook's signing secret",
        (System::Portal, false) => "the portal's password",
    }
}

/// Beginnings of keys that are plainly something else, and what they are.
const OTHERS: &[(System, bool, &str, &str)] = &[
    (System::Stripe, false, "pk_", "a publishable key; a secret (sk_) or restricted (rk_) key is needed"),
    (System::Stripe, false, "whsec_", "a webhook's signing secret; store it with --field webhook_secret"),
    (System::Stripe, true, "sk_", "an API key; a signing secret begins with whsec_"),
    (System::Stripe, true, "rk_", "an API key; a signing secret begins with whsec_"),
    (System::Hubspot, true, "pat-", "a private app token; the client secret is needed"),
];

/// Refuses what is plainly not the credential.
pub fn plausible(system: System, field: &str, secret: &str) -> Result<(), Problem> {
    let webhook = field == "webhook_secret";
    for (of, hook, prefix, what) in OTHERS {
        if *of == system && *hook == webhook && secret.starts_with(prefix) {
            return Err(Problem::usage(format!("this is {what}")).hint("nothing was stored"));
        }
    }
    if !webhook && secret.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Problem::usage("a key has no white space in it").hint("nothing was stored; copy the key alone"));
    }
    Ok(())
}

/// Asks for a credential and hands it to `keep`, which stores it and says where.
pub fn login(
    credential: &Credential,
    may_ask: bool,
    keep: impl FnOnce(&str) -> Outcome<Text>,
    out: &mut Output,
) -> Outcome {
    let (system, field) = (credential.source, credential.field.as_str());
    let secret = prompt::secret(asked(system, field == "webhook_secret"), may_ask)?;
    plausible(system, field, &secret)?;
    let place = keep(&secret)?;
    answer("stored", credential, &place, out)
}

/// Removes a credential with `forget`, which says from where.
pub fn logout(credential: &Credential, forget: impl FnOnce() -> Outcome<Text>, out: &mut Output) -> Outcome {
    let place = forget()?;
    answer("removed", credential, &place, out)
}

fn answer(done: &str, credential: &Credential, place: &Text, out: &mut Output) -> Outcome {
    let (system, field) = (credential.source, &credential.field);
    if out.is_json() {
        out.json(&serde_json::json!({ "source": system, "field": field, "done": done, "where": place }))?;
    } else {
        out.say(format!("{field} of {} {done}: {place}", system.title()));
        if done == "stored" {
            out.say("`trueup doctor` tries it");
        }
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plainly_another_secret_is_refused() {
        for (system, field, secret, good) in [
            (System::Stripe, "api_key", "rk_live_x", true),
            (System::Stripe, "api_key", "pk_live_x", false),
            (System::Stripe, "api_key", "whsec_x", false),
            (System::Stripe, "api_key", "sk_live x", false),
            (System::Stripe, "webhook_secret", "whsec_a,whsec_b", true),
            (System::Stripe, "webhook_secret", "sk_live_x", false),
            (System::Gohighlevel, "webhook_secret", "-----BEGIN PUBLIC KEY-----\nx", true),
        ] {
            assert_eq!(plausible(system, field, secret).is_ok(), good, "{system} {field} {secret}");
            if let Err(problem) = plausible(system, field, secret) {
                assert!(!problem.to_string().contains(secret));
            }
        }
    }
}
