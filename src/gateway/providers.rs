//! The identity providers that people sign in at, from the registry's `oauth2_providers.yml` as it is. Not here: signing
//! in (see `sign_in`); finding out the rest of what a provider publishes (see `endpoints`).

mod template;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::UserMessageFormatter;
use url::Url;

use self::template::Lookup;
use super::settings::{GatewaySettings, MAX_SETTINGS_FILE, TokenProfile};
use crate::oauth::{ClientAuth, OAuthClient};
use crate::problem::Problem;
use crate::secret::Secret;
use crate::sys::address::web_url;
use crate::sys::regular_file;

/// A provider that people may sign in at.
#[derive(Debug)]
pub(super) struct FaceProvider {
    /// As the file names it, and as its redirect URI does.
    pub(crate) name: String,
    /// As people know it.
    pub(crate) title: String,
    pub(crate) client: OAuthClient,
    pub(crate) auth_url: Option<Url>,
    pub(crate) token_url: Option<Url>,
    pub(crate) user_info_url: Option<Url>,
    pub(crate) logout_url: Option<Url>,
    pub(crate) scopes: Vec<String>,
    /// The claims with a person's subject where there is no ID token, name and groups.
    pub(crate) subject_claim: Option<String>,
    pub(crate) name_claims: Vec<String>,
    pub(crate) groups_claim: Option<String>,
    /// The issuer of its ID tokens, if that is known without asking.
    pub(crate) issuer: Option<String>,
    /// The only issuer of the gateway's settings with the same origin. One origin may have several, so that it counts if
    /// it publishes the provider's addresses, or if nothing does.
    pub(crate) neighbour: Option<String>,
    /// Where its keys are, if not where it says.
    pub(crate) jwks_uri: Option<String>,
}

#[derive(Deserialize)]
struct ProvidersFile {
    #[serde(default)]
    providers: BTreeMap<String, BTreeMap<String, Value>>,
}

/// Where a Keycloak realm has its endpoints, after its issuer.
const KEYCLOAK: &str = "/protocol/openid-connect/";
/// The variable that names the only provider to offer.
const ONLY: &str = "AUTH_PROVIDER";

/// The enabled providers, and everything that is wrong with the file.
pub(crate) fn read(
    path: &Path,
    settings: &GatewaySettings,
    value: Lookup<'_>,
) -> (Vec<FaceProvider>, Vec<Problem>) {
    let file = match parsed(path) {
        Ok(file) => file,
        Err(what) => {
            let remedy = "name the registry's oauth2_providers.yml, or a file in its form";
            let what = format!("{}: {what}", path.display());
            return (Vec::new(), vec![Problem::error("face.providers", what, remedy)]);
        }
    };
    let only = value(ONLY).map(|only| only.expose().to_owned()).filter(|only| !only.is_empty());
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for (name, members) in &file.providers {
        let entry = ProviderEntry { name, members, value, settings };
        if only.as_ref().is_some_and(|only| only != name) || !entry.is_enabled() {
            continue;
        }
        match entry.provider() {
            Ok(provider) => found.push(provider),
            Err((what, remedy)) => {
                problems.push(Problem::error(format!("{}: {name}", path.display()), what, remedy));
            }
        }
    }
    if found.is_empty() && problems.is_empty() {
        let what = match only {
            Some(only) => format!("{}: {ONLY} is {only}, which is not enabled in it", path.display()),
            None => format!("{}: no provider is enabled, so nobody can sign in", path.display()),
        };
        problems.push(Problem::remark("face.providers", what, "set enabled: true for a provider"));
    }
    (found, problems)
}

fn parsed(path: &Path) -> Result<ProvidersFile, String> {
    let text = regular_file::read_text(path, MAX_SETTINGS_FILE).map_err(|error| error.to_string())?;
    let what =
        |error: serde_saphyr::Error| error.without_snippet().render_with_formatter(&UserMessageFormatter);
    serde_saphyr::from_str(&text).map_err(|error| what(error).lines().next().unwrap_or_default().to_owned())
}

/// What is wrong with a provider, and the remedy.
type ProviderFault = (String, String);

/// One provider as the file has it.
struct ProviderEntry<'e> {
    name: &'e str,
    members: &'e BTreeMap<String, Value>,
    value: Lookup<'e>,
    settings: &'e GatewaySettings,
}

