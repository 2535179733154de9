//! The uptime probe: is a page up, how fast is the first byte, how long does the certificate last.
//!
//! What must stay true: a connection of its own, with no credential, no proxy, no redirect followed and nothing kept
//! between two runs; a certificate's days are told also when it is expired or unknown, but nothing is sent to a host
//! whose certificate does not verify; every way to fail has its own name.
//! It speaks HTTP/1.1 only, which every server of web pages does, and reads no more than the head of the answer.

mod tls;

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::Url;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

pub use tls::Roots;

use crate::domain::Text;

/// Most bytes of an answer's head.
const HEAD: usize = 64 * 1024;
/// A second address is tried when the first one has not answered for this long.
const NEXT_ADDRESS: Duration = Duration::from_secs(3);

/// What one run of a probe saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProbeResult {
    /// HTTP status; `None` when there was no answer.
    pub status: Option<u16>,
    /// Milliseconds from the start (name look-up included) to the first byte of the answer; `None` without one.
    pub latency_ms: Option<i64>,
    /// Whole days that the certificate still lasts, negative when it has expired; `None` without TLS or certificate.
    pub cert_days: Option<i64>,
    /// Why there is no answer, for a person.
    pub failure: Option<Text>,
}

/// Asks a page once, trusting the system's root certificates. Plain http is allowed.
pub async fn http_check(url: &str, timeout: Duration) -> ProbeResult {
    http_check_with(url, timeout, &Roots::system()).await
}

/// As [`http_check`], trusting the given root certificates.
pub async fn http_check_with(url: &str, timeout: Duration, roots: &Roots) -> ProbeResult {
    let begin = Instant::now();
    let deadline = begin + timeout;
    let mut result = ProbeResult::default();
    let mut step = "looking up the name";
    match timeout_at(deadline, run(url, roots, begin, &mut result, &mut step)).await {
        Ok(Ok(())) => {}
        Ok(Err(why)) => result.failure = Some(Text::new(why)),
        Err(_) => {
            let why = format!("timeout: {step} took longer than {} s", timeout.as_secs_f32());
            result.failure = Some(Text::new(why));
        }
    }
    result
}

async fn run(
    url: &str,
    roots: &Roots,
    begin: Instant,
    result: &mut ProbeResult,
    step: &mut &'static str,
) -> Result<(), String> {
    let url = Url::parse(url.trim()).map_err(|e| format!("not an address: {e}"))?;
    let secure = match url.scheme() {
        "https" => true,
        "http" => false,
        other => return Err(format!("`{other}` is neither http nor https")),
    };
    let host = url.host_str().ok_or("the address names no host")?.trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().unwrap_or(if secure { 443 } else { 80 });
    let addresses = look_up(&host, port).await?;
    *step = "connecting";
    let stream = connect(&addresses).await?;
    if !secure {
        *step = "waiting for the answer";
        return ask(stream, &url, begin, result).await;
    }
    *step = "the TLS handshake";
    let (stream, days) = tls::handshake(stream, &host, roots).await;
    result.cert_days = days;
    let stream = stream?;
    *step = "waiting for the answer";
    ask(stream, &url, begin, result).await
}

async fn look_up(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    let found = tokio::net::lookup_host((host, port)).await.map_err(|e| {
        let said = e.to_string().to_lowercase();
        if said.contains("temporary failure") || said.contains("try again") {
            format!("DNS: no name server answered for {host}")
        } else {
            format!("DNS: the name {host} does not exist")
        }
    })?;
    let found: Vec<SocketAddr> = found.collect();
    if found.is_empty() { Err(format!("DNS: {host} has no address")) } else { Ok(found) }
}

/// The first address that takes a connection. A silent one is given up while others are left.
async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, String> {
    let mut why = String::new();
    for (i, address) in addresses.iter().enumerate() {
        let dial = TcpStream::connect(address);
        let dialed = if i + 1 < addresses.len() {
            match tokio::time::timeout(NEXT_ADDRESS, dial).await {
                Ok(dialed) => dialed,
                Err(_) => continue,
            }
        } else {
            dial.await
        };
        match dialed {
            Ok(stream) => {
                // Without it small writes may wait for an acknowledgement; an error costs only latency.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionRefused => {
                why = format!("connection refused by {address}")
            }
            Err(e) => why = format!("no connection to {address}: {e}"),
        }
    }
    Err(if why.is_empty() { "no address answered".to_owned() } else { why })
}

/// Sends the question and reads the head of the answer.
async fn ask(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    url: &Url,
    begin: Instant,
    result: &mut ProbeResult,
) -> Result<(), String> {
    let broke = |e: std::io::Error| format!("the connection broke: {e}");
    let host = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
        None => url.host_str().unwrap_or_default().to_owned(),
    };
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let agent = concat!("trueup/", env!("CARGO_PKG_VERSION"), " (uptime check)");
    let question = format!(
        "GET {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(question.as_bytes()).await.map_err(broke)?;
    stream.flush().await.map_err(broke)?;
    let mut head = Vec::new();
    let mut buffer = [0_u8; 4096];
    loop {
        let read = stream.read(&mut buffer).await.map_err(broke)?;
        if read == 0 {
            return Err(if head.is_empty() {
                "the server closed the connection without an answer".to_owned()
            } else {
                "the answer is not HTTP, or was cut off in its head".to_owned()
            });
        }
        if result.latency_ms.is_none() {
            result.latency_ms = Some(i64::try_from(begin.elapsed().as_millis()).unwrap_or(i64::MAX));
        }
        head.extend_from_slice(&buffer[..read]);
        match status(&head) {
            Head::Status(code) => {
                result.status = Some(code);
                return Ok(());
            }
            Head::NotHttp => return Err("the answer is not HTTP".to_owned()),
            Head::More if head.len() > HEAD => return Err("the answer's head does not end".to_owned()),
            Head::More => {}
        }
    }
}

enum Head {
    Status(u16),
    More,
    NotHttp,
}

/// The status of the first answer that is not an interim one (1xx).
fn status(mut head: &[u8]) -> Head {
    loop {
        let known = head.len().min(5);
        if head[..known] != b"HTTP/"[..known] {
            return Head::NotHttp;
        }
        let Some(end) = head.iter().position(|b| *b == b'\n') else { return Head::More };
        let line = String::from_utf8_lossy(&head[..end]);
        let code = line.split_whitespace().nth(1).and_then(|word| word.parse::<u16>().ok());
        match code {
            Some(100..=199) => {}
            Some(code @ 200..=599) => return Head::Status(code),
            _ => return Head::NotHttp,
        }
        let Some(end) = head.windows(4).position(|w| w == b"\r\n\r\n") else { return Head::More };
        head = &head[end + 4..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_line_is_read_past_interim_answers() {
        for (head, expected) in [
            ("HTTP/1.1 200 OK\r\n", Some(200)),
            ("HTTP/1.0 503\r\n", Some(503)),
            ("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 301 Moved\r\n", Some(301)),
            ("HTTP/1.1 100 Continue\r\n\r\n", None),
            ("HTT", None),
        ] {
            let found = match status(head.as_bytes()) {
                Head::Status(code) => Some(code),
                Head::More => None,
                Head::NotHttp => panic!("{head}"),
            };
            assert_eq!(found, expected, "{head}");
        }
        assert!(matches!(status(b"SSH-2.0-x\r\n"), Head::NotHttp));
        assert!(matches!(status(b"HTTP/1.1 999 x\r\n"), Head::NotHttp));
    }
}
