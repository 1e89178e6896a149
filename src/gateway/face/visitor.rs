//! Who asks for a page: a person with a session, or a program with an ingress token. Their rights are those of the
//! policy in force at this request.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, HeaderMap};
use axum::http::request::Parts;
use axum::response::Response;

use super::fields::FormFields;
use super::session::FaceSession;
use super::{FaceState, answer, cookie};
use crate::gateway::authn::token_cache::LastToken;
use crate::gateway::callers::X_AUTHORIZATION;
use crate::gateway::changes::RegistryEditor;
use crate::gateway::refusal::Rejection;
use crate::gateway::services::ServiceView;
use crate::gateway::state::{Snapshot, Upstream};
use crate::policy::{Grants, Principal, UiAction};

/// A user whom the gateway has authenticated, with their present rights.
pub(crate) struct Visitor {
    /// Issuer, subject, name and groups.
    pub(crate) principal: Principal,
    pub(crate) grants: Grants,
    /// The files as this request sees them, and the time.
    pub(crate) moment: Snapshot,
    pub(crate) by: VisitorProof,
    /// The request's identifier.
    pub(crate) request_id: String,
}

/// How a visitor is known.
pub(crate) enum VisitorProof {
    /// By the cookie of a session.
    Session(Box<FaceSession>),
    /// By an ingress token that is valid until then, in seconds since 1970.
    Token(i64),
}

/// The requesting user, if authenticated; or why the token they sent is not accepted.
pub(super) type Asking = Result<Option<Arc<Visitor>>, Arc<Rejection>>;

/// The answer about a server that the caller may not see, and about one that does not exist.
pub(super) const NO_SERVER: &str = "there is no server of this path";
/// The scope whose holders see what concerns others.
const ADMIN: &str = "mcp-registry-admin";

impl Visitor {
    /// Who sends a request. A token that is sent and not accepted is an error, and never replaced by a cookie.
    pub(super) async fn of(face: &FaceState, headers: &HeaderMap, (peer, id): (IpAddr, &str)) -> Asking {
        let moment = face.shared.moment(peer);
        if headers.contains_key(AUTHORIZATION) || headers.contains_key(X_AUTHORIZATION) {
            return Self::by_token(face, headers, moment, id).await.map_err(Arc::new);
        }
        Ok(Self::by_session(face, headers, moment, id))
    }

    async fn by_token(
        face: &FaceState,
        headers: &HeaderMap,
        moment: Snapshot,
        id: &str,
    ) -> Result<Option<Arc<Self>>, Rejection> {
        let last = LastToken::default();
        let (caller, _) = face.callers.authenticate(&moment, headers, &last, id).await?;
        let (principal, grants) = (caller.principal.clone(), caller.grants.clone());
        let by = VisitorProof::Token(caller.ends_at(&face.shared));
        Ok(Some(Arc::new(Self { principal, grants, moment, by, request_id: id.to_owned() })))
    }

    fn by_session(face: &FaceState, headers: &HeaderMap, moment: Snapshot, id: &str) -> Option<Arc<Self>> {
        let text = cookie::one(headers, &face.site.cookie)?;
        let session = FaceSession::open(&face.shared.session_key.face, text, moment.now)?;
        let is_offered = face.provider(&session.provider).is_some();
        let principal = session.principal();
        let revoked = &moment.state.revoked;
        if !is_offered || revoked.ends(&session.sid, &principal) || face.ended.is_over(&session.sid) {
            return None;
        }
        let grants = moment.state.policy.grants(&principal);
        let by = VisitorProof::Session(Box::new(session));
        Some(Arc::new(Self { principal, grants, moment, by, request_id: id.to_owned() }))
    }

    /// What people call them.
    pub(crate) fn name(&self) -> &str {
        self.principal.username.as_deref().unwrap_or(&self.principal.subject)
    }

    /// The groups that the policy knows, the others by name, and how many more of those there are.
    pub(crate) fn groups(&self) -> (Vec<&str>, Vec<&str>, usize) {
        let policy = &self.moment.state.policy;
        let (known, mut unknown): (Vec<&str>, Vec<&str>) =
            self.principal.groups.iter().map(String::as_str).partition(|group| policy.knows_group(group));
        let VisitorProof::Session(session) = &self.by else { return (known, unknown, 0) };
        unknown.extend(session.unknown.iter().map(String::as_str));
        (known, unknown, session.unnamed)
    }

