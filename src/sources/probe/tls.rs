//! The probe's own TLS dial: it verifies like everybody else, but keeps the certificate that it was shown.
//!
//! What must stay true: a certificate that does not verify ends the handshake; the reason is named as a person would:
//! expired, not yet valid, for another host, self-signed, unknown issuer.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use x509_parser::prelude::{FromDer as _, X509Certificate};

const DAY: i64 = 24 * 3600;

/// The root certificates that a probe trusts.
#[derive(Clone, Debug)]
pub struct Roots(Arc<RootCertStore>);

impl Roots {
    /// The system's, read once. `SSL_CERT_FILE` and `SSL_CERT_DIR` name others.
    pub fn system() -> Self {
        static SYSTEM: OnceLock<Roots> = OnceLock::new();
        SYSTEM
            .get_or_init(|| {
                let mut store = RootCertStore::empty();
                let found = rustls_native_certs::load_native_certs();
                let (_, ignored) = store.add_parsable_certificates(found.certs);
                if store.is_empty() {
                    tracing::warn!(ignored, "no root certificates were found on this system");
                }
                Self(Arc::new(store))
            })
            .clone()
    }

    /// These certificates, DER-encoded.
    ///
    /// # Errors
    /// In words, when one of them is not a certificate.
    pub fn from_der(certificates: impl IntoIterator<Item = Vec<u8>>) -> Result<Self, String> {
        let mut store = RootCertStore::empty();
        for der in certificates {
            store.add(CertificateDer::from(der)).map_err(|e| e.to_string())?;
        }
        Ok(Self(Arc::new(store)))
    }
}

/// Shakes hands. Returns the stream or why there is none, and the days that the shown certificate still lasts.
pub(super) async fn handshake(
    stream: TcpStream,
    host: &str,
    roots: &Roots,
) -> (Result<TlsStream<TcpStream>, String>, Option<i64>) {
    let record = match Recorder::new(roots) {
        Ok(record) => Arc::new(record),
        Err(why) => return (Err(why), None),
    };
    let Ok(name) = ServerName::try_from(host.to_owned()) else {
        return (Err(format!("`{host}` is not a host name that TLS knows")), None);
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = match config {
        Ok(config) => config.dangerous().with_custom_certificate_verifier(record.clone()).with_no_client_auth(),
        Err(e) => return (Err(e.to_string()), None),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let seen = record.seen.lock().unwrap_or_else(PoisonError::into_inner).take();
    let days = seen.as_ref().and_then(|seen| seen.days);
    let stream = shaken.map_err(|e| match seen.and_then(|seen| seen.wrong) {
        Some(wrong) => wrong,
        None => format!("TLS: {e}"),
    });
    (stream, days)
}

/// What the server showed.
#[derive(Debug)]
struct Seen {
    days: Option<i64>,
    wrong: Option<String>,
}

/// Verifies with the usual verifier and writes down what was shown.
#[derive(Debug)]
struct Recorder {
    inner: Arc<WebPkiServerVerifier>,
    seen: Mutex<Option<Seen>>,
}

impl Recorder {
    fn new(roots: &Roots) -> Result<Self, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let inner = WebPkiServerVerifier::builder_with_provider(roots.0.clone(), provider)
            .build()
            .map_err(|_| "this system has no root certificates to check with".to_owned())?;
        Ok(Self { inner, seen: Mutex::new(None) })
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let at = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let facts = Facts::read(end_entity);
        let wrong = verdict.as_ref().err().map(|e| name(e, facts.as_ref(), intermediates.is_empty(), at));
        let days = facts.map(|facts| (facts.until - at).div_euclid(DAY));
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Seen { days, wrong });
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// What a certificate says of itself.
struct Facts {
    from: i64,
    until: i64,
    self_signed: bool,
    names: String,
}

impl Facts {
    fn read(der: &CertificateDer<'_>) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let names = match certificate.subject_alternative_name() {
            Ok(Some(names)) => {
                let listed = names.value.general_names.iter().take(3).map(ToString::to_string);
                listed.collect::<Vec<_>>().join(", ")
            }
            _ => certificate.subject().to_string(),
        };
        Some(Self {
            from: certificate.validity().not_before.timestamp(),
            until: certificate.validity().not_after.timestamp(),
            self_signed: certificate.issuer() == certificate.subject(),
            names,
        })
    }
}

/// The reason as a person would name it. What the certificate says of its own time comes first: an expired certificate
/// of an unknown issuer is renewed, not debugged.
fn name(error: &Error, facts: Option<&Facts>, alone: bool, now: i64) -> String {
    use CertificateError as C;
    let Error::InvalidCertificate(error) = error else { return format!("TLS: {error}") };
    let Some(facts) = facts else { return "the certificate cannot be read".to_owned() };
    if facts.until < now {
        return format!("the certificate has expired {} days ago", (now - facts.until) / DAY);
    }
    if facts.from > now {
        return "the certificate is not yet valid".to_owned();
    }
    match error {
        C::Expired | C::ExpiredContext { .. } => "a certificate of the chain has expired".to_owned(),
        C::NotValidYet | C::NotValidYetContext { .. } => "a certificate of the chain is not yet valid".to_owned(),
        C::NotValidForName | C::NotValidForNameContext { .. } => {
            format!("the certificate is for another host ({})", facts.names)
        }
        C::Revoked => "the certificate has been revoked".to_owned(),
        _ if facts.self_signed => "the certificate is self-signed".to_owned(),
        C::UnknownIssuer if alone => {
            "the certificate's issuer is unknown: the server may not send its intermediate certificate".to_owned()
        }
        C::UnknownIssuer => "the certificate's issuer is unknown".to_owned(),
        other => format!("the certificate does not verify: {other}"),
    }
}
