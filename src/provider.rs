//! An outside service that people log in to, as data: one YAML file per provider, with its quirks. No provider's name
//! occurs in code. Not here: the flows (see `flow`); numbered credential sets (see `config`).

mod schema;
mod scripts;

use std::collections::BTreeMap;

use minijinja::Value;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::IgnoredAny;
use thiserror::Error;

use crate::oauth::ReplyShape;

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}
pub(crate) use embedded::TEMPLATES;

/// One `providers/*.yaml`. Endpoints may contain variables: `https://{{ domain }}.example.test/token`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// The file's name without `.yaml`; the value of `--provider` and `EGRESS_PROVIDER_NAME_N`.
    #[serde(skip)]
    pub name: String,
    /// Its display name; by default the file's name.
    #[serde(default)]
    pub display_name: String,
    /// RFC 6749 section 3.1; without it and the next, it is taken from the metadata of `issuer`.
    #[serde(default, alias = "auth_url")]
    pub authorization_endpoint: Option<String>,
    /// RFC 6749 section 3.2.
    #[serde(default, alias = "token_url")]
    pub token_endpoint: Option<String>,
    /// RFC 7009.
    #[serde(default)]
    pub revocation_endpoint: Option<String>,
    /// RFC 8628. If the file names the other endpoints and not this one, there is no device grant.
    #[serde(default)]
    pub device_authorization_endpoint: Option<String>,
    /// RFC 8414: where to find metadata, and the expected `iss`.
    #[serde(default)]
    pub issuer: Option<String>,
    /// Whether a response without `iss` is refused (RFC 9207).
    #[serde(default)]
    pub iss_required: bool,
    /// How a client with a secret authenticates; `client_secret_post` if absent.
    #[serde(default)]
    pub client_auth: AuthMethod,
    /// The audience of a `private_key_jwt` assertion, if it is not the issuer.
    #[serde(default)]
    pub assertion_audience: Option<String>,
    /// Whether a client must have a secret; `required` if absent.
    #[serde(default)]
    pub client_secret: SecretRule,
    /// Whether the code challenge and its verifier are sent (RFC 7636). `false` is only for a server that rejects a
    /// token request with a verifier; one that merely ignores it still gets it.
    #[serde(default = "pkce")]
    pub pkce: bool,
    /// The requested scopes if the user names none.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The name of the scope parameter.
    #[serde(default = "scope_parameter")]
    pub scope_parameter: String,
    /// The separator between two scopes.
    #[serde(default = "scope_separator")]
    pub scope_separator: String,
    /// The scope that is required for a refresh token; a hint names it if the user leaves it out.
    #[serde(default)]
    pub offline_scope: Option<String>,
    /// More parameters for the authorization request.
    #[serde(default, alias = "additional_params")]
    pub authorization_params: BTreeMap<String, String>,
    /// More parameters for the device authorization request; if absent, those of the authorization request.
    #[serde(default)]
    pub device_params: Option<BTreeMap<String, String>>,
    /// More parameters for the token request.
    #[serde(default)]
    pub token_params: BTreeMap<String, String>,
    /// More headers for the token request.
    #[serde(default)]
    pub token_headers: BTreeMap<String, String>,
    /// How the token request's body is written; `form` if absent.
    #[serde(default)]
    pub token_request: BodyFormat,
    /// Where the token is in the reply.
    #[serde(default)]
    pub reply: ReplyShape,
    /// The same in the reply to a refresh, if it differs.
    #[serde(default)]
    pub refresh_reply: Option<ReplyShape>,
    /// Which redirect URIs it accepts.
    #[serde(default)]
    pub redirect: Redirect,
    /// Where to find out which sites a grant covers.
    #[serde(default)]
    pub sites: Option<Sites>,
    /// What follows the server's name in its gateway URL.
    #[serde(default = "gateway_suffix")]
    pub gateway_suffix: String,
    /// Take client id, secret and redirect URI from `{prefix}_CLIENT_ID` and so on if no numbered set has them.
    #[serde(default)]
    pub settings_prefix: Option<String>,
    /// The variables in endpoints.
    #[serde(default)]
    pub variables: Vec<EndpointVariable>,
    /// Where users register a client.
    #[serde(default)]
    pub console_url: Option<String>,
    /// What users must know, one sentence each.
    #[serde(default)]
    pub notes: Vec<String>,
    // The MCP Gateway Registry's scripts have keys of their own for the rest: see `scripts`.
    /// The scripts' key for an `audience` in `authorization_params`.
    #[serde(default)]
    audience: Option<String>,
    /// With `requires_cloud_id`: `user_info_url` lists the sites. The scripts' key; see `sites`.
    #[serde(default)]
    cloud_id_from_user_info: bool,
    /// The scripts' key: `authorization_code`, or `client_credentials` for a service without logins.
    #[serde(default)]
    grant_type: Option<String>,
    /// The scripts' key: whether the service is for machines, so that nobody logs in.
    #[serde(default)]
    is_m2m: bool,
    /// The scripts' key for notes about the file; without effect.
    #[serde(default, rename = "metadata")]
    #[schemars(with = "Option<serde_json::Value>")]
    _metadata: Option<IgnoredAny>,
    /// The scripts' key: whether a call names a site; see `sites`.
    #[serde(default)]
    requires_cloud_id: bool,
    /// The scripts' key: `true` contradicts `pkce: false`; otherwise without effect.
    #[serde(default)]
    requires_pkce: Option<bool>,
    /// The scripts' key: the variables in the endpoints, written `{name}` there; see `variables`.
    #[serde(default)]
    requires_template_vars: Vec<String>,
    /// The scripts' key: `code` and no other.
    #[serde(default)]
    response_type: Option<String>,
    /// The scripts' key: `false` means the same as `is_m2m: true`.
    #[serde(default)]
    supports_browser_flow: Option<bool>,
    /// The scripts' key: values of the variables that no setting gives.
    #[serde(default)]
    template_var_defaults: BTreeMap<String, String>,
    /// The scripts' key for the endpoint of `sites`.
    #[serde(default)]
    user_info_url: Option<String>,
}

