//! The one header builder: which servers a client is told of, under which URL and with which headers.
//! It leaves how a client writes that down to `targets`, and where the tokens come from to its caller.

use url::Url;

use super::RenderError;
use super::servers::Server;
use crate::secret::Secret;
use crate::sys::http::is_loopback;

/// How a server is spoken to unless the registry says otherwise.
const TRANSPORT: &str = "streamable-http";

/// One server, as a client needs to know it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key it goes by.
    pub name: String,
    /// Its address at the gateway.
    pub url: String,
    /// `streamable-http` or `sse`.
    pub transport: String,
    /// Name and value, in the order they are written.
    pub headers: Vec<(String, Secret)>,
}

/// Who we are to the gateway. It reads `X-Authorization` for itself and passes `Authorization` on to the server.
#[derive(Clone, Debug)]
pub enum Identity {
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
    /// An agent's own account: the token alone says who it is.
    Agent {
        /// The gateway's token.
        access_token: Secret,
    },
}

/// A credential for a service behind the gateway.
#[derive(Clone, Debug)]
pub struct Egress {
    /// The server's name, else the provider's.
    pub name: String,
    /// What the service accepts.
    pub access_token: Secret,
    /// The server's own address, where the credential is for it and not for a service behind the gateway.
    pub url: Option<String>,
    /// What follows the name in the URL.
    pub gateway_suffix: String,
    /// The header that names the chosen site, and the site's id.
    pub site: Option<(String, String)>,
}

/// Whether tokens may be sent to another machine without encryption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainHttp {
    /// The user said so.
    Allowed,
    /// As ever.
    Refused,
}

impl Identity {
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

/// Every server a client is told of: first those with a credential of their own, then those that need none.
/// Names are told apart as clients do, without regard to case; of two with one name the first stays, so that a server
/// without a credential never takes the place of one with.
///
/// # Errors
/// [`RenderError::Header`] for what no header may hold, [`RenderError::Plain`] and [`RenderError::Url`] for where no
/// token may go.
pub fn entries(
    registry_url: &str,
    identity: Option<&Identity>,
    egress: &[Egress],
    servers: &[Server],
    suffix_of: &dyn Fn(&str) -> String,
    plain: PlainHttp,
) -> Result<Vec<Entry>, RenderError> {
    let base = registry_url.trim_end_matches('/');
    let ours = identity.map(Identity::headers).unwrap_or_default();
    let with_credential = egress.iter().map(|credential| {
        let mut headers = vec![bearer("Authorization", &credential.access_token)];
        // Who we are to the gateway is no other server's business.
        if let Some(url) = &credential.url {
            let name = credential.name.clone();
            return Entry { name, url: url.clone(), transport: TRANSPORT.into(), headers };
        }
        headers.extend(credential.site.iter().map(|(name, id)| (name.clone(), Secret::new(id.as_str()))));
        headers.extend(ours.iter().cloned());
        let name = credential.name.trim_matches('/').to_owned();
        let url = format!("{base}/{name}{}", credential.gateway_suffix);
        Entry { name, url, transport: TRANSPORT.into(), headers }
    });
    let without = servers.iter().map(|server| {
        let name = server.path.trim_matches('/').to_owned();
        // The slash is ours: a path that began with `@` or `.` would otherwise make another host of the registry's.
        let url = format!("{base}/{name}{}", suffix_of(&name));
        // Below a server that speaks both, `mcp` is streamable HTTP whichever of them it lists first.
        let is_mcp = url.ends_with("/mcp") && server.transports.iter().any(|known| known == TRANSPORT);
        let first = server.transports.first().filter(|_| !is_mcp);
        let transport = first.map_or(TRANSPORT, String::as_str).to_owned();
        Entry { name, url, transport, headers: ours.clone() }
    });
    let mut all: Vec<Entry> = Vec::new();
    for entry in with_credential.chain(without) {
        if !all.iter().any(|known| known.name.to_lowercase() == entry.name.to_lowercase()) {
            check(&entry, plain)?;
            all.push(entry);
        }
    }
    Ok(all)
}

/// A server outside the gateway's address: our identity alone goes there.
///
/// # Errors
/// As for [`entries`].
pub fn entry_at(url: &Url, identity: Option<&Identity>, plain: PlainHttp) -> Result<Entry, RenderError> {
    let entry = Entry {
        name: url.host_str().unwrap_or_default().into(),
        url: url.as_str().into(),
        transport: TRANSPORT.into(),
        headers: identity.map(Identity::headers).unwrap_or_default(),
    };
    check(&entry, plain)?;
    Ok(entry)
}

/// The environment variable that holds a server's header: `MCPAUTH_FININFO_X_AUTHORIZATION`.
pub fn variable(server: &str, header: &str) -> String {
    let word = |text: &str| {
        let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        text.chars().map(letter).collect::<String>()
    };
    format!("MCPAUTH_{}_{}", word(server), word(header))
}

fn bearer(name: &str, token: &Secret) -> (String, Secret) {
    let value = if token.is_empty() { String::new() } else { format!("Bearer {}", token.expose()) };
    (name.to_owned(), Secret::new(value))
}

fn check(entry: &Entry, plain: PlainHttp) -> Result<(), RenderError> {
    let url_error = |reason: &str| RenderError::Url {
        server: entry.name.escape_debug().to_string(),
        reason: reason.into(),
    };
    if entry.name.is_empty() || entry.name.chars().any(char::is_control) {
        return Err(url_error("its name is empty or holds a control character"));
    }
    // To our own commands it would be another machine's address, and our identity would be sent there.
    if entry.name.contains("://") {
        return Err(url_error("its name reads as an address"));
    }
    if entry.url.chars().any(char::is_control) {
        return Err(url_error("it holds a control character"));
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
            return refused("is not a header's name");
        }
        if entry.headers.iter().take(index).any(|(earlier, _)| earlier.eq_ignore_ascii_case(header)) {
            return refused("is set twice");
        }
        if value.is_empty() {
            return refused("has no value");
        }
        // A line break would let a token from a server write headers of its own.
        if value.expose().chars().any(char::is_control) {
            return refused("would hold a line break or another control character");
        }
    }
    Ok(())
}

