//! Why there is no answer from the network. It names the host and never a query or a body.

use thiserror::Error;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum HttpError {
    /// `http://` to another machine would show the secret to everyone on the way.
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
    /// No connection: nothing was sent, so sending again is safe.
    #[error("cannot connect to {host}: {cause}")]
    Connect {
        /// The host's name.
        host: String,
        /// The innermost cause.
        cause: String,
    },
    /// No authority that is believed vouches for the server's certificate: nothing was sent.
    #[error("{host} shows a certificate of an authority that this machine does not know")]
    Untrusted {
        /// The host's name.
        host: String,
    },
    /// The answer, or one message of it, is larger than is read.
    #[error("the answer of {host} is larger than {} MiB", limit >> 20)]
    TooLarge {
        /// The host's name.
        host: String,
        /// The most that is read, in bytes.
        limit: usize,
    },
    /// The server sends us elsewhere, where we do not follow: a secret would go wherever the answer points, past every check
    /// of the address. Only 307 and 308 within one server are followed.
    #[error("{host} answered HTTP {status}, a redirect to {to}")]
    Redirect {
        /// The host's name.
        host: String,
        /// The HTTP status.
        status: u16,
        /// Where to (RFC 9110 section 10.2.2), in full where it is an address.
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
    /// Whether it may pass by itself.
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Plain { .. } | Self::Forbidden { .. } | Self::Redirect { .. })
    }

    /// Whether the request cannot have reached the server.
    pub fn unsent(&self) -> bool {
        !matches!(self, Self::Lost { .. } | Self::TooLarge { .. } | Self::Redirect { .. })
    }
}
