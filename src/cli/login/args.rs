//! The arguments of `login`. Not here: what they mean (see `login`).

use std::path::PathBuf;

use clap::Args;
use url::Url;

use crate::cli::args::{BrowserArgs, ExtraParamArgs, FromCommandArgs};
use crate::cli::ask::secret;
use crate::config::{KeyFile, name_of, usual_format};
use crate::credential::USUAL_HEADER;
use crate::error::Error;
use crate::given::secret_from;
use crate::login::{KeyRequest, KeySource, LoginRequest, Own};
use crate::oauth::Epoch;
use crate::quantity::seconds_within;
use crate::sys::address::web_url;
use crate::sys::typed_url::typed_url;
use crate::sys::{clock, paths};
use crate::text::word;

/// Log in to any MCP server by its address, and store its token
///
/// The server names its issuer (RFC 9728), and the issuer its endpoints (RFC 8414). The client is yours
/// (--client-id), the document at MCPAUTH_CLIENT_METADATA_URL if the issuer supports that (mcpauth client-metadata),
/// or one that the issuer registers (RFC 7591). A server without metadata is asked at its own origin (MCP
/// 2025-03-26). From then on the server has a name for token, headers, bridge, list and logout, and its own token,
/// which is sent only to this address. A valid token is reused, and an expired one refreshed if the issuer allows it;
/// the browser opens only if neither works.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  mcpauth login https://tools.example.com/mcp\n  \
                        mcpauth login https://tools.example.com/mcp \\\n    --client-id ID --client-secret-file -\n  \
                        mcpauth login https://tools.example.com/mcp \\\n    --client-id ID --private-key-file key.pem --client-credentials\n  \
                        pass show tools |\n    mcpauth login https://tools.example.com/mcp --with-token --header X-Api-Key\n  \
                        mcpauth login https://tools.example.com/mcp --with-token \\\n    --from-command 'op read op://Work/tools/key'\n  \
                        mcpauth list https://tools.example.com/mcp")]
pub(in crate::cli) struct LoginArgs {
    /// The MCP server's address; https where it has no scheme
    #[arg(value_name = "URL", value_parser = address)]
    url: Url,
    /// Its name, instead of its host name
    #[arg(long, visible_alias = "mcp-server-name", value_name = "NAME")]
    server_name: Option<String>,
    #[command(flatten)]
    own: OwnArgs,
    /// Request this scope instead of those the server names; repeatable
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    #[command(flatten)]
    extra: ExtraParamArgs,
    /// Discover, register and log in again, even if the stored token is valid
    #[arg(short, long)]
    pub(super) force: bool,
    #[command(flatten)]
    key: KeyEntryArgs,
    /// Log in at this one of the issuers that the server names [default: the first usable one]
    #[arg(long, value_name = "URL", value_parser = address)]
    issuer: Option<Url>,
    /// Use PKCE with S256 although the issuer does not list it
    #[arg(long)]
    assume_pkce_s256: bool,
    #[command(flatten)]
    pub(super) browser: BrowserArgs,
}

/// The first number of seconds that is a time and not a duration.
const FIRST_EPOCH: Epoch = 1_000_000_000;

/// The client that the user registered.
#[derive(Args, Debug)]
struct OwnArgs {
    /// Use this client, which is already registered
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// Read the client secret from this file, or from stdin for -
    #[arg(long, value_name = "FILE", requires = "client_id")]
    client_secret_file: Option<PathBuf>,
    /// Authenticate the client with the private key in this file (PEM, 0600: P-256, Ed25519 or RSA), which is not
    /// copied
    #[arg(long, value_name = "FILE", requires = "client_id", conflicts_with = "client_secret_file")]
    private_key_file: Option<PathBuf>,
    /// The key's id at the issuer
    #[arg(long, value_name = "ID", requires = "private_key_file")]
    key_id: Option<String>,
    /// The redirect URI that this client is registered with [default: http://127.0.0.1:8080/callback, with another
    /// path for an issuer that sends no iss in its answers (RFC 9207)]
    #[arg(long, value_name = "URI", requires = "client_id", value_parser = redirect_uri)]
    redirect_uri: Option<Url>,
    /// Get the token for the client itself, without a login; the default at an issuer that offers nothing else
    #[arg(long, requires = "client_id")]
    client_credentials: bool,
}

