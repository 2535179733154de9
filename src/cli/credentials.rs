//! What `login`, `logout` and `doctor` do with credentials: keep, remove, find.

use super::args::{Credential, Global};
use super::doctor;
use super::exit::Outcome;
use super::folders;
use super::open;
use crate::config::Settings;
use crate::domain::{Problem, Text};
use crate::engine::build;
use crate::sources::credential::{self, Wanted};
use crate::sources::registry;
use crate::sources::secret::Secret;

/// Stores a secret in the keyring and says where it is now.
pub async fn keep(global: &Global, of: &Credential, value: &str) -> Outcome<Text> {
    let settings = open::settings(global)?;
    let base_url = build::base_url(&settings, of.source)?;
    let wanted = Wanted { profile: settings.name.as_str(), system: of.source, field: &of.field, base_url: &base_url };
    let kept = credential::store(&wanted, &Secret::new(value, &base_url)).await?;
    Ok(Text::new(kept.to_string()))
}

/// Removes a secret from the keyring and says from where.
pub async fn forget(global: &Global, of: &Credential) -> Outcome<Text> {
    let settings = open::settings(global)?;
    let base_url = build::base_url(&settings, of.source)?;
    let wanted = Wanted { profile: settings.name.as_str(), system: of.source, field: &of.field, base_url: &base_url };
    if credential::remove(&wanted).await? {
        let (service, user) = wanted.entry();
        return Ok(Text::new(format!("keyring ({service}, {user})")));
    }
    Err(Problem::usage(format!("the keyring holds no {} for {}", of.field, of.source.title()))
        .hint(format!("if {} or a file holds it, remove it there", wanted.variable()))
        .into())
}

/// Looks for the credential of every configured source. Webhook secrets are not needed until webhooks are received.
pub async fn all(settings: &Settings) -> Vec<doctor::Credential> {
    let mut found = Vec::new();
    for system in settings.sources.keys() {
        if registry::provider(*system).is_none() {
            continue;
        }
        let answer = build::credential(settings, *system, "api_key", &folders::variable).await;
        found.push(doctor::Credential {
            system: *system,
            field: "api_key",
            found: answer.map(|(secret, origin)| Text::new(format!("{origin}{}", mode(secret.prefix())))),
        });
    }
    found
}

/// The mode that a key's first letters tell, for the line of `doctor`.
fn mode(prefix: &str) -> &'static str {
    match prefix {
        p if p.starts_with("sk_live") => ", live secret key: a restricted key (rk_live_...) with read rights is enough",
        p if p.starts_with("rk_live") => ", live restricted key",
        p if p.starts_with("sk_test") => ", test secret key",
        p if p.starts_with("rk_test") => ", test restricted key",
        _ => "",
    }
}
