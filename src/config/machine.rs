//! Credentials that need no person: ingress and AgentCore gateways. Not here: agents (see `agents`); logins (see
//! `egress`).

use serde_json::{Map, Value};
use url::Url;

use crate::config::{AuthDefault, Config, ConfigError, CredentialPlan, checked_name, scopes};
use crate::credential::{
    ClientCredentialsConfig, Credential, CredentialId, CredentialKind, GrantConfig, NamedValue, TokenEndpoint,
};
use crate::oauth::{ClientAuth, Epoch, OAuthClient};
use crate::provider::BodyFormat;

/// The lifetime that the registry's scripts assume for a token whose reply has none, in seconds.
pub(super) const DEFAULT_LIFETIME: Epoch = 10_800;
/// The highest number of a set.
pub(super) const SETS: std::ops::RangeInclusive<usize> = 1..=100;

impl Config {
    /// The ingress credential, if any of its variables is set.
    pub(super) fn ingress_if_configured(&self) -> Option<CredentialPlan> {
        let signs = match self.auth_provider() {
            "keycloak" => ["KEYCLOAK_M2M_CLIENT_ID", "KEYCLOAK_M2M_CLIENT_SECRET", ""],
            _ => ["INGRESS_OAUTH_CLIENT_ID", "INGRESS_OAUTH_CLIENT_SECRET", "INGRESS_OAUTH_USER_POOL_ID"],
        };
        self.settings.first(&signs)?;
        Some(self.ingress_plan())
    }

    /// The ingress credential, configured or not.
    pub fn ingress_plan(&self) -> CredentialPlan {
        let name = format!("ingress {}", self.auth_provider());
        CredentialPlan::of_settings(CredentialKind::Ingress, name, None, self.ingress())
    }

    /// Whether any setting says who issues ingress tokens.
    pub(crate) fn names_issuer(&self) -> bool {
        let says = ["AUTH_PROVIDER", "INGRESS_OAUTH_ISSUER"];
        self.settings.first(&says).is_some() || self.ingress_if_configured().is_some()
    }

    /// The kind of identity provider that issues ingress tokens.
    pub fn auth_provider(&self) -> &str {
        match self.settings.get("AUTH_PROVIDER") {
            Some(name) if name.eq_ignore_ascii_case("keycloak") => "keycloak",
            Some(name) if name.eq_ignore_ascii_case("oidc") => "oidc",
            Some(name) if name.eq_ignore_ascii_case("cognito") => "cognito",
            None => "cognito",
            Some(other) => other,
        }
    }

    /// The ingress credential.
    ///
    /// # Errors
    /// [`ConfigError`] naming the variable.
    pub fn ingress(&self) -> Result<Credential, ConfigError> {
        self.vouched(Self::ingress_by_settings)
    }

    fn ingress_by_settings(&self) -> Result<Credential, ConfigError> {
        self.ingress_is_whole()?;
        let (issuer, endpoint, prefix, facts) = self.ingress_server()?;
        let endpoint = match self.settings.get("INGRESS_OAUTH_TOKEN_URL") {
            Some(text) => TokenEndpoint::Known(Self::url("INGRESS_OAUTH_TOKEN_URL", text)?),
            None => endpoint,
        };
        let name = self.auth_provider();
        let what = format!("ingress ({name})");
        let (id, secret) = (format!("{prefix}_CLIENT_ID"), format!("{prefix}_CLIENT_SECRET"));
        let by_default = if name == "oidc" { AuthDefault::Basic } else { AuthDefault::Post };
        let auth = self.client_auth("INGRESS_OAUTH", "", self.settings.secret(&secret), by_default)?;
        if matches!(auth, ClientAuth::None) {
            return Err(ConfigError::Missing { what, variables: vec![secret] });
        }
        Ok(Credential {
            id: CredentialId::new(CredentialKind::Ingress, name, None),
            client: OAuthClient {
                id: self.settings.get(&id).unwrap_or_default().into(),
                auth: auth.asserting_to(&issuer),
            },
            owner: NamedValue::default(),
            issuer,
            how: GrantConfig::ClientCredentials(ClientCredentialsConfig {
                endpoint,
                scopes: scopes(self.settings.get("INGRESS_OAUTH_SCOPE").unwrap_or_default()),
                audience: self.settings.get("INGRESS_OAUTH_AUDIENCE").map(str::to_owned),
                resource: None,
                format: BodyFormat::Form,
                default_lifetime: Some(DEFAULT_LIFETIME),
            }),
            provider_field: format!("{name}_m2m"),
            facts,
            command: "mcpauth ingress".into(),
        })
    }

