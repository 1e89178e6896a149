//! Every variable there is, with what it means and what it decides: for `config show`, for the reference, to know a
//! secret by its name, and to know what a file that was only found may say. Not here: reading them (see `settings`).

use std::sync::LazyLock;

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

/// Variables that the libraries below us read from the environment, in either case: they belong to the machine as
/// well.
const OF_THE_MACHINE: [&str; 6] =
    ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/// All variables, in the order in which a person sets them up: see `variables.txt`.
pub static VARIABLES: LazyLock<Vec<VariableSpec>> =
    LazyLock::new(|| rows().filter_map(VariableSpec::read).collect());

fn rows() -> impl Iterator<Item = &'static str> {
    include_str!("variables.txt").lines().filter(|line| !line.starts_with('#'))
}

impl VariableSpec {
    fn read(row: &'static str) -> Option<Self> {
        let mut parts = row.splitn(4, '|').map(str::trim);
        let role = match parts.next()? {
            "plain" => Role::Plain,
            "place" => Role::Place,
            "inside" => Role::Inside,
            "machine" => Role::Machine,
            _ => return None,
        };
        Some(Self { role, name: parts.next()?, default: parts.next()?, about: parts.next()? })
    }
}

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
        assert_eq!(VARIABLES.len(), rows().count(), "every row is read");
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
        for variable in VARIABLES.iter() {
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
