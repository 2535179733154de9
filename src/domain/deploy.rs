//! A deployment of the product.

use serde::{Deserialize, Serialize};

use super::state::DeployState;
use super::text::Text;
use super::time::Time;

/// A row of `list deploys`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deploy {
    /// The host's id.
    pub id: Text,
    /// Which host; `portal` when the product itself reported it.
    pub source: super::system::System,
    /// How it stands.
    pub state: DeployState,
    /// Commit.
    pub commit: Option<Text>,
    /// When it was made.
    pub created_at: Time,
    /// When it went live.
    pub ready_at: Option<Time>,
    /// Where it can be seen.
    pub url: Option<Text>,
    /// `production`, `preview` or a branch.
    pub target: Option<Text>,
    /// How deliveries went after it, compared with before: `worse`, `same` or `not enough traffic (n=..)`.
    #[serde(default)]
    pub verdict: Option<Text>,
    /// Why it failed, or what the verdict rests on.
    #[serde(default)]
    pub reason: Option<Text>,
}
