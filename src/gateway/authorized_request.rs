//! A message on its way to its server, with the proof that it may go, and all that is decided about it by then.
//! It leaves sending it to `send`, and the answer to `forward`.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::HeaderValue;
use hyper::{Method, Uri};

use super::callers::{Caller, CredentialHeader, TokenHeader};
use super::refusal::SentCredential;
use super::request_body::ParsedRequest;
use super::servers::endpoints::UpstreamEndpoint;
use super::servers::route::PathBase;
use super::settings::{EgressMode, Visibility};
use super::state::Upstream;
use crate::policy::Permit;

/// A message on its way, with the proof that it may go.
pub(super) struct AuthorizedRequest<'a> {
    /// Only `policy::decide` makes one.
    pub(super) permit: Permit,
    pub(super) caller: Arc<Caller>,
    /// Under which epoch the caller was found good, and from where they asked.
    pub(super) epoch: u64,
    pub(super) peer: IpAddr,
    /// The request's own id, for whatever is said of its answer later.
    pub(super) request_id: HeaderValue,
    pub(super) credential: TokenHeader,
    pub(super) upstream: &'a Arc<Upstream>,
    /// The endpoint that was asked for, and where on its server the message goes.
    pub(super) endpoint: &'a UpstreamEndpoint,
    pub(super) target: Uri,
    /// How a path below the server's name is written for whoever sent it.
    pub(super) base: PathBase,
    pub(super) method: &'a Method,
    /// What it asks for.
    pub(super) wish: &'a ParsedRequest<'a>,
    pub(super) body: Bytes,
    /// Whether it is made of a call of the gateway's own server: nothing of the caller's that is meant for one server goes along.
    pub(super) is_relayed: bool,
}

/// A legacy session that a request is for.
pub(super) struct LegacySession {
    /// As the client knows it.
    pub(super) given: HeaderValue,
    /// As the server does.
    pub(super) own: HeaderValue,
}

impl AuthorizedRequest<'_> {
    /// Which outside credential the server got.
    pub(super) fn given(&self) -> SentCredential {
        let route = &self.upstream.route;
        match (route.egress, self.credential.via) {
            (EgressMode::Stored, _) => SentCredential::Stored,
            _ if !route.server.headers.is_empty() => SentCredential::File,
            (EgressMode::None, _) => SentCredential::Nothing,
            (EgressMode::Passthrough, _) if self.is_relayed => SentCredential::Withheld,
            (EgressMode::Passthrough, CredentialHeader::XAuthorization) => SentCredential::Callers,
            (EgressMode::Passthrough, CredentialHeader::Authorization) => SentCredential::InItsPlace,
        }
    }

    /// Whether the answer may hold a list: then it is read here.
    pub(super) fn is_read(&self, visibility: Visibility) -> bool {
        let hidden = visibility == Visibility::Granted;
        // An old stream carries answers to any request, lists among them, and the address for messages.
        *self.method == Method::GET || (self.wish.lists().is_some() && hidden)
    }
}