/// RFC 9110 section 5.6.2.
fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cognito() -> Identity {
        Identity::Cognito {
            access_token: Secret::new("T"),
            user_pool_id: "us-east-1_P".into(),
            client_id: "C".into(),
            region: "us-east-1".into(),
        }
    }

    fn egress(name: &str, suffix: &str) -> Egress {
        Egress {
            url: None,
            name: name.into(),
            access_token: Secret::new("E"),
            gateway_suffix: suffix.into(),
            site: None,
        }
    }

    fn server(path: &str, transports: &[&str]) -> Server {
        Server {
            name: path.into(),
            path: path.into(),
            transports: transports.iter().map(|&t| t.into()).collect(),
        }
    }

    fn shown(entry: &Entry) -> String {
        let headers = entry.headers.iter().map(|(name, value)| format!(" {name}={}", value.expose()));
        format!("{} {} {}{}", entry.name, entry.transport, entry.url, headers.collect::<String>())
    }

    fn all(
        base: &str,
        identity: Option<&Identity>,
        egress: &[Egress],
        servers: &[Server],
    ) -> Result<Vec<String>, String> {
        let suffix = |name: &str| if name == "bare" { String::new() } else { "/mcp".into() };
        entries(base, identity, egress, servers, &suffix, PlainHttp::Refused)
            .map(|entries| entries.iter().map(shown).collect())
            .map_err(|e| e.to_string())
    }

    const COGNITO: &str =
        "X-Authorization=Bearer T X-User-Pool-Id=us-east-1_P X-Client-Id=C X-Region=us-east-1";

    #[test]
    fn a_server_at_its_own_address_gets_its_own_token_and_nothing_of_ours() {
        let own = Egress { url: Some("https://tools.test/mcp".into()), ..egress("tools", "/mcp") };
        let got = all("https://gw.test", Some(&cognito()), &[own], &[server("/tools", &[])]).unwrap();
        assert_eq!(got, ["tools streamable-http https://tools.test/mcp Authorization=Bearer E"]);
    }

    #[test]
    fn each_kind_of_server_has_its_url_and_its_headers_in_order() {
        let with_site = Egress { site: Some(("X-Site-Id".into(), "S".into())), ..egress("tickets", "") };
        let ours = cognito();
        let got = all(
            "https://gw.test/",
            Some(&ours),
            &[with_site, egress("sre-gateway", "/mcp"), egress("files", "/mcp")],
            &[
                server("/clock/", &[]),
                server("/news", &["sse"]),
                server("/both", &["sse", "streamable-http"]),
                server("/bare/", &["sse", "streamable-http"]),
            ],
        );
        assert_eq!(
            got.unwrap(),
            [
                format!(
                    "tickets streamable-http https://gw.test/tickets Authorization=Bearer E X-Site-Id=S {COGNITO}"
                ),
                format!(
                    "sre-gateway streamable-http https://gw.test/sre-gateway/mcp Authorization=Bearer E {COGNITO}"
                ),
                format!("files streamable-http https://gw.test/files/mcp Authorization=Bearer E {COGNITO}"),
                format!("clock streamable-http https://gw.test/clock/mcp {COGNITO}"),
                format!("news sse https://gw.test/news/mcp {COGNITO}"),
                format!("both streamable-http https://gw.test/both/mcp {COGNITO}"),
                format!("bare sse https://gw.test/bare {COGNITO}"),
            ]
        );
    }

    #[test]
    fn each_identity_has_its_headers() {
        let token = || Secret::new("T");
        let (client_id, realm, url) = ("C".to_owned(), "R".to_owned(), "https://kc.test".to_owned());
        let keycloak = Identity::Keycloak { access_token: token(), client_id: client_id.clone(), realm, url };
        let cases = [
            (Some(cognito()), format!(" {COGNITO}")),
            (
                Some(keycloak),
                " X-Authorization=Bearer T X-Client-Id=C X-Keycloak-Realm=R X-Keycloak-URL=https://kc.test"
                    .into(),
            ),
            (
                Some(Identity::Oidc { access_token: token(), client_id }),
                " X-Authorization=Bearer T X-Client-Id=C".into(),
            ),
            (Some(Identity::Agent { access_token: token() }), " X-Authorization=Bearer T".into()),
            (None, String::new()),
        ];
        for (identity, headers) in cases {
            let got = all("https://gw.test", identity.as_ref(), &[], &[server("/clock", &[])]).unwrap();
            assert_eq!(got, [format!("clock streamable-http https://gw.test/clock/mcp{headers}")]);
        }
    }

    #[test]
    fn a_headers_variable_is_named_after_server_and_header() {
        let cases = [
            ("fininfo", "X-Authorization", "MCPAUTH_FININFO_X_AUTHORIZATION"),
            ("sre-gateway.v2", "Authorization", "MCPAUTH_SRE_GATEWAY_V2_AUTHORIZATION"),
            ("a/b c", "x~y", "MCPAUTH_A_B_C_X_Y"),
        ];
        for (server, header, expected) in cases {
            assert_eq!(variable(server, header), expected);
        }
    }

    #[test]
    fn of_two_with_one_name_the_one_with_the_credential_stays() {
        let got = all(
            "https://gw.test",
            None,
            &[egress("files", "/mcp"), egress("files", "/other")],
            &[server("/files", &[]), server("/Files/", &[]), server("/clock", &[]), server("/clock/", &[])],
        );
        assert_eq!(
            got.unwrap(),
            [
                "files streamable-http https://gw.test/files/mcp Authorization=Bearer E",
                "clock streamable-http https://gw.test/clock/mcp",
            ]
        );
    }

    /// `mcpauth bridge https://evil.test` would send our identity there.
    #[test]
    fn a_name_that_our_own_commands_would_take_for_an_address_is_refused() {
        let message = all("https://gw.test", None, &[egress("https://evil.test", "/mcp")], &[]).unwrap_err();
        assert!(message.contains("reads as an address"), "{message}");
    }

    #[test]
    fn what_no_header_may_hold_is_refused_by_name_and_never_by_value() {
        let with = |header: &str, value: &str| Egress {
            site: Some((header.into(), value.into())),
            ..egress("files", "/mcp")
        };
        let token = |value: &str| Egress { access_token: Secret::new(value), ..egress("files", "/mcp") };
        let control = "would hold a line break or another control character";
        let cases = [
            (with("X-Site", "hidden\r\nX-Admin: 1"), format!("server files: header X-Site {control}")),
            (with("X-Site", "hidden\u{7f}"), format!("server files: header X-Site {control}")),
            (token("hidden\nX"), format!("server files: header Authorization {control}")),
            (token(""), "server files: header Authorization has no value".into()),
            (with("X Site", "hidden"), "server files: header X Site is not a header's name".into()),
            (with("authorization", "hidden"), "server files: header authorization is set twice".into()),
        ];
        for (credential, expected) in cases {
            let message = all("https://gw.test", None, &[credential], &[]).unwrap_err();
            assert_eq!(message, expected);
            assert!(!message.contains("hidden"));
        }
    }

    #[test]
    fn tokens_go_over_https_or_stay_on_this_machine() {
        let egress = [egress("files", "/mcp")];
        for base in ["https://gw.test", "http://localhost:8000", "http://127.0.0.1", "http://[::1]:1"] {
            assert!(all(base, None, &egress, &[]).is_ok(), "{base}");
        }
        assert_eq!(
            all("http://gw.test", None, &egress, &[]).unwrap_err(),
            "server files would be sent tokens over plain http to gw.test"
        );
        assert!(all("http://gw.test", None, &[], &[server("/clock", &[])]).is_ok(), "nothing secret in it");
        let allowed =
            entries("http://gw.test", None, &egress, &[], &|_| String::new(), PlainHttp::Allowed).unwrap();
        assert_eq!(allowed.len(), 1);
        for base in ["ftp://gw.test", "gw.test", ""] {
            assert!(
                all(base, None, &egress, &[]).unwrap_err().starts_with("server files: its URL"),
                "{base}"
            );
        }
    }

    #[test]
    fn a_servers_path_cannot_lead_to_another_host() {
        let ours = cognito();
        let got = entries(
            "https://gw.test",
            Some(&ours),
            &[],
            &[server("@evil.test/x", &[]), server(".evil.test", &[]), server("//evil.test/", &[])],
            &|_| "/mcp".into(),
            PlainHttp::Refused,
        );
        for entry in got.unwrap() {
            assert_eq!(Url::parse(&entry.url).unwrap().host_str(), Some("gw.test"), "{}", entry.url);
        }
    }
}
