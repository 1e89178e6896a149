//! Why there is no answer from the network. It names the host and never a query or a body.

use std::io;

use rustls::CertificateError;
use thiserror::Error;

use super::outward::proxy_for;
use crate::sys::trust::remedy_for;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum HttpError {
    /// `http://` to another machine would send the secret unencrypted.
    #[error("{host} would be sent secrets over plain http")]
    Plain {
        /// The host's name.
        host: String,
    },
    /// A link-local or metadata address: no server is there, only this machine's own credentials.
    #[error("{host} is a link-local or metadata address")]
    Forbidden {
        /// The host's name.
        host: String,
    },
    /// No connection: nothing was sent, so a retry is safe.
    #[error("cannot connect to {host}{}: {cause}", .proxy.as_deref().map(|proxy| format!(" through the proxy {proxy}")).unwrap_or_default())]
    Connect {
        /// The host's name.
        host: String,
        /// The proxy that is set for the request, without its credentials.
        proxy: Option<String>,
        /// The innermost cause.
        cause: String,
    },
    /// The server's certificate is signed by no trusted authority: nothing was sent.
    #[error("{host} has a certificate signed by an unknown authority")]
    Untrusted {
        /// The host's name.
        host: String,
    },
    /// The server's certificate is not valid for another reason: nothing was sent.
    #[error("the certificate of {host} is not valid: {cause}")]
    Certificate {
        /// The host's name.
        host: String,
        /// What is wrong with it.
        cause: String,
        /// What its operator, or the user, can do.
        remedy: &'static str,
    },
    /// The answer, or one message of it, is too large.
    #[error("the answer of {host} is larger than {} MiB", limit >> 20)]
    TooLarge {
        /// The host's name.
        host: String,
        /// The limit, in bytes.
        limit: usize,
    },
    /// A redirect that is not followed: a secret would go wherever the answer points, past every check of the
    /// address. Only 307 and 308 within one server are followed.
    #[error("{host} answered HTTP {status}, a redirect to {to}")]
    Redirect {
        /// The host's name.
        host: String,
        /// The HTTP status.
        status: u16,
        /// The target (RFC 9110 section 10.2.2), in full if it is an address.
        to: String,
    },
    /// The connection broke, or the deadline passed, after sending.
    #[error("no answer from {host}: {cause}")]
    Lost {
        /// The host's name.
        host: String,
        /// The innermost cause.
        cause: String,
    },
}

impl HttpError {
    /// Whether it may go away without a change.
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Plain { .. } | Self::Forbidden { .. } | Self::Redirect { .. })
    }

    /// What corrects the server's certificate, if that is the cause.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Untrusted { .. } => Some(remedy_for(&CertificateError::UnknownIssuer)),
            Self::Certificate { remedy, .. } => Some(remedy),
            _ => None,
        }
    }

    /// Whether the request cannot have reached the server.
    pub fn unsent(&self) -> bool {
        !matches!(self, Self::Lost { .. } | Self::TooLarge { .. } | Self::Redirect { .. })
    }
}

/// An end of a body before its time: of the connection, or of what a coding makes of it.
pub(super) fn lost(host: &str, error: &io::Error) -> HttpError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<reqwest::Error>()) {
        Some(error) => failure(host, error),
        None => HttpError::Lost { host: host.to_owned(), cause: error.to_string() },
    }
}

/// Only the innermost cause: the outer ones repeat the URL with its query.
pub(super) fn failure(host: &str, error: &reqwest::Error) -> HttpError {
    let mut cause: &(dyn std::error::Error + 'static) = error;
    let mut refused = certificate_fault(cause);
    while let Some(inner) = cause.source() {
        cause = inner;
        refused = refused.or_else(|| certificate_fault(cause));
    }
    match refused {
        // The latter for an authority with the same name as a known one.
        Some(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            return HttpError::Untrusted { host: host.into() };
        }
        Some(why) => {
            return HttpError::Certificate {
                host: host.into(),
                cause: why.to_string(),
                remedy: remedy_for(&why),
            };
        }
        None => {}
    }
    let cause = if error.is_timeout() { "the deadline passed".into() } else { cause.to_string() };
    let host = host.to_owned();
    if !error.is_connect() {
        return HttpError::Lost { host, cause };
    }
    HttpError::Connect { host, proxy: error.url().and_then(proxy_for), cause }
}

/// Why a certificate was refused. TLS errors come wrapped in I/O errors, once or twice, which hide them from `source`.
fn certificate_fault(error: &(dyn std::error::Error + 'static)) -> Option<CertificateError> {
    let mut wrapped = error.downcast_ref::<io::Error>();
    while let Some(inner) = wrapped.and_then(io::Error::get_ref) {
        if let Some(rustls::Error::InvalidCertificate(why)) = inner.downcast_ref() {
            return Some(why.clone());
        }
        wrapped = inner.downcast_ref::<io::Error>();
    }
    None
}
