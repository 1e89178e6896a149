//! A permitted message on its way to its server, with everything decided about it so far. Not here: sending it (see
//! `send`); the answer (see `forward`).

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::HeaderValue;
use hyper::{Method, Uri};

use super::alarm::Alarm;
use super::callers::{Caller, CredentialHeader, TokenHeader};
use super::refusal::SentCredential;
use super::request_body::ParsedRequest;
use super::servers::endpoints::UpstreamEndpoint;
use super::servers::route::PathBase;
use super::settings::{EgressMode, Visibility};
use super::state::Upstream;
use crate::policy::Permit;

/// A permitted message on its way to its server.
pub(super) struct AuthorizedRequest<'a> {
    /// Only `policy::decide` makes one.
    pub(super) permit: Permit,
    pub(super) caller: Arc<Caller>,
    /// The epoch under which the caller was authenticated, and where the request came from.
    pub(super) epoch: u64,
    pub(super) peer: IpAddr,
    /// The request's own id, for reports about its answer.
    pub(super) request_id: HeaderValue,
    pub(super) credential: TokenHeader,
    pub(super) upstream: &'a Arc<Upstream>,
    /// The requested endpoint, and where on its server the message goes.
    pub(super) endpoint: &'a UpstreamEndpoint,
    pub(super) target: Uri,
    /// How the client spells a path below the server's name.
    pub(super) base: PathBase,
    pub(super) method: &'a Method,
    /// What it requests.
    pub(super) wish: &'a ParsedRequest<'a>,
    pub(super) body: Bytes,
    /// Of the connection that it came on.
    pub(super) alarm: &'a Alarm,
    /// Whether it comes from a call of the gateway's own server: what the caller sent for one server is not passed on.
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
    /// Which egress credential the server got.
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

    /// Whether the answer may contain a list: then it is parsed here.
    pub(super) fn is_read(&self, visibility: Visibility) -> bool {
        let hidden = visibility == Visibility::Granted;
        // An old stream carries answers to any request, including lists, and the address for messages.
        *self.method == Method::GET || (self.wish.lists().is_some() && hidden)
    }
}
