//! Credentials that need a login: the numbered egress sets, and the unnumbered one. Not here: the rest (see
//! `machine`).

use url::Url;

use crate::config::machine::{SETS, numbered};
use crate::config::{AuthDefault, Config, ConfigError, CredentialPlan, checked_name, scopes};
use crate::credential::{
    AuthorizationCodeConfig, Credential, CredentialId, CredentialKind, GrantConfig, NamedValue, SERVER_URL,
};
use crate::oauth::OAuthClient;
use crate::provider::{AuthMethod, Provider, SecretRule};

/// The variables that show that a set is intended.
const SIGNS: [&str; 5] = [
    "EGRESS_OAUTH_CLIENT_ID",
    "EGRESS_OAUTH_CLIENT_SECRET",
    "EGRESS_OAUTH_REDIRECT_URI",
    "EGRESS_OAUTH_SCOPE",
    "EGRESS_PROVIDER_NAME",
];

impl Config {
    /// Every egress set with any variable set; with a provider named, only those of that provider.
    pub(super) fn egress_sets(&self, provider: Option<&str>) -> Vec<CredentialPlan> {
        let set = |name: &str, n: usize| self.settings.get(&format!("{name}_{n}"));
        let meant = |n: usize| provider.is_none() || set("EGRESS_PROVIDER_NAME", n) == provider;
        let mut sets: Vec<CredentialPlan> =
            SETS.filter(|n| self.has_egress_set(*n) && meant(*n)).map(|n| self.egress_set(n)).collect();
        if sets.is_empty() {
            sets.extend(self.unnumbered(self.wanted_provider(provider)));
        }
        sets
    }

    /// The error for an egress set name or number that does not exist; it names the others, if there are any.
    pub fn no_egress_set(&self, what: String, n: Option<usize>) -> ConfigError {
        let sets = self.egress_sets(None);
        if sets.is_empty() {
            return ConfigError::NotConfigured("egress");
        }
        let free = || SETS.into_iter().find(|n| !self.has_egress_set(*n));
        let n = n.or_else(free).unwrap_or(*SETS.end());
        let names = [
            "EGRESS_PROVIDER_NAME",
            "EGRESS_OAUTH_CLIENT_ID",
            "EGRESS_OAUTH_CLIENT_SECRET",
            "EGRESS_OAUTH_REDIRECT_URI",
        ];
        let variables = names.map(|name| format!("{name}_{n}")).to_vec();
        ConfigError::NoSet { what, there: sets.iter().map(numbered).collect(), variables }
    }

    /// Whether any variable of egress set `n` is set.
    pub fn has_egress_set(&self, n: usize) -> bool {
        SIGNS.iter().any(|sign| self.settings.get(&format!("{sign}_{n}")).is_some())
    }

    /// Egress set `n`.
    pub fn egress_set(&self, n: usize) -> CredentialPlan {
        let provider = self.settings.get(&format!("EGRESS_PROVIDER_NAME_{n}"));
        let name = match (provider, self.settings.get(&format!("EGRESS_MCP_SERVER_NAME_{n}"))) {
            (Some(provider), Some(server)) if provider != server => format!("egress {provider} for {server}"),
            (Some(provider), _) => format!("egress {provider}"),
            (None, _) => format!("egress set {n}"),
        };
        let credential = self.vouched(|config| {
            let provider = config.settings.get(&format!("EGRESS_PROVIDER_NAME_{n}"));
            config.egress(provider, &format!("_{n}"), "EGRESS_OAUTH", n)
        });
        CredentialPlan::of_settings(CredentialKind::Egress, name, Some(n), credential)
    }

    /// The unnumbered set: `EGRESS_OAUTH_CLIENT_ID` and so on, or a provider that uses the ingress client.
    fn unnumbered(&self, wanted: Option<&str>) -> Option<CredentialPlan> {
        let name = wanted.or_else(|| self.settings.get("EGRESS_OAUTH_PROVIDER"))?;
        let prefix = self.raw_provider(name).ok().and_then(|provider| provider.settings_prefix);
        let prefix = match prefix {
            Some(prefix) if self.settings.get("EGRESS_OAUTH_CLIENT_ID").is_none() => prefix,
            _ => "EGRESS_OAUTH".to_owned(),
        };
        self.settings.get(&format!("{prefix}_CLIENT_ID"))?;
        let named = wanted.filter(|_| self.settings.get("EGRESS_PROVIDER_NAME") != wanted);
        let credential = self.vouched(|config| {
            // Looked up again, so that it counts towards where the secret is sent; a typed value keeps its origin.
            let settings = &config.settings;
            let name = named.or_else(|| settings.first(&["EGRESS_PROVIDER_NAME", "EGRESS_OAUTH_PROVIDER"]));
            config.egress(name, "", &prefix, 0)
        });
        Some(CredentialPlan::of_settings(CredentialKind::Egress, format!("egress {name}"), None, credential))
    }