    /// The issuer whose tokens let an agent through the gateway: the ingress credential's, without its client.
    ///
    /// # Errors
    /// [`ConfigError`] naming the variable.
    pub fn ingress_issuer(&self) -> Result<String, ConfigError> {
        self.ingress_server().map(|(issuer, ..)| issuer)
    }

    fn ingress_server(&self) -> Result<Resolved, ConfigError> {
        match self.auth_provider() {
            "cognito" => self.cognito(),
            "keycloak" => self.keycloak(),
            "oidc" => {
                let issuer = self.need("ingress (oidc)", &["INGRESS_OAUTH_ISSUER"])?.to_owned();
                Self::url("INGRESS_OAUTH_ISSUER", &issuer)?;
                let endpoint = TokenEndpoint::Discover { issuer: issuer.clone(), otherwise: None };
                Ok((issuer, endpoint, "INGRESS_OAUTH", notes("oidc")))
            }
            other => {
                let reason =
                    format!("{:?} is not one of cognito, keycloak, oidc", crate::text::clean(other, 40));
                Err(ConfigError::Invalid { variable: "AUTH_PROVIDER".into(), reason })
            }
        }
    }

    /// Everything that is missing at once, so that users need not fix one variable per run.
    fn ingress_is_whole(&self) -> Result<(), ConfigError> {
        const KEYCLOAK_URLS: &[&str] = &["KEYCLOAK_URL", "KEYCLOAK_EXTERNAL_URL", "KEYCLOAK_ADMIN_URL"];
        const SECRET: &[&str] =
            &["INGRESS_OAUTH_CLIENT_SECRET", "INGRESS_OAUTH_PRIVATE_KEY_FILE", "INGRESS_OAUTH_CLIENT_AUTH"];
        const KEYCLOAK_SECRET: &[&str] =
            &["KEYCLOAK_M2M_CLIENT_SECRET", "INGRESS_OAUTH_PRIVATE_KEY_FILE", "INGRESS_OAUTH_CLIENT_AUTH"];
        // Any one of each row is enough; the error names the first.
        let name = self.auth_provider();
        let rows: &[&[&str]] = match name {
            "cognito" => &[
                &["INGRESS_OAUTH_USER_POOL_ID", "INGRESS_OAUTH_ISSUER"],
                &["INGRESS_OAUTH_CLIENT_ID"],
                SECRET,
            ],
            "keycloak" => &[KEYCLOAK_URLS, &["KEYCLOAK_REALM"], &["KEYCLOAK_M2M_CLIENT_ID"], KEYCLOAK_SECRET],
            "oidc" => &[&["INGRESS_OAUTH_ISSUER"], &["INGRESS_OAUTH_CLIENT_ID"], SECRET],
            _ => &[],
        };
        let missing = rows.iter().filter(|row| self.settings.first(row).is_none());
        let variables: Vec<String> = missing.filter_map(|row| row.first()).map(|&name| name.into()).collect();
        if variables.is_empty() {
            return Ok(());
        }
        Err(ConfigError::Missing { what: format!("ingress ({name})"), variables })
    }

