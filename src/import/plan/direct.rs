//! What happens to an entry with a server's address. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use url::Url;

use super::becomes::{Becomes, Bridge, GivenClient, LoginPlan, key};
use crate::credential::{USUAL_FORMAT, USUAL_HEADER};
use crate::import::cut;
use crate::import::find::{self, EntrySecret, SecretPlace};
use crate::render::EntryParts;
use crate::secret::Secret;
use crate::text::clean;

/// Members of an entry with a token that its client sends as `Authorization`.
const TOKENS: [&str; 4] = ["bearer_token", "bearerToken", "token", "authToken"];

pub(super) fn plan(entry: EntryParts<'_>, secrets: &[EntrySecret]) -> Result<Becomes, String> {
    let mut url = Url::parse(entry.url()).map_err(|_| "its address is not a URL")?;
    let (mut is_in_query, mut secret_headers, mut members) = (false, 0, Vec::new());
    for secret in secrets {
        match &secret.place {
            SecretPlace::Header(_) => secret_headers += 1,
            SecretPlace::Address => is_in_query = true,
            SecretPlace::Member(path) => members.push(path.as_str()),
            SecretPlace::Variable(_) | SecretPlace::Argument(_) => {
                return Err(format!("{} is set, but no program is started", secret.place()));
            }
        }
    }
    if let [path] = members.as_slice()
        && secrets.len() == 1
        && let Some(client) = client(entry, path, &url)
    {
        let (rest, used) = (Vec::new(), Vec::new());
        return Ok(Becomes::Login(LoginPlan { url, command: None, client: Some(client), rest, used }));
    }
    let mut headers: Vec<(String, String)> = Vec::new();
    for path in members {
        let token = TOKENS.contains(&path).then(|| entry.0.get(path)?.as_str()).flatten();
        let token = token
            .ok_or_else(|| format!("{} is for its client alone; move it out by hand", clean(path, 60)))?;
        headers.push((USUAL_HEADER.into(), USUAL_FORMAT.replace("{}", token)));
        secret_headers += 1;
    }
    if let Some(basic) = user_info(&mut url) {
        headers.push((USUAL_HEADER.into(), basic));
        secret_headers += 1;
        is_in_query = !find::in_address(url.as_str()).is_empty();
    }
    headers.extend(entry.headers().into_iter().map(|(name, value)| (name.into(), value.into())));
    if secret_headers == 1 && !is_in_query {
        let at = headers.iter().position(|(name, value)| find::is_secret(name, value));
        let (name, value) =
            at.map(|at| headers.remove(at)).ok_or("mcpauth cannot tell in which header its secret goes")?;
        let rest = headers.iter().flat_map(|(name, value)| ["--header".into(), format!("{name}: {value}")]);
        return Ok(key(url, &name, &value, rest.collect(), Vec::new()));
    }
    // As it is written: a URL that is parsed may be spelt otherwise.
    let address = if entry.url().contains('@') { url.to_string() } else { entry.url().to_owned() };
    Bridge { address, headers, rest: Vec::new(), taken: cut::TakenVariables::new() }.plan()
}

/// Takes a user and a password out of an address, as the header that they are sent in (RFC 7617).
fn user_info(url: &mut Url) -> Option<String> {
    url.password()?;
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let pair = format!("{}:{}", decoded(url.username()), decoded(url.password().unwrap_or_default()));
    // These fail only for addresses without a host.
    url.set_password(None).ok()?;
    url.set_username("").ok()?;
    Some(format!("Basic {}", STANDARD.encode(pair)))
}

/// The client whose secret is at this path, in the spellings of the clients that register by hand.
fn client(entry: EntryParts<'_>, path: &str, url: &Url) -> Option<GivenClient> {
    let (parent, name) = path.split_once('.')?;
    let is_secret = matches!(name, "clientSecret" | "client_secret" | "CLIENT_SECRET");
    let oauth = entry.0.get(parent)?.as_object().filter(|_| is_secret && url.has_host())?;
    let text = |names: [&str; 3]| names.iter().find_map(|name| oauth.get(*name)?.as_str());
    let port = ["callbackPort", "callback_port"].iter().find_map(|name| oauth.get(*name)?.as_u64());
    let redirect_uri = text(["redirectUri", "redirect_uri", "redirectUrl"]).map(str::to_owned);
    Some(GivenClient {
        id: text(["clientId", "client_id", "CLIENT_ID"])?.to_owned(),
        secret: text(["clientSecret", "client_secret", "CLIENT_SECRET"]).map(Secret::new),
        redirect_uri: redirect_uri.or_else(|| port.map(|port| format!("http://localhost:{port}/callback"))),
        method: None,
    })
}