impl ProviderEntry<'_> {
    /// A variable that is not set enables nothing.
    fn is_enabled(&self) -> bool {
        match self.members.get("enabled") {
            Some(Value::Bool(on)) => *on,
            Some(Value::String(text)) => template::fill(text, self.value).is_ok_and(|text| {
                matches!(text.trim().to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on")
            }),
            _ => false,
        }
    }

    fn provider(&self) -> Result<FaceProvider, ProviderFault> {
        if !self.name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_') {
            let remedy = "call it by letters, digits, - and _";
            return Err(("its name does not fit into an address".into(), remedy.into()));
        }
        for (member, only) in [("response_type", "code"), ("grant_type", "authorization_code")] {
            if self.text(member)?.is_some_and(|given| given != only) {
                let what = format!("{member} is not {only}, the only one that is safe for people");
                return Err((what, format!("set {member}: {only}")));
            }
        }
        let id = self.text("client_id")?.ok_or_else(|| missing("client_id"))?;
        let secret = self.text("client_secret")?.map(Secret::new);
        let auth = secret.map_or(ClientAuth::None, ClientAuth::SecretPost);
        let [auth_url, token_url, user_info_url, logout_url] =
            ["auth_url", "token_url", "user_info_url", "logout_url"].map(|member| self.url(member));
        let (auth_url, token_url) = (auth_url?, token_url?);
        let issuer_url = self.text("issuer")?.and_then(|issuer| Url::parse(&issuer).ok());
        if [&auth_url, &issuer_url].into_iter().flatten().any(is_of_every_tenant) {
            let what =
                "it is for people of any organisation, whose ID tokens have as many issuers".to_owned();
            return Err((
                what,
                "put the id of your tenant in the place of common, organizations or consumers".into(),
            ));
        }
        let (issuer, jwks_uri) = self.issuer(auth_url.as_ref(), token_url.as_ref())?;
        if issuer.is_none() {
            auth_url.as_ref().ok_or_else(|| missing("auth_url"))?;
            token_url.as_ref().ok_or_else(|| missing("token_url"))?;
        }
        let names = ["username_claim", "name_claim", "email_claim"].map(|member| self.text(member));
        let names = names.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        Ok(FaceProvider {
            name: self.name.to_owned(),
            title: self.text("display_name")?.unwrap_or_else(|| self.name.to_owned()),
            client: OAuthClient { id, auth },
            token_url,
            user_info_url: user_info_url?,
            logout_url: logout_url?,
            scopes: self.scopes()?,
            subject_claim: self.text("subject_claim")?,
            name_claims: names,
            groups_claim: self.text("groups_claim")?,
            neighbour: auth_url.as_ref().and_then(|auth| self.neighbour(auth)),
            auth_url,
            issuer,
            jwks_uri,
        })
    }

    /// The issuer, and where its keys are if that follows too: as the file says (`issuer`, for discovery), or as the
    /// addresses tell, or the gateway's own settings for Cognito, whose addresses are not its issuer's.
    fn issuer(
        &self,
        auth: Option<&Url>,
        token: Option<&Url>,
    ) -> Result<(Option<String>, Option<String>), ProviderFault> {
        let before = |url: &Url| {
            let (issuer, _) = url.as_str().split_once(KEYCLOAK)?;
            issuer.contains("/realms/").then(|| issuer.to_owned())
        };
        let keys = token.and_then(before).map(|issuer| format!("{issuer}{KEYCLOAK}certs"));
        if let Some(issuer) = self.text("issuer")? {
            return Ok((Some(issuer), keys));
        }
        if let Some(issuer) = auth.and_then(before) {
            return Ok((Some(issuer), keys));
        }
        if !auth.is_some_and(is_cognito) {
            return Ok((None, None));
        }
        let pool = |name| (self.value)(name).filter(|value| !value.is_empty());
        let mut ours = self.settings.issuers.iter().filter(|issuer| issuer.kind == TokenProfile::Cognito);
        if let Some(pool) = pool("COGNITO_USER_POOL_ID") {
            let suffix = format!("/{}", pool.expose());
            if let Some(ours) = ours.clone().find(|issuer| issuer.issuer.ends_with(&suffix)) {
                return Ok((Some(ours.issuer.clone()), ours.jwks_uri.clone()));
            }
            let region = pool.expose().split_once('_').map(|(region, _)| region).unwrap_or_default();
            let issuer = format!("https://cognito-idp.{region}.amazonaws.com/{}", pool.expose());
            return Ok((Some(issuer), None));
        }
        match (ours.next(), ours.next()) {
            (Some(only), None) => Ok((Some(only.issuer.clone()), only.jwks_uri.clone())),
            _ => {
                let what = "nothing says which user pool this is".to_owned();
                Err((what, "set COGNITO_USER_POOL_ID, or issuer in the provider's entry".into()))
            }
        }
    }

    fn neighbour(&self, auth: &Url) -> Option<String> {
        let is_here = |url: &str| Url::parse(url).is_ok_and(|url| url.origin() == auth.origin());
        let mut ours = self.settings.issuers.iter().filter(|issuer| is_here(&issuer.issuer));
        let only = ours.next().filter(|_| ours.next().is_none())?;
        Some(only.issuer.clone())
    }

    fn scopes(&self) -> Result<Vec<String>, ProviderFault> {
        match self.members.get("scopes") {
            Some(Value::Array(items)) => {
                items.iter().filter_map(Value::as_str).map(|one| self.fill(one)).collect()
            }
            Some(Value::String(text)) => Ok(self.fill(text)?.split_whitespace().map(str::to_owned).collect()),
            _ => Ok(vec!["openid".into()]),
        }
    }

    fn url(&self, member: &str) -> Result<Option<Url>, ProviderFault> {
        let Some(text) = self.text(member)? else { return Ok(None) };
        let url = web_url(&text)
            .map_err(|error| (format!("{member} {}", error.words()), "correct it".to_owned()))?;
        Ok(Some(url))
    }

    /// A member's text with its variables filled in; an empty one is none.
    fn text(&self, member: &str) -> Result<Option<String>, ProviderFault> {
        let Some(text) = self.members.get(member).and_then(Value::as_str) else { return Ok(None) };
        Ok(Some(self.fill(text)?).filter(|text| !text.is_empty()))
    }

    fn fill(&self, text: &str) -> Result<String, ProviderFault> {
        let value = |name: &str| (self.value)(name).or_else(|| self.domain(name));
        // `auto` is the registry's way to derive the domain from the pool's name, and not a default.
        let text = text.replace("${COGNITO_DOMAIN:-auto}", "${COGNITO_DOMAIN}");
        template::fill(&text, &value).map_err(|name| {
            let remedy = format!(
                "set {name}; or name the only provider by {ONLY}, or set enabled: false for this one"
            );
            (format!("{name} is not set"), remedy)
        })
    }

    /// Cognito's domain where nobody set one: the pool's name without its underscore, in lower case.
    fn domain(&self, name: &str) -> Option<Secret> {
        let pool =
            (self.value)("COGNITO_USER_POOL_ID").filter(|pool| name == "COGNITO_DOMAIN" && !pool.is_empty());
        pool.map(|pool| Secret::new(pool.expose().replace('_', "").to_ascii_lowercase()))
    }
}

fn missing(member: &str) -> ProviderFault {
    (format!("{member} is missing"), format!("set {member}, or set issuer so that it can be discovered"))
}

/// Whether an address is one of Entra ID's for people of every organisation. Their issuer is a template, and groups and
/// roles of a foreign organisation would count like your own.
fn is_of_every_tenant(url: &Url) -> bool {
    let mut parts = url.path_segments().into_iter().flatten();
    let is_every = matches!(parts.next(), Some("common" | "organizations" | "consumers"));
    is_every && matches!(parts.next(), Some("oauth2" | "v2.0"))
}

/// Whether an authorization endpoint is that of a Cognito domain: its logout wants other parameters than the standard's
/// (OpenID Connect RP-Initiated Logout).
pub(super) fn is_cognito(auth_url: &Url) -> bool {
    auth_url.host_str().is_some_and(|host| host.ends_with(".amazoncognito.com"))
        || auth_url.path() == "/oauth2/authorize"
}

#[cfg(test)]
mod tests;
