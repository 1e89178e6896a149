//! Every variable there is, with what it means and what it decides: for `config show`, for the reference, to know a
//! secret by its name, and to know what a file that was only found may say. Not here: reading them (see `settings`).

/// One variable. `N` at the end of a name stands for the number of a set, 1 to 100.
#[derive(Clone, Copy, Debug)]
pub struct VariableSpec {
    /// Its name.
    pub name: &'static str,
    /// Its default.
    pub default: &'static str,
    /// Its description, in one line.
    pub about: &'static str,
    /// What it decides.
    pub role: Role,
}

/// What a variable decides, as far as its provenance matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Not where a secret is sent; or it is the secret.
    Plain,
    /// Where a secret or a token is sent, alone or with others.
    Place,
    /// A file or folder of the project; one outside it belongs to the machine.
    Inside,
    /// Something about this machine and not about a project: a found file must not set it.
    Machine,
}

const fn row(name: &'static str, default: &'static str, about: &'static str) -> VariableSpec {
    VariableSpec { name, default, about, role: Role::Plain }
}

const fn place(name: &'static str, default: &'static str, about: &'static str) -> VariableSpec {
    VariableSpec { role: Role::Place, ..row(name, default, about) }
}

const fn inside(name: &'static str, default: &'static str, about: &'static str) -> VariableSpec {
    VariableSpec { role: Role::Inside, ..row(name, default, about) }
}

const fn machine(name: &'static str, default: &'static str, about: &'static str) -> VariableSpec {
    VariableSpec { role: Role::Machine, ..row(name, default, about) }
}

/// Variables that the libraries below us read from the environment, in either case: they belong to the machine as
/// well.
const OF_THE_MACHINE: [&str; 6] =
    ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/// All variables, in the order in which a person sets them up.
