//! The gateway's own certificate, read again when it changes. It leaves listening to `listen`.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

use crate::gateway::settings::Tls;
use crate::sys::{private_file, regular_file};

/// Why a certificate cannot be used.
#[derive(Debug, Error)]
#[error("{path}: {reason}")]
pub struct TlsError {
    path: String,
    reason: String,
    /// Whether it could be read, and what is in it is wrong.
    pub(super) malformed: bool,
}

/// The largest chain, in bytes.
const MOST: u64 = 1 << 20;

/// The chain and key as the TLS library takes them. HTTP/1.1 alone is offered: it is what the gateway speaks.
///
/// # Errors
/// [`TlsError`], naming the file; never what is in it.
pub(super) fn read(tls: &Tls) -> Result<Arc<ServerConfig>, TlsError> {
    let failed =
        |path: &Path, reason: String| TlsError { path: path.display().to_string(), reason, malformed: true };
    let unread = |path: &Path, reason: String| TlsError { malformed: false, ..failed(path, reason) };
    let certificate =
        regular_file::read(&tls.certificate, MOST).map_err(|e| unread(&tls.certificate, e.to_string()))?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&certificate)
        .collect::<Result<_, _>>()
        .map_err(|_| failed(&tls.certificate, "not certificates in PEM".into()))?;
    let key = private_file::read_given_text(&tls.key)
        .map_err(|e| unread(&tls.key, format!("{e}; {}", e.hint())))?;
    let key =
        key.map(crate::secret::Secret::new).ok_or_else(|| unread(&tls.key, "it does not exist".into()))?;
    let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes())
        .map_err(|_| failed(&tls.key, "not a private key in PEM".into()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key));
    let mut config = config.map_err(|e| failed(&tls.certificate, e.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
