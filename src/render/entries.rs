//! The only place that builds headers: which servers a client gets, with which URL and headers. Not here: how a
//! client writes that (see `targets`).

use url::Url;

use super::RenderError;
use crate::registry::{RegisteredServer, Transport};
use crate::secret::Secret;
use crate::sys::http::is_loopback;
use crate::sys::place;
use crate::text::is_all_plain;
use crate::tokens::Bearers;

/// One server, as a client needs it.
#[derive(Clone, Debug)]
pub struct ServerEntry {
    /// Its key.
    pub name: String,
    /// Its address at the gateway.
    pub url: String,
    /// `streamable-http` or `sse`.
    pub transport: String,
    /// Name and value, in order.
    pub headers: Vec<(String, Secret)>,
    /// The tokens in those headers.
    pub bearers: Bearers,
    /// Where its credential is.
    pub place: CredentialPlace,
}

/// Where a server's credential is, as far as its client's entry depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CredentialPlace {
    /// In the user's own store, which is the same from every folder, and not in the project's.
    pub is_users: bool,
    /// Nowhere: a command of the user's prints it when it is needed, so it must not be in a file.
    pub is_printed: bool,
}

/// Our identity at the gateway. The gateway reads `X-Authorization` itself and passes `Authorization` on to the
/// server.
#[derive(Clone, Debug)]
pub enum GatewayIdentity {
    /// A Cognito user pool's client.
    Cognito {
        /// The gateway's token.
        access_token: Secret,
        /// `X-User-Pool-Id`.
        user_pool_id: String,
        /// `X-Client-Id`.
        client_id: String,
        /// `X-Region`.
        region: String,
    },
    /// A Keycloak realm's client.
    Keycloak {
        /// The gateway's token.
        access_token: Secret,
        /// `X-Client-Id`.
        client_id: String,
        /// `X-Keycloak-Realm`.
        realm: String,
        /// `X-Keycloak-URL`.
        url: String,
    },
    /// Any other issuer's client.
    Oidc {
        /// The gateway's token.
        access_token: Secret,
        /// `X-Client-Id`.
        client_id: String,
    },
    /// An agent's own account: identified only by its token.
    Agent {
        /// The gateway's token.
        access_token: Secret,
    },
}

/// A credential for a service behind the gateway.
#[derive(Clone, Debug)]
pub struct EgressToken {
    /// The server's name, else the provider's.
    pub name: String,
    /// The token for the service.
    pub access_token: Secret,
    /// The server's own address, if the credential is for it and not for a service behind the gateway.
    pub url: Option<String>,
    /// What follows the name in the URL.
    pub gateway_suffix: String,
    /// The header that names the chosen site, and the site's id.
    pub site: Option<(String, String)>,
    /// The header that it is sent in, and that header's value with `{}` for the token.
    pub header: (String, String),
    /// Where it is.
    pub place: CredentialPlace,
}

/// Whether tokens may be sent to another machine without encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainHttp {
    /// The user allowed it.
    Allowed,
    /// The default.
    Refused,
}

impl GatewayIdentity {
    fn access_token(&self) -> &Secret {
        match self {
            Self::Cognito { access_token, .. }
            | Self::Keycloak { access_token, .. }
            | Self::Oidc { access_token, .. }
            | Self::Agent { access_token } => access_token,
        }
    }

    fn headers(&self) -> Vec<(String, Secret)> {
        let text = |name: &str, value: &str| (name.to_owned(), Secret::new(value));
        match self {
            Self::Cognito { access_token, user_pool_id, client_id, region } => vec![
                bearer("X-Authorization", access_token),
                text("X-User-Pool-Id", user_pool_id),
                text("X-Client-Id", client_id),
                text("X-Region", region),
            ],
            Self::Keycloak { access_token, client_id, realm, url } => vec![
                bearer("X-Authorization", access_token),
                text("X-Client-Id", client_id),
                text("X-Keycloak-Realm", realm),
                text("X-Keycloak-URL", url),
            ],
            Self::Oidc { access_token, client_id } => {
                vec![bearer("X-Authorization", access_token), text("X-Client-Id", client_id)]
            }
            Self::Agent { access_token } => vec![bearer("X-Authorization", access_token)],
        }
    }
}