pub const VARIABLES: &[VariableSpec] = &[
    place("AUTH_PROVIDER", "cognito", "the ingress identity provider: cognito, keycloak or oidc"),
    place("INGRESS_OAUTH_USER_POOL_ID", "", "Cognito user pool; its first part is the region"),
    row("INGRESS_OAUTH_CLIENT_ID", "", "the ingress client (Cognito, oidc)"),
    row("INGRESS_OAUTH_CLIENT_SECRET", "", "its secret"),
    place("INGRESS_OAUTH_ISSUER", "", "the issuer: required for oidc, replaces the user pool for Cognito"),
    place("INGRESS_OAUTH_TOKEN_URL", "", "the token endpoint, instead of discovery"),
    row("INGRESS_OAUTH_SCOPE", "", "scopes to request; none means all that the client is allowed"),
    row("INGRESS_OAUTH_AUDIENCE", "", "an audience parameter, where the server wants one"),
    row("INGRESS_OAUTH_CLIENT_AUTH", "", "client_secret_post, client_secret_basic or private_key_jwt"),
    row("INGRESS_OAUTH_PRIVATE_KEY_FILE", "", "PEM private key for private_key_jwt"),
    row("INGRESS_OAUTH_KEY_ID", "", "its key id, if the server wants one"),
    row("INGRESS_OAUTH_ASSERTION_AUDIENCE", "", "the audience of its assertions, if not the issuer"),
    place("AWS_REGION", "us-east-1", "the region, where the user pool's id does not say it"),
    place("COGNITO_DOMAIN", "", "Cognito domain (prefix or URL) of the token endpoint"),
    place("KEYCLOAK_URL", "", "Keycloak's address"),
    place("KEYCLOAK_EXTERNAL_URL", "", "its external address; takes precedence over KEYCLOAK_URL"),
    place("KEYCLOAK_ADMIN_URL", "", "its administration address; takes precedence over both"),
    place("KEYCLOAK_REALM", "", "the realm; for agents mcp-gateway unless their file says otherwise"),
    row("KEYCLOAK_M2M_CLIENT_ID", "", "the ingress client (Keycloak)"),
    row("KEYCLOAK_M2M_CLIENT_SECRET", "", "its secret"),
    row("KEYCLOAK_CLIENT_ID", "", "the registry's own client, whose tokens the gateway also accepts"),
    place("EGRESS_PROVIDER_NAME", "", "the provider to use without --provider"),
    place("EGRESS_PROVIDER_NAME_N", "", "egress set N: the provider (mcpauth providers list)"),
    row("EGRESS_OAUTH_CLIENT_ID_N", "", "egress set N: the client registered there"),
    row("EGRESS_OAUTH_CLIENT_SECRET_N", "", "egress set N: its secret, where the provider has secrets"),
    place(
        "EGRESS_OAUTH_REDIRECT_URI_N",
        "",
        "egress set N: exactly as registered, for example http://localhost:8080/callback",
    ),
    row(
        "EGRESS_OAUTH_SCOPE_N",
        "",
        "egress set N: scopes, separated by spaces or commas, instead of the provider's defaults",
    ),
    place(
        "EGRESS_MCP_SERVER_NAME_N",
        "",
        "egress set N: the MCP server it is for; names file and configuration entry",
    ),
    place(
        "EGRESS_MCP_SERVER_URL_N",
        "",
        "egress set N: that server's own address, where its token is sent instead of to a gateway",
    ),
    place("EGRESS_SITE_N", "", "egress set N: the site (name, URL or id), where one login covers several"),
    row(
        "EGRESS_OAUTH_CLIENT_AUTH_N",
        "",
        "egress set N: client_secret_post, client_secret_basic or private_key_jwt",
    ),
    row("EGRESS_OAUTH_PRIVATE_KEY_FILE_N", "", "egress set N: PEM private key for private_key_jwt"),
    row("EGRESS_OAUTH_KEY_ID_N", "", "egress set N: its key id"),
    row(
        "EGRESS_OAUTH_ASSERTION_AUDIENCE_N",
        "",
        "egress set N: the audience of its assertions, if not the issuer",
    ),
    place("EGRESS_OAUTH_PROVIDER", "", "the unnumbered set's provider"),
    row("EGRESS_OAUTH_CLIENT_ID", "", "the unnumbered set's client"),
    row("EGRESS_OAUTH_CLIENT_SECRET", "", "the unnumbered set's secret"),
    place("EGRESS_OAUTH_REDIRECT_URI", "http://localhost:8080/callback", "the unnumbered set's redirect URI"),
    row("EGRESS_OAUTH_SCOPE", "", "the unnumbered set's scopes"),
    place("EGRESS_MCP_SERVER_NAME", "", "the unnumbered set's MCP server"),
    place("EGRESS_MCP_SERVER_URL", "", "the unnumbered set's MCP server, by its own address"),
    place("EGRESS_SITE", "", "the site for every set that names none"),
    row(
        "EGRESS_OAUTH_CLIENT_AUTH",
        "",
        "the unnumbered set's client_secret_post, client_secret_basic or private_key_jwt",
    ),
    row("EGRESS_OAUTH_PRIVATE_KEY_FILE", "", "the unnumbered set's PEM private key for private_key_jwt"),
    row("EGRESS_OAUTH_KEY_ID", "", "the unnumbered set's key id"),
    row(
        "EGRESS_OAUTH_ASSERTION_AUDIENCE",
        "",
        "the unnumbered set: the audience of its assertions, if not the issuer",
    ),
    place("DOMAIN", "", "fills {{ domain }} in a provider's endpoints"),
    place("REGION", "", "fills {{ region }} in a provider's endpoints"),
    place("TENANT", "", "fills {{ tenant }} in a provider's endpoints"),
    row("AGENTCORE_CLIENT_ID_N", "", "AgentCore gateway N: the client"),
    row("AGENTCORE_CLIENT_SECRET_N", "", "AgentCore gateway N: its secret"),
    row("AGENTCORE_GATEWAY_ARN_N", "", "AgentCore gateway N: its ARN, for your own records"),
    place("AGENTCORE_SERVER_NAME_N", "", "AgentCore gateway N: its name in files and configurations"),
    row("AGENTCORE_SCOPE_N", "", "AgentCore gateway N: the scope its client needs"),
    row(
        "AGENTCORE_CLIENT_AUTH_N",
        "",
        "AgentCore gateway N: client_secret_post, client_secret_basic or private_key_jwt",
    ),
    row("AGENTCORE_PRIVATE_KEY_FILE_N", "", "AgentCore gateway N: PEM private key for private_key_jwt"),
    row("AGENTCORE_KEY_ID_N", "", "AgentCore gateway N: its key id"),
    row(
        "AGENTCORE_ASSERTION_AUDIENCE_N",
        "",
        "AgentCore gateway N: the audience of its assertions, if not the issuer",
    ),
    place("AGENTCORE_ISSUER_N", "", "AgentCore gateway N: its issuer"),
    place("AGENTCORE_TOKEN_REQUEST_N", "", "AgentCore gateway N: form or json"),
    place("COGNITO_USER_POOL_ID_N", "", "AgentCore gateway N: its own user pool"),
    place("COGNITO_DOMAIN_N", "", "AgentCore gateway N: its own Cognito domain"),
    place("OAUTH_DOMAIN_N", "", "AgentCore gateway N: its own authorization server"),
    row("AGENTCORE_SCOPE", "", "the scope of every AgentCore gateway that names none"),
    row("AGENTCORE_AUDIENCE", "MCPGateway", "the audience for servers that take JSON (Auth0)"),
    place("AGENTCORE_ISSUER", "", "the issuer of all AgentCore gateways"),
    place("AGENTCORE_TOKEN_REQUEST", "", "form or json; json by default for auth0.com"),
    place("COGNITO_USER_POOL_ID", "", "the AgentCore gateways' user pool"),
    place(
        "OAUTH_DOMAIN",
        "",
        "the AgentCore gateways' authorization server, where COGNITO_DOMAIN is not set",
    ),
    place(
        "REGISTRY_URL",
        "",
        "the gateway's address; without it, nothing that needs a gateway is configured",
    ),
    place("GATEWAY_URL", "http://localhost:8003/mcp", "the MCP server of probe, ping, list and call"),
    row(
        "MCP_AUTH_TOKEN",
        "",
        "the gateway's token for probe, ping, list and call, instead of the stored one",
    ),
    inside(
        "MCPAUTH_PROVIDERS_FILE",
        "credentials-provider/oauth/oauth_providers.yaml, if there is one",
        "the file of outside services that the MCP Gateway Registry's scripts read",
    ),
    inside(
        "MCPAUTH_TOKENS_DIR",
        "",
        "where all credentials are stored, instead of the project's in .oauth-tokens and your own in MCPAUTH_DATA_DIR",
    ),
    machine(
        "MCPAUTH_DATA_DIR",
        "the system's",
        "the store of your own credentials, available from every folder",
    ),
    machine("MCPAUTH_STORAGE", "file", "file, keyring, or auto: the keyring if it works"),
    inside(
        "MCPAUTH_SERVERS_DIR",
        "servers, else registry/servers",
        "the registry's server files, for servers without credentials",
    ),
    machine("MCPAUTH_CONFIG_DIR", "the system's", "where your own providers/ and templates/ are"),
    machine(
        "MCPAUTH_STATE_DIR",
        "the system's",
        "where mcpauth remembers which entries of other programs' files are its own",
    ),
    machine("CLAUDE_CONFIG_DIR", "", "where Claude Code keeps its settings, if not in your home"),
    machine("CLINE_MCP_SETTINGS_PATH", "", "Cline's file of MCP servers, if not VS Code's"),
    machine("OPENCODE_CONFIG", "", "OpenCode's settings that count before those in your home"),
    machine("CODEX_HOME", "", "where Codex keeps its settings, if not in ~/.codex"),
    inside("MCPAUTH_GATEWAY_CONFIG", "gateway.yaml, if there is one", "the gateway's settings"),
    row(
        "MCPAUTH_GATEWAY_CLIENTS",
        "",
        "without gateway.yaml: further clients whose tokens are accepted, separated by spaces or commas",
    ),
    row(
        "MCPAUTH_GATEWAY_AUDIENCE",
        "INGRESS_OAUTH_AUDIENCE for oidc",
        "without gateway.yaml: what tokens must name as their audience",
    ),
    machine(
        "MCPAUTH_HEADER_VARIABLES",
        "",
        "without gateway.yaml: the variables that servers' files may name in their headers, separated by spaces or commas",
    ),
    inside(
        "MCPAUTH_SCOPES",
        "scopes.yml, else auth_server/scopes.yml",
        "without gateway.yaml: the access policy",
    ),
    row(
        "TOKEN_EXPIRY_BUFFER",
        "3600",
        "refresh: seconds before its expiry to renew a token, at most a fifth of its lifetime",
    ),
    row("TOKEN_REFRESH_INTERVAL", "300", "refresh: seconds between rescans of the credential files"),
    machine("MCPAUTH_BRIDGE_LISTEN", "127.0.0.1:8191", "where bridge --listen listens, on loopback"),
    machine(
        "MCPAUTH_CLIENT_METADATA_URL",
        "",
        "where you publish what `mcpauth client-metadata` prints: login uses it as the client id where the issuer supports that",
    ),
    row("MCPAUTH_LOGIN_TIMEOUT", "300", "seconds to wait for a person"),
    row("MCPAUTH_NO_BROWSER", "", "1: print login addresses, open no browser"),
    machine(
        "MCPAUTH_CA_CERT",
        "",
        "a PEM file of CA certificates to trust in addition to the system's, or to those of SSL_CERT_FILE",
    ),
    machine("MCPAUTH_ALLOW_HTTP", "", "1: allow plain HTTP to non-loopback hosts"),
];

