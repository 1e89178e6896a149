//! Who is at the other end of a connection.

use std::net::IpAddr;

use axum::extract::Request;

use crate::gateway::proxies;
use crate::gateway::state::SharedState;

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(IpAddr);

impl Peer {
    pub(super) fn new(address: IpAddr) -> Self {
        Self(address)
    }

    /// The client of a request: the connection's, or the one that a trusted proxy forwards.
    pub(super) fn of(request: &Request, shared: &SharedState) -> IpAddr {
        let none = IpAddr::from([0, 0, 0, 0]);
        let peer = request.extensions().get::<Self>().map_or(none, |peer| peer.0);
        proxies::client(peer, request.headers(), &shared.settings.trusted_proxies)
    }
}
