//! Keycloak agents: service accounts with a file of their own among the tokens. Not here: the gateway's clients (see
//! `machine`).

use serde_json::{Map, Value, json};

use crate::config::machine::{DEFAULT_LIFETIME, realm_endpoint};
use crate::config::{Config, ConfigError, CredentialPlan, checked_name};
use crate::credential::{
    ClientCredentialsConfig, Credential, CredentialId, CredentialKind, GrantConfig, NamedValue, Origin,
};
use crate::oauth::{ClientAuth, OAuthClient};
use crate::provider::BodyFormat;
use crate::secret::Secret;
use crate::sys::private_file;

impl Config {
    /// Every agent with a file in the tokens directory.
    pub(super) fn agents(&self) -> Vec<CredentialPlan> {
        let Ok(entries) = std::fs::read_dir(&self.tokens_dir) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".json").map(str::to_owned))
            .filter(|name| name.starts_with("agent-") && !name.ends_with("-token"))
            .collect();
        names.sort();
        names.iter().map(|name| self.agent(name)).collect()
    }

    /// The agent with this name, from its file.
    pub fn agent(&self, name: &str) -> CredentialPlan {
        let credential = self.vouched(|config| config.agent_credential(name));
        CredentialPlan::of_settings(CredentialKind::Agent, format!("keycloak {name}"), None, credential)
    }

    fn agent_credential(&self, name: &str) -> Result<Credential, ConfigError> {
        checked_name("the agent's name", name)?;
        let path = self.tokens_dir.join(format!("{name}.json"));
        let shown = path.display().to_string();
        private_file::check_dir(&self.tokens_dir)?;
        let text = private_file::read(&path)?.ok_or_else(|| {
            ConfigError::File(
                format!("{shown} does not exist"),
                "write it with client_id, client_secret, keycloak_url and keycloak_realm".into(),
            )
        })?;
        let object: Map<String, Value> = serde_json::from_str(&text).map_err(|e| {
            ConfigError::File(
                format!("{shown}: not a JSON object (line {}, column {})", e.line(), e.column()),
                format!("correct {shown}"),
            )
        })?;
        let field = |names: &[&str]| {
            names.iter().find_map(|name| object.get(*name)?.as_str().filter(|text| !text.is_empty()))
        };
        let missing = |what: &str| ConfigError::Missing { what: shown.clone(), variables: vec![what.into()] };
        let url = field(&["keycloak_url"])
            .or_else(|| field(&["gateway_url"])?.split_once("/realms/").map(|(url, _)| url))
            .or_else(|| self.settings.first(&["KEYCLOAK_ADMIN_URL", "KEYCLOAK_EXTERNAL_URL", "KEYCLOAK_URL"]))
            .ok_or_else(|| missing("keycloak_url"))?
            .trim_end_matches('/');
        let realm = field(&["keycloak_realm", "realm"])
            .or_else(|| self.settings.get("KEYCLOAK_REALM"))
            .unwrap_or("mcp-gateway");
        let client_id = field(&["client_id"]).ok_or_else(|| missing("client_id"))?;
        let secret = field(&["client_secret"]).ok_or_else(|| missing("client_secret"))?;
        let (issuer, endpoint) = realm_endpoint(&shown, url, realm)?;
        let facts = json!({"keycloak_url": url, "keycloak_realm": realm});
        Ok(Credential {
            id: CredentialId::new(CredentialKind::Agent, name, None),
            client: OAuthClient { id: client_id.into(), auth: ClientAuth::SecretPost(Secret::new(secret)) },
            owner: NamedValue::new(format!("client_secret of {name}"), Origin::Kept(path.clone())),
            issuer,
            how: GrantConfig::ClientCredentials(ClientCredentialsConfig {
                endpoint,
                scopes: ["openid", "email", "profile"].map(str::to_owned).to_vec(),
                audience: None,
                resource: None,
                format: BodyFormat::Form,
                default_lifetime: Some(DEFAULT_LIFETIME),
            }),
            provider_field: "keycloak".into(),
            facts: facts.as_object().cloned().unwrap_or_default(),
            command: format!("mcpauth keycloak --agent-name {name}"),
        })
    }
}
