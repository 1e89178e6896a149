//! Why a setting cannot be used, and what to do about it. Not here: finding that out (see the files next to it).

use std::path::PathBuf;

use thiserror::Error;

use crate::credential::NamedValue;
use crate::provider::ProviderError;
use crate::sys::private_file::FileError;

/// Why a setting is not usable.
#[derive(Clone, Debug, Error)]
pub enum ConfigError {
    /// A secret would be sent where a source says that is trusted less than the secret's own.
    #[error(
        "{} ({}) would be sent where {} says, but that comes from {}, a file that was only found here",
        .secret.name, .secret.origin, .place.name, .place.origin
    )]
    Provenance {
        /// The secret, or the token.
        secret: Box<NamedValue>,
        /// What decides where it is sent.
        place: Box<NamedValue>,
        /// The command that confirms that this is intended.
        command: String,
    },
    /// A file that was only found leads out of its folder.
    #[error("{name} leads to {}, out of the folder in which {} was only found", .path.display(), .place.origin)]
    Outside {
        /// What leads there.
        name: &'static str,
        /// Where it leads.
        path: PathBuf,
        /// The file that was found.
        place: Box<NamedValue>,
        /// The command that confirms that this is intended.
        command: String,
    },
    /// A named file that does not exist or is not text.
    #[error("{path}: {cause}")]
    EnvFile {
        /// The file.
        path: String,
        /// The cause.
        cause: String,
    },
    /// A partly configured flow.
    #[error("{what} is missing {}", listed(.variables))]
    Missing {
        /// What is incomplete.
        what: String,
        /// What to set.
        variables: Vec<String>,
    },
    /// An invalid value.
    #[error("{variable}: {reason}")]
    Invalid {
        /// The variable or flag.
        variable: String,
        /// What is wrong; never the value of a secret.
        reason: String,
    },
    /// A provider's fault.
    #[error("{0}")]
    Provider(#[from] ProviderError),
    /// A file's fault.
    #[error("{0}")]
    File(String, String),
    /// Two sets would share a file.
    #[error("{what} would overwrite {file}, which belongs to {other}")]
    SameFile {
        /// The later set.
        what: String,
        /// The file.
        file: String,
        /// The earlier set.
        other: String,
        /// The variable that tells them apart.
        variable: String,
    },
    /// Something is behind the gateway, whose address is not set.
    #[error("REGISTRY_URL, the gateway's address, is not set, and {0} is behind the gateway")]
    NoGateway(String),
    /// A numbered set, or a provider's, that was requested and does not exist, while others do.
    #[error("there is no {what}")]
    NoSet {
        /// What was asked for.
        what: String,
        /// Those that are set up.
        there: Vec<String>,
        /// The variables of a new one.
        variables: Vec<String>,
    },
    /// Nothing to do.
    #[error("{0} is not configured")]
    NotConfigured(&'static str),
    /// Nothing to do at all.
    #[error("nothing is configured")]
    NothingConfigured,
}

impl ConfigError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Provenance { command, .. } | Self::Outside { command, .. } => {
                format!("if you trust that file, name it: {command}")
            }
            Self::EnvFile { .. } => "name a readable file with --env-file".into(),
            Self::Missing { what, variables } => {
                let names = listed(variables);
                // An agent's own file is the only place for its settings, and `configure` does not support AgentCore
                // gateways.
                match variables.first().map(String::as_str).unwrap_or_default() {
                    first if first.contains(|c: char| c.is_ascii_lowercase()) => format!("write {names} into {what}"),
                    first if first.starts_with("AGENTCORE_") => format!("set {names} in .env or the environment"),
                    _ => format!("set {names} in .env or the environment, or run: mcpauth configure"),
                }
            }
            Self::NoSet { there, variables, .. } => {
                format!("there are: {}; to add one, set {} in .env or the environment", there.join(", "), variables.join(", "))
            }
            Self::Invalid { variable, .. } if variable.starts_with('-') => format!("correct {variable}, or remove it"),
            Self::Invalid { variable, .. } => format!("see where it comes from with: mcpauth config show --origin, and correct {variable}"),
            Self::Provider(ProviderError::Unknown(_)) => "list the providers with: mcpauth providers list".into(),
            Self::Provider(ProviderError::Unreadable { .. }) => "correct the file, then run: mcpauth providers check".into(),
            Self::Provider(ProviderError::Variable { setting, .. }) => format!("set {setting} in .env or the environment"),
            Self::File(_, hint) => hint.clone(),
            Self::SameFile { variable, .. } => format!("choose another name: set {variable}"),
            Self::NoGateway(_) => {
                "add --registry-url https://YOUR-GATEWAY to the command, or set REGISTRY_URL in .env or the environment".into()
            }
            Self::NotConfigured("ingress") => {
                "set INGRESS_OAUTH_USER_POOL_ID, INGRESS_OAUTH_CLIENT_ID and INGRESS_OAUTH_CLIENT_SECRET (or AUTH_PROVIDER=keycloak or \
                 oidc and its variables), or run: mcpauth configure"
                    .into()
            }
            Self::NotConfigured("egress") => {
                "set EGRESS_PROVIDER_NAME_1, EGRESS_OAUTH_CLIENT_ID_1, EGRESS_OAUTH_CLIENT_SECRET_1 and EGRESS_OAUTH_REDIRECT_URI_1, \
                 or run: mcpauth configure"
                    .into()
            }
            Self::NotConfigured("agentcore") => {
                "set AGENTCORE_CLIENT_ID_1, AGENTCORE_CLIENT_SECRET_1 and COGNITO_USER_POOL_ID or COGNITO_DOMAIN".into()
            }
            Self::NotConfigured("a gateway") => {
                "write gateway.yaml (mcpauth gateway schema prints its schema), name another file with --config, or set the ingress \
                 settings with: mcpauth configure; to see a gateway at work, run: mcpauth demo"
                    .into()
            }
            Self::NotConfigured("keycloak") => "put an agent-NAME.json with client_id and client_secret into the tokens directory".into(),
            Self::NotConfigured(_) | Self::NothingConfigured => "try it without an account: mcpauth demo; then set it up with: mcpauth configure".into(),
        }
    }
}

/// Names as a sentence lists them: `A, B and C`.
fn listed(names: &[String]) -> String {
    match names.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        _ => names.concat(),
    }
}

impl From<FileError> for ConfigError {
    fn from(error: FileError) -> Self {
        Self::File(error.to_string(), error.hint())
    }
}
