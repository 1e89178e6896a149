//! The flows: the protocol's values sent over the network, up to a token in hand.
//! It leaves files and locks to `store`, "is there one already" to `vault`, and every word on the terminal to [`Ui`].

mod address_error;
mod by_address;
mod callback;
mod demand;
mod device;
mod discovery;
mod login;
mod page;
mod revoke;
mod sites;
mod token_endpoint;

use std::time::Duration;

use thiserror::Error;
use url::Url;

pub use address_error::{AddressError, client_flags};
pub use by_address::{
    Discovered, discover, listed_redirect_uris, other_issuer, register, usual_redirect_uri,
};
pub use device::log_in_by_device;
pub use discovery::discovered;
pub use login::{Login, authorization_request, can_listen, is_client_refused, is_port_free, log_in};
pub use revoke::{RevocationExtent, revoke};
pub use sites::{choose_site, list_sites, sites};
pub use token_endpoint::{client_credentials, refresh};

use crate::metadata::MetadataNotFound;
use crate::oauth::{DeviceAuthorization, MetadataError, ReplyError};
use crate::sys::http::HttpError;

/// How a flow talks to the person. Implemented by `cli`; a flow never prints.
pub trait Ui: Send + Sync {
    /// The address to open, and how long there is. `listening` is the address that waits for the answer, if one does.
    fn authorize(&self, who: &str, url: &Url, listening: Option<&str>, within: Duration);
    /// The code to enter on another device, where, and how long there is.
    fn device(&self, who: &str, device: &DeviceAuthorization, within: Duration) {
        let text = format!(
            "enter {} at {} within {} s",
            device.user_code,
            device.verification_uri,
            within.as_secs()
        );
        self.note(who, &text);
    }
    /// So much of the time is left.
    fn remaining(&self, who: &str, left: Duration);
    /// Something worth a line.
    fn note(&self, who: &str, text: &str);
    /// Whether a person can paste an address into this terminal.
    fn can_paste(&self) -> bool;
}

/// Why a flow ended without a token.
#[derive(Debug, Error)]
pub enum FlowError {
    /// No answer.
    #[error("{0}")]
    Http(#[from] HttpError),
    /// An answer without a token.
    #[error("{host} answered: {reply}")]
    Reply {
        /// Who answered.
        host: String,
        /// What it said.
        reply: ReplyError,
    },
    /// The issuer's metadata cannot be used.
    #[error("{issuer}: {cause}")]
    Metadata {
        /// The issuer.
        issuer: String,
        /// What is wrong.
        cause: MetadataError,
    },
    /// The issuer has no metadata that can be used where the specifications put it.
    #[error("{what}: {0}", what = describe(.0))]
    Discovery(MetadataNotFound<MetadataError>),
    /// The issuer's metadata does not name what is needed.
    #[error("{issuer} does not say where its {endpoint} is")]
    NoEndpoint {
        /// The issuer.
        issuer: String,
        /// What is missing.
        endpoint: &'static str,
    },
    /// A server's address alone does not lead to a login.
    #[error("{0}")]
    ByAddress(#[from] AddressError),
    /// Not an address.
    #[error("{what} is no web address: {text}")]
    Address {
        /// Which one.
        what: &'static str,
        /// The text.
        text: String,
    },
    /// The private key does not sign.
    #[error("the private key cannot sign a client assertion")]
    Signing,
    /// Somebody else listens where the provider will send the browser.
    #[error("the callback address {address} is already in use: {cause}")]
    PortBusy {
        /// Host and port.
        address: String,
        /// The operating system's word.
        cause: String,
    },
    /// A redirect URI that nobody on this machine can answer, and no terminal to paste into.
    #[error(
        "the redirect URI {0} does not lead to this machine, and there is no terminal to paste the answer into"
    )]
    Unreachable(String),
    /// The provider does not take this redirect URI.
    #[error("{provider} does not accept {host:?} in a redirect URI, only {accepted}")]
    RedirectHost {
        /// The provider.
        provider: String,
        /// What was configured.
        host: String,
        /// What it takes.
        accepted: String,
    },
    /// The person or the server said no.
    #[error("the login was refused: {error}{}", description.as_deref().map(|text| format!(": {text}")).unwrap_or_default())]
    Denied {
        /// The error code, cleaned.
        error: String,
        /// Its description, cleaned.
        description: Option<String>,
    },
    /// The provider has no device grant, or not for this client.
    #[error("{provider} does not log in by a code on another device{}", why.as_deref().map(|why| format!(" ({why})")).unwrap_or_default())]
    NoDevice {
        /// The provider.
        provider: String,
        /// Its own word for it.
        why: Option<String>,
    },
    /// RFC 8628 section 3.5, `expired_token`.
    #[error("the code was not entered in time")]
    CodeExpired,
    /// RFC 9207: somebody mixes up servers.
    #[error("the login was answered by another issuer than the one that was asked; nothing was sent to it")]
    WrongIssuer,
    /// Nobody logged in.
    #[error("nobody logged in within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The provider does not say which sites the grant covers.
    #[error("{host} does not list the sites this login covers: {cause}")]
    Sites {
        /// Who was asked.
        host: String,
        /// What is wrong.
        cause: String,
    },
    /// The wanted site is not among them.
    #[error("this login does not cover the site {wanted:?}, only {covered}")]
    UnknownSite {
        /// What was asked for.
        wanted: String,
        /// What there is.
        covered: String,
    },
}

fn describe(error: &MetadataNotFound<MetadataError>) -> String {
    let issuer = crate::text::clean(&error.name, 200);
    if error.is_network() {
        return format!("{issuer} cannot say now where its endpoints are");
    }
    format!("{issuer} does not say where its endpoints are")
}

impl From<MetadataNotFound<MetadataError>> for FlowError {
    fn from(error: MetadataNotFound<MetadataError>) -> Self {
        if error.tried.is_empty() {
            return Self::Address { what: "the issuer", text: crate::text::clean(&error.name, 200) };
        }
        error.into_http().map_or_else(Self::Discovery, Self::Http)
    }
}
