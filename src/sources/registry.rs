//! Which providers can be read, with what, and under which limits: one table.
//!
//! What must stay true: what stands here is all that `doctor`, `login` and the configuration need to know of a provider.
//! Systems of the contract that are not built yet are named as such, never half done.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Source;
use super::budget::{Limits, Rate};
use super::cloudflare::Cloudflare;
use super::gohighlevel::Gohighlevel;
use super::http::address;
use super::hubspot::Hubspot;
use super::intercom::Intercom;
use super::netlify::Netlify;
use super::paddle::Paddle;
use super::pipedrive::Pipedrive;
use super::secret::Secret;
use super::stripe::Stripe;
use super::vercel::Vercel;
use super::zendesk::Zendesk;
use crate::domain::{Problem, System};

/// An account parameter beside `base_url`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its key in `[sources.S]`.
    pub key: &'static str,
    /// Whether nothing works without it.
    pub required: bool,
    /// What it is, for a person.
    pub what: &'static str,
}

/// What trueup knows of a provider before it asks.
#[derive(Clone, Copy, Debug)]
pub struct Provider {
    /// Which.
    pub system: System,
    /// Base address; `{subdomain}` stands for the account parameter of that name.
    pub base_url: &'static str,
    /// Where the portal's id is kept there unless configured; `None` when the place is fixed.
    pub link_field: Option<&'static str>,
    /// Whether it has a live and a test mode.
    pub modes: bool,
    /// Credentials it uses, by field.
    pub credentials: &'static [&'static str],
    /// Account parameters.
    pub account: &'static [Parameter],
    /// Where a person makes a key: an address, or a place in the account's own pages.
    pub key_url: &'static str,
    /// What the key must be allowed to do.
    pub scopes: &'static str,
    /// How often it is asked.
    pub limits: Limits,
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);
const CALL: Duration = Duration::from_secs(15);

