//! What is missing on the way from an address to a login, and what to do about it. Not here: the way (see
//! `by_address`).

use thiserror::Error;
use url::Url;

use crate::flow::FlowError;
use crate::metadata::{LoopbackTarget, MetadataNotFound};
use crate::oauth::{IssuerMetadata, RegistrationError, ResourceError};
use crate::text::word;

/// Why an address does not lead to a login.
#[derive(Debug, Error)]
pub enum AddressError {
    /// The server has no usable metadata.
    #[error(
        "{server} answered {status} without a token, and there is no protected-resource metadata for it: {cause}"
    )]
    NoResource {
        /// Who was asked.
        server: String,
        /// The requested address, without its query.
        asked: String,
        /// Its answer to a request without a token.
        status: u16,
        /// Where metadata was looked for, and what is wrong there.
        cause: MetadataNotFound<ResourceError>,
    },
    /// The server redirects to another address.
    #[error("{server} answered HTTP {status}, a redirect to {to}")]
    Elsewhere {
        /// The requested address, without its query.
        server: String,
        /// The HTTP status.
        status: u16,
        /// Where to.
        to: String,
    },
    /// The metadata is about another address of the same server.
    #[error(
        "the metadata of {asked} is about {found}, which is neither that address nor one above it (RFC 9728 section 3.3)"
    )]
    Resource {
        /// The requested address, without its query.
        asked: String,
        /// The one that the document is about.
        found: String,
    },
    /// Neither metadata nor the endpoints of MCP 2025-03-26: its tokens come from elsewhere.
    #[error("{} offers no OAuth: it publishes no metadata, and its origin registers no clients", host(.0))]
    NoOauth(Url),
    /// A remote server that points to this machine.
    #[error("{0}")]
    Inward(#[from] LoopbackTarget),
    /// The issuer's metadata cannot be used.
    #[error("the issuer that {server} names cannot be used: {cause}")]
    Issuer {
        /// Who names it.
        server: String,
        /// What is wrong.
        cause: Box<FlowError>,
    },
    /// None of several issuers can be used.
    #[error("none of the issuers that {server} names can be used: {}", each(.tried))]
    NoIssuer {
        /// Who names them.
        server: String,
        /// Each with what is wrong.
        tried: Vec<(String, FlowError)>,
    },
    /// The requested issuer is not one of the server's.
    #[error("{server} does not name the issuer {wanted}; it names {}", .named.join(", "))]
    OtherIssuer {
        /// Who names others.
        server: String,
        /// What was asked for.
        wanted: String,
        /// What it names.
        named: Vec<String>,
    },
    /// The issuer has no login.
    #[error("{} issues tokens only by client_credentials, not to people who log in", .0.issuer)]
    MachinesAlone(Box<IssuerMetadata>),
    /// The issuer does not say whether it supports PKCE.
    #[error("the metadata of {0} does not list its code_challenge_methods_supported")]
    NoPkce(String),
    /// The issuer registers no clients.
    #[error("{} does not offer client registration (RFC 7591)", .0.issuer)]
    NoRegistration(Box<IssuerMetadata>),
    /// The registration failed.
    #[error("{place}: {cause}")]
    Registration {
        /// Where.
        place: String,
        /// Why.
        cause: RegistrationError,
        /// Who.
        issuer: Box<IssuerMetadata>,
    },
}

impl AddressError {
    /// Whether it may go away without a change.
    pub fn is_network(&self) -> bool {
        match self {
            Self::NoResource { cause, .. } => cause.is_network(),
            Self::NoIssuer { tried, .. } => tried.iter().any(|(_, error)| may_pass(error)),
            _ => false,
        }
    }

    /// The advice; `command` is the login's.
    pub fn hint(&self, command: &str) -> String {
        match self {
            Self::NoResource { cause, .. } if cause.is_network() => {
                format!("try again later: {command}")
            }
            Self::NoResource { cause, .. } if is_about_another(cause) => {
                "do not log in there; ask the server's operator to correct the document".into()
            }
            Self::Elsewhere { to, .. } => {
                format!("if that is the MCP server, run: mcpauth login {}", word(to))
            }
            Self::Resource { found, .. } => {
                format!("log in there: mcpauth login {}", word(found))
            }
            Self::NoResource { asked, .. } => format!(
                "check the address: mcpauth probe {} shows what is there; without metadata, configure an egress set: mcpauth configure",
                word(asked)
            ),
            Self::NoOauth(server) => format!(
                "get a key from the server's operator, keep it in a file of mode 0600, and send it with: mcpauth list {} \
                 --token-file FILE",
                word(&bare(server))
            ),
            Self::Inward(_) => "do not trust this server; nothing was sent there".into(),
            Self::Issuer { .. } => {
                format!("the server's operator must correct that; then run: {command} --force")
            }
            Self::NoIssuer { .. } => {
                format!("try again later: {command}; or choose one with --issuer URL")
            }
            Self::OtherIssuer { named, .. } => {
                let first =
                    named.first().map_or_else(String::new, |issuer| format!(" --issuer {}", word(issuer)));
                format!("choose one of them: {command}{first}")
            }
            Self::NoPkce(_) => format!("if you know that it supports S256: {command} --assume-pkce-s256"),
            Self::MachinesAlone(issuer) => {
                format!("have a client registered there, then run: {command} {}", client_flags(issuer))
            }
            Self::NoRegistration(issuer) if issuer.client_id_metadata_document_supported => format!(
                "put what `mcpauth client-metadata --url https://YOUR-SITE/client-metadata.json` prints there and set \
                 MCPAUTH_CLIENT_METADATA_URL to that address; or register a client there yourself, then run: {command} {}",
                client_flags(issuer)
            ),
            Self::NoRegistration(issuer) | Self::Registration { issuer, .. } => {
                format!("register a client there yourself, then run: {command} {}", client_flags(issuer))
            }
        }
    }
}

/// The flags that name the user's own client, by the authentication methods that the issuer supports.
pub fn client_flags(issuer: &IssuerMetadata) -> &'static str {
    let taken = issuer.token_endpoint_auth_methods_supported.as_deref();
    let takes = |part: &str| taken.is_none_or(|names| names.iter().any(|name| name.starts_with(part)));
    match (takes("client_secret_"), takes("private_key_jwt"), takes("none")) {
        (true, _, _) => "--client-id ID --client-secret-file FILE",
        (false, true, false) => "--client-id ID --private-key-file FILE",
        _ => "--client-id ID",
    }
}

fn may_pass(error: &FlowError) -> bool {
    match error {
        FlowError::Http(_) => true,
        FlowError::Discovery(error) => error.is_network(),
        FlowError::ByAddress(error) => error.is_network(),
        _ => false,
    }
}

pub(super) fn each(tried: &[(String, FlowError)]) -> String {
    tried.iter().map(|(name, error)| format!("{name}: {error}")).collect::<Vec<_>>().join("; ")
}

pub(super) fn host(server: &Url) -> String {
    server.host_str().unwrap_or_default().into()
}

pub(super) fn bare(server: &Url) -> String {
    let mut bare = server.clone();
    bare.set_query(None);
    bare.into()
}

/// Whether there is a document, and it is not for a login at this server.
fn is_about_another(cause: &MetadataNotFound<ResourceError>) -> bool {
    use ResourceError::{NoIssuer, Resource, Unusable};
    matches!(cause.refused(), Some((_, Resource { .. } | NoIssuer | Unusable(_))))
}
