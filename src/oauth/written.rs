//! Requests in their final form. The library `oauth2` writes what the RFCs define, including the client's
//! authentication. It gets a sender that keeps the request instead of sending it, and the request is then completed
//! with what the library cannot write:
//!
//! - an assertion instead of a secret (RFC 7523);
//! - a provider's own fields, such as `audience` or `resource` (RFC 8707), and scopes under another name or with
//!   another separator;
//! - a JSON body;
//! - the redirect URI exactly as registered, which the library requires to be a URL;
//! - a device token request (RFC 8628 section 3.4): the library only makes one from an answer that it has parsed
//!   itself, and sends it in its own loop with its own clock;
//! - the logout of servers that have no revocation.
//!
//! Replies are parsed not by the library but by `reply`, `device`, `revoke` and the introspection code: the library
//! only accepts status 200 and `application/json`, requires a `token_type` and `expires_in` as a whole number, and
//! drops `Retry-After`. Servers send forms, errors with a 200, numbers as strings, nested tokens. And if it cannot
//! parse a reply, its error contains all of it in printable form, including tokens.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::convert::Infallible;

use oauth2::basic::BasicClient;
use oauth2::http::HeaderMap;
use oauth2::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use oauth2::{
    AuthType, ClientId, ClientSecret, DeviceAuthorizationUrl, EmptyExtraDeviceAuthorizationFields as NoMore,
    EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IntrospectionUrl, RevocationUrl, TokenUrl,
};
use url::Url;
use url::form_urlencoded::{Serializer, parse};

use crate::oauth::{ClientAuth, Epoch, OAuthClient};
use crate::secret::Secret;

/// A request in its final form, without the address. It cannot be printed.
pub struct WireRequest {
    /// The content types, and the `Authorization` header if the client authenticates with one.
    pub headers: HeaderMap,
    /// The body.
    pub body: Secret,
    /// Every secret in it, to remove them from a server's answer.
    pub secrets: Vec<Secret>,
}

/// What a request needs in addition to what the library writes.
pub(super) struct WriteOptions<'m> {
    pub(super) client: &'m OAuthClient,
    /// Fields that the library does not write; they come last.
    pub(super) extra: Vec<(&'m str, &'m str)>,
    pub(super) json: bool,
    /// The endpoint's address, for an assertion (RFC 7523 section 3, point 3).
    pub(super) audience: &'m str,
    pub(super) now: Epoch,
}

/// The client in the library's terms.
pub(super) type Library = BasicClient<EndpointNotSet, EndpointSet, EndpointSet, EndpointSet, EndpointSet>;

/// The library's HTTP sender.
pub(super) type SendFn<'s> = &'s dyn Fn(HttpRequest) -> Result<HttpResponse, Infallible>;

/// A placeholder for every address: `flow` decides where a request goes, and the library would refuse to revoke over
/// http, even on loopback.
const NOWHERE: &str = "https://nowhere.invalid/";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The fields whose values are secrets.
const SECRET_FIELDS: [&str; 8] = [
    "client_secret",
    "client_assertion",
    "code",
    "code_verifier",
    "refresh_token",
    "device_code",
    "token",
    "subject_token",
];

impl WriteOptions<'_> {
    /// What the library sends when `ask` makes it; it gets an empty answer, which is ignored. An assertion is new for
    /// each call, because a retry must not repeat it.
    ///
    /// # Errors
    /// `None` if the key cannot sign.
    pub(super) fn write<T>(self, ask: impl FnOnce(&Library, SendFn<'_>) -> T) -> Option<WireRequest> {
        let Self { client, extra, json, audience, now } = self;
        let sent = Cell::new(None);
        ask(&library(client)?, &|request| {
            sent.set(Some(request));
            Ok(HttpResponse::default())
        });
        let (head, body) = sent.take()?.into_parts();
        let mut headers = head.headers;
        headers.get_mut(AUTHORIZATION).into_iter().for_each(|value| value.set_sensitive(true));
        let mut fields: Vec<(String, String)> = parse(&body).into_owned().collect();
        if let ClientAuth::PrivateKeyJwt(key) = &client.auth {
            let assertion = key.assertion(&client.id, audience, now)?;
            fields.push(("client_assertion_type".into(), JWT_BEARER.into()));
            fields.push(("client_assertion".into(), assertion.expose().into()));
        }
        fields.extend(extra.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        let secrets = fields.iter().filter(|(name, _)| SECRET_FIELDS.contains(&name.as_str()));
        let secrets = secrets.map(|(_, value)| Secret::new(value.as_str()));
        let secrets = secrets.chain(client.auth.secret().cloned()).collect();
        let body = if json {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            serde_json::to_string(&BTreeMap::from_iter(fields)).ok()?
        } else {
            Serializer::new(String::new()).extend_pairs(fields).finish()
        };
        Some(WireRequest { headers, body: Secret::new(body), secrets })
    }

    /// A request with only these fields and the client's authentication.
    ///
    /// # Errors
    /// `None` if the key cannot sign.
    pub(super) fn write_plain(self) -> Option<WireRequest> {
        // Alone, this one has no fields.
        self.write(|client, send| client.exchange_device_code().request::<_, NoMore>(&send))
    }
}

fn library(client: &OAuthClient) -> Option<Library> {
    let nowhere = Url::parse(NOWHERE).ok()?;
    let basic = matches!(client.auth, ClientAuth::SecretBasic(_));
    let library = BasicClient::new(ClientId::new(client.id.clone()))
        .set_auth_type(if basic { AuthType::BasicAuth } else { AuthType::RequestBody })
        .set_token_uri(TokenUrl::from_url(nowhere.clone()))
        .set_device_authorization_url(DeviceAuthorizationUrl::from_url(nowhere.clone()))
        .set_introspection_url(IntrospectionUrl::from_url(nowhere.clone()))
        .set_revocation_url(RevocationUrl::from_url(nowhere));
    let secret = client.auth.secret().map(|secret| ClientSecret::new(secret.expose().into()));
    Some(secret.into_iter().fold(library, oauth2::Client::set_client_secret))
}
