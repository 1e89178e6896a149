//! The trusted certification authorities: the system's (or those of `SSL_CERT_FILE`), and those of a file that the
//! user names. Not here: connections (see `http` and the gateway).

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use thiserror::Error;

use crate::sys::regular_file;

/// The largest file of certificates that is read, in bytes; a whole system's has a quarter of a million.
const MAX_PEM_BYTES: u64 = 8 << 20;

/// The trusted authorities; cheap to clone.
#[derive(Clone, Default)]
pub struct Trust(Arc<TrustInner>);

#[derive(Default)]
struct TrustInner {
    /// In addition to the system's.
    extra: Vec<CertificateDer<'static>>,
    config: OnceLock<Arc<ClientConfig>>,
}

/// Why a file of certificates is not usable.
#[derive(Debug, Error)]
#[error("{}: {reason}", .path.display())]
pub struct TrustError {
    path: PathBuf,
    reason: String,
}

impl Trust {
    /// The system's authorities and those in a PEM file.
    ///
    /// # Errors
    /// [`TrustError`] for a file that cannot be read, or that contains anything but certificates.
    pub fn with(path: &Path) -> Result<Self, TrustError> {
        let bad = |reason: String| TrustError { path: path.into(), reason };
        let pem = regular_file::read(path, MAX_PEM_BYTES).map_err(|e| bad(e.to_string()))?;
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        let extra = found.map_err(|e| bad(format!("not PEM ({e})")))?;
        if extra.is_empty() {
            return Err(bad("it has no PEM certificate".into()));
        }
        let mut store = RootCertStore::empty();
        for certificate in &extra {
            store.add(certificate.clone()).map_err(|e| bad(format!("not a certificate ({e})")))?;
        }
        Ok(Self(Arc::new(TrustInner { extra, config: OnceLock::new() })))
    }

    /// The user's own authorities.
    pub(super) fn extra(&self) -> &[CertificateDer<'static>] {
        &self.0.extra
    }

    /// TLS that trusts these authorities. The system's are read on first use.
    ///
    /// # Errors
    /// If the system has none, or they cannot be read.
    pub fn client_config(&self) -> io::Result<Arc<ClientConfig>> {
        if let Some(config) = self.0.config.get() {
            return Ok(config.clone());
        }
        let provider =
            CryptoProvider::get_default().cloned().unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()));
        let verifier = Verifier::new_with_extra_roots(self.0.extra.iter().cloned(), provider.clone());
        let verifier = Arc::new(verifier.map_err(io::Error::other)?);
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok(self.0.config.get_or_init(|| Arc::new(config)).clone())
    }
}

/// The remedy for a connection that failed because of the server's certificate; `None` if it failed otherwise.
pub fn remedy(error: &io::Error) -> Option<&'static str> {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>())?;
    let rustls::Error::InvalidCertificate(why) = inner else { return None };
    Some(remedy_for(why))
}

/// The remedy for a certificate that was refused because of this.
pub(super) fn remedy_for(why: &CertificateError) -> &'static str {
    match why {
        // The latter for an authority with the same name as a known one.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "if the certificate is self-signed or from your own CA, name its file: --ca-cert FILE, or MCPAUTH_CA_CERT"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "use a host name that the certificate has, or renew it with this one"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "renew the certificate",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "set this machine's clock, or replace the certificate"
        }
        // What openssl req -x509 makes by default.
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "a CA certificate cannot be a server's certificate: make one with openssl req -x509 -addext basicConstraints=CA:FALSE, \
             and name its file: --ca-cert FILE, or MCPAUTH_CA_CERT"
        }
        _ => "replace the certificate",
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trust({} extra)", self.0.extra.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::private_file;

    #[test]
    fn a_file_without_certificates_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.pem");
        let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        let cases = [
            ("", "no PEM certificate"),
            ("hello", "no PEM certificate"),
            (key.as_str(), "no PEM certificate"),
            ("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n", "not PEM"),
            ("-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n", "not a certificate"),
        ];
        for (text, reason) in cases {
            private_file::write(&path, text).unwrap();
            let message = Trust::with(&path).unwrap_err().to_string();
            assert!(message.starts_with(&path.display().to_string()), "{message}");
            assert!(message.contains(reason) && !message.contains("hello"), "{text}: {message}");
        }
        let gone = Trust::with(&dir.path().join("gone.pem")).unwrap_err().to_string();
        assert!(gone.contains("gone.pem"), "{gone}");
    }

    #[test]
    fn every_certificate_of_a_file_is_believed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.pem");
        let one = || {
            let key = rcgen::KeyPair::generate().unwrap();
            rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap().pem()
        };
        private_file::write(&path, &format!("# ours\n{}\n# and theirs\n{}", one(), one())).unwrap();
        let trust = Trust::with(&path).unwrap();
        assert_eq!((trust.extra().len(), format!("{trust:?}").as_str()), (2, "Trust(2 extra)"));
        assert!(Arc::ptr_eq(&trust.client_config().unwrap(), &trust.clone().client_config().unwrap()));
    }
}
