//! Token requests (RFC 6749 sections 4.1.3, 4.4.2 and 6) with client authentication, ready to send.
//! It leaves sending and retrying to `flow`.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::oauth::{Client, ClientAuth, Epoch};
use crate::secret::Secret;

/// A grant: what is given for the token. Only that.
#[derive(Clone, Debug)]
pub enum Grant<'a> {
    /// Section 4.4.
    ClientCredentials,
    /// Section 4.1.3 with RFC 7636 section 4.5.
    AuthorizationCode {
        /// The code.
        code: &'a Secret,
        /// What the challenge was made of.
        verifier: Option<&'a Secret>,
        /// The same as in the authorization request.
        redirect_uri: &'a str,
    },
    /// Section 6.
    RefreshToken(&'a Secret),
    /// RFC 8628 section 3.4.
    DeviceCode {
        /// The code that stands for the login on another device.
        code: &'a Secret,
        /// What the challenge was made of, where one was sent.
        verifier: Option<&'a Secret>,
    },
}

/// A token request before it is written out.
#[derive(Clone, Debug)]
pub struct TokenRequest<'a> {
    /// What is given for the token.
    pub grant: Grant<'a>,
    /// Who asks.
    pub client: &'a Client,
    /// More parameters: `scope`, `audience`, a provider's own.
    pub extra: &'a [(String, String)],
    /// Whether the body is JSON instead of a form.
    pub json: bool,
}

/// A request as it goes over the wire, apart from the address.
pub struct Written {
    /// The body's media type.
    pub content_type: &'static str,
    /// The `Authorization` header, where the client authenticates by one.
    pub authorization: Option<Secret>,
    /// The body.
    pub body: Secret,
    /// Every secret in it, so that a server's answer can be scrubbed of them.
    pub secrets: Vec<Secret>,
}

/// The fields whose values are secrets.
const SECRET_FIELDS: [&str; 7] =
    ["client_secret", "client_assertion", "code", "code_verifier", "refresh_token", "device_code", "token"];

impl TokenRequest<'_> {
    /// Writes the request. `audience` is the token endpoint's address, for an assertion (RFC 7523 section 3, point 3).
    /// Every call makes a new assertion: a retry must not repeat one.
    ///
    /// # Errors
    /// `None` if the key does not sign.
    pub fn write(&self, audience: &str, now: Epoch) -> Option<Written> {
        let mut fields: Vec<(&str, String)> = Vec::new();
        match &self.grant {
            Grant::ClientCredentials => fields.push(("grant_type", "client_credentials".into())),
            Grant::AuthorizationCode { code, verifier, redirect_uri } => {
                fields.push(("grant_type", "authorization_code".into()));
                fields.push(("code", code.expose().into()));
                fields.push(("redirect_uri", (*redirect_uri).into()));
                fields.extend(verifier.map(|verifier| ("code_verifier", verifier.expose().into())));
            }
            Grant::RefreshToken(token) => {
                fields.push(("grant_type", "refresh_token".into()));
                fields.push(("refresh_token", token.expose().into()));
            }
            Grant::DeviceCode { code, verifier } => {
                fields.push(("grant_type", "urn:ietf:params:oauth:grant-type:device_code".into()));
                fields.push(("device_code", code.expose().into()));
                fields.extend(verifier.map(|verifier| ("code_verifier", verifier.expose().into())));
            }
        }
        written(fields, self.client, self.extra, self.json, audience, now)
    }
}

/// A request's fields with the client's proof of who it is, as they go over the wire.
pub(super) fn written<'f>(
    mut fields: Vec<(&'f str, String)>,
    client: &Client,
    extra: &'f [(String, String)],
    json: bool,
    audience: &str,
    now: Epoch,
) -> Option<Written> {
    let authorization = authenticate(client, &mut fields, audience, now)?;
    fields.extend(extra.iter().map(|(name, value)| (name.as_str(), value.clone())));
    if !json {
        return Some(Written::form(fields, authorization, client));
    }
    let secrets = secrets(&fields, client);
    let object: BTreeMap<&str, String> = fields.into_iter().collect();
    let body = Secret::new(serde_json::to_string(&object).ok()?);
    Some(Written { content_type: "application/json", authorization, body, secrets })
}

