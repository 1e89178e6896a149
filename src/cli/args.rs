//! What more than one verb understands, as clap reads it. It leaves what it means to `given` and the verbs.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::config::ConfigError;
use crate::error::Error;
use crate::text::word;

pub(super) const EXIT_CODES: &str = "Exit codes: 0 all requested work done · 1 other · 2 usage or configuration · 3 some of several failed · \
                          4 a person must log in, or was refused · 5 network (try again) · 6 the MCP server answered with an error · 7 a check found something · \
                          126, 127 exec: the command does not start · 130, 143 signals";

/// What every verb understands.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Global {
    /// Read settings from this file instead of ./.env and the registry's scripts' places; repeatable, a later one wins
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub(super) env_file: Vec<PathBuf>,
    /// The same, without more trust in it than in a file that is found: for command lines that mcpauth writes
    #[arg(long, global = true, value_name = "FILE", hide = true)]
    pub(super) found_env_file: Vec<PathBuf>,
    /// Read settings from no file at all
    #[arg(long, global = true, conflicts_with_all = ["env_file", "found_env_file"], help_heading = "Global options")]
    pub(super) no_env_file: bool,
    /// Keep credentials in this folder [default: .oauth-tokens]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub(super) tokens_dir: Option<PathBuf>,
    /// The registry's server files are in this folder [default: servers, else registry/servers]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub(super) servers_dir: Option<PathBuf>,
    /// The outside services are in this file, as the MCP Gateway Registry's scripts have them
    /// [default: credentials-provider/oauth/oauth_providers.yaml, if there is one]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub(super) providers_file: Option<PathBuf>,
    /// The gateway's address [default: REGISTRY_URL]
    #[arg(long, global = true, value_name = "URL", help_heading = "Global options")]
    pub(super) registry_url: Option<String>,
    /// Where secrets go: 0600 files, the system's keyring, or the keyring if it works [default: file]
    #[arg(long, global = true, value_enum, help_heading = "Global options")]
    pub(super) storage: Option<StorageArg>,
    /// One JSON object on stdout; errors as JSON on stderr
    #[arg(long, global = true, help_heading = "Global options")]
    pub(super) json: bool,
    /// Errors only
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub(super) quiet: bool,
    /// Say more; never a secret
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Global options")]
    pub(super) verbose: u8,
    /// Colours
    #[arg(long, global = true, value_enum, default_value_t = ColorArg::Auto, help_heading = "Global options")]
    pub(super) color: ColorArg,
    /// Believe these certification authorities too (PEM), beside the system's
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub(super) ca_cert: Option<PathBuf>,
    /// Plain http to other machines is meant
    #[arg(long, global = true, help_heading = "Global options")]
    pub(super) allow_http: bool,
}

impl Global {
    /// An error about a setting by the name of the flag that gave it, where it was typed.
    pub(super) fn as_typed(&self, error: Error) -> Error {
        let flag = |variable: &str| match variable {
            "MCPAUTH_TOKENS_DIR" => self.tokens_dir.as_ref().map(|_| "--tokens-dir"),
            "MCPAUTH_SERVERS_DIR" => self.servers_dir.as_ref().map(|_| "--servers-dir"),
            "MCPAUTH_PROVIDERS_FILE" => self.providers_file.as_ref().map(|_| "--providers-file"),
            "MCPAUTH_CA_CERT" => self.ca_cert.as_ref().map(|_| "--ca-cert"),
            "REGISTRY_URL" => self.registry_url.as_ref().map(|_| "--registry-url"),
            _ => None,
        };
        match error {
            Error::Config(ConfigError::Invalid { variable, reason }) => {
                let variable = flag(&variable).map_or(variable, str::to_owned);
                ConfigError::Invalid { variable, reason }.into()
            }
            other => other,
        }
    }

    /// The flags that say where settings and tokens are and whom to believe, for a command line that means the same.
    pub(super) fn again(&self) -> Vec<String> {
        let path = |name: &str, path: &Path| format!("{name} {}", word(&path.to_string_lossy()));
        let paths = |name: &'static str, paths: &[PathBuf]| {
            paths.iter().map(|one| path(name, one)).collect::<Vec<_>>()
        };
        let switch = |name: &str, on: bool| on.then(|| name.to_owned());
        let storage = self.storage.and_then(|storage| storage.to_possible_value());
        let mut flags = paths("--env-file", &self.env_file);
        flags.extend(paths("--found-env-file", &self.found_env_file));
        flags.extend(switch("--no-env-file", self.no_env_file));
        flags.extend(self.tokens_dir.as_deref().map(|dir| path("--tokens-dir", dir)));
        flags.extend(self.servers_dir.as_deref().map(|dir| path("--servers-dir", dir)));
        flags.extend(self.providers_file.as_deref().map(|file| path("--providers-file", file)));
        flags.extend(self.registry_url.as_deref().map(|url| format!("--registry-url {}", word(url))));
        flags.extend(storage.map(|storage| format!("--storage {}", storage.get_name())));
        flags.extend(self.ca_cert.as_deref().map(|file| path("--ca-cert", file)));
        flags.extend(switch("--allow-http", self.allow_http));
        flags
    }
}

#[derive(Clone, Copy, Debug, ValueEnum, PartialEq, Eq)]
pub(super) enum StorageArg {
    Auto,
    File,
    Keyring,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum, PartialEq, Eq)]
pub(super) enum ColorArg {
    #[default]
    Auto,
    Always,
    Never,
}

/// Whether a browser is opened for a login.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct BrowserArgs {
    /// Open the browser even without a terminal
    #[arg(long, group = "login")]
    pub(super) browser: bool,
    /// Print the login address, open nothing, and wait for the answer
    #[arg(long, group = "login")]
    pub(super) no_browser: bool,
    /// Log in with a code that is entered on another device, where the provider allows it
    #[arg(long, group = "login")]
    pub(super) device: bool,
}

/// `--auth`, for the verbs that take an address.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(super) struct AuthArgs {
    /// Send the gateway's token to an address that is not below REGISTRY_URL, for this once
    #[arg(long)]
    pub(super) auth: bool,
}
