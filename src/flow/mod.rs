//! The flows: the protocol's values sent over the network, up to a token. Not here: files and locks (see `store`);
//! reuse and refresh (see `vault`); terminal output (see [`Ui`]).

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
mod start_page;
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
pub use login::{Login, authorization_request, can_listen, is_client_unusable, log_in};
pub use revoke::{RevocationExtent, revoke};
pub use sites::{choose_site, list_sites, sites};
pub use start_page::{Pressed, StartPage};
pub use token_endpoint::{client_credentials, exchange, refresh};

use crate::metadata::MetadataNotFound;
use crate::oauth::{DeviceAuthorization, MetadataError, ReplyError};
use crate::sys::http::HttpError;

/// How a flow talks to the user. Implemented by `cli`; a flow never prints.
pub trait Ui: Send + Sync {
    /// The address to open, and the time limit. `listening` is the local address that waits for the answer, if there
    /// is one.
    fn authorize(&self, who: &str, url: &Url, listening: Option<&str>, within: Duration);
    /// The code to enter on another device, where, and the time limit.
    fn device(&self, who: &str, device: &DeviceAuthorization, within: Duration) {
        let text = format!(
            "enter {} at {} within {} s",
            device.user_code,
            device.verification_uri,
            within.as_secs()
        );
        self.note(who, &text);
    }
    /// The remaining time.
    fn remaining(&self, who: &str, left: Duration);
    /// A progress message.
    fn note(&self, who: &str, text: &str);
    /// Whether the user can paste an address into this terminal.
    fn can_paste(&self) -> bool;
    /// Whether it shows what is typed, because the terminal's own echo would be overwritten.
    fn shows_typing(&self) -> bool {
        false
    }
    /// What is typed so far; nothing once it is read.
    fn typed(&self, _text: &str) {}
}

/// Why a flow ended without a token.
#[derive(Debug, Error)]
pub enum FlowError {
    /// No HTTP answer.
    #[error("{0}")]
    Http(#[from] HttpError),
    /// An answer without a token.
    #[error("{host} answered: {reply}")]
    Reply {
        /// The host.
        host: String,
        /// The answer.
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
    /// The issuer has no usable metadata at the locations that the specifications define.
    #[error("{what}: {0}", what = describe(.0))]
    Discovery(MetadataNotFound<MetadataError>),
    /// The issuer's metadata lacks an endpoint.
    #[error("{issuer} does not publish its {endpoint}")]
    NoEndpoint {
        /// The issuer.
        issuer: String,
        /// What is missing.
        endpoint: &'static str,
    },
    /// A server's address does not lead to a login.
    #[error("{0}")]
    ByAddress(#[from] AddressError),
    /// Not an address.
    #[error("{what} is not an http or https URL: {text}")]
    Address {
        /// Which one.
        what: &'static str,
        /// The text.
        text: String,
    },
    /// The private key cannot sign.
    #[error("the private key cannot sign a client assertion")]
    Signing,
    /// Another program listens at the address where the provider would send the browser.
    #[error("the callback address {address} is already in use: {cause}")]
    PortBusy {
        /// Host and port.
        address: String,
        /// The operating system's error.
        cause: String,
    },
    /// A redirect URI that nothing on this machine can answer, and no terminal to paste into.
    #[error(
        "the redirect URI {0} does not point to this machine, and there is no terminal to paste the answer into"
    )]
    Unreachable(String),
    /// The provider does not accept this redirect URI.
    #[error("{provider} does not accept {host:?} in a redirect URI, only {accepted}")]
    RedirectHost {
        /// The provider.
        provider: String,
        /// What was configured.
        host: String,
        /// What it accepts.
        accepted: String,
    },
    /// The user or the server denied the login.
    #[error("the login was refused: {error}{}", description.as_deref().map(|text| format!(": {text}")).unwrap_or_default())]
    Denied {
        /// The error code, cleaned.
        error: String,
        /// Its description, cleaned.
        description: Option<String>,
    },
    /// The provider has no device grant, or not for this client.
    #[error("{provider} does not support device login{}", why.as_deref().map(|why| format!(" ({why})")).unwrap_or_default())]
    NoDevice {
        /// The provider.
        provider: String,
        /// Its own reason.
        why: Option<String>,
    },
    /// RFC 8628 section 3.5, `expired_token`.
    #[error("the code was not entered in time")]
    CodeExpired,
    /// RFC 9207: a possible mix-up attack.
    #[error("issuer mismatch in the authorization response (RFC 9207); nothing was sent")]
    WrongIssuer,
    /// The login was not completed in time.
    #[error("login timed out after {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The provider does not list the sites of the grant.
    #[error("{host} does not list the sites this login covers: {cause}")]
    Sites {
        /// The host.
        host: String,
        /// What is wrong.
        cause: String,
    },
    /// The requested site is not among them.
    #[error("this login does not cover the site {wanted:?}, only {covered}")]
    UnknownSite {
        /// The requested site.
        wanted: String,
        /// The available ones.
        covered: String,
    },
}

impl FlowError {
    fn reply(url: &Url, reply: ReplyError) -> Self {
        Self::Reply { host: url.host_str().unwrap_or_default().into(), reply }
    }
}

fn describe(error: &MetadataNotFound<MetadataError>) -> String {
    let issuer = crate::text::clean(&error.name, 200);
    if error.is_network() {
        return format!("the metadata of {issuer} is not available");
    }
    format!("{issuer} publishes no usable metadata")
}

impl From<MetadataNotFound<MetadataError>> for FlowError {
    fn from(error: MetadataNotFound<MetadataError>) -> Self {
        if error.tried.is_empty() {
            return Self::Address { what: "the issuer", text: crate::text::clean(&error.name, 200) };
        }
        error.into_http().map_or_else(Self::Discovery, Self::Http)
    }
}
