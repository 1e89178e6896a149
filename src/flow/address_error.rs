//! What is missing on the way from an address to a login, and what to do about it. It leaves the way to `by_address`.

use thiserror::Error;
use url::Url;

use crate::flow::FlowError;
use crate::metadata::{LoopbackTarget, MetadataNotFound};
use crate::oauth::{IssuerMetadata, RegistrationError, ResourceError};
use crate::text::word;

/// What of the way from an address to a login is missing.
#[derive(Debug, Error)]
pub enum AddressError {
    /// The server has no metadata that can be used.
    #[error(
        "{server} answered {status} without a token, and there is no protected-resource metadata for it: {cause}"
    )]
    NoResource {
        /// Who was asked.
        server: String,
        /// The address that was asked, without its query.
        asked: String,
        /// What it answered to a request without a token.
        status: u16,
        /// Where metadata was looked for, and what is wrong there.
        cause: MetadataNotFound<ResourceError>,
    },
    /// The server sends whoever asks it elsewhere.
    #[error("{server} answered HTTP {status}, a redirect to {to}")]
    Elsewhere {
        /// The address that was asked, without its query.
        server: String,
        /// The HTTP status.
        status: u16,
        /// Where to.
        to: String,
    },
    /// The metadata is about another address than the one that was asked, and of the same server.
    #[error(
        "{asked} was asked, and its metadata is about {found}, which is not that address or one above it (RFC 9728 section 3.3)"
    )]
    Resource {
        /// The address that was asked, without its query.
        asked: String,
        /// The one that the document is about.
        found: String,
    },
    /// Neither metadata nor the endpoints of MCP 2025-03-26: its tokens come from somewhere else.
    #[error("{} offers no OAuth: it publishes no metadata, and nobody can register a client at its origin", host(.0))]
    NoOauth(Url),
    /// A server elsewhere that sends us to this machine.
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
    /// The issuer that was asked for is not one of the server's.
    #[error("{server} does not name the issuer {wanted}; it names {}", .named.join(", "))]
    OtherIssuer {
        /// Who names others.
        server: String,
        /// What was asked for.
        wanted: String,
        /// What it names.
        named: Vec<String>,
    },
    /// The issuer lets nobody log in.
    #[error("{} gives tokens to clients for themselves (client_credentials), and to nobody who logs in", .0.issuer)]
    MachinesAlone(Box<IssuerMetadata>),
    /// The issuer does not say whether it does PKCE.
    #[error("the metadata of {0} does not list its code_challenge_methods_supported")]
    NoPkce(String),
    /// The issuer registers nobody.
    #[error("{} registers no clients by itself", .0.issuer)]
    NoRegistration(Box<IssuerMetadata>),
    /// The issuer did not register us.
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
    /// Whether it may pass by itself.
    pub fn is_network(&self) -> bool {
        match self {
            Self::NoResource { cause, .. } => cause.is_network(),
            Self::NoIssuer { tried, .. } => tried.iter().any(|(_, error)| may_pass(error)),
            _ => false,
        }
    }

    /// What to do about it; `command` is the login's.
    pub fn hint(&self, command: &str) -> String {
        match self {
            Self::NoResource { cause, .. } if cause.is_network() => {
                format!("try again in a while: {command}")
            }
            Self::NoResource { cause, .. } if is_about_another(cause) => {
                "do not log in there: have the server's operator correct the document".into()
            }
            Self::Elsewhere { to, .. } => {
                format!("if that is the MCP server, run: mcpauth login {}", word(to))
            }
            Self::Resource { found, .. } => {
                format!("log in there: mcpauth login {}", word(found))
            }
            Self::NoResource { asked, .. } => format!(
                "check the address: mcpauth probe --url {} shows what is there; without metadata, set an egress set up: mcpauth \
                 configure",
                word(asked)
            ),
            Self::NoOauth(server) => format!(
                "get a key from whoever runs the server, keep it in a file of mode 0600, and send it with: mcpauth list --url {} \
                 --token-file FILE",
                word(&bare(server))
            ),
            Self::Inward(_) => "do not trust this server; nothing was sent there".into(),
            Self::Issuer { .. } => {
                format!("the server's operator must correct that; then run: {command} --force")
            }
            Self::NoIssuer { .. } => {
                format!("try again in a while: {command}; or choose one with --issuer URL")
            }
            Self::OtherIssuer { named, .. } => {
                let first =
                    named.first().map_or_else(String::new, |issuer| format!(" --issuer {}", word(issuer)));
                format!("choose one of them: {command}{first}")
            }
            Self::NoPkce(_) => format!("if you know that it does S256: {command} --assume-pkce-s256"),
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

/// What says who a person's own client is, by the ways to authenticate that the issuer takes.
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