fn secrets(fields: &[(&str, String)], client: &Client) -> Vec<Secret> {
    let sent = fields.iter().filter(|(name, _)| SECRET_FIELDS.contains(name));
    sent.map(|(_, value)| Secret::new(value.as_str())).chain(client.auth.secret().cloned()).collect()
}

impl Written {
    /// A form, as RFC 6749 has every request.
    pub(super) fn form(fields: Vec<(&str, String)>, authorization: Option<Secret>, client: &Client) -> Self {
        let secrets = secrets(&fields, client);
        let body = Secret::new(Serializer::new(String::new()).extend_pairs(fields).finish());
        Self { content_type: "application/x-www-form-urlencoded", authorization, body, secrets }
    }
}

/// Client authentication (RFC 6749 section 2.3): fields of the body, or the `Authorization` header that comes back.
/// `None` if the key does not sign.
pub(super) fn authenticate(
    client: &Client,
    fields: &mut Vec<(&str, String)>,
    audience: &str,
    now: Epoch,
) -> Option<Option<Secret>> {
    match &client.auth {
        ClientAuth::SecretBasic(secret) => return Some(Some(basic(&client.id, secret))),
        ClientAuth::None => fields.push(("client_id", client.id.clone())),
        ClientAuth::SecretPost(secret) => {
            fields.push(("client_id", client.id.clone()));
            fields.push(("client_secret", secret.expose().into()));
        }
        ClientAuth::PrivateKeyJwt(key) => {
            let assertion = key.assertion(&client.id, audience, now)?;
            fields.push(("client_id", client.id.clone()));
            fields.push((
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".into(),
            ));
            fields.push(("client_assertion", assertion.expose().into()));
        }
    }
    Some(None)
}

/// RFC 6749 section 2.3.1: id and secret are form-encoded first, or a `:` in the id or a `%` in the secret is misread.
fn basic(id: &str, secret: &Secret) -> Secret {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encode(id), encode(secret.expose()));
    Secret::new(format!("Basic {}", STANDARD.encode(pair)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(grant: Grant<'_>, auth: ClientAuth, json: bool) -> Written {
        let client = Client { id: "m2m:id".into(), auth };
        let extra = [("scope".to_owned(), "a b".to_owned())];
        TokenRequest { grant, client: &client, extra: &extra, json }
            .write("https://idp.test/token", 0)
            .unwrap()
    }

    #[test]
    fn each_grant_and_each_authentication_is_written_as_the_rfc_says() {
        let secret = || Secret::new("s+p/c=ial:%&");
        let basic = write(Grant::ClientCredentials, ClientAuth::SecretBasic(secret()), false);
        assert_eq!(basic.body.expose(), "grant_type=client_credentials&scope=a+b");
        let header = basic.authorization.unwrap();
        let pair = STANDARD.decode(header.expose().strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(String::from_utf8(pair).unwrap(), "m2m%3Aid:s%2Bp%2Fc%3Dial%3A%25%26");

        let post = write(Grant::RefreshToken(&Secret::new("r")), ClientAuth::SecretPost(secret()), false);
        assert_eq!(
            post.body.expose(),
            "grant_type=refresh_token&refresh_token=r&client_id=m2m%3Aid&client_secret=s%2Bp%2Fc%3Dial%3A%25%26&scope=a+b"
        );
        let (code, verifier) = (Secret::new("c"), Secret::new("v"));
        let grant = Grant::AuthorizationCode {
            code: &code,
            verifier: Some(&verifier),
            redirect_uri: "http://127.0.0.1/cb",
        };
        let public = write(grant, ClientAuth::None, true);
        assert_eq!(
            public.body.expose(),
            r#"{"client_id":"m2m:id","code":"c","code_verifier":"v","grant_type":"authorization_code","redirect_uri":"http://127.0.0.1/cb","scope":"a b"}"#
        );
        assert_eq!((public.content_type, public.authorization), ("application/json", None));
        let grant = Grant::DeviceCode { code: &code, verifier: Some(&verifier) };
        assert_eq!(
            write(grant, ClientAuth::None, false).body.expose(),
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=c&code_verifier=v\
             &client_id=m2m%3Aid&scope=a+b"
        );
    }
}
