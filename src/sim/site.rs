//! The portal's own pages, for uptime checks: a login page, the endpoint that takes Stripe's webhooks, a status page.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;

use super::door::{House, locked, page};
use super::world::Page;

/// Answers every request of the portal's site.
pub(super) async fn answer(State(house): State<Arc<House>>, request: Request) -> Response {
    let (login, broken) = {
        let world = locked(&house.world);
        (world.login, world.hook_broken)
    };
    // The clock's milliseconds are chance enough for a latency that nobody should be able to predict.
    let jitter = (super::clock::now().ms() % 37) as u64;
    let (wait, response) = match (request.uri().path(), login) {
        ("/login", Page::Well) => (70 + jitter, page(200, "<!doctype html><title>Harbor &amp; Pine</title>")),
        ("/login", Page::Slow(ms)) => (ms + jitter, page(200, "<!doctype html><title>Harbor &amp; Pine</title>")),
        ("/login", Page::Down) => (12, page(503, "<!doctype html><title>Service Unavailable</title>")),
        ("/webhooks/stripe", _) if broken => (9, page(500, "TypeError: cannot read 'plan' of undefined")),
        ("/webhooks/stripe" | "/webhooks/hubspot" | "/webhooks/zendesk", _) => (14 + jitter / 4, page(200, "ok")),
        ("/status", _) => (6 + jitter / 6, page(200, "<!doctype html><title>All systems operational</title>")),
        _ => (1, page(404, "<!doctype html><title>Not found</title>")),
    };
    let mut stop = house.stop.clone();
    tokio::select! {
        () = tokio::time::sleep(Duration::from_millis(wait)) => response,
        _ = stop.wait_for(|stopped| *stopped) => page(503, "stopping"),
    }
}
