//! Registered clients: what each may ask for, and how it proves to be itself.
//! What it then gets is decided in `authorize` and `token`.

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq;

use super::error_response::ErrorResponse;
use super::request::TokenParams;

/// A registered client (RFC 6749 section 2); without a secret it is a public one.
pub struct IdpClient {
    pub(super) id: String,
    secret: Option<String>,
    redirect_uris: Vec<String>,
    scopes: Vec<String>,
    grants: Vec<GrantType>,
}

/// A grant type, by the RFC's names (RFC 6749 section 1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantType {
    /// `client_credentials`, section 4.4.
    ClientCredentials,
    /// `authorization_code`, section 4.1, here always with PKCE.
    AuthorizationCode,
    /// `refresh_token`, section 6, here always with rotation.
    RefreshToken,
    /// `urn:ietf:params:oauth:grant-type:device_code`, RFC 8628 section 3.4.
    DeviceCode,
}

/// Who a request says it is, and the proof it brings.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Claimed {
    pub(super) client_id: String,
    pub(super) secret: Option<String>,
    pub(super) auth: &'static str,
}

/// What an application for people may do.
const PERSON: [GrantType; 3] = [GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::DeviceCode];

impl IdpClient {
    /// A machine with a secret that may use client credentials for these scopes.
    pub fn machine(id: &str, secret: &str, scopes: &[&str]) -> Self {
        Self::new(id, Some(secret), scopes, &[GrantType::ClientCredentials])
    }

    /// An application without a secret that logs people in and may refresh.
    pub fn public(id: &str, redirect_uri: &str, scopes: &[&str]) -> Self {
        Self::new(id, None, scopes, &PERSON).redirect(redirect_uri)
    }

    /// An application with a secret that logs people in and may refresh.
    pub fn confidential(id: &str, secret: &str, redirect_uri: &str, scopes: &[&str]) -> Self {
        Self::new(id, Some(secret), scopes, &PERSON).redirect(redirect_uri)
    }

    /// Any other combination.
    pub fn new(id: &str, secret: Option<&str>, scopes: &[&str], grants: &[GrantType]) -> Self {
        Self {
            id: id.to_owned(),
            secret: secret.map(str::to_owned),
            redirect_uris: Vec::new(),
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
            grants: grants.to_vec(),
        }
    }

    /// One redirect URI more. A loopback one without a port matches any port (RFC 8252 section 7.3).
    #[must_use]
    pub fn redirect(mut self, uri: &str) -> Self {
        self.redirect_uris.push(uri.to_owned());
        self
    }

    pub(super) fn scopes(&self) -> &[String] {
        &self.scopes
    }

    pub(super) fn is_public(&self) -> bool {
        self.secret.is_none()
    }

    pub(super) fn may(&self, grant: GrantType) -> Result<(), ErrorResponse> {
        self.grants.contains(&grant).then_some(()).ok_or(ErrorResponse::UnauthorizedClient)
    }

    pub(super) fn redirects_to(&self, uri: &str) -> bool {
        self.redirect_uris
            .iter()
            .any(|registered| registered == uri || matches_but_for_the_port(registered, uri))
    }

    /// What is granted when this is asked: all of it or nothing, everything registered if nothing is asked.
    pub(super) fn scope(&self, asked: Option<&str>) -> Result<String, ErrorResponse> {
        asked.map_or_else(|| Ok(self.scopes.join(" ")), |asked| narrow(asked, &self.scopes))
    }

    /// RFC 6749 section 2.3; the comparison takes as long for any wrong secret of the right length.
    pub(super) fn authenticate(&self, claimed: &Claimed) -> Result<(), ErrorResponse> {
        let proven = match (&self.secret, &claimed.secret) {
            (None, None) => true,
            (Some(ours), Some(theirs)) => ours.as_bytes().ct_eq(theirs.as_bytes()).into(),
            _ => false,
        };
        proven.then_some(()).ok_or(ErrorResponse::InvalidClient("client authentication failed"))
    }
}

/// Reads the client's credentials from the header or the body, never from both (RFC 6749 section 2.3).
pub(super) fn claimed(headers: &HeaderMap, request: &TokenParams) -> Result<Claimed, ErrorResponse> {
    let (id, secret) = (request.client_id.get(), request.client_secret.get());
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        let client_id = id.ok_or(ErrorResponse::InvalidClient("no client_id"))?.to_owned();
        let auth = if secret.is_some() { "client_secret_post" } else { "none" };
        return Ok(Claimed { client_id, secret: secret.map(str::to_owned), auth });
    };
    let claimed =
        value.to_str().ok().and_then(basic).ok_or(ErrorResponse::InvalidClient("not a Basic header"))?;
    if secret.is_some() || id.is_some_and(|id| id != claimed.client_id) {
        return Err(ErrorResponse::InvalidRequest("two client authentications in one request"));
    }
    Ok(claimed)
}

