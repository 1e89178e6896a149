//! What `mcp-remote` is given, for clients whose entries start it: the same words with `mcpauth bridge` before them. Not
//! here: what serves them (see `bridge` and `session`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use url::Url;

use crate::bridge::IgnoredTools;
use crate::cli::args::ExtraParamArgs;
use crate::cli::out::Out;
use crate::config::{CLIENT_METADATA_URL, Settings, is_name};
use crate::error::Error;
use crate::login::Own;
use crate::quantity::seconds;
use crate::secret::Secret;
use crate::session::TransportOrder;
use crate::sys::address::web_url;
use crate::sys::{env, public_file};
use crate::text::{clean, word};

/// The largest file of headers or about a client, in bytes.
const LARGEST_FILE: u64 = 1 << 20;
/// The path of a callback where nothing else is said.
const CALLBACK_PATH: &str = "/oauth/callback";
/// The longest login, in seconds.
const LONGEST_LOGIN: u64 = 3_600;
/// What would end a part of an address.
const ENDING: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'&').add(b'<').add(b'>').add(b'?');
/// What a header's name has in it that carries a secret.
const SECRET_NAMES: [&str; 6] = ["auth", "key", "token", "secret", "cookie", "password"];

/// The arguments of mcp-remote.
#[derive(Args, Debug)]
pub(super) struct RemoteArgs {
    /// The callback port of a client from --static-oauth-client-info
    #[arg(value_name = "PORT", conflicts_with = "listen")]
    port: Option<String>,
    /// Send this header, 'Name: value' with ${VARIABLE}s of the environment; repeatable
    #[arg(long, value_name = "HEADER", conflicts_with = "listen", allow_hyphen_values = true)]
    header: Vec<String>,
    /// Send the headers in this file, one per line
    #[arg(long, value_name = "FILE", conflicts_with = "listen")]
    header_file: Vec<PathBuf>,
    /// http-first, sse-first, http-only or sse-only [default: http-first]
    #[arg(long, value_name = "ORDER", conflicts_with = "listen")]
    transport: Option<String>,
    /// Leave this tool out of lists and refuse its calls; * for any characters; repeatable
    #[arg(long, value_name = "TOOL", conflicts_with = "listen")]
    ignore_tool: Vec<String>,
    /// Log in with this registered client: JSON with client_id and client_secret, or @FILE
    #[arg(long, value_name = "JSON", conflicts_with = "listen")]
    static_oauth_client_info: Option<String>,
    /// Log in for the scope in this JSON, or @FILE
    #[arg(long, value_name = "JSON", conflicts_with = "listen")]
    static_oauth_client_metadata: Option<String>,
    /// How long a person has to log in, in seconds
    #[arg(long, value_name = "SECONDS")]
    auth_timeout: Option<String>,
    #[command(flatten)]
    pub(super) extra: ExtraParamArgs,
    #[command(flatten)]
    hidden: HiddenArgs,
}

/// Those that few entries have, and those that change nothing here.
#[derive(Args, Debug)]
struct HiddenArgs {
    #[arg(long, hide = true, value_name = "HOST")]
    host: Option<String>,
    #[arg(long, hide = true, value_name = "PATH")]
    callback_path: Option<String>,
    #[arg(long, hide = true, value_name = "URL")]
    client_metadata_url: Option<String>,
    #[arg(long, hide = true)]
    debug: bool,
    #[arg(long, hide = true)]
    silent: bool,
    #[arg(long, hide = true)]
    enable_proxy: bool,
    #[arg(long, hide = true)]
    keep_alive: bool,
    #[arg(long, hide = true)]
    ipv4: bool,
    #[arg(long, hide = true)]
    disable_cookies: bool,
    #[arg(long, hide = true)]
    disable_resource_parameter: bool,
    #[arg(long, hide = true)]
    device_code: bool,
    #[arg(long, hide = true)]
    client_credentials: bool,
    #[arg(long, hide = true)]
    use_id_token: bool,
    #[arg(long, hide = true, value_name = "URL")]
    auth_success_url: Option<String>,
    #[arg(long, hide = true, value_name = "URL")]
    token_endpoint: Option<String>,
    #[arg(long, hide = true, value_name = "SECONDS")]
    connect_timeout: Option<String>,
    #[arg(long, hide = true, value_name = "SECONDS")]
    headers_timeout: Option<String>,
    #[arg(long, hide = true, value_name = "SECONDS")]
    body_timeout: Option<String>,
    #[arg(long, hide = true, value_name = "SECONDS")]
    ping_interval: Option<String>,
    #[arg(long, hide = true, value_name = "MODE")]
    protocol: Option<String>,
}

