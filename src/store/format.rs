//! The token files' JSON: written with the registry's scripts' members in their order (plus a few of our own), read
//! in all its three spellings of `expires_at`. Not here: files (see `private_file`); meaning (see `vault`).

use serde_json::{Map, Value, json};

use crate::credential::{Credential, CredentialKind, GrantConfig, Site};
use crate::oauth::{Epoch, TokenSet, UNSENDABLE, end_of};
use crate::secret::Secret;
use crate::sys::clock;

/// The members that hold secrets.
pub(super) const SECRETS: [&str; 2] = ["access_token", "refresh_token"];

/// The member with the origin of the secret that a token was obtained with.
const ORIGIN: &str = "origin";

/// The member that says that the issuer no longer knows the client.
const FORGOTTEN: &str = "client_forgotten";

/// A stored credential.
#[derive(Clone, Debug)]
pub struct StoredToken {
    /// The token.
    pub token: TokenSet,
    /// The `provider` member.
    pub provider: String,
    /// The token's issuer; `None` if the file does not name it.
    pub issuer: Option<String>,
    /// The client it was issued to; `None` if the file does not name it.
    pub client_id: Option<String>,
    /// The origin of the secret that it was obtained with ([`Origin::word`](crate::credential::Origin::word)); `None`
    /// if the file does not name it.
    pub origin: Option<String>,
    /// The requested scopes, in a file of ours.
    pub requested_scopes: Option<Vec<String>>,
    /// The chosen site's id.
    pub cloud_id: Option<String>,
    /// Every site the grant covers.
    pub sites: Vec<Site>,
    /// Whether the issuer no longer knows the client.
    pub client_forgotten: bool,
    /// The file's other members, without its secrets.
    pub members: Map<String, Value>,
}

/// What is stored of a login besides its token.
#[derive(Clone, Debug, Default)]
pub struct LoginNotes {
    /// The chosen site's id.
    pub cloud_id: Option<String>,
    /// Every site the grant covers.
    pub sites: Vec<Site>,
    /// Whether the issuer no longer knows the client.
    pub client_forgotten: bool,
}

impl StoredToken {
    /// What is stored besides its token.
    pub fn notes(&self) -> LoginNotes {
        LoginNotes {
            cloud_id: self.cloud_id.clone(),
            sites: self.sites.clone(),
            client_forgotten: self.client_forgotten,
        }
    }
}

/// The file's JSON object. An error about bad text never repeats any of it.
pub(super) fn parse(text: &str) -> Result<Map<String, Value>, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("not a JSON object".into()),
        Err(e) => Err(format!("not JSON (line {}, column {})", e.line(), e.column())),
    }
}

pub(super) fn print(object: &Map<String, Value>) -> String {
    serde_json::to_string_pretty(object).unwrap_or_default()
}

pub(super) fn is_in_keyring(object: &Map<String, Value>) -> bool {
    object.get("storage").and_then(Value::as_str) == Some("keyring")
}

/// Parses any of the registry's scripts' files, and ours.
pub(super) fn decode(object: &Map<String, Value>) -> Result<StoredToken, String> {
    let text = |name: &str| {
        object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let token = TokenSet {
        access_token: Secret::new(text("access_token").ok_or("it has no access_token")?),
        refresh_token: text("refresh_token").map(Secret::new),
        token_type: text("token_type").unwrap_or_else(|| "Bearer".into()),
        scopes: list(object.get("scopes")).or_else(|| list(object.get("scope"))).unwrap_or_default(),
        issued_at: ["saved_at", "generated_at"]
            .iter()
            .find_map(|name| time(object.get(*name)).ok().flatten()),
        expires_at: time(object.get("expires_at"))?.or_else(|| end_of(&text("access_token")?)),
    };
    if let Some(kind) = token.bound_type() {
        return Err(format!("it holds a token of type {kind}, which cannot be sent as a bearer token"));
    }
    if !token.is_sendable() {
        return Err(format!("it comes {UNSENDABLE}"));
    }
    let issuer =
        text("issuer").or_else(|| match (text("user_pool_id"), text("region"), text("keycloak_url")) {
            (Some(pool), Some(region), _) => {
                Some(format!("https://cognito-idp.{region}.amazonaws.com/{pool}"))
            }
            (_, _, Some(url)) => {
                let realm = text("realm").or_else(|| text("keycloak_realm"))?;
                Some(format!("{}/realms/{realm}", url.trim_end_matches('/')))
            }
            _ => None,
        });
    Ok(StoredToken {
        token,
        provider: text("provider").unwrap_or_default(),
        issuer,
        client_id: text("client_id"),
        origin: text(ORIGIN),
        requested_scopes: list(object.get("requested_scopes")),
        cloud_id: text("cloud_id"),
        sites: object
            .get("sites")
            .and_then(|sites| serde_json::from_value(sites.clone()).ok())
            .unwrap_or_default(),
        client_forgotten: object.get(FORGOTTEN).and_then(Value::as_bool).unwrap_or_default(),
        members: object
            .iter()
            .filter(|(name, _)| !SECRETS.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    })
}

/// `expires_at` as a number, an ISO 8601 text, or null for a token that does not expire. Anything else is an error,
/// not a guess.
fn time(value: Option<&Value>) -> Result<Option<Epoch>, String> {
    match value {
        None | Some(Value::Null) => Ok(None),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a float beyond the range saturates, which is far enough"
        )]
        Some(Value::Number(n)) => Ok(n.as_i64().or_else(|| n.as_f64().map(|seconds| seconds as Epoch))),
        Some(Value::String(text)) => {
            clock::parse(text).map(Some).ok_or_else(|| "its expires_at is not a time".into())
        }
        Some(_) => Err("its expires_at is not a time".into()),
    }
}