/// Client authentication methods a provider file can name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// In the body; what most servers take.
    #[default]
    ClientSecretPost,
    /// In the `Authorization` header.
    ClientSecretBasic,
}

/// Whether a client of this provider has a secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SecretRule {
    /// Always.
    #[default]
    Required,
    /// Depends on the registration; a public client that sends one is rejected.
    Optional,
    /// Public clients only.
    Never,
}

/// How a token request is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BodyFormat {
    /// `application/x-www-form-urlencoded`, RFC 6749 section 4.
    #[default]
    Form,
    /// A JSON object, as some servers require.
    Json,
}

/// What a provider accepts as redirect URI.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Redirect {
    /// The accepted loopback names, as written in a URL (`[::1]`); empty for any. Some reject `localhost`, some the
    /// literal address.
    pub hosts: Vec<String>,
    /// Whether the port may differ from the registered one (RFC 8252 section 7.3).
    pub any_port: bool,
}

/// Which sites (tenants, workspaces) a grant covers, and how an API call names one.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sites {
    /// Answers a JSON array of objects with `id`, `name` and `url` to a GET with the access token.
    pub endpoint: String,
    /// The request header that names the chosen site's id.
    pub header: String,
}

/// A variable in an endpoint.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointVariable {
    /// As it stands in the endpoint.
    pub name: String,
    /// The setting that gives it.
    pub setting: String,
    /// The default: a text that may itself use settings, `{{ AWS_REGION }}`.
    #[serde(default)]
    pub default: Option<String>,
}

/// What is wrong with a provider.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ProviderError {
    /// Neither a file nor a built-in provider with that name.
    #[error("there is no provider {0:?}")]
    Unknown(String),
    /// The file cannot be parsed.
    #[error("{name}: {reason}")]
    Unreadable {
        /// The file, or the built-in's name.
        name: String,
        /// With line and column.
        reason: String,
    },
    /// An endpoint's variable has no value.
    #[error("provider {provider} needs {setting} (it fills {{{{ {variable} }}}} in its endpoints)")]
    Variable {
        /// The provider.
        provider: String,
        /// The variable's name.
        variable: String,
        /// The setting that would set it.
        setting: String,
    },
}

fn pkce() -> bool {
    true
}

fn scope_parameter() -> String {
    "scope".into()
}

fn scope_separator() -> String {
    " ".into()
}

fn gateway_suffix() -> String {
    "/mcp".into()
}

/// The names of the providers that are built in, in alphabetical order.
pub fn built_in() -> impl Iterator<Item = &'static str> {
    embedded::PROVIDERS.iter().map(|(name, _)| *name)
}