/// A client that was registered by hand, for a login that a client asks for.
#[derive(Clone, Default)]
pub(super) struct TypedClient {
    id: Option<String>,
    secret: Option<Secret>,
    redirect_uri: Option<String>,
}

impl TypedClient {
    pub(super) fn own(&self) -> Own {
        let Self { id, secret, redirect_uri } = self.clone();
        let redirect_uri = redirect_uri.filter(|_| id.is_some());
        Own { id, secret, redirect_uri, ..Own::default() }
    }
}

impl RemoteArgs {
    /// Settings that these arguments are.
    pub(super) fn set(&self, settings: &mut Settings, out: &Out) {
        if let Some(text) = &self.auth_timeout {
            match seconds(text).ok().filter(|seconds| *seconds > 0) {
                Some(seconds) => {
                    settings.flag("MCPAUTH_LOGIN_TIMEOUT", seconds.min(LONGEST_LOGIN).to_string());
                }
                None => out.say("--auth-timeout is not a time, as in 30, 30s or 5m; it is ignored"),
            }
        }
        if let Some(url) = &self.hidden.client_metadata_url {
            settings.flag(CLIENT_METADATA_URL, url.as_str());
        }
    }

    pub(super) fn ignored(&self) -> IgnoredTools {
        IgnoredTools::new(&self.ignore_tool)
    }

    pub(super) fn transport(&self, out: &Out) -> TransportOrder {
        match self.transport.as_deref() {
            None | Some("http-first") => TransportOrder::HttpFirst,
            Some("sse-first") => TransportOrder::SseFirst,
            Some("http-only") => TransportOrder::HttpOnly,
            Some("sse-only") => TransportOrder::SseOnly,
            Some(_) => {
                out.say("--transport is none of http-first, sse-first, http-only, sse-only; it is ignored");
                TransportOrder::HttpFirst
            }
        }
    }