/// The providers that this version reads.
pub const PROVIDERS: &[Provider] = &[
    Provider {
        system: System::Stripe,
        base_url: "https://api.stripe.com",
        link_field: Some("portal_id"),
        modes: true,
        credentials: &["api_key", "webhook_secret"],
        account: &[],
        key_url: super::stripe::KEYS,
        scopes: "read on Customers, Subscriptions, Invoices, Charges, Events, Webhook Endpoints",
        // Stripe's documentation: 25 requests a second in a sandbox and for each endpoint.
        limits: Limits { general: Rate::new(20, SECOND, 5), narrow: Rate::new(20, SECOND, 5), timeout: CALL },
    },
    Provider {
        system: System::Paddle,
        base_url: "https://api.paddle.com",
        link_field: Some("portal_id"),
        modes: true,
        credentials: &["api_key", "webhook_secret"],
        account: &[],
        key_url: super::paddle::KEYS,
        scopes: "read on Customers, Subscriptions, Transactions, Adjustments, Events, Notifications, Notification settings",
        // Believed to be 240 requests a minute for each address that asks; no document of Paddle's at hand says so
        // (unverified).
        limits: Limits { general: Rate::new(200, MINUTE, 20), narrow: Rate::new(200, MINUTE, 20), timeout: CALL },
    },
    Provider {
        system: System::Hubspot,
        base_url: "https://api.hubapi.com",
        link_field: Some("portal_id"),
        modes: false,
        credentials: &["api_key", "webhook_secret"],
        account: &[Parameter { key: "app_id", required: false, what: "the app whose webhooks are received" }],
        key_url: super::hubspot::KEYS,
        scopes: "crm.objects.contacts.read, crm.schemas.contacts.read, tickets",
        // HubSpot's documentation: 100 requests in 10 s on the smaller tiers. Its client library makes at most four
        // searches a second or so; five is the documented limit.
        limits: Limits {
            general: Rate::new(80, Duration::from_secs(10), 20),
            narrow: Rate::new(4, SECOND, 1),
            timeout: CALL,
        },
    },
    Provider {
        system: System::Pipedrive,
        base_url: "https://api.pipedrive.com",
        link_field: Some("Portal ID"),
        modes: false,
        credentials: &["api_key", "webhook_secret"],
        account: &[],
        key_url: super::pipedrive::KEYS,
        scopes: "contacts:read, deals:read, admin for the list of webhooks",
        // Pipedrive's documentation: 30,000 tokens a day for the smallest plan and one seat, 10 for a list (its API
        // document); and 20 calls in two seconds of one user there. A day's calls are spread over the day.
        limits: Limits {
            general: Rate::new(2300, DAY, 100),
            narrow: Rate::new(15, Duration::from_secs(2), 3),
            timeout: CALL,
        },
    },
    Provider {
        system: System::Gohighlevel,
        base_url: "https://services.leadconnectorhq.com",
        link_field: Some("Portal ID"),
        modes: false,
        credentials: &["api_key", "webhook_secret"],
        account: &[Parameter { key: "location_id", required: true, what: "the location (sub-account) to read" }],
        key_url: super::gohighlevel::KEYS,
        scopes: "contacts.readonly, opportunities.readonly, locations.readonly, locations/customFields.readonly",
        // HighLevel's documentation: 200,000 requests a day and 100 in 10 s, for each app and location.
        limits: Limits {
            general: Rate::new(150_000, DAY, 1000),
            narrow: Rate::new(80, Duration::from_secs(10), 15),
            timeout: CALL,
        },
    },
    Provider {
        system: System::Intercom,
        base_url: "https://api.intercom.io",
        link_field: None,
        modes: false,
        credentials: &["api_key", "webhook_secret"],
        account: &[],
        key_url: super::intercom::KEYS,
        scopes: "read on users, conversations, tickets and tags",
        // Intercom's documentation: 1,000 requests a minute spread over windows of 10 s, 167 each; 80 % of that.
        limits: Limits {
            general: Rate::new(113, Duration::from_secs(10), 20),
            narrow: Rate::new(113, Duration::from_secs(10), 20),
            timeout: CALL,
        },
    },
    Provider {
        system: System::Zendesk,
        base_url: "https://{subdomain}.zendesk.com",
        link_field: None,
        modes: false,
        credentials: &["api_key", "webhook_secret"],
        account: &[
            Parameter { key: "subdomain", required: true, what: "the part before .zendesk.com" },
            Parameter { key: "email", required: true, what: "the admin whose API token it is" },
        ],
        key_url: super::zendesk::KEYS,
        scopes: "an admin's API token",
        // Zendesk's documentation: from 200 requests a minute on the smallest plan, 100 assumed; incremental exports
        // 10 a minute (third-party clients agree).
        limits: Limits { general: Rate::new(80, MINUTE, 20), narrow: Rate::new(8, MINUTE, 2), timeout: CALL },
    },
    Provider {
        system: System::Vercel,
        base_url: "https://api.vercel.com",
        link_field: None,
        modes: false,
        credentials: &["api_key", "webhook_secret"],
        account: &[
            Parameter { key: "project", required: true, what: "the project's name or id" },
            Parameter { key: "team", required: false, what: "the team's id or slug" },
        ],
        key_url: super::vercel::KEYS,
        scopes: "a token of the team that owns the project",
        // Vercel's figures differ by call and are not published for these; one call a second is far below any that
        // third parties report.
        limits: Limits { general: Rate::new(60, MINUTE, 20), narrow: Rate::new(60, MINUTE, 20), timeout: CALL },
    },
    Provider {
        system: System::Netlify,
        base_url: "https://api.netlify.com/api/v1",
        link_field: None,
        modes: false,
        credentials: &["api_key", "webhook_secret"],
        account: &[
            Parameter { key: "site", required: true, what: "the site's name, domain or id" },
            Parameter { key: "account", required: false, what: "the team's slug" },
        ],
        key_url: super::netlify::KEYS,
        scopes: "a personal access token",
        // 500 a minute, as third parties report.
        limits: Limits { general: Rate::new(200, MINUTE, 20), narrow: Rate::new(200, MINUTE, 20), timeout: CALL },
    },
    Provider {
        system: System::Cloudflare,
        base_url: "https://api.cloudflare.com/client/v4",
        link_field: None,
        modes: false,
        credentials: &["api_key"],
        account: &[Parameter { key: "zone", required: true, what: "the domain, or the zone's id" }],
        key_url: super::cloudflare::KEYS,
        scopes: "Zone: Read, DNS: Read, Zone Settings: Read, SSL and Certificates: Read",
        // Cloudflare's documentation: 1,200 in five minutes for everything that the user does, the dashboard included;
        // beyond it all is blocked for five minutes.
        limits: Limits {
            general: Rate::new(580, Duration::from_secs(300), 20),
            narrow: Rate::new(580, Duration::from_secs(300), 20),
            timeout: CALL,
        },
    },
];

