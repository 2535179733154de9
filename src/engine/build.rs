//! Makes the sources that the settings name, each with its credential, or says why one cannot be made.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::config::Settings;
use crate::config::settings::{JobsQuery, Portal as PortalSettings, Query, SourceSettings};
use crate::domain::{Problem, System};
use crate::sources::credential::{self, Origin, Wanted};
use crate::sources::portal::{JobsSpec, Portal, PortalSpec, Sql};
use crate::sources::registry::{self, SourceSpec};
use crate::sources::secret::Secret;
use crate::sources::{Source, http};

/// Every configured source, or why it cannot be asked.
pub type Built = Vec<(System, Result<Arc<dyn Source>, Problem>)>;

/// How the environment is read.
pub type Env<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// Makes all configured sources. Opens nothing and asks nobody but the keyring.
pub async fn sources(settings: &Settings, env: Env<'_>) -> Built {
    http::install_tls();
    let mut built = Built::new();
    if let Some(portal) = &settings.portal {
        let source = Portal::new(portal_spec(portal)).map(|portal| Arc::new(portal) as Arc<dyn Source>);
        built.push((System::Portal, source));
    }
    for (system, source) in &settings.sources {
        built.push((*system, provider(settings, *system, source, env).await));
    }
    built
}

async fn provider(
    settings: &Settings,
    system: System,
    source: &SourceSettings,
    env: Env<'_>,
) -> Result<Arc<dyn Source>, Problem> {
    let (api_key, _) = credential(settings, system, "api_key", env).await?;
    let spec = SourceSpec {
        system,
        base_url: source.base_url.clone(),
        live: source.live,
        link_field: source.link_field.clone(),
        account: source.account.clone(),
        api_key,
        limits: None,
    };
    registry::build(&spec).map(Arc::from)
}

/// Finds one credential of a source, and where it was.
///
/// # Errors
/// As [`credential::find`].
pub async fn credential(
    settings: &Settings,
    system: System,
    field: &str,
    env: Env<'_>,
) -> Result<(Secret, Origin), Problem> {
    let source = settings.sources.get(&system);
    let base_url = base_url(settings, system)?;
    let file = source.and_then(|source| source.credential_files.get(field)).map(|path| path.as_path() as &Path);
    let wanted = Wanted { profile: settings.name.as_str(), system, field, base_url: &base_url };
    credential::find(&wanted, file, env).await
}

/// The address that a source's credential is bound to: the configured one, or the provider's own.
///
/// # Errors
/// A provider that this version does not read, or an account parameter that its address needs.
pub fn base_url(settings: &Settings, system: System) -> Result<String, Problem> {
    let source = settings.sources.get(&system);
    match source.map(|source| source.base_url.trim()).filter(|url| !url.is_empty()) {
        Some(url) => Ok(url.to_owned()),
        None => {
            let none = BTreeMap::new();
            let provider = registry::provider(system).ok_or_else(|| {
                Problem::usage(format!("{} is not supported in this version", system.title()))
                    .at(format!("sources.{system}"))
            })?;
            provider.default_base_url(source.map_or(&none, |source| &source.account))
        }
    }
}

fn portal_spec(portal: &PortalSettings) -> PortalSpec {
    let sql = |query: &Query| Sql { sql: query.sql.clone(), place: query.place.clone() };
    PortalSpec {
        url: portal.url.expose().to_owned(),
        customers: sql(&portal.customers),
        states: portal.states.clone(),
        tickets: portal.tickets.as_ref().map(sql),
        deliveries: portal.deliveries.as_ref().map(sql),
        jobs: portal.jobs.as_ref().map(|jobs| match jobs {
            JobsQuery::PgBoss => JobsSpec::PgBoss,
            JobsQuery::GraphileWorker => JobsSpec::GraphileWorker,
            JobsQuery::Query(query) => JobsSpec::Query(sql(query)),
        }),
    }
}