fn list(value: Option<&Value>) -> Option<Vec<String>> {
    match value? {
        Value::Array(list) => Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        Value::String(text) => Some(text.split_whitespace().map(str::to_owned).collect()),
        _ => None,
    }
}

/// Members in the registry's scripts' order; `facts` and our own come where they do not disturb it.
pub(super) fn encode(
    credential: &Credential,
    token: &TokenSet,
    notes: &LoginNotes,
    now: Epoch,
) -> Map<String, Value> {
    let mut object = match credential.id.kind {
        CredentialKind::Ingress => ingress(credential, token, now),
        CredentialKind::Egress => egress(credential, token, notes, now),
        CredentialKind::AgentCore => agentcore(credential, token, now),
        CredentialKind::Agent => agent(credential, token, now),
    };
    object.insert("issuer".into(), credential.issuer.clone().into());
    object.insert(ORIGIN.into(), credential.owner.origin.word().into());
    object.entry("client_id").or_insert_with(|| credential.client.id.clone().into());
    object
}

fn ingress(credential: &Credential, token: &TokenSet, now: Epoch) -> Map<String, Value> {
    let mut object = members(json!({
        "provider": credential.provider_field,
        "access_token": token.access_token.expose(),
        "refresh_token": null,
        "expires_at": float(token.expires_at),
        "expires_at_human": token.expires_at.map(clock::human),
        "token_type": token.token_type,
        "client_id": credential.client.id,
        "saved_at": clock::human(now),
    }));
    object.extend(credential.facts.clone());
    object
}

fn egress(credential: &Credential, token: &TokenSet, notes: &LoginNotes, now: Epoch) -> Map<String, Value> {
    let asked = match &credential.how {
        GrantConfig::AuthorizationCode(person) => person.scopes.clone(),
        GrantConfig::ClientCredentials(machine) => machine.scopes.clone(),
        GrantConfig::Key(_) => Vec::new(),
    };
    let granted = if token.scopes.is_empty() { asked.clone() } else { token.scopes.clone() };
    let mut object = members(json!({
        "provider": credential.provider_field,
        "access_token": token.access_token.expose(),
        "refresh_token": token.refresh_token.as_ref().map(Secret::expose),
        "expires_at": float(token.expires_at),
        "expires_at_human": token.expires_at.map(clock::human),
        "cloud_id": notes.cloud_id,
        "scopes": granted,
        "saved_at": clock::human(now),
        "usage_notes": format!("This token is for EGRESS authentication to {} external services", credential.provider_field),
        "token_type": token.token_type,
        "requested_scopes": asked,
    }));
    if !notes.sites.is_empty() {
        object.insert("sites".into(), json!(notes.sites));
    }
    if notes.client_forgotten {
        object.insert(FORGOTTEN.into(), true.into());
    }
    object.extend(credential.facts.clone());
    object
}

fn agentcore(credential: &Credential, token: &TokenSet, now: Epoch) -> Map<String, Value> {
    let scope = if token.scopes.is_empty() { "invoke:gateway".into() } else { token.scopes.join(" ") };
    let mut object = members(json!({
        "provider": credential.provider_field,
        "access_token": token.access_token.expose(),
        "expires_at": float(token.expires_at),
        "expires_at_human": token.expires_at.map(clock::human),
        "token_type": token.token_type,
        "scope": scope,
        "saved_at": clock::human(now),
        "usage_notes": "This token is for EGRESS authentication to Amazon Bedrock AgentCore",
    }));
    if let Some(refresh_token) = &token.refresh_token {
        object.insert("refresh_token".into(), refresh_token.expose().into());
    }
    object.extend(credential.facts.clone());
    object
}

