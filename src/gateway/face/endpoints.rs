//! Where a provider is reached, and whose keys verify its ID tokens: as its entry says, and for the rest as it publishes
//! (OpenID Connect Discovery, RFC 8414). Looked up when somebody first signs in, and again until that works.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use url::Url;

use crate::gateway::authn::issuers::IssuerState;
use crate::gateway::authn::rules::IssuerRules;
use crate::gateway::providers::FaceProvider;
use crate::gateway::settings::{IssuerSettings, TokenProfile};
use crate::gateway::state::SharedState;
use crate::metadata;
use crate::oauth::IssuerMetadata;
use crate::sys::http::Http;

/// What is known of a provider.
pub(super) struct ProviderEndpoints {
    pub(super) auth: Url,
    pub(super) token: Url,
    pub(super) user_info: Option<Url>,
    pub(super) logout: Option<Url>,
    /// Who people are known by: the issuer of ID tokens, or the origin of a provider that has none.
    pub(super) issuer: String,
    /// The issuer's keys; none where there are no ID tokens.
    pub(super) keys: Option<Arc<IssuerState>>,
    /// Whether it promises to say who it is when people come back (RFC 9207).
    pub(super) iss_required: bool,
}

/// How long a provider may take to say where it is.
const PATIENCE: Duration = Duration::from_secs(10);

impl FaceProvider {
    /// Whether people are known by ID tokens.
    pub(super) fn is_openid(&self) -> bool {
        self.scopes.iter().any(|scope| scope == "openid")
    }

    /// Where it is.
    ///
    /// # Errors
    /// Why that is not known, for the operator.
    pub(super) async fn find(
        &self,
        (http, shared): (&Http, &SharedState),
    ) -> Result<ProviderEndpoints, String> {
        if !self.is_openid() {
            let auth = self.auth_url.clone().ok_or("auth_url is missing")?;
            return self.known(auth.origin().ascii_serialization(), None, None);
        }
        let found =
            timeout(PATIENCE, self.discover(http)).await.map_err(|_| "it does not answer in time")??;
        let (issuer, metadata) = found;
        let keys = self.keys((http, shared), &issuer)?;
        self.known(issuer, metadata, Some(keys))
    }

    fn known(
        &self,
        issuer: String,
        metadata: Option<IssuerMetadata>,
        keys: Option<Arc<IssuerState>>,
    ) -> Result<ProviderEndpoints, String> {
        let metadata = metadata.as_ref();
        let auth = self.auth_url.clone().or_else(|| metadata?.authorization_endpoint.clone());
        let token = self.token_url.clone().or_else(|| metadata?.token_endpoint.clone());
        Ok(ProviderEndpoints {
            auth: auth.ok_or("its metadata names no authorization_endpoint")?,
            token: token.ok_or("its metadata names no token_endpoint")?,
            user_info: self.user_info_url.clone(),
            logout: self.logout_url.clone().or_else(|| metadata?.end_session_endpoint.clone()),
            iss_required: metadata.is_some_and(|about| about.authorization_response_iss_parameter_supported),
            issuer,
            keys,
        })
    }

    /// The issuer, with its metadata where it publishes any.
    async fn discover(&self, http: &Http) -> Result<(String, Option<IssuerMetadata>), String> {
        if let Some(issuer) = &self.issuer {
            let found = metadata::find_issuer(http, issuer).await;
            let is_complete = self.auth_url.is_some() && self.token_url.is_some();
            return match found {
                Ok(metadata) => Ok((issuer.clone(), Some(metadata))),
                Err(_) if is_complete => Ok((issuer.clone(), None)),
                Err(error) => Err(error.to_string()),
            };
        }
        let auth = self.auth_url.as_ref().ok_or("auth_url is missing")?;
        for candidate in self.neighbour.iter().cloned().chain(candidates(auth)) {
            let Ok(found) = metadata::find_issuer(http, &candidate).await else { continue };
            if self.is_of(&found) {
                return Ok((candidate, Some(found)));
            }
        }
        let neighbour = self.neighbour.clone().map(|issuer| (issuer, None));
        neighbour.ok_or_else(|| "the issuer of its ID tokens is unknown; set issuer in its entry".into())
    }

    /// Whether an issuer at the authorization endpoint's own origin is this provider: it publishes one of the two
    /// endpoints. Some issuers have several authorization endpoints and publish the newest alone.
    fn is_of(&self, found: &IssuerMetadata) -> bool {
        let is = |ours: &Option<Url>, theirs: &Option<Url>| ours.is_some() && ours == theirs;
        is(&self.auth_url, &found.authorization_endpoint) || is(&self.token_url, &found.token_endpoint)
    }

    /// The issuer's keys: the gateway's own where it accepts the issuer's tokens anyway.
    fn keys(&self, (http, shared): (&Http, &SharedState), issuer: &str) -> Result<Arc<IssuerState>, String> {
        let ours = shared.others().find(|known| known.name() == issuer && !known.introspects());
        if let Some(ours) = ours {
            return Ok(ours.clone());
        }
        let settings = IssuerSettings {
            audience: vec![self.client.id.clone()],
            jwks_uri: self.jwks_uri.clone(),
            ..IssuerSettings::new(issuer.to_owned(), TokenProfile::Oidc)
        };
        let rules = IssuerRules::new(&settings).map_err(|fault| fault.what().to_owned())?;
        let state = IssuerState::new(rules, None, http.clone(), Arc::default());
        let state = Arc::new(state);
        let kept = state.clone();
        tokio::spawn(async move { kept.keep(|_| {}).await });
        Ok(state)
    }
}

/// Which issuers can have an authorization endpoint here: the origin, with and without a slash, and every folder above.
/// Where a tenant's endpoints are in `oauth2/v2.0` of its folder, its issuer is the folder's `v2.0`.
fn candidates(auth: &Url) -> Vec<String> {
    let origin = auth.origin().ascii_serialization();
    let mut all = vec![origin.clone(), format!("{origin}/")];
    let mut path = auth.path();
    while let Some((folder, _)) = path.rsplit_once('/').filter(|(folder, _)| !folder.is_empty()) {
        all.push(format!("{origin}{folder}"));
        if let Some(tenant) = folder.strip_suffix("/oauth2/v2.0") {
            all.push(format!("{origin}{tenant}/v2.0"));
        }
        path = folder;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_looked_for_where_its_endpoint_may_be() {
        for (auth, issuer) in [
            ("https://accounts.example.com/o/oauth2/auth", "https://accounts.example.com"),
            ("https://team.example.com/oauth2/v1/authorize", "https://team.example.com"),
            ("https://team.example.org/authorize", "https://team.example.org/"),
            ("https://login.example.com/t-1/oauth2/v2.0/authorize", "https://login.example.com/t-1/v2.0"),
            ("https://logto.example.com/oidc/auth", "https://logto.example.com/oidc"),
        ] {
            let found = candidates(&Url::parse(auth).unwrap());
            assert!(found.iter().any(|candidate| candidate == issuer), "{auth}: {found:?}");
            assert!(
                found.iter().all(|candidate| auth.starts_with(candidate.split("/v2.0").next().unwrap())),
                "{found:?}"
            );
        }
    }
}