    /// Whether they see what concerns others: they have the scope, whatever their groups are called.
    pub(crate) fn is_admin(&self) -> bool {
        self.grants.permission_scopes().any(|scope| scope == ADMIN)
    }

    /// Whether the registry's own permissions let them do something to a server.
    pub(crate) fn may(&self, action: UiAction, upstream: &Upstream) -> bool {
        self.grants.manages(action, upstream.name(), &upstream.route.server.title)
    }

    /// Whether the pages show them a server: they may list it, and may use it or change it.
    pub(crate) fn lists(&self, upstream: &Upstream) -> bool {
        self.may(UiAction::List, upstream)
            && (self.grants.reaches(upstream.name()) || self.may(UiAction::Modify, upstream))
    }

    /// A server by its name or path, if the pages show it to them.
    pub(super) fn chosen<'v>(&self, view: ServiceView<'v>, name: &str) -> Option<&'v Arc<Upstream>> {
        view.state.upstreams.get(name.trim_matches('/')).filter(|upstream| self.lists(upstream))
    }

    /// The servers as they see them.
    pub(crate) fn view<'v>(&'v self, face: &'v FaceState) -> ServiceView<'v> {
        ServiceView { shared: &face.shared, state: &self.moment.state, grants: &self.grants }
    }

    /// The registry in their hands.
    pub(crate) fn editor<'v>(&'v self, face: &'v FaceState) -> RegistryEditor<'v> {
        let from = (self.moment.peer, self.request_id.as_str());
        RegistryEditor { view: self.view(face), who: &self.principal, from, audit: &face.audit }
    }
}

/// A request, by whomever: with what its address asks for.
pub(super) struct Anybody {
    pub(super) face: Arc<FaceState>,
    pub(super) visitor: Option<Arc<Visitor>>,
    pub(super) asked: FormFields,
}

/// A request of a user who is known. Anybody else is redirected to sign in, and a program gets 401.
pub(super) struct SignedIn {
    pub(super) face: Arc<FaceState>,
    pub(super) visitor: Arc<Visitor>,
    pub(super) asked: FormFields,
}

/// The same about one server, which they may see: by the path in the address.
pub(super) struct ChosenServer {
    pub(super) face: Arc<FaceState>,
    pub(super) visitor: Arc<Visitor>,
    pub(super) upstream: Arc<Upstream>,
    pub(super) asked: FormFields,
}

impl FromRequestParts<Arc<FaceState>> for Anybody {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, face: &Arc<FaceState>) -> Result<Self, Response> {
        let asking = parts.extensions.get::<Asking>().cloned().unwrap_or(Ok(None));
        let visitor = asking.map_err(|refusal| answer::refused(&refusal))?;
        let asked = FormFields::parse(parts.uri.query().unwrap_or_default().as_bytes());
        Ok(Self { face: face.clone(), visitor, asked })
    }
}

impl FromRequestParts<Arc<FaceState>> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, face: &Arc<FaceState>) -> Result<Self, Response> {
        let Anybody { face, visitor, asked } = Anybody::from_request_parts(parts, face).await?;
        match visitor {
            Some(visitor) => Ok(Self { face, visitor, asked }),
            None if answer::is_data(parts.uri.path()) => Err(answer::refused(&Rejection::NoToken)),
            None => Err(answer::sign_in_first(parts)),
        }
    }
}

impl FromRequestParts<Arc<FaceState>> for ChosenServer {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, face: &Arc<FaceState>) -> Result<Self, Response> {
        let SignedIn { face, visitor, asked } = SignedIn::from_request_parts(parts, face).await?;
        // The rest of the address; one that cannot be read names no server.
        let name = Path::<String>::from_request_parts(parts, &face).await.map(|Path(name)| name);
        let upstream = visitor.chosen(visitor.view(&face), &name.unwrap_or_default()).cloned();
        let upstream = upstream.ok_or_else(|| answer::problem(StatusCode::NOT_FOUND, NO_SERVER))?;
        Ok(Self { face, visitor, upstream, asked })
    }
}