impl Provider {
    /// A built-in provider.
    ///
    /// # Errors
    /// [`ProviderError::Unknown`].
    pub fn built_in(name: &str) -> Result<Self, ProviderError> {
        let text = embedded::PROVIDERS.iter().find(|(known, _)| *known == name).map(|(_, text)| text);
        Self::parse(name, text.ok_or_else(|| ProviderError::Unknown(name.into()))?)
    }

    /// A provider from the text of its file.
    ///
    /// # Errors
    /// [`ProviderError::Unreadable`] with line and column.
    pub fn parse(name: &str, text: &str) -> Result<Self, ProviderError> {
        let unreadable = |reason: String| ProviderError::Unreadable { name: name.into(), reason };
        let provider: Self = serde_saphyr::from_str(text).map_err(|e| unreadable(e.to_string()))?;
        provider.checked(name)
    }

    /// The parsed provider, under its name and checked for completeness.
    fn checked(mut self, name: &str) -> Result<Self, ProviderError> {
        let unreadable = |reason: String| ProviderError::Unreadable { name: name.into(), reason };
        self.name = name.into();
        if self.display_name.is_empty() {
            self.display_name = name.into();
        }
        let endpoints = self.authorization_endpoint.is_some() && self.token_endpoint.is_some();
        if !endpoints && self.issuer.is_none() && !(self.is_m2m() && self.token_endpoint.is_some()) {
            return Err(unreadable(
                "needs authorization_endpoint and token_endpoint, or an issuer to discover them from".into(),
            ));
        }
        self.settled().map_err(unreadable)
    }

    /// Whether it is only for machines: it has no login (client credentials, RFC 6749 section 4.4).
    pub fn is_m2m(&self) -> bool {
        let grant = self.grant_type.as_deref() == Some("client_credentials");
        self.is_m2m || grant || self.supports_browser_flow == Some(false)
    }

    /// Whether two are the same service: their token endpoints are on one host.
    pub fn is_at_same_host(&self, other: &Self) -> bool {
        let host = |provider: &Self| {
            let (_, rest) = provider.token_endpoint.as_deref()?.split_once("://")?;
            rest.split('/').next().map(str::to_ascii_lowercase)
        };
        host(self).is_some() && host(self) == host(other)
    }

    fn endpoints_mut(&mut self) -> [&mut Option<String>; 5] {
        [
            &mut self.authorization_endpoint,
            &mut self.token_endpoint,
            &mut self.revocation_endpoint,
            &mut self.device_authorization_endpoint,
            &mut self.issuer,
        ]
    }

    /// Where the token is in the reply to a refresh.
    pub fn refresh_reply(&self) -> &ReplyShape {
        self.refresh_reply.as_ref().unwrap_or(&self.reply)
    }

    /// This provider with the variables in its endpoints filled in. `setting` looks a setting up; it must not return
    /// secrets.
    ///
    /// # Errors
    /// [`ProviderError::Variable`] for one without a value.
    pub fn filled(mut self, setting: &dyn Fn(&str) -> Option<String>) -> Result<Self, ProviderError> {
        if self.variables.is_empty() {
            return Ok(self);
        }
        let mut values = BTreeMap::new();
        for variable in &self.variables {
            let given = setting(&variable.setting);
            let default = || {
                variable.default.as_deref().and_then(|text| render(text, settings_named_in(text, setting)))
            };
            let value = given.or_else(default).filter(|value| !value.is_empty()).ok_or_else(|| {
                ProviderError::Variable {
                    provider: self.name.clone(),
                    variable: variable.name.clone(),
                    setting: variable.setting.clone(),
                }
            })?;
            values.insert(variable.name.clone(), value);
        }
        let context = Value::from(values);
        for text in self.endpoints_mut().into_iter().flatten() {
            if let Some(filled) = render(text, context.clone()) {
                *text = filled;
            }
        }
        Ok(self)
    }
}

fn render(text: &str, context: Value) -> Option<String> {
    minijinja::Environment::new().render_str(text, context).ok()
}

/// The settings in a default's text, looked up before the template runs.
fn settings_named_in(text: &str, setting: &dyn Fn(&str) -> Option<String>) -> Value {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    Value::from(words.filter_map(|word| Some((word.to_owned(), setting(word)?))).collect::<BTreeMap<_, _>>())
}

#[cfg(test)]
mod tests;
