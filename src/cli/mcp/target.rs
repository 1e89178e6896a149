//! Which server is meant and which credentials it gets; and the one retry with new ones. It leaves what is said to it to the
//! verbs, and what to do about its no to `explain`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use tracing::{debug, trace};
use url::Url;

use crate::cli::args::AuthArgs;
use crate::cli::flows;
use crate::cli::given::secret_from;
use crate::cli::out::Out;
use crate::client::{ClientError, McpClient};
use crate::config::{Config, ConfigError, NamedValue as Setting, Origin, Settings};
use crate::error::{Error, Exit};
use crate::oauth::{Challenge, is_sendable};
use crate::quantity::seconds_within;
use crate::render::ServerEntry;
use crate::secret::Secret;
use crate::servers::{Advice, CredentialOrigin, ServerRef, Servers, place};
use crate::session::UpstreamAuth;
use crate::sys::http::{Http, HttpError};
use crate::sys::typed_url::typed_url;
use crate::tokens::{Bearers, TokenSource, retry};
use crate::vault::VaultError;

/// The registry's scripts' own.
const DEFAULT_URL: &str = "http://localhost:8003/mcp";
const X_AUTHORIZATION: HeaderName = HeaderName::from_static("x-authorization");

/// Which server, for a verb whose first word it is, and what it is sent.
#[derive(Args, Debug)]
pub(super) struct ServerArgs {
    /// One of your servers by its name, or any server's address [default: GATEWAY_URL, else http://localhost:8003/mcp]
    #[arg(value_name = "SERVER", conflicts_with_all = ["url", "server"])]
    name: Option<ServerRef>,
    #[command(flatten)]
    target: TargetArgs,
}

/// Which server, by an option, and what it is sent.
#[derive(Args, Debug)]
pub(super) struct TargetArgs {
    /// The server's address
    #[arg(long, value_name = "URL", value_parser = address, hide = true)]
    url: Option<Url>,
    /// One of your servers, by its name
    #[arg(long, value_name = "NAME", conflicts_with = "url", hide = true)]
    server: Option<ServerRef>,
    #[command(flatten)]
    auth: AuthArgs,
    /// Send no credentials
    #[arg(long, conflicts_with_all = ["server", "token_file", "auth"])]
    no_auth: bool,
    /// Send the token in this file (0600; - for stdin) in Authorization, for the server itself
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// How long all of it may take, as in 60 or 5m
    #[arg(long, value_name = "TIME", default_value = "60", value_parser = timeout)]
    timeout: u64,
}

/// How long a call may take, in seconds.
fn timeout(text: &str) -> Result<u64, String> {
    seconds_within(text, 1..=86_400)
}

/// One server, ready to be spoken to.
pub(super) struct ServerTarget {
    pub(super) which: ServerRef,
    pub(super) source: CredentialOrigin,
    pub(super) servers: Servers,
    /// What goes along whatever the store has.
    own: HeaderMap,
    http: Http,
    within: Duration,
    out: Out,
}

impl ServerArgs {
    pub(super) fn resolve(&self, settings: Settings, out: &Out) -> Result<ServerTarget, Error> {
        let typed = self.name.as_ref();
        ServerTarget::resolve(&self.target, |_| Ok(typed.cloned()), settings, out)
    }
}

impl TargetArgs {
    /// Whether an option says which server is meant.
    pub(super) fn is_given(&self) -> bool {
        self.url.is_some() || self.server.is_some()
    }

    fn typed(&self) -> Option<ServerRef> {
        self.server.clone().or_else(|| self.url.clone().map(ServerRef::ByUrl))
    }
}

