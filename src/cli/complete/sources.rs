//! What an argument of a verb names, and the names there are: what is configured, stored or found, without a request and without
//! the keyring. Not here: which words are offered (see `complete`).

use clap::{Arg, ArgAction};
use clap_complete::engine::CompletionCandidate;

use crate::cli::args::Global;
use crate::cli::flows;
use crate::cli::given::settings;
use crate::cli::out::Out;
use crate::config::Config;
use crate::credential::{CredentialId, CredentialKind, SERVER_URL};
use crate::deployment::VendedTokens;
use crate::error::Error;
use crate::servers::credentials as known_credentials;
use crate::servers::file_store;
use crate::sys::clock;

/// What an argument names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum NameSource {
    Servers,
    /// Servers that we are logged in to by their addresses.
    Addresses,
    Providers,
    Credentials,
    Agents,
    AgentcoreGateways,
    /// Local servers whose secrets are stored.
    SecretServers,
    /// The variables that have a secret.
    SecretVariables,
    /// Servers of any kind: exec starts them all.
    ServersAndSecretServers,
    /// Tokens of this folder's gateway, by their ids.
    VendedTokens,
    TokenOwners,
    /// What there is help on.
    Topics,
}

/// The verbs whose only word is a credential's name.
const OF_CREDENTIALS: [&str; 3] = ["token", "logout", "inspect"];
/// What `help` shows in addition to verbs.
const TOPICS: [&str; 3] = ["options", "environment", "exit-codes"];

/// What an argument of a verb names, if anything; `verb` is its whole path, as in `gateway token revoke`.
pub(in crate::cli) fn names(verb: &str, arg: &Arg) -> Option<NameSource> {
    let called = |name: &str| arg.get_value_names().is_some_and(|names| names.iter().any(|n| n == name));
    let takes_value = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    if !takes_value || !arg.get_possible_values().is_empty() {
        return None;
    }
    match (verb, arg.get_long()) {
        (_, Some("server")) => Some(NameSource::Servers),
        (_, Some("provider")) => Some(NameSource::Providers),
        ("keycloak", Some("agent-name")) => Some(NameSource::Agents),
        ("agentcore", Some("gateway-name")) => Some(NameSource::AgentcoreGateways),
        ("gateway explain", Some("token")) => Some(NameSource::Credentials),
        ("gateway token revoke", Some("owner")) => Some(NameSource::TokenOwners),
        ("gateway token revoke", None) => Some(NameSource::VendedTokens),
        ("secret set" | "secret list" | "secret remove", None) if called("SERVER") => {
            Some(NameSource::SecretServers)
        }
        ("secret set" | "secret remove", None) => Some(NameSource::SecretVariables),
        ("exec", None) if called("SERVER") => Some(NameSource::ServersAndSecretServers),
        ("login", None) => Some(NameSource::Addresses),
        ("help", None) => Some(NameSource::Topics),
        (_, None | Some(_)) if called("SERVER") => Some(NameSource::Servers),
        ("providers show", None) => Some(NameSource::Providers),
        (verb, None) if OF_CREDENTIALS.contains(&verb) => Some(NameSource::Credentials),
        _ => None,
    }
}

impl NameSource {
    /// The names there are, with the global flags typed so far; `verbs` are those that are shown.
    ///
    /// # Errors
    /// Whatever keeps the settings from being read.
    pub(super) fn candidates(
        self,
        global: &Global,
        verbs: &[String],
    ) -> Result<Vec<CompletionCandidate>, Error> {
        let out = Out::new(global).muted();
        if self == Self::Topics {
            let topics = TOPICS.iter().copied().chain(verbs.iter().map(String::as_str));
            return Ok(topics.map(|name| CompletionCandidate::new(name.to_owned())).collect());
        }
        let mut settings = settings(global, &out)?;
        // Looking into the keyring may open a window, which a key press must not do.
        settings.flag("MCPAUTH_STORAGE", "file");
        let config = Config::for_names(settings)?;
        let found = match self {
            Self::Servers => flows::servers(config, &out)?.names()?,
            Self::ServersAndSecretServers => {
                let mut all = secret_servers(&config);
                all.extend(flows::servers(config, &out)?.names()?);
                all
            }
            Self::Addresses => addresses(&config),
            Self::Providers => config.provider_names(),
            Self::Credentials => credentials(&config),
            Self::Agents => of_kind(&config, CredentialKind::Agent, |id| id.name.clone()),
            Self::AgentcoreGateways => {
                of_kind(&config, CredentialKind::AgentCore, |id| id.server_name().to_owned())
            }
            Self::SecretServers => secret_servers(&config),
            Self::SecretVariables => secret_variables(&config),
            Self::VendedTokens => vended(&config, |token| token.jti.clone())?,
            Self::TokenOwners => {
                vended(&config, |token| token.user.clone().unwrap_or_else(|| token.owner.clone()))?
            }
            Self::Topics => Vec::new(),
        };
        // One that would be read as an option is none to type.
        let names = sorted(found).into_iter().filter(|name| !name.starts_with('-'));
        Ok(names.map(CompletionCandidate::new).collect())
    }
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort_by_key(|name| name.to_lowercase());
    names.dedup_by_key(|name| name.to_lowercase());
    names
}

