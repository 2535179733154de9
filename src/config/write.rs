//! The text of a new configuration file.
//!
//! What must stay true: the text loads; it holds no credential; it says what to do next.

use super::settings::Environment;
use crate::domain::System;

/// A file to start from. `portal_toml` is the text of `[portal]` and its subsections, as `init` proposes it; each
/// source gets a section with what it needs beyond its credential.
pub fn starter(name: &str, environment: Environment, portal_toml: &str, sources: &[System]) -> String {
    let mut out = format!(
        "# trueup's configuration. All keys: config.example.toml. Check it with `trueup doctor`.\n\
         version = 1\nname = {}\nenvironment = \"{}\"\n",
        quoted(name),
        environment.as_str(),
    );
    let portal = portal_toml.trim();
    if !portal.is_empty() {
        out.push_str(&format!("\n{portal}\n"));
    }
    for system in sources.iter().filter(|system| **system != System::Portal) {
        out.push_str(&format!("\n[sources.{system}]  # credential: `trueup login {system}`\n"));
        out.push_str(match system {
            System::Stripe => "mode = \"live\"\n#link_field = \"portal_id\"  # metadata key that holds the portal's id\n",
            System::Paddle => "mode = \"live\"\n#link_field = \"portal_id\"  # custom_data key that holds the portal's id\n",
            System::Hubspot => "#link_field = \"portal_id\"  # contact property that holds the portal's id\n",
            System::Pipedrive => "#link_field = \"Portal id\"  # name of the field that holds the portal's id\n",
            System::Gohighlevel => "#location_id = \"...\"\n#link_field = \"Portal id\"  # name of the field that holds the portal's id\n",
            System::Zendesk => "subdomain = \"CHANGE-ME\"  # as in acme.zendesk.com\n#email = \"ops@acme.example\"  # whose API token it is\n",
            System::Vercel => "project = \"CHANGE-ME\"  # name or id\n#team = \"team_acme\"\n",
            System::Netlify => "site = \"CHANGE-ME\"  # name, domain or id\n#account = \"acme\"\n",
            System::Cloudflare => "zone = \"CHANGE-ME\"  # the domain, or its id\n",
            System::Intercom | System::Portal => "",
        });
    }
    out
}

/// A text as TOML writes it.
pub fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
