//! Pages for people, on a listener and an origin of their own: they sign in at an identity provider, see what they may
//! use and why, and change what the policy lets them change. Nothing of it is on the way of a request to a server.
//!
//! Every request takes the same way: its host (`guard`), who asks (`visitor`: a session's cookie, or an ingress
//! token), where the request comes from if it may change something (`guard`), then its page. Every answer leaves by
//! one door (`answer`), which puts the same headers on all of them. Not here: what a caller sees of the registry (see
//! `services`); permissions (see `policy`).

mod answer;
mod cookie;
mod guard;
mod home;
mod listen;
mod session;
mod site;
mod visitor;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;

pub(super) use self::listen::serve;
pub(super) use self::site::Site;
use super::callers::Callers;
use super::observe::audit_buffer::AuditBuffer;
use super::own_sessions::OwnSessions;
use super::request_log::RequestId;
use super::state::SharedState;

/// What every page needs.
pub(super) struct FaceState {
    pub(super) shared: Arc<SharedState>,
    /// The ingress tokens that came here.
    pub(super) callers: Callers,
    /// Where people find the pages.
    pub(super) site: Site,
    /// Where changes are recorded.
    pub(super) audit: AuditBuffer,
    /// Sessions whose person has signed out.
    pub(super) ended: OwnSessions,
    /// The number of requests so far, to name the next one, and what differs in every run.
    number: AtomicU64,
    run: u64,
}

impl FaceState {
    pub(super) fn new(shared: Arc<SharedState>, site: Site, audit: AuditBuffer, run: u64) -> Arc<Self> {
        let callers = Callers::new(shared.clone());
        let (ended, number) = (OwnSessions::default(), AtomicU64::new(0));
        Arc::new(Self { shared, callers, site, audit, ended, number, run })
    }

    /// Identifies the next request.
    fn name_request(&self) -> RequestId {
        RequestId::new(self.run, self.number.fetch_add(1, Ordering::Relaxed))
    }
}

/// All pages.
pub(super) fn router(face: &Arc<FaceState>) -> Router {
    Router::new()
        .route("/", get(home::home))
        .fallback(answer::not_found)
        .layer(from_fn_with_state(face.clone(), guard::admit))
        .layer(from_fn(answer::leave))
        .with_state(face.clone())
}