/// What is known of a provider; `None` when this version does not read it.
pub fn provider(system: System) -> Option<&'static Provider> {
    PROVIDERS.iter().find(|p| p.system == system)
}

impl Provider {
    /// The provider's own base address for this account.
    ///
    /// # Errors
    /// A usage problem when the address needs an account parameter that is not given.
    pub fn default_base_url(&self, account: &BTreeMap<String, String>) -> Result<String, Problem> {
        let mut url = self.base_url.to_owned();
        for parameter in self.account {
            let place = format!("{{{}}}", parameter.key);
            if !url.contains(&place) {
                continue;
            }
            let value = account.get(parameter.key).map_or("", |v| v.trim());
            let plain = value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            if value.is_empty() || !plain {
                return Err(self.lacks(parameter));
            }
            url = url.replace(&place, value);
        }
        Ok(url)
    }

    /// How often it is asked there. A stand-in on this machine has no quota of a day that could be used up.
    fn limits_at(&self, base: &str) -> Limits {
        let here = reqwest::Url::parse(base).is_ok_and(|url| address::is_loopback(&url));
        let general = if here && self.limits.general.per == DAY { self.limits.narrow } else { self.limits.general };
        Limits { general, ..self.limits }
    }

    /// An account parameter without which nothing works.
    fn given<'a>(&self, spec: &'a SourceSpec, key: &str) -> Result<&'a str, Problem> {
        match (spec.parameter(key), self.account.iter().find(|parameter| parameter.key == key)) {
            (Some(value), _) => Ok(value),
            (None, Some(parameter)) => Err(self.lacks(parameter)),
            (None, None) => Err(Problem::bug(format!("{key} is no parameter of {}", self.system))),
        }
    }

    fn lacks(&self, parameter: &Parameter) -> Problem {
        Problem::usage(format!("`{}` is missing or cannot be used: {}", parameter.key, parameter.what))
            .at(format!("sources.{}", self.system))
            .hint(format!("add `{} = \"...\"` to [sources.{}]", parameter.key, self.system))
    }
}

/// One source as it is configured: everything that is needed to make it.
#[derive(Clone, Debug)]
pub struct SourceSpec {
    /// Which system.
    pub system: System,
    /// Base address; empty for the provider's own.
    pub base_url: String,
    /// The mode that is expected; ignored where there are no modes.
    pub live: bool,
    /// Where the portal's id is kept; `None` for the provider's usual place.
    pub link_field: Option<String>,
    /// Account parameters, by key.
    pub account: BTreeMap<String, String>,
    /// The credential, bound to the base address.
    pub api_key: Secret,
    /// Other limits than the provider's published ones (a fake on this machine, a higher plan).
    pub limits: Option<Limits>,
}

impl SourceSpec {
    /// An account parameter, if there is one that says something.
    fn parameter(&self, key: &str) -> Option<&str> {
        self.account.get(key).map(|value| value.trim()).filter(|value| !value.is_empty())
    }
}

/// Makes a source. Opens nothing and asks nobody.
///
/// # Errors
/// A system that this version does not read, a missing account parameter, a base address or credential that cannot be
/// used.
pub fn build(spec: &SourceSpec) -> Result<Box<dyn Source>, Problem> {
    let provider = provider(spec.system).ok_or_else(|| unsupported(spec.system))?;
    let base = match spec.base_url.trim() {
        "" => provider.default_base_url(&spec.account)?,
        given => given.to_owned(),
    };
    let limits = spec.limits.unwrap_or_else(|| provider.limits_at(&base));
    let link_field = spec.link_field.as_deref().or(provider.link_field).unwrap_or_default();
    let key = spec.api_key.clone();
    Ok(match spec.system {
        System::Stripe => Box::new(Stripe::new(&base, key, spec.live, link_field, &limits)?),
        System::Paddle => Box::new(Paddle::new(&base, key, spec.live, link_field, &limits)?),
        System::Hubspot => Box::new(Hubspot::new(&base, key, link_field, &limits)?),
        System::Intercom => Box::new(Intercom::new(&base, key, &limits)?),
        System::Pipedrive => Box::new(Pipedrive::new(&base, key, link_field, spec.link_field.is_some(), &limits)?),
        System::Gohighlevel => {
            let location = provider.given(spec, "location_id")?;
            Box::new(Gohighlevel::new(&base, location, key, (link_field, spec.link_field.is_some()), &limits)?)
        }
        System::Zendesk => {
            let email = provider.given(spec, "email")?;
            Box::new(Zendesk::new(&base, email, key, &limits)?)
        }
        System::Vercel => {
            Box::new(Vercel::new(&base, key, provider.given(spec, "project")?, spec.parameter("team"), &limits)?)
        }
        System::Netlify => {
            Box::new(Netlify::new(&base, key, provider.given(spec, "site")?, spec.parameter("account"), &limits)?)
        }
        System::Cloudflare => Box::new(Cloudflare::new(&base, key, provider.given(spec, "zone")?, &limits)?),
        other => return Err(unsupported(other)),
    })
}

