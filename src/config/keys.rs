//! Servers that take a key or personal token instead of OAuth: one 0600 file per server, next to those of the logins, so
//! that a server has either. Not here: the key itself (see `store`), or the command that prints it (see `vault`).

use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use url::Url;

use super::addresses::{address_id, name_of, planned};
use crate::config::{Config, ConfigError, CredentialPlan};
use crate::credential::{
    BY_ADDRESS, Credential, GrantConfig, KEY_FORMAT, KEY_HEADER, KeyConfig, NamedValue, Origin, SERVER_URL,
    SecretCommand, StoreScope, USUAL_FORMAT, USUAL_HEADER,
};
use crate::oauth::{ClientAuth, OAuthClient};
use crate::sys::private_file::Draft;
use crate::text::word;

/// The registration's member that tells it from a login's.
pub(super) const MEMBER: &str = "key";

/// How a server takes a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRegistration {
    /// The MCP server's address: the key is sent there, and nowhere else.
    pub url: Url,
    /// The header, its format, and the command that prints the key if it is not stored.
    #[serde(rename = "key")]
    pub sent: SentKey,
    /// Where it is stored.
    #[serde(skip)]
    pub scope: StoreScope,
}

/// How a key is sent, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentKey {
    /// The header.
    pub header: String,
    /// Its value, with `{}` for the key.
    pub format: String,
    /// The command that prints the key.
    #[serde(flatten)]
    pub command: Option<SecretCommand>,
}

impl KeyRegistration {
    /// The command that enters another key.
    pub fn command(&self, name: &str) -> String {
        let mut words = vec![format!("mcpauth login {}", word(self.url.as_str()))];
        if name != name_of(&self.url) {
            words.push(format!("--server-name {name}"));
        }
        words.push("--with-token".into());
        if self.sent.header != USUAL_HEADER {
            words.push(format!("--header {}", word(&self.sent.header)));
        }
        if self.sent.format != usual_format(&self.sent.header) {
            words.push(format!("--format {}", word(&self.sent.format)));
        }
        if let Some(command) = &self.sent.command {
            words.push(format!("--from-command {}", word(&command.line)));
        }
        words.join(" ")
    }
}

/// The usual value of a header: only `Authorization` has a scheme.
pub fn usual_format(header: &str) -> &'static str {
    if header.eq_ignore_ascii_case(USUAL_HEADER) { USUAL_FORMAT } else { "{}" }
}

impl Config {
    /// The credential of a server that takes a key.
    pub fn key(&self, name: &str, kept: &KeyRegistration) -> CredentialPlan {
        planned(name, kept.scope, self.key_credential(name, kept))
    }

    /// The same. A command is the user's own word: a project's file must not bring one.
    fn key_credential(&self, name: &str, kept: &KeyRegistration) -> Result<Credential, ConfigError> {
        let command = kept.command(name);
        let SentKey { header, format, command: prints } = &kept.sent;
        if prints.is_some() && (kept.scope != self.own_scope() || !self.trusts_commands()) {
            let what =
                format!("{name}: a command for a key counts only in {}", self.user_tokens_dir.display());
            return Err(ConfigError::File(what, format!("if you want that command, run: {command}")));
        }
        let facts = [(SERVER_URL, kept.url.as_str()), (KEY_HEADER, header), (KEY_FORMAT, format)];
        Ok(Credential {
            id: address_id(name, kept.scope),
            client: OAuthClient { id: String::new(), auth: ClientAuth::None },
            owner: NamedValue::new("the key", Origin::Flag),
            issuer: kept.url.origin().ascii_serialization(),
            how: GrantConfig::Key(KeyConfig {
                header: header.clone(),
                format: format.clone(),
                command: prints.clone(),
            }),
            provider_field: BY_ADDRESS.into(),
            facts: Map::from_iter(facts.map(|(name, value)| (name.to_owned(), value.into()))),
            command,
        })
    }

    /// Stores how a server takes its key, in the place of an earlier login or key.
    ///
    /// # Errors
    /// [`ConfigError`] for an invalid name, and the file's.
    pub fn keep_key_registration(&self, name: &str, kept: &KeyRegistration) -> Result<(), ConfigError> {
        let draft: Draft = self.draft_in(name, kept.scope)?;
        Ok(draft.finish(&format!("{:#}\n", json!(kept)))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Registered, Settings};
    use crate::credential::CredentialKind;

    fn config(dir: &std::path::Path) -> Config {
        let at = |name: &str| dir.join(name).to_string_lossy().into_owned();
        let mut settings = Settings::of([("MCPAUTH_DATA_DIR".to_owned(), at("data"))]);
        settings.set_project_tokens(&dir.join("project"));
        Config::resolve(settings).unwrap()
    }

    fn kept(scope: StoreScope, command: Option<&str>) -> KeyRegistration {
        KeyRegistration {
            url: Url::parse("https://tools.test/mcp").unwrap(),
            sent: SentKey {
                header: "X-Api-Key".into(),
                format: "{}".into(),
                command: command.map(|line| SecretCommand { line: line.into(), ttl: 60 }),
            },
            scope,
        }
    }

    #[test]
    fn a_key_is_the_users_and_its_command_is_never_a_projects() {
        let dir = tempfile::tempdir().unwrap();
        let config = config(dir.path());
        for command in [None, Some("pass show it's")] {
            let mine = kept(StoreScope::User, command);
            config.keep_key_registration("tools.test", &mine).unwrap();
            let Some(Registered::Key(read)) = config.registered_as("tools.test").unwrap() else { panic!() };
            assert_eq!(read, mine);
        }
        config.keep_key_registration("theirs", &kept(StoreScope::Project, Some("rm -rf x"))).unwrap();
        config.keep_key_registration("plain", &kept(StoreScope::Project, None)).unwrap();
        let planned = config.plan(&[CredentialKind::Egress], None);
        let names: Vec<&str> = planned.iter().map(|flow| flow.name.as_str()).collect();
        assert_eq!(names, ["egress mcp for tools.test", "egress mcp for plain", "egress mcp for theirs"]);
        let refused = planned[2].credential.as_ref().unwrap_err();
        assert!(refused.to_string().contains("theirs"), "{refused}");
        let command = &planned[0].credential.as_ref().unwrap().command;
        let expected = r"mcpauth login https://tools.test/mcp --with-token --header X-Api-Key --from-command 'pass show it'\''s'";
        assert_eq!(command, expected);
        assert!(planned[1].credential.is_ok());
    }

    #[test]
    fn a_file_that_was_found_moves_the_project_and_not_the_user() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        crate::sys::private_file::write(&at("found.env"), "MCPAUTH_TOKENS_DIR=tokens\n").unwrap();
        let mut settings =
            Settings::of([("MCPAUTH_DATA_DIR".to_owned(), at("data").to_string_lossy().into_owned())]);
        settings.read(&at("found.env"), crate::config::FileTrust::Named).unwrap();
        assert!(Config::resolve(settings).unwrap().is_one_store(), "the user named it");
        let config = config(dir.path());
        assert!(!config.is_one_store());
        assert_eq!(config.user_tokens_dir, at("data/credentials"));
        assert_eq!(config.scope_of(&at("data/credentials/x.json")), StoreScope::User);
        assert_eq!(config.scope_of(&at("project/x.json")), StoreScope::Project);
    }
}