/// Whether a variable's value is never shown.
pub fn is_secret(name: &str) -> bool {
    ["SECRET", "TOKEN", "PASSWORD", "PRIVATE_KEY"].iter().any(|part| name.contains(part))
        && !["_FILE", "_URL", "_DIR", "_REQUEST", "_BUFFER", "_INTERVAL"]
            .iter()
            .any(|ending| without_number(name).ends_with(ending))
}

/// What a name decides. A name that is not listed fills a provider's address, if it does anything.
pub fn role(name: &str) -> Role {
    if OF_THE_MACHINE.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        return Role::Machine;
    }
    match VARIABLES.iter().find(|variable| is_called(variable, name)) {
        Some(variable) => variable.role,
        None if is_secret(name) => Role::Plain,
        None => Role::Place,
    }
}

/// Whether a variable is withheld from programs that we start: it is a secret of ours. Other secrets may be what such
/// a program needs.
pub fn is_withheld(name: &str) -> bool {
    let ours = ["INGRESS_", "EGRESS_", "AGENTCORE_", "KEYCLOAK_", "COGNITO_", "MCPAUTH_", "MCP_AUTH_"];
    is_secret(name) && (is_known(name) || ours.iter().any(|start| name.starts_with(start)))
}

/// `NAME_7` without its number.
fn without_number(name: &str) -> &str {
    name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_')
}