fn agent(credential: &Credential, token: &TokenSet, now: Epoch) -> Map<String, Value> {
    let mut object = members(json!({
        "agent_name": credential.id.name,
        "access_token": token.access_token.expose(),
        "token_type": token.token_type,
        "expires_in": token.expires_at.map(|end| end - now),
        "generated_at": clock::rfc3339(now),
        "expires_at": token.expires_at.map(clock::rfc3339),
        "provider": credential.provider_field,
    }));
    object.extend(credential.facts.clone());
    object.insert("client_id".into(), credential.client.id.clone().into());
    object.insert("scope".into(), token.scopes.join(" ").into());
    object.insert(
        "metadata".into(),
        json!({"generated_by": "mcpauth", "script_version": "1.0", "token_format": "JWT", "auth_method": "client_credentials"}),
    );
    object
}

/// Export lines. Four characters are special inside a shell's double quotes; they are escaped.
pub(super) fn agent_env(credential: &Credential, token: &TokenSet) -> String {
    let fact = |name: &str| credential.facts.get(name).and_then(Value::as_str).unwrap_or_default();
    let rows = [
        ("ACCESS_TOKEN", token.access_token.expose()),
        ("CLIENT_ID", &credential.client.id),
        ("CLIENT_SECRET", credential.client.auth.secret().map(Secret::expose).unwrap_or_default()),
        ("KEYCLOAK_URL", fact("keycloak_url")),
        ("KEYCLOAK_REALM", fact("keycloak_realm")),
        ("AUTH_PROVIDER", "keycloak"),
    ];
    let escape = |value: &str| {
        ['\\', '"', '$', '`'].iter().fold(value.to_owned(), |text, c| text.replace(*c, &format!("\\{c}")))
    };
    rows.iter().map(|(name, value)| format!("export {name}=\"{}\"\n", escape(value))).collect()
}

fn members(value: Value) -> Map<String, Value> {
    if let Value::Object(object) = value { object } else { Map::new() }
}

/// The registry's scripts write times as floats.
#[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit into a double")]
fn float(at: Option<Epoch>) -> Option<f64> {
    at.map(|at| at as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<StoredToken, String> {
        parse(text).and_then(|object| decode(&object))
    }

    #[test]
    fn all_three_spellings_of_a_time_are_read() {
        let cases = [
            (r#"1795509000.25"#, Some(1_795_509_000)),
            (r#"1795509000"#, Some(1_795_509_000)),
            (r#""2026-11-24T08:30:00""#, Some(1_795_509_000)),
            (r#""2026-11-24T08:30:00Z""#, Some(1_795_509_000)),
            (r#""2026-11-24 08:30:00 UTC""#, Some(1_795_509_000)),
            ("null", None),
        ];
        for (value, expected) in cases {
            let stored = read(&format!(r#"{{"access_token":"t","expires_at":{value}}}"#)).unwrap();
            assert_eq!(stored.token.expires_at, expected, "{value}");
        }
        assert_eq!(read(r#"{"access_token":"t"}"#).unwrap().token.expires_at, None);
    }

    #[test]
    fn a_file_of_the_reference_names_its_issuer_by_its_pool_or_realm() {
        let cognito =
            read(r#"{"access_token":"t","client_id":"c","user_pool_id":"us-east-1_X","region":"us-east-1"}"#)
                .unwrap();
        assert_eq!(
            cognito.issuer.as_deref(),
            Some("https://cognito-idp.us-east-1.amazonaws.com/us-east-1_X")
        );
        let keycloak =
            read(r#"{"access_token":"t","keycloak_url":"http://kc:8080/","realm":"mcp-gateway"}"#).unwrap();
        assert_eq!(keycloak.issuer.as_deref(), Some("http://kc:8080/realms/mcp-gateway"));
        assert_eq!(read(r#"{"access_token":"t"}"#).unwrap().issuer, None);
    }

    #[test]
    fn what_is_no_token_file_is_said_without_its_text() {
        for text in [
            "",
            "[]",
            "{\"access_token\":",
            "{\"access_token\":5}",
            r#"{"access_token":"hunter2","expires_at":"soon"}"#,
        ] {
            let reason = read(text).unwrap_err();
            assert!(!reason.contains("hunter2"), "{reason}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[{\\[]?[ -~]{0,120}[}\\]]?") {
            let _ = read(&text);
        }
    }
}