/// Both halves are form-encoded before they are joined (RFC 6749 section 2.3.1).
fn basic(header: &str) -> Option<Claimed> {
    let (scheme, encoded) = header.split_once(' ')?;
    let decoded = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let text = String::from_utf8(decoded).ok()?;
    let (id, secret) = text.split_once(':')?;
    let secret = Some(form_decode(secret)).filter(|secret| !secret.is_empty());
    Some(Claimed { client_id: form_decode(id), secret, auth: "client_secret_basic" })
}

/// The parser wants pairs: a name is put in front, and a bare `&` must not end the value.
fn form_decode(text: &str) -> String {
    let pair = format!("v={}", text.replace('&', "%26"));
    url::form_urlencoded::parse(pair.as_bytes()).map(|(_, value)| value).collect()
}

/// The scopes asked for, once each, if all of them are among the allowed (RFC 6749 section 3.3).
pub(super) fn narrow(asked: &str, allowed: &[String]) -> Result<String, ErrorResponse> {
    let mut granted: Vec<&str> = Vec::new();
    for scope in asked.split(' ').filter(|scope| !scope.is_empty()) {
        if !allowed.iter().any(|allowed| allowed == scope) {
            return Err(ErrorResponse::InvalidScope);
        }
        if !granted.contains(&scope) {
            granted.push(scope);
        }
    }
    Ok(granted.join(" "))
}

/// Compares text, not parsed URLs: what a parser would normalise away was not registered.
fn matches_but_for_the_port(registered: &str, presented: &str) -> bool {
    ["http://127.0.0.1", "http://[::1]", "http://localhost"].iter().any(|origin| {
        let Some(path) =
            registered.strip_prefix(origin).filter(|p| p.is_empty() || p.starts_with(['/', '?']))
        else {
            return false;
        };
        let port = presented.strip_prefix(origin).and_then(|rest| rest.strip_suffix(path));
        port.is_some_and(|port| port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
    })
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_port_of_a_loopback_redirect_may_differ() {
        let client = IdpClient::public("c", "http://127.0.0.1/cb", &[]).redirect("https://app.test/cb");
        let cases = [
            ("http://127.0.0.1/cb", true),
            ("http://127.0.0.1:8080/cb", true),
            ("https://app.test/cb", true),
            ("https://app.test:8443/cb", false),
            ("http://127.0.0.1:8080/cb/", false),
            ("http://127.0.0.1:8080/x/cb", false),
            ("http://127.0.0.1:8080/cb?x=1", false),
            ("http://127.0.0.1:+80/cb", false),
            ("http://127.0.0.1:99999/cb", false),
            ("http://127.0.0.1:/cb", false),
            ("http://127.0.0.1:80@evil.test/cb", false),
            ("http://127.0.0.1.evil.test/cb", false),
            ("http://localhost:8080/cb", false),
            ("https://127.0.0.1:8080/cb", false),
        ];
        for (uri, expected) in cases {
            assert_eq!(client.redirects_to(uri), expected, "{uri}");
        }
        let fixed = IdpClient::public("c", "http://127.0.0.1:8080/cb", &[]);
        assert!(!fixed.redirects_to("http://127.0.0.1:8081/cb"));
        assert!(
            !IdpClient::public("c", "http://localhost.evil.test/", &[]).redirects_to("http://localhost:1/")
        );
    }

    #[test]
    fn basic_credentials_are_form_decoded() {
        let encoded = STANDARD.encode("my%20app:p%2Bs%3As%26t+u%25=&");
        let claimed = basic(&format!("bAsIc {encoded}")).unwrap();
        assert_eq!(claimed.client_id, "my app");
        assert_eq!(claimed.secret.as_deref(), Some("p+s:s&t u%=&"));
        assert_eq!(basic("Bearer abc"), None);
        assert_eq!(basic("Basic !"), None);
    }

    #[test]
    fn scopes_are_granted_whole_or_not_at_all() {
        let client = IdpClient::machine("m", "s", &["a", "b"]);
        assert_eq!(client.scope(None), Ok("a b".to_owned()));
        assert_eq!(client.scope(Some("b  b")), Ok("b".to_owned()));
        assert_eq!(client.scope(Some("a c")), Err(ErrorResponse::InvalidScope));
    }
}
