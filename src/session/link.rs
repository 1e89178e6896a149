//! The connection to one server, and what was negotiated: each request uses the current session. Not here: when a
//! session begins and ends (see `session`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::Value;

use super::access::{CredentialSource, NotificationSink};
use super::channel::Channel;
use super::remote::{RemoteError, RemoteRequest, ServerAnswer};
use crate::mcp::jsonrpc::Message;
use crate::mcp::mirror::ToolHeaders;
use crate::mcp::{LAST_EVENT, SESSION, VERSION};
use crate::sys::http::Http;

/// The connection to one server.
pub(super) struct Link {
    pub(super) http: Http,
    pub(super) access: Arc<dyn CredentialSource>,
    pub(super) aside: Arc<dyn NotificationSink>,
    state: Mutex<SessionState>,
}

/// Which of the transports up to 2025-11-25 are used, in which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TransportOrder {
    /// HTTP, else HTTP+SSE.
    #[default]
    HttpFirst,
    /// HTTP+SSE, else HTTP.
    SseFirst,
    /// HTTP alone.
    HttpOnly,
    /// HTTP+SSE alone.
    SseOnly,
}

/// What was negotiated.
#[derive(Default)]
pub(super) struct SessionState {
    pub(super) session: Option<HeaderValue>,
    pub(super) version: Option<HeaderValue>,
    /// The client's own `initialize`, for a new session.
    pub(super) initialize: Option<Message>,
    pub(super) initialized: Option<Message>,
    /// The client was answered, and the server has not been asked yet.
    pub(super) unopened: bool,
    /// What the server said it can do.
    pub(super) capabilities: Option<Value>,
    pub(super) tools: ToolHeaders,
    pub(super) channel: Option<Arc<Channel>>,
    pub(super) transport: TransportOrder,
    /// Increases with every session.
    pub(super) era: u64,
}

impl Link {
    pub(super) fn new(
        http: Http,
        access: Arc<dyn CredentialSource>,
        aside: Arc<dyn NotificationSink>,
    ) -> Self {
        Self { http, access, aside, state: Mutex::default() }
    }

    /// Opens the stream for the server's own messages, after the event `after`.
    pub(super) async fn open_stream(&self, after: Option<HeaderValue>) -> Result<ServerAnswer, RemoteError> {
        let mut headers = self.agreed();
        headers.extend(after.map(|last| (LAST_EVENT, last)));
        self.ask(&RemoteRequest::listen(headers)).await
    }

    /// Sends a request to the server's own address.
    pub(super) async fn ask(&self, request: &RemoteRequest) -> Result<ServerAnswer, RemoteError> {
        let (_, incoming) = request.send(&self.http, &*self.access, |given| Some(given.url.clone())).await?;
        Ok(ServerAnswer::new(incoming))
    }

    /// Session and version as headers.
    pub(super) fn agreed(&self) -> HeaderMap {
        let state = self.state();
        let session = state.session.clone().map(|session| (SESSION, session));
        let version = state.version.clone().map(|version| (VERSION, version));
        session.into_iter().chain(version).collect()
    }

    pub(super) fn has_session(&self) -> bool {
        self.state().session.is_some()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, SessionState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
