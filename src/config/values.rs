//! The settings that other modules use, each parsed and typed in one place. An invalid one is an error where it is
//! used, and not elsewhere. Not here: credentials (see the files next to it).

use std::net::SocketAddr;
use std::path::Path;

use url::Url;

use crate::config::{CLIENT_METADATA_URL, Config, ConfigError, Settings};
use crate::credential::{NamedValue, Origin};
use crate::oauth::{DocumentError, document_address};
use crate::quantity::{loopback, seconds_within};
use crate::secret::Secret;
use crate::sys::http::Http;

/// The longest interval and buffer of a renewal, in seconds.
const DAY: u64 = 86_400;
/// The bridge's default address.
const BRIDGE: &str = "127.0.0.1:8191";

/// Where secrets are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageChoice {
    /// In 0600 files.
    File,
    /// In the system's keyring.
    Keyring,
    /// In the keyring if it works, else in files.
    Auto,
}

impl Config {
    /// Where secrets are stored.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`].
    pub fn storage(&self) -> Result<StorageChoice, ConfigError> {
        match self.settings.get("MCPAUTH_STORAGE") {
            None | Some("file") => Ok(StorageChoice::File),
            Some("keyring") => Ok(StorageChoice::Keyring),
            Some("auto") => Ok(StorageChoice::Auto),
            Some(_) => Err(invalid("MCPAUTH_STORAGE")("not one of file, keyring, auto".into())),
        }
    }

    /// The network client, as configured.
    pub fn http(&self) -> Http {
        Http::new(self.allow_plain).trusting(self.trust.clone())
    }

    /// Whether to open no browser.
    pub fn no_browser(&self) -> bool {
        self.settings.on("MCPAUTH_NO_BROWSER")
    }

    /// The address where the user publishes the output of `mcpauth client-metadata`, if any.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`].
    pub fn client_metadata_url(&self) -> Result<Option<Url>, ConfigError> {
        let read = |text| document_address(text).map_err(|error: DocumentError| error.to_string());
        let found = self.settings.get(CLIENT_METADATA_URL).map(read).transpose();
        found.map_err(invalid(CLIENT_METADATA_URL))
    }

    /// Where the bridge listens, on loopback.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`].
    pub fn bridge_address(&self) -> Result<SocketAddr, ConfigError> {
        const NAME: &str = "MCPAUTH_BRIDGE_LISTEN";
        loopback(self.settings.get(NAME).unwrap_or(BRIDGE)).map_err(invalid(NAME))
    }

    /// How long before its expiry a token is renewed, in seconds.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`].
    pub fn expiry_buffer(&self) -> Result<i64, ConfigError> {
        const NAME: &str = "TOKEN_EXPIRY_BUFFER";
        self.settings.get(NAME).map_or(Ok(3_600), read_buffer).map_err(invalid(NAME))
    }

    /// How long between two scans of the files, in seconds.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`].
    pub fn refresh_interval(&self) -> Result<i64, ConfigError> {
        const NAME: &str = "TOKEN_REFRESH_INTERVAL";
        self.settings.get(NAME).map_or(Ok(300), read_interval).map_err(invalid(NAME))
    }

    /// The default address of the MCP server for the test clients, as written.
    pub fn gateway_url(&self) -> Option<&str> {
        self.settings.get("GATEWAY_URL")
    }

    /// The gateway's settings file, if a variable names one.
    pub fn gateway_file(&self) -> Option<&Path> {
        self.settings.get("MCPAUTH_GATEWAY_CONFIG").map(Path::new)
    }

    /// The gateway's policy, if a variable names one.
    pub fn policy_file(&self) -> Option<&Path> {
        self.settings.get("MCPAUTH_SCOPES").map(Path::new)
    }

    /// The variables that servers may use in their headers, for a gateway without a settings file.
    pub fn header_variables(&self) -> Vec<String> {
        self.settings.get("MCPAUTH_HEADER_VARIABLES").map(words).unwrap_or_default()
    }

    /// The clients whose tokens a gateway without a settings file accepts: those of the ingress settings, and those
    /// listed for it.
    pub fn gateway_clients(&self) -> Vec<String> {
        let own: &[&str] = match self.auth_provider() {
            "keycloak" => &["KEYCLOAK_M2M_CLIENT_ID", "KEYCLOAK_CLIENT_ID"],
            "oidc" => &[],
            _ => &["INGRESS_OAUTH_CLIENT_ID"],
        };
        let names = own.iter().chain(&["MCPAUTH_GATEWAY_CLIENTS"]);
        let mut clients: Vec<String> =
            names.filter_map(|name| self.settings.get(name)).flat_map(words).collect();
        clients.dedup();
        clients
    }

    /// The audience of the tokens that such a gateway accepts. For oidc, the audience that the ingress client
    /// requests is the one in its tokens.
    pub fn gateway_audience(&self) -> Vec<String> {
        let asked = self.settings.get("INGRESS_OAUTH_AUDIENCE").filter(|_| self.auth_provider() == "oidc");
        self.settings.get("MCPAUTH_GATEWAY_AUDIENCE").or(asked).map(words).unwrap_or_default()
    }

    /// Every audience that is requested or accepted, as written.
    pub fn audiences(&self) -> Vec<&str> {
        let names = ["INGRESS_OAUTH_AUDIENCE", "MCPAUTH_GATEWAY_AUDIENCE"];
        names.into_iter().filter_map(|name| self.settings.get(name)).collect()
    }

    /// A variable with any name, for callers that may read it.
    pub fn variable(&self, name: &str) -> Option<Secret> {
        self.settings.secret(name)
    }

    /// The same as other programs see it: only from the environment.
    pub fn of_environment(&self, name: &str) -> Option<String> {
        let (value, origin) = self.settings.find(name)?;
        (origin == Origin::Environment).then(|| value.to_owned())
    }

    /// A setting by its name and origin, without its value.
    pub fn given(&self, name: &str) -> Option<NamedValue> {
        self.settings.given(name)
    }

    /// What was read and from where, for reports.
    pub fn sources(&self) -> &Settings {
        &self.settings
    }

    /// Sets a setting like a flag, for a verb that determines it.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Secret>) {
        self.settings.flag(name, value);
    }

    /// The same files read again, with the same flags and environment.
    ///
    /// # Errors
    /// As [`Config::resolve`] and [`Settings::load`].
    pub fn read_again(&self) -> Result<Self, ConfigError> {
        Self::resolve(self.settings.again()?)
    }
}

/// A time between two scans of the files, in seconds.
///
/// # Errors
/// What is accepted.
pub fn read_interval(text: &str) -> Result<i64, String> {
    within(text, 1)
}

/// A time before a token's expiry, in seconds.
///
/// # Errors
/// What is accepted.
pub fn read_buffer(text: &str) -> Result<i64, String> {
    within(text, 0)
}

fn within(text: &str, least: u64) -> Result<i64, String> {
    let seconds = seconds_within(text, least..=DAY)?;
    i64::try_from(seconds).map_err(|error| error.to_string())
}

/// Words separated by spaces or commas.
fn words(text: &str) -> Vec<String> {
    let separator = |c: char| c == ',' || c.is_whitespace();
    text.split(separator).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn invalid(variable: &str) -> impl FnOnce(String) -> ConfigError {
    move |reason| ConfigError::Invalid { variable: variable.into(), reason }
}
