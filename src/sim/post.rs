//! Sends the company's webhooks, signed as each provider signs them, to a server on this machine.
//!
//! What must stay true: only plain http to loopback is spoken, one request at a time, and a receiver that does not
//! answer never holds the story up: what does not fit the queue is dropped and said so.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::door::{House, locked};
use super::profile::Keys;
use super::traffic::Arrival;
use super::{clock, sign, stripe_shapes};
use crate::domain::{Problem, System};

/// Webhooks that wait for the receiver.
const WAITING: usize = 256;
/// How long the receiver may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where webhooks go.
#[derive(Debug)]
pub(super) struct Post(mpsc::Sender<(System, String)>);

/// The host and port of an `http://` address on loopback.
fn loopback(target: &str) -> Option<&str> {
    let authority = target.strip_prefix("http://")?.split('/').next()?;
    let (host, port) = authority.rsplit_once(':')?;
    (matches!(host, "127.0.0.1" | "localhost" | "[::1]") && port.parse::<u16>().is_ok()).then_some(authority)
}

impl Post {
    /// Starts sending to `target` (`http://127.0.0.1:8787`), under `/webhooks/{source}`.
    pub(super) fn open(target: &str, keys: Keys) -> Result<(Self, tokio::task::JoinHandle<()>), Problem> {
        let Some(authority) = loopback(target).map(str::to_owned) else {
            return Err(Problem::usage("webhooks of the simulated company go to this machine only")
                .at(target)
                .hint("use http://127.0.0.1:PORT"));
        };
        let (sender, mut receiver) = mpsc::channel::<(System, String)>(WAITING);
        let task = tokio::spawn(async move {
            while let Some((system, body)) = receiver.recv().await {
                let Some(key) = keys.of(system) else { continue };
                let sent = tokio::time::timeout(PATIENCE, send(&authority, system, &key.secret, &body)).await;
                if !matches!(sent, Ok(Ok(()))) {
                    tracing::debug!(%system, "a simulated webhook was not taken");
                }
            }
        });
        Ok((Self(sender), task))
    }

    /// Queues one webhook.
    pub(super) fn put(&self, house: &House, arrival: &Arrival) {
        let body = {
            let world = locked(&house.world);
            match (arrival.source, arrival.stripe) {
                (System::Stripe, Some(number)) => {
                    let Some(event) = world.books.event(number) else { return };
                    stripe_shapes::event(&world, number, event)
                }
                (System::Hubspot, _) => {
                    let contact = arrival.account.and_then(|n| world.accounts.get(n)).and_then(|a| a.contact);
                    let object = contact.map_or(0, |n| super::ids::contact(n as usize));
                    json!([{"eventId": arrival.event_id.parse::<u64>().unwrap_or_default(), "subscriptionId": 1,
                            "portalId": 1, "appId": 1, "occurredAt": arrival.at, "subscriptionType": arrival.kind,
                            "attemptNumber": 0, "objectId": object, "changeSource": "CRM"}])
                }
                _ => json!({"id": arrival.event_id, "type": arrival.kind,
                            "time": crate::domain::Time::from_ms(arrival.at).rfc3339()}),
            }
        };
        if self.0.try_send((arrival.source, body.to_string())).is_err() {
            tracing::warn!(system = %arrival.source, "a simulated webhook was dropped: the receiver is too slow");
        }
    }
}

async fn send(authority: &str, system: System, secret: &str, body: &str) -> std::io::Result<()> {
    let url = format!("http://{authority}/webhooks/{system}");
    let mut head = format!(
        "POST /webhooks/{system} HTTP/1.1\r\nHost: {authority}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n",
        body.len()
    );
    for (name, value) in sign::headers(system, secret, &url, body, clock::now()) {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut stream = TcpStream::connect(authority).await?;
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(64 * 1024).read_to_end(&mut answer).await?;
    let status = answer.get(9..12).unwrap_or_default();
    if status.starts_with(b"2") { Ok(()) } else { Err(std::io::ErrorKind::Other.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_spoken_to() {
        assert_eq!(loopback("http://127.0.0.1:8787/x"), Some("127.0.0.1:8787"));
        for other in ["https://127.0.0.1:1", "http://example.com:80", "http://127.0.0.1.example:80", "http://localhost"]
        {
            assert_eq!(loopback(other), None, "{other}");
        }
    }
}
