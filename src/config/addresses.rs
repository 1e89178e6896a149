//! Servers that are known by their address: their names, the ids of their credentials, and the command that logs in. Not
//! here: what is stored about them (see `registered` and `keys`).

use url::Url;

use crate::config::{ConfigError, CredentialPlan};
use crate::credential::{BY_ADDRESS, Credential, CredentialId, CredentialKind, StoreScope};
use crate::text::word;

/// The default name of a server: its host name.
pub fn name_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let fit = |c: char| if c.is_ascii_alphanumeric() || "-.".contains(c) { c } else { '-' };
    host.chars().map(fit).collect::<String>().trim_matches(['-', '.']).chars().take(100).collect()
}

/// The command that logs in at a server.
pub fn login_command(url: &Url, name: &str) -> String {
    let address = word(url.as_str());
    let own = if name == name_of(url) { String::new() } else { format!(" --server-name {name}") };
    format!("mcpauth login {address}{own}")
}

pub(super) fn planned(
    name: &str,
    scope: StoreScope,
    credential: Result<Credential, ConfigError>,
) -> CredentialPlan {
    let name = address_id(name, scope).to_string();
    CredentialPlan { kind: CredentialKind::Egress, name, set: None, scope, credential }
}

/// The id of a server's credential.
pub fn address_id(name: &str, scope: StoreScope) -> CredentialId {
    CredentialId::new(CredentialKind::Egress, BY_ADDRESS, Some(name)).in_scope(scope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_goes_by_its_host_and_its_command_can_be_pasted() {
        let cases = [
            ("https://tools.test/mcp", "tools.test", "mcpauth login https://tools.test/mcp"),
            ("http://[::1]:9/mcp", "1", "mcpauth login 'http://[::1]:9/mcp'"),
            ("https://a.test/?k=$(x)&y='", "a.test", "mcpauth login 'https://a.test/?k=$(x)&y=%27'"),
        ];
        for (text, name, command) in cases {
            let url = Url::parse(text).unwrap();
            assert_eq!((name_of(&url).as_str(), login_command(&url, name).as_str()), (name, command));
        }
        assert_eq!(
            login_command(&Url::parse("https://a.test/").unwrap(), "b"),
            "mcpauth login https://a.test/ --server-name b"
        );
    }
}