/// What is configured and what is stored, by server, provider or agent.
fn credentials(config: &Config) -> Vec<String> {
    let name = |id: &CredentialId| match id.kind {
        CredentialKind::Ingress => "ingress".to_owned(),
        _ => id.server.clone().unwrap_or_else(|| id.name.clone()),
    };
    let known = known_credentials::all(config, &file_store(config));
    sorted(known.iter().filter_map(|known| known.id.as_ref()).map(name).collect())
}

/// The names of one kind of credential.
fn of_kind(config: &Config, kind: CredentialKind, name: impl Fn(&CredentialId) -> String) -> Vec<String> {
    let known = known_credentials::all(config, &file_store(config));
    known.iter().filter_map(|known| known.id.as_ref()).filter(|id| id.kind == kind).map(name).collect()
}

/// The addresses that tokens and keys are stored for.
fn addresses(config: &Config) -> Vec<String> {
    let known = known_credentials::all(config, &file_store(config));
    let address = |known: &known_credentials::KnownCredential| {
        Some(known.credential()?.facts.get(SERVER_URL)?.as_str()?.to_owned())
    };
    known.iter().filter_map(address).collect()
}

fn secret_servers(config: &Config) -> Vec<String> {
    file_store(config).secret_servers().unwrap_or_default()
}

fn secret_variables(config: &Config) -> Vec<String> {
    let store = file_store(config);
    let servers = store.secret_servers().unwrap_or_default();
    servers
        .iter()
        .filter_map(|server| store.secrets(server).ok())
        .flat_map(|secrets| secrets.into_keys())
        .collect()
}

/// Of the tokens that this folder's gateway issued and that are still valid.
fn vended(
    config: &Config,
    name: impl Fn(&crate::gateway::token_ledger::LedgerEntry) -> String,
) -> Result<Vec<String>, Error> {
    let live = VendedTokens::new(None, config)?.live(clock::now())?;
    Ok(live.iter().filter(|(_, revoked)| !revoked).map(|(token, _)| name(token)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every argument that completes names, as `verb argument`.
    fn named(command: &clap::Command, path: &str, found: &mut Vec<String>) {
        for arg in command.get_arguments() {
            if let Some(names) = names(path, arg) {
                found.push(format!("{path} {} {names:?}", arg.get_id()));
            }
        }
        for command in command.get_subcommands() {
            named(command, format!("{path} {}", command.get_name()).trim_start(), found);
        }
    }

    #[test]
    fn what_names_a_thing_is_known_by_how_it_is_called() {
        let mut found = Vec::new();
        named(&crate::cli::command(), "", &mut found);
        for expected in [
            "headers name Servers",
            "headers server Servers",
            "egress provider Providers",
            "generate provider Providers",
            "providers show name Providers",
            "secret set server SecretServers",
            "secret list server SecretServers",
            "secret remove server SecretServers",
            "secret remove variable SecretVariables",
            "exec servers ServersAndSecretServers",
            "gateway token server Servers",
            "gateway token revoke ids VendedTokens",
            "gateway token revoke owner TokenOwners",
            "gateway explain token Credentials",
            "keycloak agent_name Agents",
            "agentcore gateway_name AgentcoreGateways",
            "login url Addresses",
            "help topic Topics",
        ] {
            assert!(found.iter().any(|line| line == expected), "{expected}: {found:?}");
        }
        assert!(!found.iter().any(|line| line.starts_with("call tool ")), "{found:?}");
    }

    #[test]
    fn a_verb_for_credentials_names_them() {
        let word = || Arg::new("name");
        let cases = [
            ("token", word(), Some(NameSource::Credentials)),
            ("logout", word(), Some(NameSource::Credentials)),
            ("inspect", word(), Some(NameSource::Credentials)),
            ("logout", Arg::new("all").long("all").action(ArgAction::SetTrue), None),
            ("bridge", word().value_name("SERVER"), Some(NameSource::Servers)),
            ("call", Arg::new("server").long("server"), Some(NameSource::Servers)),
            ("call", Arg::new("tool"), None),
            ("install", Arg::new("client").long("client").value_parser(["roo"]), None),
        ];
        for (verb, arg, expected) in cases {
            assert_eq!(names(verb, &arg), expected, "{verb} {arg}");
        }
    }

    #[test]
    fn credentials_are_those_configured_and_those_at_hand() {
        let root = tempfile::tempdir().unwrap();
        let (dir, own) = (root.path().join("tokens"), root.path().join("providers"));
        crate::sys::private_file::create_dir(&dir).unwrap();
        crate::sys::private_file::create_dir(&own).unwrap();
        let provider = "display_name: Acme\nissuer: https://acme.test\nclient_secret: never\n";
        crate::sys::private_file::write(&own.join("acme.yaml"), provider).unwrap();
        for name in ["ingress", "old-egress", "agent-one-token", "tracker-mine-egress"] {
            crate::sys::private_file::write(&dir.join(format!("{name}.json")), "{}").unwrap();
        }
        let settings = [
            ("MCPAUTH_TOKENS_DIR", dir.to_str().unwrap()),
            ("MCPAUTH_CONFIG_DIR", root.path().to_str().unwrap()),
            ("EGRESS_PROVIDER_NAME_1", "acme"),
            ("EGRESS_MCP_SERVER_NAME_1", "mine"),
            ("EGRESS_OAUTH_CLIENT_ID_1", "c"),
            ("EGRESS_OAUTH_REDIRECT_URI_1", "http://127.0.0.1/"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let config = Config::resolve(crate::config::Settings::of(settings)).unwrap();
        assert_eq!(credentials(&config), ["agent-one", "ingress", "mine", "old", "tracker-mine"]);
    }
}