fn unsupported(system: System) -> Problem {
    let ready: Vec<&str> = PROVIDERS.iter().map(|p| p.system.as_str()).collect();
    let problem = Problem::usage(format!("{} is not supported in this version", system.title()));
    let problem = problem.at(format!("sources.{system}"));
    match system {
        System::Portal => problem.hint("the portal is configured under [portal]"),
        _ => problem.hint(format!("remove [sources.{system}]; this version reads {}", ready.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(system: System, base_url: &str) -> SourceSpec {
        SourceSpec {
            system,
            base_url: base_url.to_owned(),
            live: true,
            link_field: None,
            account: BTreeMap::new(),
            api_key: Secret::new("key", if base_url.is_empty() { "https://api.stripe.com" } else { base_url }),
            limits: None,
        }
    }

    fn refused(spec: &SourceSpec) -> String {
        build(spec).err().unwrap().to_string()
    }

    #[test]
    fn every_provider_of_the_table_can_be_made() {
        for provider in PROVIDERS {
            let mut spec = spec(provider.system, "https://acme.example");
            for key in ["email", "project", "site", "zone"] {
                spec.account.insert(key.to_owned(), "acme.example".to_owned());
            }
            spec.account.insert("location_id".to_owned(), "loc1".to_owned());
            assert_eq!(build(&spec).unwrap().system(), provider.system);
            let limits = provider.limits.general;
            assert!(limits.burst < limits.count);
        }
        assert!(build(&spec(System::Stripe, "")).is_ok());
    }

    #[test]
    fn the_portal_is_no_provider_and_every_other_system_is() {
        assert!(refused(&spec(System::Portal, "https://acme.example")).contains("under [portal]"));
        for system in System::ALL.iter().filter(|system| **system != System::Portal) {
            assert!(provider(*system).is_some(), "{system}");
        }
    }

    #[test]
    fn missing_account_parameters_and_wrong_hosts_are_named() {
        assert!(refused(&spec(System::Zendesk, "")).contains("subdomain"));
        assert!(refused(&spec(System::Zendesk, "https://acme.example")).contains("email"));
        let needed = [
            (System::Gohighlevel, "location_id"),
            (System::Vercel, "project"),
            (System::Netlify, "site"),
            (System::Cloudflare, "zone"),
        ];
        for (system, key) in needed {
            assert!(refused(&spec(system, "https://acme.example")).contains(key), "{system}");
        }
        assert!(refused(&spec(System::Stripe, "http://acme.example")).contains("plain http"));
        let mut other = spec(System::Stripe, "https://acme.example");
        other.api_key = Secret::new("key", "https://api.stripe.com");
        assert!(refused(&other).contains("bound to another host"));
    }

    #[test]
    fn a_day_is_counted_at_the_provider_and_not_on_this_machine() {
        let pipedrive = provider(System::Pipedrive).unwrap();
        assert_eq!(pipedrive.limits_at("https://api.pipedrive.com"), pipedrive.limits);
        assert_eq!(pipedrive.limits_at("http://127.0.0.1:9000").general, pipedrive.limits.narrow);
        let stripe = provider(System::Stripe).unwrap();
        assert_eq!(stripe.limits_at("http://127.0.0.1:9000"), stripe.limits);
    }

    #[test]
    fn a_subdomain_cannot_become_another_host() {
        let provider = provider(System::Zendesk).unwrap();
        let url = |name: &str| provider.default_base_url(&BTreeMap::from([("subdomain".to_owned(), name.to_owned())]));
        assert_eq!(url("acme").unwrap(), "https://acme.zendesk.com");
        for bad in ["", "evil.example/", "a.b", "a#"] {
            assert!(url(bad).is_err(), "{bad}");
        }
    }
}
