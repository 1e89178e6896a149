//! Which server is addressed and which credentials it gets, and the one retry with new ones. Not here: advice after a
//! refusal (see `explain`).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use tracing::{debug, trace};
use url::Url;

use crate::client::{ClientError, McpClient};
use crate::config::{Config, ConfigError, NamedValue as Setting, Origin};
use crate::error::Error;
use crate::given::secret_from;
use crate::oauth::{Challenge, is_sendable};
use crate::render::{CredentialPlace, ServerEntry};
use crate::secret::Secret;
use crate::servers::{Advice, CredentialOrigin, ServerRef, Servers, place};
use crate::session::UpstreamAuth;
use crate::sys::http::{Http, HttpError};
use crate::sys::typed_url::typed_url;
use crate::tokens::{Bearers, TokenSource, retry};
use crate::vault::VaultError;

/// The default of the registry's scripts.
const DEFAULT_URL: &str = "http://localhost:8003/mcp";
const X_AUTHORIZATION: HeaderName = HeaderName::from_static("x-authorization");

/// Which server to use, and what to send it.
pub(crate) struct Wanted {
    /// The server, else the one of `GATEWAY_URL`, else the scripts' own.
    pub(crate) which: Option<ServerRef>,
    /// Whether the gateway's token goes to any address.
    pub(crate) auth: bool,
    /// Whether nothing is sent.
    pub(crate) no_auth: bool,
    /// A file with a token for the server itself.
    pub(crate) token_file: Option<PathBuf>,
    /// The deadline.
    pub(crate) within: Duration,
}

/// One server, ready to use.
pub(crate) struct Target {
    pub(crate) which: ServerRef,
    /// Whether nobody named a server, so that it is the scripts' own.
    pub(super) is_default: bool,
    pub(crate) source: CredentialOrigin,
    pub(crate) servers: Servers,
    /// Headers that are sent whatever is stored.
    own: HeaderMap,
    http: Http,
    within: Duration,
}

impl Target {
    /// # Errors
    /// An invalid address, a secret that must not be sent there, or an unreadable file with one.
    pub(crate) fn resolve(wanted: &Wanted, servers: Servers) -> Result<Self, Error> {
        let config = &servers.config;
        let aimed = config.given("GATEWAY_URL").filter(|_| wanted.which.is_none());
        let which =
            wanted.which.as_ref().map_or_else(|| default_server(config), |which| Ok(servers.find(which)))?;
        let is_default = wanted.which.is_none() && config.gateway_url().is_none();
        let is_by_name = matches!(which, ServerRef::ByName(_));
        if is_by_name && wanted.no_auth {
            return Err(no_auth_by_name());
        }
        let given = config.variable("MCP_AUTH_TOKEN").filter(|_| !is_by_name && !wanted.no_auth);
        let http = config.http();
        let servers = servers.with(wanted.auth).aimed(aimed.clone());
        // It is the gateway's token as much as the stored one.
        let may_know_us = servers.may_know_us(&which);
        let given = given.filter(|_| may_know_us);
        let source = match &which {
            _ if wanted.no_auth => CredentialOrigin::Refused,
            _ if given.is_some() => CredentialOrigin::Given,
            which => servers.source_for(which),
        };
        if given.is_some() {
            servers.announce(&which, true);
        }
        let mut own = HeaderMap::new();
        let may_go = |secret: Option<Setting>, places: &[Setting]| {
            let secret = secret.unwrap_or_default();
            places.iter().try_for_each(|place| servers.config.may_go(&secret, place))
        };
        if let Some(token) = given {
            may_go(servers.config.given("MCP_AUTH_TOKEN"), &servers.places(&which))?;
            own.insert(X_AUTHORIZATION, bearer("MCP_AUTH_TOKEN", &token)?);
        }
        if let Some(path) = &wanted.token_file {
            may_go(Some(Setting::new("the token file", Origin::Flag)), aimed.as_slice())?;
            own.insert(AUTHORIZATION, bearer("the token file", &secret_from(path)?)?);
        }
        Ok(Self { which, is_default, source, own, http, servers, within: wanted.within })
    }

    /// Connects, does `work`, and ends the session; repeats all of it once with new tokens if the server rejects the
    /// first ones.
    ///
    /// # Errors
    /// The vault's errors, and the server's with advice.
    pub(crate) async fn ask<T>(
        &self,
        tool: Option<&str>,
        work: impl AsyncFn(&mut McpClient) -> Result<T, ClientError>,
    ) -> Result<T, Error> {
        let all = tokio::time::timeout(self.within, self.twice(tool, work));
        all.await.unwrap_or_else(|_| Err(self.late()))
    }

    /// Where the server is, without the query, which may contain secrets.
    pub(crate) fn place(&self, client: &McpClient) -> String {
        place(&client.url)
    }