    fn cognito(&self) -> Result<Resolved, ConfigError> {
        let issuer = self.settings.get("INGRESS_OAUTH_ISSUER");
        let pool = match (self.settings.get("INGRESS_OAUTH_USER_POOL_ID"), issuer) {
            (Some(pool), _) => pool.to_owned(),
            (None, Some(issuer)) => issuer.rsplit('/').next().unwrap_or_default().into(),
            (None, None) => self.need("ingress (cognito)", &["INGRESS_OAUTH_USER_POOL_ID"])?.to_owned(),
        };
        let region = self.region(&pool, "INGRESS_OAUTH_USER_POOL_ID", issuer.is_some())?;
        let named = issuer
            .map(|text| Self::url("INGRESS_OAUTH_ISSUER", text).map(|_| text.to_owned()))
            .transpose()?;
        let is_named = named.is_some();
        let issuer = named.unwrap_or_else(|| pool_issuer(&region, &pool));
        let domain = Some("COGNITO_DOMAIN")
            .filter(|name| !self.settings.is_agentcores_own(name))
            .and_then(|name| self.settings.get(name));
        let endpoint = match domain {
            Some(domain) => domain_endpoint("COGNITO_DOMAIN", domain, &region)?,
            // The form with the pool id is the registry's scripts' guess: right if the domain was named after the
            // pool.
            None => TokenEndpoint::Discover {
                issuer: issuer.clone(),
                otherwise: if is_named { None } else { pool_form(&region, &pool) },
            },
        };
        let mut facts = Map::new();
        facts.insert("user_pool_id".into(), pool.into());
        facts.insert("region".into(), region.into());
        facts.extend(notes("Cognito"));
        Ok((issuer, endpoint, "INGRESS_OAUTH", facts))
    }

    fn keycloak(&self) -> Result<Resolved, ConfigError> {
        let what = "ingress (keycloak)";
        let url = self
            .need(what, &["KEYCLOAK_ADMIN_URL", "KEYCLOAK_EXTERNAL_URL", "KEYCLOAK_URL"])?
            .trim_end_matches('/')
            .to_owned();
        let realm = self.need(what, &["KEYCLOAK_REALM"])?.to_owned();
        let (issuer, endpoint) = realm_endpoint("KEYCLOAK_URL", &url, &realm)?;
        let mut facts = Map::new();
        facts.insert("keycloak_url".into(), url.into());
        facts.insert("realm".into(), realm.into());
        facts.extend(notes("Keycloak"));
        Ok((issuer, endpoint, "KEYCLOAK_M2M", facts))
    }

    /// The pool id's region; a pool id without one uses `AWS_REGION`.
    fn region(&self, pool: &str, variable: &str, lenient: bool) -> Result<String, ConfigError> {
        let (region, rest) = pool.split_once('_').unwrap_or_default();
        let part =
            |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if part(region) && part(rest) && region.contains('-') {
            return Ok(region.into());
        }
        if lenient {
            return Ok(self.settings.get("AWS_REGION").unwrap_or("us-east-1").into());
        }
        let reason = "not a user pool id; one looks like us-east-1_AbCdEfGhI".into();
        Err(ConfigError::Invalid { variable: variable.into(), reason })
    }

    fn need(&self, what: &str, names: &[&str]) -> Result<&str, ConfigError> {
        let last = names.last().copied().unwrap_or_default();
        self.settings
            .first(names)
            .ok_or_else(|| ConfigError::Missing { what: what.into(), variables: vec![last.into()] })
    }

    /// Every AgentCore gateway with any variable set.
    pub(super) fn agentcore_gateways(&self) -> Vec<CredentialPlan> {
        let parts = ["CLIENT_ID", "CLIENT_SECRET", "GATEWAY_ARN", "SERVER_NAME"];
        let set =
            |n: usize| parts.iter().any(|part| self.settings.get(&format!("AGENTCORE_{part}_{n}")).is_some());
        SETS.filter(|n| set(*n)).map(|n| self.agentcore_gateway(n)).collect()
    }

    /// The number of the AgentCore gateway of this name, if there is one.
    pub fn agentcore_gateway_for(&self, server: &str) -> Option<usize> {
        let named = |n: &usize| self.settings.get(&format!("AGENTCORE_SERVER_NAME_{n}"));
        SETS.into_iter().find(|n| named(n).is_some_and(|name| name.eq_ignore_ascii_case(server)))
    }

    /// The first unused number of an AgentCore gateway.
    pub fn free_agentcore_gateway(&self) -> usize {
        let gateways = self.agentcore_gateways();
        let is_free = |n: &usize| gateways.iter().all(|gateway| gateway.set != Some(*n));
        SETS.into_iter().find(is_free).unwrap_or(*SETS.end())
    }