    fn egress(
        &self,
        provider: Option<&str>,
        suffix: &str,
        prefix: &str,
        n: usize,
    ) -> Result<Credential, ConfigError> {
        let variable = |name: &str| format!("{prefix}_{name}{suffix}");
        let get = |name: &str| self.settings.get(&variable(name));
        let what = if n == 0 { "the egress set".to_owned() } else { format!("egress set {n}") };
        let mut missing = Vec::new();
        let mut need = |present: bool, name: String| {
            if !present {
                missing.push(name);
            }
        };
        need(provider.is_some(), format!("EGRESS_PROVIDER_NAME{suffix}"));
        need(get("CLIENT_ID").is_some(), variable("CLIENT_ID"));
        need(get("REDIRECT_URI").is_some() || n == 0, variable("REDIRECT_URI"));
        let found = provider.map(|name| self.provider(name)).transpose()?;
        if found.as_ref().is_some_and(Provider::is_m2m) {
            let reason = "this provider has no login for people; its client is an ingress client (AUTH_PROVIDER, INGRESS_OAUTH_TOKEN_URL)";
            let variable = format!("EGRESS_PROVIDER_NAME{suffix}");
            return Err(ConfigError::Invalid { variable, reason: reason.into() });
        }
        let secret = self.settings.secret(&variable("CLIENT_SECRET"));
        let with_key = get("PRIVATE_KEY_FILE").is_some();
        need(
            secret.is_some()
                || with_key
                || found.as_ref().is_none_or(|p| p.client_secret != SecretRule::Required),
            variable("CLIENT_SECRET"),
        );
        let Some(found) = found.filter(|_| missing.is_empty()) else {
            return Err(ConfigError::Missing { what, variables: missing });
        };
        // Servers that only have public clients reject a public client that sends a secret.
        let secret = secret.filter(|_| found.client_secret != SecretRule::Never);
        let by_default = match found.client_auth {
            AuthMethod::ClientSecretBasic => AuthDefault::Basic,
            AuthMethod::ClientSecretPost => AuthDefault::Post,
        };
        let auth = self.client_auth(prefix, suffix, secret, by_default)?;
        let auth = match found.assertion_audience.as_ref().or(found.issuer.as_ref()) {
            Some(audience) => auth.asserting_to(audience),
            None => auth,
        };
        let server = self.settings.get(&format!("EGRESS_MCP_SERVER_NAME{suffix}"));
        let server =
            server.map(|name| checked_name(&format!("EGRESS_MCP_SERVER_NAME{suffix}"), name)).transpose()?;
        let url = self.server_url(&format!("EGRESS_MCP_SERVER_URL{suffix}"))?;
        let redirect_uri = self.redirect_uri(&variable("REDIRECT_URI"), &found)?;
        let asked = self.settings.get(&format!("EGRESS_OAUTH_SCOPE{suffix}")).map(scopes);
        let issuer = found.issuer.clone().or_else(|| found.token_endpoint.clone()).unwrap_or_default();
        let command = match n {
            0 => format!("mcpauth egress --provider {}", found.name),
            n => format!("mcpauth egress --config-set {n}"),
        };
        Ok(Credential {
            id: CredentialId::new(CredentialKind::Egress, &found.name, server),
            client: OAuthClient { id: get("CLIENT_ID").unwrap_or_default().into(), auth },
            owner: NamedValue::default(),
            issuer,
            provider_field: found.name.clone(),
            how: GrantConfig::AuthorizationCode(Box::new(AuthorizationCodeConfig {
                scopes: asked.unwrap_or_else(|| found.scopes.clone()),
                site: self
                    .settings
                    .first(&[&format!("EGRESS_SITE{suffix}"), "EGRESS_SITE"])
                    .map(str::to_owned),
                redirect_uri,
                registered: false,
                provider: found,
            })),
            facts: url.map(|url| (SERVER_URL.to_owned(), url.as_str().into())).into_iter().collect(),
            command,
        })
    }

    /// The server's own address: its token is sent there, and to no gateway.
    fn server_url(&self, variable: &str) -> Result<Option<Url>, ConfigError> {
        let Some(text) = self.settings.get(variable) else { return Ok(None) };
        let url = Self::url(variable, text)?;
        if url.fragment().is_some() {
            return Err(ConfigError::Invalid {
                variable: variable.into(),
                reason: "has a fragment (#)".into(),
            });
        }
        Ok(Some(url))
    }

    /// The number of the egress set for a provider's server, if there is one.
    pub fn egress_set_for(&self, provider: &str, server: &str) -> Option<usize> {
        let get = |name: &str, n: usize| self.settings.get(&format!("{name}_{n}"));
        SETS.into_iter().find(|n| {
            let is_its = get("EGRESS_PROVIDER_NAME", *n) == Some(provider);
            is_its && get("EGRESS_MCP_SERVER_NAME", *n).unwrap_or(provider).eq_ignore_ascii_case(server)
        })
    }

    fn redirect_uri(&self, variable: &str, provider: &Provider) -> Result<String, ConfigError> {
        let default = match provider.redirect.hosts.first() {
            Some(host) => format!("http://{host}:8080/callback"),
            None => "http://localhost:8080/callback".into(),
        };
        let text = self.settings.get(variable).unwrap_or(&default);
        if Self::url(variable, text)?.fragment().is_some() {
            let reason = "has a fragment (#), which RFC 6749 section 3.1.2 forbids".into();
            return Err(ConfigError::Invalid { variable: variable.into(), reason });
        }
        Ok(text.into())
    }
}
