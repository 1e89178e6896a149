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
mod endpoints;
mod error_page;
mod fields;
mod guard;
mod html;
mod listen;
mod notice;
mod page;
pub(super) mod providers;
mod return_to;
mod session;
mod sign_in;
mod sign_out;
mod site;
mod template;
mod visitor;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tokio::sync::OnceCell;

use self::endpoints::ProviderEndpoints;
pub(super) use self::listen::serve;
use self::providers::FaceProvider;
pub(super) use self::site::Site;
use super::callers::Callers;
use super::observe::audit_buffer::AuditBuffer;
use super::own_sessions::OwnSessions;
use super::request_log::RequestId;
use super::state::SharedState;
use crate::sys::http::Http;

/// What every page needs.
pub(super) struct FaceState {
    pub(super) shared: Arc<SharedState>,
    /// The ingress tokens that came here.
    pub(super) callers: Callers,
    /// Where people find the pages.
    pub(super) site: Site,
    /// Where people sign in, with what is known of each provider.
    providers: Vec<(FaceProvider, OnceCell<ProviderEndpoints>)>,
    pub(super) http: Http,
    /// Where changes are recorded.
    pub(super) audit: AuditBuffer,
    /// Sessions whose person has signed out, and sign-ins that are done.
    pub(super) ended: OwnSessions,
    /// The number of requests so far, to name the next one, and what differs in every run.
    number: AtomicU64,
    run: u64,
}

impl FaceState {
    pub(super) fn new(
        shared: Arc<SharedState>,
        (site, providers): (Site, Vec<FaceProvider>),
        http: Http,
        audit: AuditBuffer,
        run: u64,
    ) -> Arc<Self> {
        let callers = Callers::new(shared.clone());
        let (ended, number) = (OwnSessions::default(), AtomicU64::new(0));
        let providers = providers.into_iter().map(|provider| (provider, OnceCell::new())).collect();
        Arc::new(Self { shared, callers, site, providers, http, audit, ended, number, run })
    }

    /// The provider of this name.
    fn provider(&self, name: &str) -> Option<&(FaceProvider, OnceCell<ProviderEndpoints>)> {
        self.providers.iter().find(|(provider, _)| provider.name == name)
    }

    /// Where a provider sends people back to, exactly as it is registered there.
    fn redirect_uri(&self, provider: &FaceProvider) -> String {
        format!("{}/oauth2/callback/{}", self.site.url, provider.name)
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
        .merge(doors())
        .fallback(answer::not_found)
        .layer(from_fn_with_state(face.clone(), guard::admit))
        .layer(from_fn(error_page::dress))
        .layer(from_fn(answer::leave))
        .with_state(face.clone())
}

/// Where people come in and leave.
fn doors() -> Router<Arc<FaceState>> {
    Router::new()
        .route("/login", get(sign_in::choose))
        .route("/oauth2/login/{provider}", get(sign_in::leave))
        .route("/oauth2/callback/{provider}", get(sign_in::arrive))
        .route("/logout", post(sign_out::sign_out))
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