/// Whether mcpauth reads a variable of this name.
pub fn is_known(name: &str) -> bool {
    VARIABLES.iter().any(|variable| is_called(variable, name))
}

fn is_called(variable: &VariableSpec, name: &str) -> bool {
    match variable.name.strip_suffix("_N") {
        Some(stem) => name.strip_prefix(stem).and_then(|rest| rest.strip_prefix('_')).is_some_and(is_number),
        None => variable.name == name,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_that_is_read_is_in_the_catalogue() {
        let sources = [
            include_str!("mod.rs"),
            include_str!("agents.rs"),
            include_str!("machine.rs"),
            include_str!("egress.rs"),
            include_str!("values.rs"),
            include_str!("../deployment/issuer.rs"),
        ];
        let words = sources.iter().flat_map(|text| text.split('"').skip(1).step_by(2));
        let stems = [
            "MCPAUTH_",
            "INGRESS_",
            "EGRESS_",
            "AGENTCORE_",
            "KEYCLOAK_",
            "COGNITO_",
            "OAUTH_",
            "AWS_",
            "TOKEN_",
            "REGISTRY_",
        ];
        let mut seen = 0;
        for word in words.filter(|word| stems.iter().any(|stem| word.starts_with(stem))) {
            let name = word.replace("{suffix}", "_1").replace("_{n}", "_1").replace("{part}", "CLIENT_ID");
            let whole = name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
            if whole
                && !["INGRESS_OAUTH", "EGRESS_OAUTH", "KEYCLOAK_M2M", "AGENTCORE_"].contains(&name.as_str())
            {
                seen += 1;
                assert!(
                    is_known(&name) || is_known(&format!("{}_1", name.trim_end_matches("_N"))),
                    "{word} is read but not in the catalogue"
                );
            }
        }
        assert!(seen > 40, "the test has lost sight of the sources: {seen}");
    }

    #[test]
    fn what_names_an_address_is_known_to_decide_where_secrets_go() {
        for variable in VARIABLES {
            let words =
                ["URL", "ISSUER", "DOMAIN", "POOL_ID", "REALM", "REGION", "TENANT", "URI", "SERVER_NAME"];
            let names_one = words.iter().any(|word| variable.name.contains(word));
            let decides = matches!(variable.role, Role::Place | Role::Machine);
            assert!(!names_one || decides, "{}", variable.name);
            let path = variable.name.starts_with("MCPAUTH_")
                && ["DIR", "CERT", "CONFIG"].iter().any(|word| variable.name.ends_with(word));
            assert!(!path || matches!(variable.role, Role::Inside | Role::Machine), "{}", variable.name);
        }
        let cases = [
            ("EGRESS_PROVIDER_NAME_7", Role::Place),
            ("GITLAB_HOST", Role::Place),
            ("MY_TOKEN", Role::Plain),
            ("EGRESS_OAUTH_SCOPE_7", Role::Plain),
            ("https_proxy", Role::Machine),
            ("Http_Proxy", Role::Machine),
            ("MCPAUTH_TOKENS_DIR", Role::Inside),
        ];
        for (name, expected) in cases {
            assert_eq!(role(name), expected, "{name}");
        }
    }

    #[test]
    fn our_secrets_are_kept_from_others_and_theirs_are_not() {
        for name in [
            "INGRESS_OAUTH_CLIENT_SECRET",
            "EGRESS_OAUTH_CLIENT_SECRET",
            "EGRESS_OAUTH_CLIENT_SECRET_7",
            "EGRESS_OAUTH_CLIENT_SECRET_0100",
            "AGENTCORE_CLIENT_SECRET_100",
            "KEYCLOAK_M2M_CLIENT_SECRET",
            "KEYCLOAK_ADMIN_PASSWORD",
            "MCP_AUTH_TOKEN",
        ] {
            assert!(is_withheld(name), "{name}");
        }
        for name in [
            "MY_OWN_TOKEN",
            "INGRESS_OAUTH_CLIENT_ID",
            "MCPAUTH_TOKENS_DIR",
            "INGRESS_OAUTH_TOKEN_URL",
            "PATH",
        ] {
            assert!(!is_withheld(name), "{name}");
        }
    }

    #[test]
    fn secrets_are_known_by_their_names() {
        let secret = [
            "INGRESS_OAUTH_CLIENT_SECRET",
            "EGRESS_OAUTH_CLIENT_SECRET_17",
            "KEYCLOAK_M2M_CLIENT_SECRET",
            "MY_TOKEN",
        ];
        let plain = [
            "INGRESS_OAUTH_CLIENT_ID",
            "INGRESS_OAUTH_TOKEN_URL",
            "MCPAUTH_TOKENS_DIR",
            "EGRESS_OAUTH_PRIVATE_KEY_FILE_3",
            "TOKEN_EXPIRY_BUFFER",
            "TOKEN_REFRESH_INTERVAL",
        ];
        assert!(secret.into_iter().all(is_secret));
        assert!(!plain.into_iter().any(is_secret));
        assert!(
            is_known("EGRESS_OAUTH_SCOPE_12") && is_known("AWS_REGION") && !is_known("EGRESS_OAUTH_SCOPE_x")
        );
    }
}
