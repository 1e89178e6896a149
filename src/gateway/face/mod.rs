//! Pages for people, on a listener and an origin of their own: they sign in at an identity provider, see what they may
//! use and why, and change what the policy lets them change. Nothing of it is on the way of a request to a server.
//!
//! Every request takes the same way: its host (`guard`), who asks (`visitor`: a session's cookie, or an ingress
//! token), where the request comes from if it may change something (`guard`), then its page. Every answer leaves by
//! one door (`answer`), which puts the same headers on all of them. Not here: what a caller sees of the registry (see
//! `services`); permissions (see `policy`).

mod answer;
mod api;
mod cookie;
mod error_page;
mod fields;
mod guard;
mod html;
mod listen;
mod page;
mod session;
mod site;
mod visitor;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

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
        .merge(pages())
        .merge(api::routes())
        .merge(api::official::routes(face))
        .fallback(answer::not_found)
        .layer(from_fn_with_state(face.clone(), guard::admit))
        .layer(from_fn(error_page::dress))
        .layer(from_fn(answer::leave))
        .with_state(face.clone())
}

/// The pages themselves, and what they look like.
fn pages() -> Router<Arc<FaceState>> {
    Router::new()
        .route("/", get(page::servers::show))
        .route("/servers/{*name}", get(page::server::show))
        .route("/find", get(page::find::show))
        .route("/register", get(page::edit::new).post(page::edit::register))
        .route("/edit/{*name}", get(page::edit::open).post(page::edit::save))
        .route("/toggle/{*name}", post(page::edit::toggle))
        .route("/refresh/{*name}", post(page::edit::refresh))
        .route("/me", get(page::me::show))
        .route("/explain", get(page::explain::show))
        .route("/tokens", get(page::tokens::show).post(page::tokens::make))
        .route("/tokens/revoke", post(page::tokens::take_back))
        .route("/decisions", get(page::decisions::show))
        .route("/changes", get(page::changes::show))
        .route("/style.css", get(html::style))
        .route("/icon.svg", get(html::icon))
}
