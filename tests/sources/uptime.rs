//! The uptime probe names what is wrong, and dates a certificate that does not verify.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use trueup::sources::http::install_tls;
use trueup::sources::probe::{ProbeResult, Roots, http_check, http_check_with};

const PATIENCE: Duration = Duration::from_secs(5);
const DAY: i64 = 24 * 3600;

/// A key and what signs with it.
pub(crate) struct Key {
    pair: EcdsaKeyPair,
    pkcs8: Vec<u8>,
}

impl Key {
    pub(crate) fn new() -> Self {
        let rng = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &rng).unwrap().as_ref().to_vec();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8, &rng).unwrap();
        Self { pair, pkcs8 }
    }
}

/// One DER value.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut out = vec![tag];
    match content.len() {
        n @ 0..=127 => out.push(n as u8),
        n @ 128..=255 => out.extend([0x81, n as u8]),
        n => out.extend([0x82, (n >> 8) as u8, n as u8]),
    }
    out.extend(content);
    out
}

fn name(common: &str) -> Vec<u8> {
    let attribute = der(0x30, &[&[0x06, 0x03, 0x55, 0x04, 0x03], &der(0x0c, &[common.as_bytes()])]);
    der(0x30, &[&der(0x31, &[&attribute])])
}

fn utc(days: i64) -> Vec<u8> {
    let secs = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap() + days * DAY;
    let text = trueup::domain::Time::from_secs(secs).utc().format("%y%m%d%H%M%SZ").to_string();
    der(0x17, &[text.as_bytes()])
}

/// A certificate (RFC 5280) that is valid between two days from now.
pub(crate) fn certificate(
    subject: &str,
    key: &Key,
    issuer: &str,
    signer: &Key,
    host: Option<&str>,
    days: (i64, i64),
) -> Vec<u8> {
    let algorithm = der(0x30, &[&[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02]]);
    let curve = der(
        0x30,
        &[
            &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01],
            &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
        ],
    );
    let public = der(0x30, &[&curve, &der(0x03, &[&[0], key.pair.public_key().as_ref()])]);
    let extension = match host {
        Some(host) => {
            let names = der(0x30, &[&der(0x82, &[host.as_bytes()])]);
            der(0x30, &[&[0x06, 0x03, 0x55, 0x1d, 0x11], &der(0x04, &[&names])])
        }
        // An authority: basic constraints, critical.
        None => {
            let authority = der(0x30, &[&[0x01, 0x01, 0xff]]);
            der(0x30, &[&[0x06, 0x03, 0x55, 0x1d, 0x13], &[0x01, 0x01, 0xff], &der(0x04, &[&authority])])
        }
    };
    let body = der(
        0x30,
        &[
            &der(0xa0, &[&[0x02, 0x01, 0x02]]),
            &[0x02, 0x01, 0x05],
            &algorithm,
            &name(issuer),
            &der(0x30, &[&utc(days.0), &utc(days.1)]),
            &name(subject),
            &public,
            &der(0xa3, &[&der(0x30, &[&extension])]),
        ],
    );
    let signature = signer.pair.sign(&SystemRandom::new(), &body).unwrap();
    der(0x30, &[&body, &algorithm, &der(0x03, &[&[0], signature.as_ref()])])
}

/// Serves one certificate chain and answers 200. Returns the port.
pub(crate) async fn serve(chain: Vec<Vec<u8>>, key: &Key) -> u16 {
    install_tls();
    let chain = chain.into_iter().map(CertificateDer::from).collect();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.pkcs8.clone()));
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut buffer = [0; 1024];
                let _ = stream.read(&mut buffer).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
                let _ = stream.shutdown().await;
            });
        }
    });
    port
}

