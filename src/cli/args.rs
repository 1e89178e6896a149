//! Arguments that several verbs share, as clap reads them. Not here: what they mean (see `given` and the verbs).

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};

use crate::config::{ConfigError, ExtraParams};
use crate::credential::{SecretCommand, USUAL_TTL};
use crate::error::Error;
use crate::quantity::seconds;
use crate::render::{AuthMode, TARGETS};
use crate::text::word;

pub(super) const EXIT_CODES: &str = "Exit codes: 0 all requested work done · 1 other · 2 usage or configuration · 3 some of several failed · \
                          4 login needed or denied · 5 network (try again) · 6 the MCP server answered with an error · 7 check failed · \
                          126, 127 exec: the command cannot start · 130, 143 signals";

/// The global options.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Global {
    /// Read settings from this file instead of ./.env and the locations of the registry's scripts; repeatable, later
    /// files win
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub(super) env_file: Vec<PathBuf>,
    /// The same, but trusted no more than a found file: for command lines that mcpauth writes
    #[arg(long, global = true, value_name = "FILE", hide = true)]
    pub(super) found_env_file: Vec<PathBuf>,
    /// Read no settings files
    #[arg(long, global = true, conflicts_with_all = ["env_file", "found_env_file"], help_heading = "Global options")]
    pub(super) no_env_file: bool,
    /// Store all credentials in this folder [default: the project's in .oauth-tokens, your own in your data folder]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub(super) tokens_dir: Option<PathBuf>,
    /// The project's folder of credentials, trusted no more than the project: for command lines that mcpauth writes
    #[arg(long, global = true, value_name = "DIR", hide = true, conflicts_with = "tokens_dir")]
    pub(super) found_tokens_dir: Option<PathBuf>,
    /// The folder with the registry's server files [default: servers, else registry/servers]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub(super) servers_dir: Option<PathBuf>,
    /// The file of outside services, in the format of the MCP Gateway Registry's scripts [default:
    /// credentials-provider/oauth/oauth_providers.yaml, if it exists]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub(super) providers_file: Option<PathBuf>,
    /// The gateway's address [default: REGISTRY_URL]
    #[arg(long, global = true, value_name = "URL", help_heading = "Global options")]
    pub(super) registry_url: Option<String>,
    /// Where secrets are stored: 0600 files, the system keyring, or the keyring if it works [default: file]
    #[arg(long, global = true, value_parser = ["auto", "file", "keyring"], help_heading = "Global options")]
    pub(super) storage: Option<String>,
    /// Print one JSON object on stdout, and errors as JSON on stderr
    #[arg(long, global = true, help_heading = "Global options")]
    pub(super) json: bool,
    /// Print only errors
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub(super) quiet: bool,
    /// More output: -v each HTTP exchange, -vv its headers too; never secrets
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    pub(super) verbose: u8,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = ColorArg::Auto, help_heading = "Global options")]
    pub(super) color: ColorArg,
    /// Trust these additional CA certificates (PEM)
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub(super) ca_cert: Option<PathBuf>,
    /// Allow plain HTTP to non-loopback hosts
    #[arg(long, global = true, help_heading = "Global options")]
    pub(super) allow_http: bool,
}

/// The global options that are settings: the flag, the setting, and how it was typed.
type SettingFlag = (&'static str, &'static str, fn(&Global) -> Option<String>);
const SETTING_FLAGS: [SettingFlag; 6] = [
    ("--tokens-dir", "MCPAUTH_TOKENS_DIR", |global| typed(global.tokens_dir.as_ref())),
    ("--servers-dir", "MCPAUTH_SERVERS_DIR", |global| typed(global.servers_dir.as_ref())),
    ("--providers-file", "MCPAUTH_PROVIDERS_FILE", |global| typed(global.providers_file.as_ref())),
    ("--registry-url", "REGISTRY_URL", |global| global.registry_url.clone()),
    ("--storage", "MCPAUTH_STORAGE", |global| global.storage.clone()),
    ("--ca-cert", "MCPAUTH_CA_CERT", |global| typed(global.ca_cert.as_ref())),
];

fn typed(path: Option<&PathBuf>) -> Option<String> {
    path.map(|path| path.to_string_lossy().into_owned())
}

impl Global {
    /// The settings that were typed as flags.
    pub(super) fn settings(&self) -> impl Iterator<Item = (&'static str, String)> {
        SETTING_FLAGS.into_iter().filter_map(|(_, setting, value)| Some((setting, value(self)?)))
    }

    /// An error about a setting, under the name of the flag that gave it.
    pub(super) fn as_typed(&self, error: Error) -> Error {
        let flag = |variable: &str| {
            let mut flags = SETTING_FLAGS.iter();
            flags.find(|(_, setting, value)| *setting == variable && value(self).is_some())
        };
        match error {
            Error::Config(ConfigError::Invalid { variable, reason }) => {
                let variable = flag(&variable).map_or(variable, |(flag, ..)| (*flag).to_owned());
                ConfigError::Invalid { variable, reason }.into()
            }
            other => other,
        }
    }

