//! What can be typed after `login`. It leaves what is meant by it to `login`.

use std::path::PathBuf;

use clap::Args;
use url::Url;

use crate::cli::args::BrowserArgs;
use crate::config::{KeyFile, name_of};
use crate::error::Error;
use crate::given::secret_from;
use crate::login::{LoginRequest, Own};
use crate::sys::address::web_url;
use crate::sys::paths;
use crate::text::word;

/// Log in to any MCP server by its address alone, and keep its token
///
/// The server says whom to ask for a token (RFC 9728), that issuer how (RFC 8414). The client is yours (--client-id), or
/// described at MCPAUTH_CLIENT_METADATA_URL where the issuer reads such documents (mcpauth client-metadata), or the issuer
/// registers mcpauth (RFC 7591). A server that says nothing of itself is logged in to at its own origin (MCP 2025-03-26). The
/// server then has a name for token, headers, bridge, list and logout, and a token of its own, which goes to this address
/// and nowhere else. A token that is still good is reused, an expired one refreshed if that is allowed; only then the
/// browser opens.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  mcpauth login https://tools.example.com/mcp\n  \
                        mcpauth login https://tools.example.com/mcp --client-id ID --client-secret-file -\n  \
                        mcpauth login https://tools.example.com/mcp --client-id ID --private-key-file key.pem --client-credentials\n  \
                        mcpauth list --url https://tools.example.com/mcp")]
pub(in crate::cli) struct LoginArgs {
    /// The MCP server's address
    #[arg(value_parser = address)]
    url: Url,
    /// Call it so, and not by its host's name
    #[arg(long, visible_alias = "mcp-server-name", value_name = "NAME")]
    server_name: Option<String>,
    #[command(flatten)]
    own: OwnArgs,
    /// Ask for this scope, and not for those the server names; repeatable
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// Find out everything, register and log in again, even if there is a good token
    #[arg(short, long)]
    force: bool,
    /// Log in at this issuer, of those that the server names [default: the first that can be used]
    #[arg(long, value_name = "URL", value_parser = address)]
    issuer: Option<Url>,
    /// The issuer does PKCE with S256 though it does not say so
    #[arg(long)]
    assume_pkce_s256: bool,
    #[command(flatten)]
    pub(super) browser: BrowserArgs,
}

/// The client that a person registered.
#[derive(Args, Debug)]
struct OwnArgs {
    /// Be this client, which is registered already
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// Read the client secret from this file, or from stdin for -
    #[arg(long, value_name = "FILE", requires = "client_id")]
    client_secret_file: Option<PathBuf>,
    /// Prove who the client is with the private key in this file (PEM, 0600: P-256, Ed25519 or RSA), which stays where it is
    #[arg(long, value_name = "FILE", requires = "client_id", conflicts_with = "client_secret_file")]
    private_key_file: Option<PathBuf>,
    /// What the issuer calls this key
    #[arg(long, value_name = "ID", requires = "private_key_file")]
    key_id: Option<String>,
    /// The redirect URI that this client is registered with [default: http://127.0.0.1:8080/callback, with a path of its own for an issuer that does not name itself in its answers (RFC 9207)]
    #[arg(long, value_name = "URI", requires = "client_id", value_parser = address)]
    redirect_uri: Option<Url>,
    /// Get the token for the client itself, without a person; so it is by itself at an issuer that has no other way
    #[arg(long, requires = "client_id")]
    client_credentials: bool,
}

impl LoginArgs {
    /// What is wanted, its files read.
    ///
    /// # Errors
    /// The secret's file's.
    pub(super) fn request(&self) -> Result<LoginRequest, Error> {
        Ok(LoginRequest {
            url: self.url.clone(),
            name: self.server_name.clone().unwrap_or_else(|| name_of(&self.url)),
            own: self.own.client()?,
            own_flags: self.own.words(),
            scope: self.scope.clone(),
            force: self.force,
            issuer: self.issuer.clone(),
            assume_pkce_s256: self.assume_pkce_s256,
        })
    }
}

impl OwnArgs {
    /// The client, its files read.
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

    /// What was typed of it.
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

fn address(text: &str) -> Result<Url, String> {
    let url = web_url(text).map_err(|e| e.to_string())?;
    if url.fragment().is_some() {
        return Err("has a fragment (#)".into());
    }
    Ok(url)
}