    /// The typed headers; a file's first, so that a typed one replaces it. `server` is as it was typed.
    ///
    /// # Errors
    /// A file that cannot be read, a header that cannot be sent.
    pub(super) fn headers(&self, server: &str, out: &Out) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::new();
        for path in &self.header_file {
            for (number, line) in file(path)?.lines().map(str::trim).enumerate() {
                if line.is_empty() || line.starts_with('#') {
                    continue;
                }
                if !add(line, &mut headers)? {
                    let at = path.display();
                    out.say(&format!(
                        "line {} of {at} is not a header, Name: value; it is ignored",
                        number + 1
                    ));
                }
            }
        }
        for text in &self.header {
            if !add(text, &mut headers)? {
                out.say("a --header is not of the form 'Name: value'; it is ignored");
                continue;
            }
            let (name, value) = text.split_once(':').unwrap_or_default();
            let lower = name.to_lowercase();
            let is_secret = SECRET_NAMES.iter().any(|part| lower.contains(part)) && !value.contains("${");
            if is_secret {
                let own = if lower == "authorization" { String::new() } else { format!(" --header {name}") };
                out.say(&format!(
                    "--header {name} holds a secret, which every program of this user can read in the list of processes; store it \
                     and leave the flag out: mcpauth login {} --with-token{own}",
                    word(server)
                ));
            }
        }
        Ok(headers)
    }

    /// The scopes to log in for.
    ///
    /// # Errors
    /// JSON that cannot be read.
    pub(super) fn scope(&self) -> Result<Vec<String>, Error> {
        let flag = "--static-oauth-client-metadata";
        let Some(text) = &self.static_oauth_client_metadata else { return Ok(Vec::new()) };
        let scope = json(flag, text)?.get("scope").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(scope.split_whitespace().map(str::to_owned).collect())
    }

    /// The client to log in with.
    ///
    /// # Errors
    /// JSON that cannot be read.
    pub(super) fn client(&self, out: &Out) -> Result<TypedClient, Error> {
        let Some(text) = &self.static_oauth_client_info else { return Ok(TypedClient::default()) };
        let value = json("--static-oauth-client-info", text)?;
        let member = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let host = self.hidden.host.as_deref().unwrap_or("localhost");
        let path = self.hidden.callback_path.as_deref().unwrap_or(CALLBACK_PATH);
        let port = self.port.as_deref().and_then(|port| port.parse::<u16>().ok());
        if port.is_none() {
            out.say("--static-oauth-client-info without a PORT: the client is used with the redirect URI that mcpauth login names");
        }
        Ok(TypedClient {
            id: member("client_id"),
            secret: member("client_secret").filter(|secret| !secret.is_empty()).map(Secret::new),
            redirect_uri: port.map(|port| format!("http://{host}:{port}{path}")),
        })
    }

    /// Names the flags that change nothing.
    pub(super) fn name_idle(&self, out: &Out) {
        let HiddenArgs { debug, silent, enable_proxy, keep_alive, ipv4, .. } = self.hidden;
        let hidden = &self.hidden;
        let is_dynamic = self.static_oauth_client_info.is_none();
        let idle = [
            ("--debug", debug, "for more output use -v or -vv"),
            ("--silent", silent, "for less output use -q"),
            ("--enable-proxy", enable_proxy, "proxies of the environment are always used"),
            ("--keep-alive", keep_alive, "a lost session is restarted"),
            ("--ping-interval", hidden.ping_interval.is_some(), "a lost session is restarted"),
            ("--ipv4", ipv4, "both families are tried"),
            ("--disable-cookies", hidden.disable_cookies, "no cookies are kept"),
            ("--connect-timeout", hidden.connect_timeout.is_some(), "mcpauth has its own limits"),
            ("--headers-timeout", hidden.headers_timeout.is_some(), "mcpauth has its own limits"),
            ("--body-timeout", hidden.body_timeout.is_some(), "a stream may be silent"),
            ("--protocol", hidden.protocol.is_some(), "client and server agree on a version themselves"),
            (
                "--disable-resource-parameter",
                hidden.disable_resource_parameter,
                "a login always names the resource (RFC 8707)",
            ),
            ("--auth-success-url", hidden.auth_success_url.is_some(), "mcpauth shows a page of its own"),
            ("--token-endpoint", hidden.token_endpoint.is_some(), "the issuer's metadata names it"),
            ("--device-code", hidden.device_code, "log in once with: mcpauth login URL --device"),
            (
                "--client-credentials",
                hidden.client_credentials,
                "log in once with: mcpauth login URL --client-id ID --client-credentials",
            ),
            ("--use-id-token", hidden.use_id_token, "the access token is sent"),
            ("PORT", is_dynamic && self.port.is_some(), "a registered client gets a port of its own"),
            ("--host", is_dynamic && hidden.host.is_some(), "a registered client gets an address of its own"),
            (
                "--callback-path",
                is_dynamic && hidden.callback_path.is_some(),
                "a registered client gets a path of its own",
            ),
        ];
        for (flag, _, why) in idle.iter().filter(|(_, given, _)| *given) {
            out.say(&format!("{flag} of mcp-remote changes nothing here: {why}"));
        }
    }
}