    /// The flags that locate settings and tokens and say what to trust, for a command line that means the same.
    pub(super) fn again(&self) -> Vec<String> {
        let valued = |name: &str, value: &str| format!("{name} {}", word(value));
        let paths = |name: &'static str, paths: &[PathBuf]| {
            paths.iter().map(|path| valued(name, &path.to_string_lossy())).collect::<Vec<_>>()
        };
        let switch = |name: &str, on: bool| on.then(|| name.to_owned());
        let settings = SETTING_FLAGS.iter();
        let mut flags = paths("--env-file", &self.env_file);
        flags.extend(paths("--found-env-file", &self.found_env_file));
        flags.extend(switch("--no-env-file", self.no_env_file));
        flags.extend(paths("--found-tokens-dir", self.found_tokens_dir.as_slice()));
        flags.extend(settings.filter_map(|(flag, _, value)| Some(valued(flag, &value(self)?))));
        flags.extend(switch("--allow-http", self.allow_http));
        flags
    }
}

#[derive(Clone, Copy, Debug, Default, ValueEnum, PartialEq, Eq)]
pub(super) enum ColorArg {
    #[default]
    Auto,
    Always,
    Never,
}

/// The words for clients.
pub(in crate::cli) fn client_names() -> PossibleValuesParser {
    PossibleValuesParser::new(TARGETS.iter().map(|target| target.client))
}

/// The words for auth modes.
pub(in crate::cli) fn auth_modes() -> PossibleValuesParser {
    PossibleValuesParser::new(AuthMode::ALL.map(AuthMode::name))
}

/// Whether to open a browser for a login.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct BrowserArgs {
    /// Open the browser even without a terminal
    #[arg(long, group = "login")]
    pub(super) browser: bool,
    /// Print the login address instead of opening the browser
    #[arg(long, group = "login")]
    pub(super) no_browser: bool,
    /// Log in with a code entered on another device, if the provider supports it
    #[arg(long, group = "login")]
    pub(super) device: bool,
}

/// A command instead of a secret.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct FromCommandArgs {
    /// Store this command instead of a secret: it is run in your shell when the secret is needed, and must print it
    /// within 10 s
    #[arg(long, value_name = "COMMAND")]
    from_command: Option<String>,
    /// How long a process remembers what the command printed [default: 5m]
    #[arg(long, value_name = "TIME", requires = "from_command", value_parser = seconds)]
    ttl: Option<u64>,
}

impl FromCommandArgs {
    /// The command, if one was given.
    pub(super) fn command(&self) -> Result<Option<SecretCommand>, Error> {
        let Some(line) = &self.from_command else { return Ok(None) };
        if line.trim().is_empty() {
            let hint = "for example: --from-command 'op read op://Work/tools/key'".into();
            return Err(Error::Usage { message: "--from-command is empty".into(), hint });
        }
        Ok(Some(SecretCommand { line: line.clone(), ttl: self.ttl.unwrap_or(USUAL_TTL) }))
    }
}

/// `--auth`, for verbs that take an address.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(super) struct AuthArgs {
    /// Send the gateway's token even to an address that is not below REGISTRY_URL
    #[arg(long)]
    pub(super) auth: bool,
}

/// Parameters that some issuers want besides those of the protocol.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct ExtraParamArgs {
    /// Request tokens for this resource instead of the one that the server names (RFC 8707)
    #[arg(long, value_name = "URL")]
    resource: Option<String>,
    /// Add this parameter to the authorization request; repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = authorize_param)]
    authorize_param: Vec<(String, String)>,
}

/// What a login sets itself, for each request again.
const OWN_PARAMS: [&str; 6] =
    ["client_id", "redirect_uri", "response_type", "state", "code_challenge", "code_challenge_method"];

fn authorize_param(text: &str) -> Result<(String, String), String> {
    let (name, value) =
        text.split_once('=').ok_or("not of the form NAME=VALUE, as in audience=https://api.test")?;
    let name = name.trim();
    if name.is_empty() || OWN_PARAMS.contains(&name) {
        return Err(format!("{name:?} cannot be set: the login sets it itself"));
    }
    Ok((name.into(), value.into()))
}

impl ExtraParamArgs {
    /// The parameters.
    ///
    /// # Errors
    /// A resource that is not an absolute URI.
    pub(super) fn params(&self) -> Result<ExtraParams, Error> {
        // mcp-remote takes an empty one for none.
        let resource = self.resource.as_deref().map(str::trim).filter(|text| !text.is_empty());
        if resource.is_some_and(|text| url::Url::parse(text).is_err()) {
            return Err(Error::Usage {
                message: "--resource is not an absolute URI".into(),
                hint: "for example: --resource https://tools.example.com/mcp".into(),
            });
        }
        Ok(ExtraParams {
            resource: resource.map(str::to_owned),
            authorize: self.authorize_param.iter().cloned().collect(),
        })
    }
}
