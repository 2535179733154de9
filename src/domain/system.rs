//! The systems that a product is spread over, and what each is for.

use super::words::words;

words! {
    /// One system that trueup reads.
    System {
        /// The product's own database.
        Portal = "portal",
        /// Stripe.
        Stripe = "stripe",
        /// Paddle Billing.
        Paddle = "paddle",
        /// HubSpot CRM.
        Hubspot = "hubspot",
        /// Pipedrive.
        Pipedrive = "pipedrive",
        /// GoHighLevel.
        Gohighlevel = "gohighlevel",
        /// Intercom.
        Intercom = "intercom",
        /// Zendesk Support.
        Zendesk = "zendesk",
        /// Vercel.
        Vercel = "vercel",
        /// Netlify.
        Netlify = "netlify",
        /// Cloudflare DNS.
        Cloudflare = "cloudflare",
    }
}

words! {
    /// What a system is for. A comparison speaks of kinds, never of a provider's name.
    SystemKind {
        /// Who the customers are.
        Portal = "portal",
        /// Who pays; the authority on subscriptions.
        Billing = "billing",
        /// Contacts and stages.
        Crm = "crm",
        /// Tickets and conversations.
        Support = "support",
        /// Deployments.
        Hosting = "hosting",
        /// Names and certificates.
        Dns = "dns",
    }
}

impl System {
    /// What this system is for.
    pub const fn kind(self) -> SystemKind {
        match self {
            Self::Portal => SystemKind::Portal,
            Self::Stripe | Self::Paddle => SystemKind::Billing,
            Self::Hubspot | Self::Pipedrive | Self::Gohighlevel => SystemKind::Crm,
            Self::Intercom | Self::Zendesk => SystemKind::Support,
            Self::Vercel | Self::Netlify => SystemKind::Hosting,
            Self::Cloudflare => SystemKind::Dns,
        }
    }

    /// The name as its maker writes it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Portal => "portal",
            Self::Stripe => "Stripe",
            Self::Paddle => "Paddle",
            Self::Hubspot => "HubSpot",
            Self::Pipedrive => "Pipedrive",
            Self::Gohighlevel => "GoHighLevel",
            Self::Intercom => "Intercom",
            Self::Zendesk => "Zendesk",
            Self::Vercel => "Vercel",
            Self::Netlify => "Netlify",
            Self::Cloudflare => "Cloudflare",
        }
    }
}