impl ServerTarget {
    /// The server that an option names, else the one that `first_word` does, else `GATEWAY_URL`'s.
    pub(super) fn resolve(
        args: &TargetArgs,
        first_word: impl FnOnce(&Servers) -> Result<Option<ServerRef>, Error>,
        settings: Settings,
        out: &Out,
    ) -> Result<Self, Error> {
        let servers = flows::servers(Config::resolve(settings)?, out)?.with(args.auth.auth);
        let typed = args.typed().map_or_else(|| first_word(&servers), |typed| Ok(Some(typed)))?;
        let settings = &servers.config.settings;
        let aimed = settings.given("GATEWAY_URL").filter(|_| typed.is_none());
        let which = match &typed {
            Some(typed) => servers.find(typed),
            None => default_server(settings)?,
        };
        let is_by_name = matches!(which, ServerRef::ByName(_));
        if is_by_name && args.no_auth {
            return Err(no_auth_by_name());
        }
        let given = settings.secret("MCP_AUTH_TOKEN").filter(|_| !is_by_name && !args.no_auth);
        let servers = servers.aimed(aimed.clone());
        let http = flows::http(&servers.config);
        // It is the gateway's as much as the stored one.
        let may_know_us = servers.may_know_us(&which);
        let given = given.filter(|_| may_know_us);
        let source = match &which {
            _ if args.no_auth => CredentialOrigin::Refused,
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
            may_go(servers.config.settings.given("MCP_AUTH_TOKEN"), &servers.places(&which))?;
            own.insert(X_AUTHORIZATION, bearer("MCP_AUTH_TOKEN", &token)?);
        }
        if let Some(path) = &args.token_file {
            may_go(Some(Setting::new("the token file", Origin::Flag)), aimed.as_slice())?;
            own.insert(AUTHORIZATION, bearer("the token file", &secret_from(path)?)?);
        }
        Ok(Self {
            which,
            source,
            own,
            http,
            servers,
            within: Duration::from_secs(args.timeout),
            out: out.clone(),
        })
    }

    /// Connects, does `work`, and ends the session; all of it once more with new tokens if the server takes the first ones
    /// no longer. A signal gives its exit code.
    pub(super) fn with<T>(
        &self,
        tool: Option<&str>,
        work: impl AsyncFn(&mut McpClient) -> Result<T, ClientError>,
    ) -> Result<Result<T, Exit>, Error> {
        let all = async {
            match tokio::time::timeout(self.within, self.twice(tool, work)).await {
                Ok(result) => result.map(Ok),
                Err(_) => Err(self.late()),
            }
        };
        match flows::until_signal(&self.out, all, Err) {
            // What gets the token is the credential's own command.
            Err(error @ Error::Vault(_)) => {
                self.out.error(&error, &self.servers.command_for(&self.which));
                Ok(Err(error.exit()))
            }
            result => result,
        }
    }

    /// Where the server is, without what a query may hide.
    pub(super) fn place(&self, client: &McpClient) -> String {
        place(&client.url)
    }

    /// What to type when it says no.
    pub(super) fn advice(&self) -> Advice<'_> {
        Advice { servers: &self.servers, which: &self.which, source: self.source }
    }

    /// This error with what to type next.
    pub(super) fn explained(&self, source: ClientError, tool: Option<&str>) -> Error {
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
            // A scope that is missing does not come with a renewal.
            let about_scope =
                |challenge: &Option<Challenge>| challenge.as_ref().is_some_and(Challenge::is_about_scope);
            if let Err(refused @ ClientError::Unauthorized(refusal)) = &result
                && !about_scope(&refusal.challenge)
                && turn.again().await?
            {
                debug!("{refused}; once more with new tokens");
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
            hint: "correct REGISTRY_URL: mcpauth config show --origin says where it comes from".into(),
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
        Error::Mcp { source: Box::new(source), hint: "give it longer with --timeout 5m, or try again".into() }
    }
}

impl TokenSource for ServerTarget {
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
            // A login whose token looks good from here would be found good again: the server's own no says more.
            Err(Error::Vault(VaultError::NeedsPerson { .. }))
                if self.servers.login_of(&self.which).is_some_and(|login| login.is_kept) =>
            {
                Ok(None)
            }
            other => other.map(|other| (other.headers != refused.headers).then(|| Arc::new(other))),
        }
    }
}

/// The server that is meant where nobody names one.
fn default_server(settings: &Settings) -> Result<ServerRef, Error> {
    let text = settings.get("GATEWAY_URL").unwrap_or(DEFAULT_URL);
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

fn address(text: &str) -> Result<Url, String> {
    typed_url(text).map_err(|error| error.to_string())
}

fn bearer(what: &str, token: &Secret) -> Result<HeaderValue, Error> {
    if !is_sendable(token) {
        return Err(Error::Usage {
            message: format!("{what} holds a control character, a line break, or a letter beyond ASCII"),
            hint: "give the token alone, on one line".into(),
        });
    }
    header(what, &Secret::new(format!("Bearer {}", token.expose())))
}

/// A header's value. What is a token is marked, so that it comes back in nothing that is printed.
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