    /// The error for an AgentCore gateway name or number that does not exist; it names the others, if there are any.
    pub fn no_agentcore_gateway(&self, what: String, n: Option<usize>) -> ConfigError {
        let gateways = self.agentcore_gateways();
        if gateways.is_empty() {
            return ConfigError::NotConfigured("agentcore");
        }
        let n = n.unwrap_or_else(|| self.free_agentcore_gateway());
        let parts = ["CLIENT_ID", "CLIENT_SECRET", "SERVER_NAME"];
        let variables = parts.map(|part| format!("AGENTCORE_{part}_{n}")).to_vec();
        ConfigError::NoSet { what, there: gateways.iter().map(numbered).collect(), variables }
    }

    /// AgentCore gateway `n`.
    pub fn agentcore_gateway(&self, n: usize) -> CredentialPlan {
        let server = self.settings.get(&format!("AGENTCORE_SERVER_NAME_{n}"));
        let name =
            server.map_or_else(|| format!("agentcore gateway {n}"), |server| format!("agentcore {server}"));
        let credential = self.vouched(|config| config.agentcore(n));
        CredentialPlan::of_settings(CredentialKind::AgentCore, name, Some(n), credential)
    }

    fn agentcore(&self, n: usize) -> Result<Credential, ConfigError> {
        let server = self.settings.get(&format!("AGENTCORE_SERVER_NAME_{n}"));
        let numbered =
            |name: &str| self.settings.get(&format!("{name}_{n}")).or_else(|| self.settings.get(name));
        let (id, secret) = (format!("AGENTCORE_CLIENT_ID_{n}"), format!("AGENTCORE_CLIENT_SECRET_{n}"));
        let auth = self.client_auth(
            "AGENTCORE",
            &format!("_{n}"),
            self.settings.secret(&secret),
            AuthDefault::Post,
        )?;
        let mut missing = Vec::new();
        if self.settings.get(&id).is_none() {
            missing.push(id.clone());
        }
        if matches!(auth, ClientAuth::None) {
            missing.push(secret);
        }
        if !missing.is_empty() {
            return Err(ConfigError::Missing { what: format!("AgentCore gateway {n}"), variables: missing });
        }
        let domain = numbered("COGNITO_DOMAIN").or_else(|| numbered("OAUTH_DOMAIN"));
        let json = match numbered("AGENTCORE_TOKEN_REQUEST") {
            None => domain.is_some_and(|domain| domain.contains("auth0.com")),
            Some("json") => true,
            Some("form") => false,
            Some(_) => {
                let reason = "neither form nor json".into();
                return Err(ConfigError::Invalid { variable: "AGENTCORE_TOKEN_REQUEST".into(), reason });
            }
        };
        let (issuer, endpoint) = self.agentcore_issuer(
            n,
            numbered("AGENTCORE_ISSUER"),
            domain,
            numbered("COGNITO_USER_POOL_ID"),
            json,
        )?;
        let scope = numbered("AGENTCORE_SCOPE")
            .map_or_else(|| if json { vec!["invoke:gateway".into()] } else { Vec::new() }, scopes);
        let audience =
            json.then(|| self.settings.get("AGENTCORE_AUDIENCE").unwrap_or("MCPGateway").to_owned());
        let server =
            server.map(|name| checked_name(&format!("AGENTCORE_SERVER_NAME_{n}"), name)).transpose()?;
        Ok(Credential {
            id: CredentialId::new(CredentialKind::AgentCore, "agentcore", server),
            client: OAuthClient {
                id: self.settings.get(&id).unwrap_or_default().into(),
                auth: auth.asserting_to(&issuer),
            },
            owner: NamedValue::default(),
            issuer,
            how: GrantConfig::ClientCredentials(ClientCredentialsConfig {
                endpoint,
                scopes: scope,
                audience,
                resource: None,
                format: if json { BodyFormat::Json } else { BodyFormat::Form },
                default_lifetime: Some(DEFAULT_LIFETIME),
            }),
            provider_field: "bedrock-agentcore".into(),
            facts: Map::new(),
            command: format!("mcpauth agentcore --gateway-index {n}"),
        })
    }

