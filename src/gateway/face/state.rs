//! What every page needs. Not here: which pages there are (see `router`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::OnceCell;

use super::endpoints::ProviderEndpoints;
use super::site::FaceSite;
use crate::gateway::callers::Callers;
use crate::gateway::observe::audit_buffer::AuditBuffer;
use crate::gateway::own_sessions::OwnSessions;
use crate::gateway::providers::FaceProvider;
use crate::gateway::request_log::RequestId;
use crate::gateway::state::SharedState;
use crate::sys::http::Http;

/// What every page needs.
pub(in crate::gateway) struct FaceState {
    pub(in crate::gateway) shared: Arc<SharedState>,
    /// The ingress tokens that came here.
    pub(in crate::gateway) callers: Callers,
    /// Where people find the pages.
    pub(in crate::gateway) site: FaceSite,
    /// Where people sign in, with what is known of each provider.
    pub(super) providers: Vec<(FaceProvider, OnceCell<ProviderEndpoints>)>,
    pub(in crate::gateway) http: Http,
    /// Where changes are recorded.
    pub(in crate::gateway) audit: AuditBuffer,
    /// Sessions whose person has signed out, and sign-ins that are done.
    pub(in crate::gateway) ended: OwnSessions,
    /// The number of requests so far, to name the next one, and what differs in every run.
    number: AtomicU64,
    run: u64,
}

impl FaceState {
    pub(in crate::gateway) fn new(
        shared: Arc<SharedState>,
        (site, providers): (FaceSite, Vec<FaceProvider>),
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
    pub(super) fn provider(&self, name: &str) -> Option<&(FaceProvider, OnceCell<ProviderEndpoints>)> {
        self.providers.iter().find(|(provider, _)| provider.name == name)
    }

    /// Where a provider sends people back to, exactly as it is registered there.
    pub(super) fn redirect_uri(&self, provider: &FaceProvider) -> String {
        format!("{}/oauth2/callback/{}", self.site.url, provider.name)
    }

    /// Identifies the next request.
    pub(super) fn name_request(&self) -> RequestId {
        RequestId::new(self.run, self.number.fetch_add(1, Ordering::Relaxed))
    }
}
