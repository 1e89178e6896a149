//! What `mcpauth demo` sets up: clients, providers, servers and settings, as a user's project would have them.
//! It leaves serving to `idp` and running to `cli::demo`.

use std::path::Path;
use std::time::Duration;

use crate::demo::idp::{Client, Options};

/// The identity provider's clients. Their secrets protect nothing: it lives for one run, on loopback.
pub fn options(auto_approve: bool) -> Options {
    let redirect = "http://127.0.0.1/callback";
    Options {
        clients: vec![
            Client::machine(
                "demo-agent",
                "demo-agent-secret",
                &["mcp-servers-restricted/read", "mcp-servers-restricted/execute"],
            ),
            Client::confidential(
                "demo-tracker-client",
                "demo-tracker-secret",
                redirect,
                &["read:work", "offline_access"],
            ),
            Client::public("demo-notes-client", redirect, &["notes.read", "offline_access"]),
            Client::machine("demo-sre", "demo-sre-secret", &["gateway/read"]),
            Client::machine("demo-finance", "demo-finance-secret", &["invoke:gateway"]),
        ],
        auto_approve,
        access_token_lifetime: Duration::from_secs(3_600),
        ..Options::default()
    }
}

/// The project's `.env`.
pub fn env(folder: &Path, issuer: &str) -> Vec<(String, String)> {
    let at = |name: &str| folder.join(name).display().to_string();
    let rows = [
        ("INGRESS_OAUTH_ISSUER", issuer.to_owned()),
        ("INGRESS_OAUTH_USER_POOL_ID", "us-east-1_Demo".into()),
        ("INGRESS_OAUTH_CLIENT_ID", "demo-agent".into()),
        ("INGRESS_OAUTH_CLIENT_SECRET", "demo-agent-secret".into()),
        ("EGRESS_PROVIDER_NAME_1", "demo-tracker".into()),
        ("EGRESS_OAUTH_CLIENT_ID_1", "demo-tracker-client".into()),
        ("EGRESS_OAUTH_CLIENT_SECRET_1", "demo-tracker-secret".into()),
        ("EGRESS_OAUTH_REDIRECT_URI_1", "http://127.0.0.1:0/callback".into()),
        ("EGRESS_PROVIDER_NAME_2", "demo-notes".into()),
        ("EGRESS_OAUTH_CLIENT_ID_2", "demo-notes-client".into()),
        ("EGRESS_OAUTH_REDIRECT_URI_2", "http://127.0.0.1:0/callback".into()),
        ("AGENTCORE_CLIENT_ID_1", "demo-sre".into()),
        ("AGENTCORE_CLIENT_SECRET_1", "demo-sre-secret".into()),
        ("AGENTCORE_SERVER_NAME_1", "sre-gateway".into()),
        ("AGENTCORE_ISSUER_1", issuer.into()),
        ("AGENTCORE_SCOPE_1", "gateway/read".into()),
        ("AGENTCORE_CLIENT_ID_2", "demo-finance".into()),
        ("AGENTCORE_CLIENT_SECRET_2", "demo-finance-secret".into()),
        ("AGENTCORE_SERVER_NAME_2", "finance-gateway".into()),
        ("COGNITO_DOMAIN_2", issuer.into()),
        ("AGENTCORE_TOKEN_REQUEST_2", "json".into()),
        ("REGISTRY_URL", "http://127.0.0.1:8080".into()),
        ("MCPAUTH_TOKENS_DIR", at(".oauth-tokens")),
        ("MCPAUTH_CONFIG_DIR", at("config")),
        ("MCPAUTH_STATE_DIR", at("state")),
        ("MCPAUTH_SERVERS_DIR", at("servers")),
    ];
    rows.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

/// The project's other files.
pub fn files(issuer: &str) -> [(&'static str, String); 3] {
    let endpoints = format!(
        "authorization_endpoint: {issuer}/authorize\ntoken_endpoint: {issuer}/token\nissuer: {issuer}\niss_required: true\n\
         redirect: {{hosts: [127.0.0.1], any_port: true}}\n"
    );
    [
        (
            "config/providers/demo-tracker.yaml",
            format!(
                "display_name: Demo Tracker\n{endpoints}scopes: [\"read:work\", offline_access]\n\
                 sites: {{endpoint: {issuer}/sites, header: X-Demo-Cloud-Id}}\n"
            ),
        ),
        (
            "config/providers/demo-notes.yaml",
            format!(
                "display_name: Demo Notes\n{endpoints}client_secret: never\nscopes: [notes.read, offline_access]\n"
            ),
        ),
        (
            "servers/currenttime.json",
            "{\"server_name\": \"Current Time\", \"path\": \"/currenttime/\", \"auth_type\": \"none\"}\n"
                .into(),
        ),
    ]
}
