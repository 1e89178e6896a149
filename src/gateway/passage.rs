//! A message on its way to its server, with the proof that it may go, and all that is decided about it by then.
//! It leaves sending it to `send`, and the answer to `forward`.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use hyper::header::HeaderValue;
use hyper::{Method, Uri};

use super::callers::{Caller, Credential, Via};
use super::intake::Wish;
use super::refusal::Given;
use super::servers::join::Endpoint;
use super::servers::route::Base;
use super::settings::{Egress, Visibility};
use super::state::Upstream;
use crate::policy::Permit;

/// A message on its way, with the proof that it may go.
pub(super) struct Passage<'a> {
    /// Only `policy::decide` makes one.
    pub(super) permit: Permit,
    pub(super) caller: Arc<Caller>,
    /// Under which epoch the caller was found good, and from where they asked.
    pub(super) epoch: u64,
    pub(super) peer: IpAddr,
    /// The request's own id, for whatever is said of its answer later.
    pub(super) request_id: HeaderValue,
    pub(super) credential: Credential,
    pub(super) upstream: &'a Arc<Upstream>,
    /// The endpoint that was asked for, and where on its server the message goes.
    pub(super) endpoint: &'a Endpoint,
    pub(super) target: Uri,
    /// How a path below the server's name is written for whoever sent it.
    pub(super) base: Base,
    pub(super) method: &'a Method,
    /// What it asks for.
    pub(super) wish: &'a Wish<'a>,
    pub(super) body: Bytes,
}

/// A legacy session that a request is for.
pub(super) struct Session {
    /// As the client knows it.
    pub(super) given: HeaderValue,
    /// As the server does.
    pub(super) own: HeaderValue,
}

impl Passage<'_> {
    /// Which outside credential the server got.
    pub(super) fn given(&self) -> Given {
        let route = &self.upstream.route;
        match (route.egress, self.credential.via) {
            (Egress::Stored, _) => Given::Stored,
            _ if !route.server.headers.is_empty() => Given::File,
            (Egress::None, _) => Given::Nothing,
            (Egress::Passthrough, Via::Own) => Given::Callers,
            (Egress::Passthrough, Via::Standard) => Given::InItsPlace,
        }
    }

    /// Whether the answer may hold a list: then it is read here.
    pub(super) fn is_read(&self, visibility: Visibility) -> bool {
        let hidden = visibility == Visibility::Granted;
        // An old stream carries answers to any request, lists among them, and the address for messages.
        *self.method == Method::GET || (self.wish.lists().is_some() && hidden)
    }
}
