//! An egress credential that the gateway stores itself, obtained by client credentials from the lab's identity
//! provider.
#![cfg(test)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mcpauth::credential::{
    ClientCredentialsConfig, Credential, CredentialId, CredentialKind, GrantConfig, NamedValue, TokenEndpoint,
};
use mcpauth::demo::idp::Idp;
use mcpauth::deployment::InVault;
use mcpauth::flow::Ui;
use mcpauth::gateway::StoredCredential;
use mcpauth::oauth::{ClientAuth, OAuthClient};
use mcpauth::provider::BodyFormat;
use mcpauth::secret::Secret;
use mcpauth::store::{Storage, Store};
use mcpauth::sys::http::Http;
use mcpauth::vault::{Commands, Vault};
use url::Url;

/// The client at the identity provider. The gateway accepts none of its tokens.
pub(crate) const OUTSIDE: &str = "outside";

struct Silent;

impl Ui for Silent {
    fn authorize(&self, _: &str, _: &Url, _: Option<&str>, _: Duration) {}
    fn remaining(&self, _: &str, _: Duration) {}
    fn note(&self, _: &str, _: &str) {}
    fn can_paste(&self) -> bool {
        false
    }
}

/// The credential, kept below `dir`.
pub(crate) fn stored(idp: &Idp, dir: &Path) -> Arc<StoredCredential> {
    let vault = Vault {
        store: Store::new(&dir.join("tokens"), &dir.join("tokens"), Storage::File),
        http: Http::new(false),
        browser: None,
        ui: Arc::new(Silent),
        login_within: Duration::ZERO,
        turn: tokio::sync::Mutex::default(),
        exchanges: Default::default(),
        commands: Commands::new(Vec::new),
    };
    let machine = ClientCredentialsConfig {
        endpoint: TokenEndpoint::Known(idp.token_endpoint().parse().unwrap()),
        scopes: Vec::new(),
        audience: None,
        resource: None,
        format: BodyFormat::Form,
        default_lifetime: None,
    };
    let credential = Credential {
        owner: NamedValue::default(),
        id: CredentialId::new(CredentialKind::Egress, OUTSIDE, None),
        client: OAuthClient { id: OUTSIDE.into(), auth: ClientAuth::SecretPost(Secret::new("secret")) },
        issuer: idp.issuer().into(),
        how: GrantConfig::ClientCredentials(machine),
        provider_field: OUTSIDE.into(),
        facts: serde_json::Map::new(),
        command: "mcpauth egress".into(),
    };
    Arc::new(StoredCredential::new(Box::new(InVault { vault: Arc::new(vault), credential })))
}
