//! Credentials of the configured sources: kept, removed, and looked up for `doctor`.
//!
//! What must stay true: a credential is bound to the address of its source the moment it is taken; of a key nothing is
//! shown but a beginning that every key of its kind has.

use futures_util::future::join_all;

use super::args::{self, Global};
use super::doctor;
use super::exit::Outcome;
use super::open;
use crate::config::Settings;
use crate::domain::{Fault, Problem, System, Text};
use crate::sources::credential::{self, Wanted};
use crate::sources::registry;
use crate::sources::secret::Secret;

/// Beginnings that tell a key's mode.
const MODES: &[(System, &str, bool)] = &[
    (System::Stripe, "sk_live_", true),
    (System::Stripe, "rk_live_", true),
    (System::Stripe, "sk_test_", false),
    (System::Stripe, "rk_test_", false),
    (System::Paddle, "pdl_live", true),
    (System::Paddle, "pdl_sdbx", false),
];

/// Stores a secret in the keyring and says where it is now.
pub async fn keep(of: &args::Credential, secret: &str, global: &Global) -> Outcome<Text> {
    let settings = open::settings(global)?;
    let base_url = base_url(&settings, of.source)?;
    let wanted = wanted(&settings, of.source, &of.field, &base_url);
    let secret = Secret::new(secret, &base_url);
    if of.field == "api_key" {
        mode(&settings, of.source, &secret)?;
    }
    let origin = credential::store(&wanted, &secret).await?;
    Ok(Text::new(format!("in the {origin}")))
}

/// Removes a secret from the keyring and says from where.
pub async fn forget(of: &args::Credential, global: &Global) -> Outcome<Text> {
    let settings = open::settings(global)?;
    let base_url = base_url(&settings, of.source)?;
    let wanted = wanted(&settings, of.source, &of.field, &base_url);
    if credential::remove(&wanted).await? {
        return Ok(Text::new("from the keyring"));
    }
    let problem = Problem::usage(format!("the keyring has no {} of {}", of.field, of.source.title()));
    Err(problem.hint(format!("unset {} or remove the file, if it stands there", wanted.variable())).into())
}

/// Looks every credential of the configured sources up. A webhook's secret is only told of where there is one: nothing
/// that reads needs it.
pub async fn all(settings: &Settings) -> Vec<doctor::Credential> {
    let fields = ["api_key", "webhook_secret"];
    let known = settings.sources.keys().filter(|system| registry::provider(**system).is_some());
    let each = known.flat_map(|system| fields.map(|field| one(settings, *system, field)));
    join_all(each).await.into_iter().flatten().collect()
}

async fn one(settings: &Settings, system: System, field: &'static str) -> Option<doctor::Credential> {
    let source = settings.sources.get(&system)?;
    let wanted = wanted(settings, system, field, &source.base_url);
    let file = source.credential_files.get(field).map(std::path::PathBuf::as_path);
    let found = credential::find(&wanted, file, &|name: &str| std::env::var(name).ok()).await;
    let found = match found {
        Err(problem) if field == "webhook_secret" && problem.fault == Fault::Evidence => return None,
        Ok((secret, origin)) if field == "api_key" => mode(settings, system, &secret)
            .map(|mode| Text::new(mode.map_or_else(|| origin.to_string(), |mode| format!("{origin}, {mode}")))),
        other => other.map(|(_, origin)| Text::new(origin.to_string())),
    };
    Some(doctor::Credential { system, field, found })
}

fn wanted<'a>(settings: &'a Settings, system: System, field: &'a str, base_url: &'a str) -> Wanted<'a> {
    Wanted { profile: settings.name.as_str(), system, field, base_url }
}

/// The configured address, or the provider's own for a source that is not configured yet.
fn base_url(settings: &Settings, system: System) -> Result<String, Problem> {
    if let Some(source) = settings.sources.get(&system) {
        return Ok(source.base_url.clone());
    }
    let problem = Problem::usage(format!("{} cannot be read by this version", system.title()));
    let provider = registry::provider(system).ok_or(problem)?;
    provider.default_base_url(&std::collections::BTreeMap::new())
}

/// What a key's beginning tells of its mode; a key of the other mode than the configuration's is refused.
fn mode(settings: &Settings, system: System, secret: &Secret) -> Result<Option<String>, Problem> {
    let prefix = secret.prefix();
    let Some((_, prefix, live)) = MODES.iter().find(|(of, beginning, _)| *of == system && prefix == *beginning) else {
        return Ok(None);
    };
    let word = |live: bool| if live { "live" } else { "test" };
    let wanted = settings.sources.get(&system).is_none_or(|source| source.live);
    if *live == wanted {
        return Ok(Some(format!("{} key ({prefix}...)", word(*live))));
    }
    let what =
        format!("the {} key is of {} mode, the configuration says {}", system.title(), word(*live), word(wanted));
    let hint = format!("use a {} key, or write mode = \"{}\" in [sources.{system}]", word(wanted), word(*live));
    Err(Problem::usage(what).hint(hint))
}
