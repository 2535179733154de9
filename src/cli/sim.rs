//! `sim`: the simulated company alone, as a stand-in for the providers.

use std::path::Path;

use super::exit::{Exit, Outcome};
use super::output::Output;
use crate::domain::Problem;
use crate::sim::{self, Options};

/// Starts the company, says where it is, and runs it until it is told to stop.
pub async fn run(dir: &Path, seed: u64, speed: f64, customers: Option<usize>, out: &mut Output) -> Outcome {
    let dir = std::path::absolute(dir).map_err(|error| {
        Problem::usage("this folder cannot be used").at(dir.display().to_string()).why(error.to_string())
    })?;
    let usual = Options::default();
    let customers = customers.unwrap_or(usual.customers);
    let options = Options { dir, seed, speed, customers, ..usual };
    let running = sim::start(options).await?;
    out.raw(format!("{}\n", serde_json::json!({ "ready": true, "config": running.config() })).as_bytes())?;
    out.flush()?;
    super::signal::told_to_stop().await;
    running.stop().await;
    Ok(Exit::Done)
}