/// Every server for a client: first those with their own credential, then those that need none. Names are compared as
/// clients do, case-insensitively; of two with one name the first stays, so that a server without a credential never
/// replaces one with. Without a gateway's address, servers behind it are left out ([`behind_gateway`]).
///
/// # Errors
/// [`RenderError::Header`] for an invalid header, [`RenderError::Plain`] and [`RenderError::Url`] for an address that
/// must not get a token.
pub fn entries(
    registry_url: Option<&str>,
    identity: Option<&GatewayIdentity>,
    egress: &[EgressToken],
    servers: &[&RegisteredServer],
    suffix_of: &dyn Fn(&str) -> String,
    plain: PlainHttp,
) -> Result<Vec<ServerEntry>, RenderError> {
    let base = registry_url.map(|url| url.trim_end_matches('/'));
    let ours = identity.map(GatewayIdentity::headers).unwrap_or_default();
    let gateway_token = identity.map(GatewayIdentity::access_token);
    let with_credential = egress.iter().filter_map(|credential| {
        let (place, (header, format)) = (credential.place, &credential.header);
        let own = Some((header.clone(), value(&credential.access_token, format)));
        let mut headers: Vec<_> = own.filter(|_| !place.is_printed).into_iter().collect();
        let mut bearers = Bearers { server: Some(credential.access_token.clone()), gateway: None };
        // Our identity at the gateway must not reach other servers.
        if let Some(url) = &credential.url {
            let name = credential.name.clone();
            let transport = spoken(Transport::StreamableHttp);
            return Some(ServerEntry { name, url: url.clone(), transport, headers, bearers, place });
        }
        let base = base?;
        headers.extend(credential.site.iter().map(|(name, id)| (name.clone(), Secret::new(id.as_str()))));
        headers.extend(ours.iter().cloned());
        bearers.gateway = gateway_token.cloned();
        let name = credential.name.trim_matches('/').to_owned();
        let url = format!("{base}/{name}{}", credential.gateway_suffix);
        let transport = spoken(Transport::StreamableHttp);
        Some(ServerEntry { name, url, transport, headers, bearers, place })
    });
    let without = servers.iter().filter_map(|server| {
        let base = base?;
        let name = server.name.clone();
        // We add the slash: a path that began with `@` or `.` would otherwise change the registry's host.
        let suffix = match server.append_mcp_path {
            Some(true) => "/mcp".to_owned(),
            Some(false) => String::new(),
            None => suffix_of(&name),
        };
        let url = format!("{base}/{name}{suffix}");
        // Below a server with both transports, `mcp` is streamable HTTP whichever of them it lists first.
        let is_mcp = url.ends_with("/mcp") && server.transports.contains(&Transport::StreamableHttp);
        let first = server.transports.first().filter(|_| !is_mcp);
        let transport = spoken(first.copied().unwrap_or(Transport::StreamableHttp));
        let bearers = Bearers { gateway: gateway_token.cloned(), server: None };
        let (headers, place) = (ours.clone(), CredentialPlace::default());
        Some(ServerEntry { name, url, transport, headers, bearers, place })
    });
    let gateway = base.and_then(|base| Url::parse(base).ok());
    let direct =
        |entry: &ServerEntry| egress.iter().any(|one| one.url.as_deref() == Some(entry.url.as_str()));
    let mut all: Vec<ServerEntry> = Vec::new();
    for entry in with_credential.chain(without) {
        if !all.iter().any(|known| known.name.to_lowercase() == entry.name.to_lowercase()) {
            check(&entry, plain)?;
            if !direct(&entry) {
                check_below(&entry, gateway.as_ref())?;
            }
            all.push(entry);
        }
    }
    Ok(all)
}

/// The names of the servers whose entries use the gateway's address.
pub fn behind_gateway(egress: &[EgressToken], servers: &[&RegisteredServer]) -> Vec<String> {
    let own = egress.iter().filter(|credential| credential.url.is_none()).map(|credential| &credential.name);
    let paths = own.chain(servers.iter().map(|server| &server.name));
    paths.map(|path| path.trim_matches('/').to_owned()).collect()
}