/// A key instead of a login.
#[derive(Args, Debug)]
struct KeyEntryArgs {
    /// Keep an API key or personal token instead: from stdin, or from a hidden question on a terminal
    ///
    /// It is tried at the server first, stored in your own store, handed out like any other credential, and never
    /// renewed.
    #[arg(long, conflicts_with_all = ["client_id", "scope", "issuer", "assume_pkce_s256", "login", "resource", "authorize_param"])]
    with_token: bool,
    /// The header that the server takes the key in
    #[arg(long, value_name = "NAME", requires = "with_token", default_value = USUAL_HEADER)]
    header: String,
    /// The header's value, with {} for the key [default: 'Bearer {}' for Authorization, else {}]
    #[arg(long, value_name = "TEXT", requires = "with_token")]
    format: Option<String>,
    /// When the key expires: a date (2027-01-31), a time (RFC 3339) or from now on (90d)
    #[arg(long, value_name = "WHEN", requires = "with_token", value_parser = expiry, conflicts_with = "from_command")]
    expires: Option<Epoch>,
    #[command(flatten)]
    from: FromCommandArgs,
}

impl LoginArgs {
    /// The key, if one is to be kept instead of a login.
    ///
    /// # Errors
    /// That of stdin or of the question.
    pub(super) fn key_request(&self) -> Result<Option<KeyRequest>, Error> {
        if !self.key.with_token {
            return match self.key.from.command()? {
                Some(_) => Err(Error::Usage {
                    message: "--from-command is about a key".into(),
                    hint: "add --with-token".into(),
                }),
                None => Ok(None),
            };
        }
        let key = match self.key.from.command()? {
            Some(command) => KeySource::Printed(command),
            None => KeySource::Entered(secret(&format!(
                "Key for {} (hidden)",
                self.url.host_str().unwrap_or_default()
            ))?),
        };
        let header = self.key.header.clone();
        Ok(Some(KeyRequest {
            url: self.url.clone(),
            name: self.name(),
            format: self.key.format.clone().unwrap_or_else(|| usual_format(&header).into()),
            header,
            key,
            expires_at: self.key.expires,
        }))
    }

    /// The server's name.
    pub(super) fn name(&self) -> String {
        self.server_name.clone().unwrap_or_else(|| name_of(&self.url))
    }

    /// The request, with its files read.
    ///
    /// # Errors
    /// The secret's file's.
    pub(super) fn request(&self) -> Result<LoginRequest, Error> {
        Ok(LoginRequest {
            url: self.url.clone(),
            name: self.name(),
            own: self.own.client()?,
            own_flags: self.own.words(),
            scope: self.scope.clone(),
            extra: self.extra.params()?,
            force: self.force,
            issuer: self.issuer.clone(),
            assume_pkce_s256: self.assume_pkce_s256,
        })
    }
}

impl OwnArgs {
    /// The client, with its files read.
    ///
    /// # Errors
    /// The secret's file's.
    fn client(&self) -> Result<Own, Error> {
        let path = |path: &PathBuf| KeyFile { path: paths::absolute(path), key_id: self.key_id.clone() };
        Ok(Own {
            id: self.client_id.clone(),
            secret: self.client_secret_file.as_deref().map(secret_from).transpose()?,
            key: self.private_key_file.as_ref().map(path),
            redirect_uri: self.redirect_uri.as_ref().map(Url::to_string),
            for_itself: self.client_credentials,
        })
    }

    /// What was typed about the client.
    fn words(&self) -> Vec<String> {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.to_string_lossy().into_owned());
        let valued = [
            ("--client-id", self.client_id.clone()),
            ("--client-secret-file", path(&self.client_secret_file)),
            ("--private-key-file", path(&self.private_key_file)),
            ("--key-id", self.key_id.clone()),
            ("--redirect-uri", self.redirect_uri.as_ref().map(Url::to_string)),
        ];
        let valued = valued.into_iter().filter_map(|(flag, value)| Some(format!("{flag} {}", word(&value?))));
        valued.chain(self.client_credentials.then(|| "--client-credentials".to_owned())).collect()
    }
}

/// It must be to the letter what is registered, so nothing is added to it.
fn redirect_uri(text: &str) -> Result<Url, String> {
    without_fragment(web_url(text).map_err(|e| e.to_string())?)
}

fn expiry(text: &str) -> Result<Epoch, String> {
    let at = clock::parse(text).or_else(|| clock::parse(&format!("{text}T00:00:00Z")));
    // Seconds since 1970, as services show them: as a duration it would be decades.
    let at = at.or_else(|| text.parse::<Epoch>().ok().filter(|at| *at >= FIRST_EPOCH));
    let later =
        || seconds_within(text, 1..=100 * 366 * 86_400).map(|length| clock::now() + length.cast_signed());
    at.map_or_else(later, Ok).map_err(|_| "neither a date (2027-01-31), a time nor a duration (90d)".into())
}

fn address(text: &str) -> Result<Url, String> {
    without_fragment(typed_url(text).map_err(|e| e.to_string())?)
}

fn without_fragment(url: Url) -> Result<Url, String> {
    if url.fragment().is_some() {
        return Err("has a fragment (#)".into());
    }
    Ok(url)
}