    fn agentcore_issuer(
        &self,
        n: usize,
        issuer: Option<&str>,
        domain: Option<&str>,
        pool: Option<&str>,
        json: bool,
    ) -> Result<(String, TokenEndpoint), ConfigError> {
        if let Some(issuer) = issuer {
            Self::url("AGENTCORE_ISSUER", issuer)?;
            return Ok((issuer.into(), TokenEndpoint::Discover { issuer: issuer.into(), otherwise: None }));
        }
        match (domain, pool) {
            (Some(domain), _) if json => {
                let base = with_scheme(domain);
                let url = Self::url("COGNITO_DOMAIN", &format!("{base}/oauth/token"))?;
                Ok((base, TokenEndpoint::Known(url)))
            }
            (Some(domain), pool) => {
                let region = match pool {
                    Some(pool) => self.region(pool, "COGNITO_USER_POOL_ID", true)?,
                    None => self.settings.get("AWS_REGION").unwrap_or("us-east-1").into(),
                };
                Ok((with_scheme(domain), domain_endpoint("COGNITO_DOMAIN", domain, &region)?))
            }
            (None, Some(pool)) => {
                let region = self.region(pool, "COGNITO_USER_POOL_ID", false)?;
                let issuer = pool_issuer(&region, pool);
                Ok((issuer.clone(), TokenEndpoint::Discover { issuer, otherwise: None }))
            }
            (None, None) => Err(ConfigError::Missing {
                what: format!("AgentCore gateway {n}"),
                variables: vec!["COGNITO_USER_POOL_ID (or COGNITO_DOMAIN)".into()],
            }),
        }
    }
}

/// A set's number, and its kind.
pub(super) fn numbered(planned: &CredentialPlan) -> String {
    let name = planned.name.split_once(' ').map_or(planned.name.as_str(), |(_, name)| name);
    match planned.set {
        Some(n) if name.ends_with(&format!(" {n}")) => n.to_string(),
        Some(n) => format!("{n} ({name})"),
        None => name.to_owned(),
    }
}

/// Issuer, token endpoint, the client's variable prefix, and the file's other members.
type Resolved = (String, TokenEndpoint, &'static str, Map<String, Value>);

fn notes(idp: &str) -> Map<String, Value> {
    let text = format!("This token is for INGRESS authentication to the MCP Gateway ({idp} M2M)");
    Map::from_iter([("usage_notes".to_owned(), Value::String(text))])
}

fn pool_issuer(region: &str, pool: &str) -> String {
    let china = if region.starts_with("cn-") { ".cn" } else { "" };
    format!("https://cognito-idp.{region}.amazonaws.com{china}/{pool}")
}

fn pool_form(region: &str, pool: &str) -> Option<Url> {
    let prefix = pool.replace('_', "").to_lowercase();
    Url::parse(&format!("https://{prefix}.auth.{region}.amazoncognito.com/oauth2/token")).ok()
}

fn with_scheme(domain: &str) -> String {
    let bare = domain.trim_end_matches('/');
    if domain.contains("://") { bare.into() } else { format!("https://{bare}") }
}

/// A Cognito domain as a prefix, a host or a URL. If the domain is an issuer's address, its metadata names the
/// endpoint: that host has none itself, whatever the registry's scripts' documents say.
fn domain_endpoint(variable: &str, domain: &str, region: &str) -> Result<TokenEndpoint, ConfigError> {
    let base = if domain.contains("://") || domain.contains('.') {
        with_scheme(domain)
    } else {
        format!("https://{domain}.auth.{region}.amazoncognito.com")
    };
    let url = Config::url(variable, &base)?;
    if url.host_str().is_some_and(|host| host.starts_with("cognito-idp.")) {
        return Ok(TokenEndpoint::Discover { issuer: base, otherwise: None });
    }
    let path = if base.ends_with("/oauth2/token") { "" } else { "/oauth2/token" };
    Ok(TokenEndpoint::Known(Config::url(variable, &format!("{base}{path}"))?))
}

pub(super) fn realm_endpoint(
    variable: &str,
    url: &str,
    realm: &str,
) -> Result<(String, TokenEndpoint), ConfigError> {
    let issuer = format!("{url}/realms/{}", checked_name("the realm", realm)?);
    let endpoint = Config::url(variable, &format!("{issuer}/protocol/openid-connect/token"))?;
    Ok((issuer, TokenEndpoint::Known(endpoint)))
}