/// A server of which only the address is known; it gets our identity if that is given.
///
/// # Errors
/// As for [`entries`].
pub fn entry_at(
    url: &Url,
    identity: Option<&GatewayIdentity>,
    plain: PlainHttp,
) -> Result<ServerEntry, RenderError> {
    let entry = ServerEntry {
        name: url.host_str().unwrap_or_default().into(),
        url: url.as_str().into(),
        transport: spoken(Transport::StreamableHttp),
        headers: identity.map(GatewayIdentity::headers).unwrap_or_default(),
        bearers: Bearers { gateway: identity.map(GatewayIdentity::access_token).cloned(), server: None },
        place: CredentialPlace::default(),
    };
    check(&entry, plain)?;
    Ok(entry)
}

/// The environment variable for a server's header: `MCPAUTH_FININFO_X_AUTHORIZATION`.
pub fn variable(server: &str, header: &str) -> String {
    let word = |text: &str| {
        let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        text.chars().map(letter).collect::<String>()
    };
    format!("MCPAUTH_{}_{}", word(server), word(header))
}

fn spoken(transport: Transport) -> String {
    transport.name().to_owned()
}

fn bearer(name: &str, token: &Secret) -> (String, Secret) {
    (name.to_owned(), value(token, "Bearer {}"))
}

/// A header's value; empty without a token.
fn value(token: &Secret, format: &str) -> Secret {
    if token.is_empty() { Secret::default() } else { token.within(format) }
}

/// What no name may contain: variables of clients and shells, ends of a path, other slashes.
const MEANT_OTHERWISE: [char; 12] = ['$', '{', '}', '`', '"', '\\', '<', '>', '|', '^', '?', '#'];

/// A name that leaves the gateway's path would send our identity there.
fn check_below(entry: &ServerEntry, gateway: Option<&Url>) -> Result<(), RenderError> {
    let url = Url::parse(&entry.url).ok();
    let below = gateway.zip(url.as_ref()).is_some_and(|(gateway, url)| place::below(gateway, url).is_some());
    if below {
        return Ok(());
    }
    let reason = "its name would leave REGISTRY_URL's path".into();
    Err(RenderError::Url { server: entry.name.escape_debug().to_string(), reason })
}

fn check(entry: &ServerEntry, plain: PlainHttp) -> Result<(), RenderError> {
    let url_error = |reason: &str| RenderError::Url {
        server: entry.name.escape_debug().to_string(),
        reason: reason.into(),
    };
    if entry.name.is_empty() || !is_all_plain(&entry.name) {
        return Err(url_error("its name is empty or has an invisible character"));
    }
    // Our own commands would take it for another machine's address, and send our identity there.
    if entry.name.contains("://") {
        return Err(url_error("its name looks like an address"));
    }
    // Clients expand `${env:NAME}`, and cut an address at its query; dot segments change where it leads.
    if entry.name.contains(MEANT_OTHERWISE) || entry.name.split('/').any(|part| matches!(part, "." | "..")) {
        return Err(url_error("its name has characters with a special meaning in clients or addresses"));
    }
    if !is_all_plain(&entry.url) {
        return Err(url_error("it has an invisible character"));
    }
    let url = Url::parse(&entry.url).map_err(|e| url_error(&e.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(url_error("it is neither https nor http"));
    }
    if !entry.headers.is_empty()
        && url.scheme() == "http"
        && !is_loopback(&url)
        && plain == PlainHttp::Refused
    {
        let host = url.host_str().unwrap_or_default().to_owned();
        return Err(RenderError::Plain { server: entry.name.clone(), host });
    }
    for (index, (header, value)) in entry.headers.iter().enumerate() {
        let refused = |reason| {
            let header = header.escape_debug().to_string();
            Err(RenderError::Header { server: entry.name.clone(), header, reason })
        };
        if header.is_empty() || !header.chars().all(is_token) {
            return refused("is not a header name");
        }
        if entry.headers.iter().take(index).any(|(earlier, _)| earlier.eq_ignore_ascii_case(header)) {
            return refused("is set twice");
        }
        if value.is_empty() {
            return refused("has no value");
        }
        // A line break would let a token from a server add headers.
        if !is_all_plain(value.expose()) {
            return refused("would contain a line break or another control character");
        }
    }
    Ok(())
}

/// RFC 9110 section 5.6.2.
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests;