/// Adds the header in a text; `false` if it is none.
fn add(text: &str, headers: &mut HeaderMap) -> Result<bool, Error> {
    let Some((name, value)) = text.split_once(':') else { return Ok(false) };
    let is_named = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if !is_named {
        return Ok(false);
    }
    let value = filled(value.trim_start(), &env::all());
    let unsendable = || Error::Usage {
        message: format!("the value of the header {} cannot be sent", clean(name, 60)),
        hint: "it must be one line of plain text".into(),
    };
    let name_of_header: HeaderName = name.parse().map_err(|_| unsendable())?;
    let mut value = HeaderValue::try_from(value).map_err(|_| unsendable())?;
    value.set_sensitive(true);
    headers.insert(name_of_header, value);
    Ok(true)
}

/// A text with each `${VARIABLE}` that is set; another stays as it is.
fn filled(text: &str, variables: &BTreeMap<String, String>) -> String {
    let (mut filled, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, more)) = after.split_once('}') else { break };
        filled.push_str(before);
        match variables.get(name).filter(|_| !name.is_empty()) {
            Some(value) => filled.push_str(value),
            None => filled.push_str(&format!("${{{name}}}")),
        }
        rest = more;
    }
    filled + rest
}

/// An address with each `${VARIABLE}` filled in, so that a key that belongs in it is not an argument; `None` if it has none.
///
/// # Errors
/// A variable that is not set, and an address that is none then. Neither repeats a value.
pub(super) fn filled_address(url: &Url) -> Result<Option<Url>, Error> {
    let text = url.as_str().replace("$%7B", "${").replace("%7D", "}");
    let names: Vec<&str> =
        text.split("${").skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect();
    let mut variables = env::all();
    variables.retain(|name, _| names.contains(&name.as_str()));
    if let Some(missing) = names.iter().find(|name| is_name(name) && !variables.contains_key(**name)) {
        return Err(Error::Usage {
            message: format!("the address needs the variable {missing}, which is not set"),
            hint: format!(
                "store it, and start the bridge with it: mcpauth secret set SERVER {missing}, then mcpauth exec SERVER -- mcpauth bridge ..."
            ),
        });
    }
    if variables.is_empty() {
        return Ok(None);
    }
    // As it stands in an address already, or would end its place there.
    for value in variables.values_mut() {
        *value = utf8_percent_encode(value, ENDING).to_string();
    }
    web_url(&filled(&text, &variables)).map(Some).map_err(|_| Error::Usage {
        message: "the address is not valid once its variables are filled in".into(),
        hint: "look at their values; nothing was sent".into(),
    })
}

/// JSON as typed or in the file after `@`, its `${VARIABLE}`s filled in.
fn json(flag: &str, text: &str) -> Result<Value, Error> {
    let text = match text.strip_prefix('@') {
        Some(path) => file(Path::new(path))?,
        None => text.to_owned(),
    };
    serde_json::from_str(&filled(&text, &env::all())).map_err(|_| Error::Usage {
        message: format!("the value of {flag} is not JSON"),
        hint: "give an object such as {\"client_id\":\"ID\"}, or @FILE with one".into(),
    })
}

fn file(path: &Path) -> Result<String, Error> {
    public_file::read_named_text(path, LARGEST_FILE).map_err(|error| Error::Usage {
        message: format!("cannot read {}: {error}", path.display()),
        hint: "correct the path; without the file the request would lack what is in it".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_and_unknown_ones_stay() {
        let known = [("A", "1"), ("EMPTY", ""), ("LOOP", "${A}")];
        let known = known.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        for (text, expected) in [
            ("Bearer ${A}", "Bearer 1"),
            ("${A}${A}", "11"),
            ("${EMPTY}.", "."),
            ("${LOOP}", "${A}"),
            ("${B} ${A", "${B} ${A"),
            ("$A ${}", "$A ${}"),
            ("", ""),
        ] {
            assert_eq!(filled(text, &known), expected, "{text}");
        }
    }
}