    /// The advice after a refusal.
    pub(crate) fn advice(&self) -> Advice<'_> {
        Advice { servers: &self.servers, which: &self.which, source: self.source }
    }

    /// This error with its advice.
    pub(crate) fn explained(&self, source: ClientError, tool: Option<&str>) -> Error {
        let hint = self.hint(&source, tool);
        Error::Mcp { source: Box::new(source), hint }
    }

    async fn twice<T>(
        &self,
        tool: Option<&str>,
        work: impl AsyncFn(&mut McpClient) -> Result<T, ClientError>,
    ) -> Result<T, Error> {
        let mut turn = retry::Once::begin(self).await?;
        loop {
            let result = self.once(turn.token(), &work).await?;
            // Renewal does not add a missing scope.
            let about_scope =
                |challenge: &Option<Challenge>| challenge.as_ref().is_some_and(Challenge::is_about_scope);
            if let Err(refused @ ClientError::Unauthorized(refusal)) = &result
                && !about_scope(&refusal.challenge)
                && turn.again().await?
            {
                debug!("{refused}; retrying with new tokens");
                continue;
            }
            return result.map_err(|error| self.explained(error, tool));
        }
    }

    async fn once<T>(
        &self,
        entry: &ServerEntry,
        work: &impl AsyncFn(&mut McpClient) -> Result<T, ClientError>,
    ) -> Result<Result<T, ClientError>, Error> {
        let url = address(&entry.url).map_err(|reason| Error::Usage {
            message: format!("the server's address is {reason}"),
            hint: "correct REGISTRY_URL: mcpauth config show --origin shows where it comes from".into(),
        })?;
        let mut headers = HeaderMap::new();
        for (name, value) in &entry.headers {
            let found = HeaderName::try_from(name.as_str()).map_err(|_| unsendable(name))?;
            headers.insert(found, header(name, value)?);
        }
        headers.extend(self.own.clone());
        debug!("asking {}", place(&url));
        let within = self.servers.within(&url);
        let given = UpstreamAuth { url, headers, within, bearers: entry.bearers.clone() };
        let heard = Arc::new(|level: u8, text: &str| match level {
            1 => debug!("{text}"),
            _ => trace!("{text}"),
        });
        let mut client = match McpClient::connect(self.http.clone(), given, heard).await {
            Ok(client) => client,
            Err(error) => return Ok(Err(error)),
        };
        let result = work(&mut client).await;
        client.close().await;
        Ok(result)
    }

    fn late(&self) -> Error {
        let cause = format!("the deadline of {} s passed", self.within.as_secs());
        let source = ClientError::Http(HttpError::Lost { host: self.which.to_string(), cause });
        Error::Mcp {
            source: Box::new(source),
            hint: "allow more time with --timeout 5m, or try again".into(),
        }
    }
}

impl TokenSource for Target {
    type Token = ServerEntry;
    type No = Error;

    async fn current(&self) -> Result<Arc<ServerEntry>, Error> {
        let entry = match &self.which {
            ServerRef::ByUrl(url) if self.source != CredentialOrigin::Stored => ServerEntry {
                name: url.host_str().unwrap_or_default().into(),
                url: url.as_str().into(),
                transport: String::new(),
                headers: Vec::new(),
                bearers: Bearers::default(),
                place: CredentialPlace::default(),
            },
            which => self.servers.fresh(which).await?,
        };
        Ok(Arc::new(entry))
    }

    async fn replace(&self, refused: &ServerEntry) -> Result<Option<Arc<ServerEntry>>, Error> {
        if self.source != CredentialOrigin::Stored {
            return Ok(None);
        }
        match self.servers.renew_refused(&self.which, &refused.bearers).await {
            // A login whose token looks valid here would be reused: the server's rejection is better informed.
            Err(Error::Vault(VaultError::NeedsPerson { .. }))
                if self.servers.login_of(&self.which).is_some_and(|login| login.is_kept) =>
            {
                Ok(None)
            }
            other => other.map(|other| (other.headers != refused.headers).then(|| Arc::new(other))),
        }
    }
}

/// The server that is used where none is named.
fn default_server(config: &Config) -> Result<ServerRef, Error> {
    let text = config.gateway_url().unwrap_or(DEFAULT_URL);
    let invalid = |reason| ConfigError::Invalid { variable: "GATEWAY_URL".into(), reason };
    Ok(ServerRef::ByUrl(address(text).map_err(invalid)?))
}

fn no_auth_by_name() -> Error {
    Error::Usage {
        message: "--no-auth is for a server by its address: one by its name is asked with its credentials"
            .into(),
        hint: "give the server's address, or leave out --no-auth".into(),
    }
}

/// An address as people type it.
///
/// # Errors
/// Why it is none.
pub(crate) fn address(text: &str) -> Result<Url, String> {
    typed_url(text).map_err(|error| error.to_string())
}

fn bearer(what: &str, token: &Secret) -> Result<HeaderValue, Error> {
    if !is_sendable(token) {
        return Err(Error::Usage {
            message: format!("{what} has a control character, a line break or a non-ASCII character"),
            hint: "give only the token, on one line".into(),
        });
    }
    header(what, &Secret::new(format!("Bearer {}", token.expose())))
}

/// A header's value. Tokens are marked sensitive, so that they appear in nothing that is printed.
fn header(what: &str, value: &Secret) -> Result<HeaderValue, Error> {
    let mut header = HeaderValue::try_from(value.expose()).map_err(|_| unsendable(what))?;
    header.set_sensitive(value.expose().starts_with("Bearer "));
    Ok(header)
}

fn unsendable(what: &str) -> Error {
    Error::Usage {
        message: format!("the value of {} cannot be sent in a header", crate::text::clean(what, 60)),
        hint: "it must be one line of plain text".into(),
    }
}