#[tokio::test]
async fn every_way_a_certificate_can_be_wrong_has_its_name_and_its_days() {
    let (root, key, stranger) = (Key::new(), Key::new(), Key::new());
    let authority = certificate("Test Root", &root, "Test Root", &root, None, (-10, 1000));
    let roots = Roots::from_der([authority]).unwrap();
    let leaf = |host: &str, days| certificate("leaf", &key, "Test Root", &root, Some(host), days);
    for (what, certificate, failure, days) in [
        ("good", leaf("localhost", (-5, 30)), None, 29..=30),
        ("expired", leaf("localhost", (-50, -9)), Some("expired 9 days ago"), -10..=-9),
        ("not yet valid", leaf("localhost", (5, 30)), Some("not yet valid"), 29..=30),
        ("wrong host", leaf("shop.example", (-5, 30)), Some("for another host (DNSName(shop.example))"), 29..=30),
        ("self-signed", certificate("me", &key, "me", &key, Some("localhost"), (-5, 30)), Some("self-signed"), 29..=30),
        (
            "missing chain",
            certificate("leaf", &key, "Other Root", &stranger, Some("localhost"), (-5, 30)),
            Some("issuer is unknown: the server may not send its intermediate"),
            29..=30,
        ),
    ] {
        let port = serve(vec![certificate], &key).await;
        let seen = http_check_with(&format!("https://localhost:{port}/"), PATIENCE, &roots).await;
        let told = seen.failure.as_ref().map(ToString::to_string);
        match (failure, &told) {
            (None, None) => assert_eq!(seen.status, Some(200), "{what}"),
            (Some(expected), Some(told)) => assert!(told.contains(expected), "{what}: {told}"),
            _ => panic!("{what}: {told:?}"),
        }
        assert_eq!(seen.status.is_some(), failure.is_none(), "{what}: nothing is sent to a host that does not verify");
        assert!(days.contains(&seen.cert_days.unwrap()), "{what}: {:?}", seen.cert_days);
    }
}

/// A plain server that answers with these bytes after a while.
async fn plain(bytes: &'static [u8], after: Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 1024];
                let _ = stream.read(&mut buffer).await;
                tokio::time::sleep(after).await;
                let _ = stream.write_all(bytes).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    port
}

async fn check(url: String) -> ProbeResult {
    http_check(&url, Duration::from_millis(700)).await
}

#[tokio::test]
async fn a_page_over_plain_http_is_timed_to_its_first_byte() {
    let port = plain(b"HTTP/1.1 503 Busy\r\n\r\n", Duration::from_millis(120)).await;
    let seen = check(format!("http://127.0.0.1:{port}/login?x=1")).await;
    assert_eq!((seen.status, seen.cert_days, &seen.failure), (Some(503), None, &None));
    assert!((120..600).contains(&seen.latency_ms.unwrap()), "{seen:?}");
    // A redirect is an answer; it is not followed.
    let port = plain(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\n\r\n", Duration::ZERO).await;
    assert_eq!(check(format!("http://localhost:{port}")).await.status, Some(302));
}

#[tokio::test]
async fn every_other_way_to_fail_has_its_name() {
    let slow = plain(b"", Duration::from_secs(30)).await;
    let mute = plain(b"", Duration::ZERO).await;
    let other = plain(b"SSH-2.0-OpenSSH\r\n", Duration::ZERO).await;
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    for (url, words) in [
        (format!("http://127.0.0.1:{free}"), "connection refused"),
        (format!("http://127.0.0.1:{slow}"), "timeout: waiting for the answer"),
        (format!("http://127.0.0.1:{mute}"), "without an answer"),
        (format!("http://127.0.0.1:{other}"), "not HTTP"),
        (format!("https://127.0.0.1:{other}"), "TLS"),
        ("http://no-such-name.invalid".to_owned(), "DNS"),
        ("ftp://127.0.0.1".to_owned(), "neither http nor https"),
        ("nonsense".to_owned(), "not an address"),
    ] {
        let begin = std::time::Instant::now();
        let seen = check(url.clone()).await;
        let told = seen.failure.map(|t| t.to_string()).unwrap_or_default();
        assert!(told.contains(words), "{url}: {told}");
        assert_eq!(seen.status, None);
        assert!(begin.elapsed() < Duration::from_secs(2), "{url} took {:?}", begin.elapsed());
    }
}
