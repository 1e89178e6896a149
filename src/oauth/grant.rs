//! Token requests (RFC 6749 sections 4.1.3, 4.4.2 and 6, RFC 8693 section 2.1) with client authentication, ready to
//! send. Not here: sending and retrying (see `flow`).

use oauth2::{AuthorizationCode, RefreshToken};

use crate::oauth::written::{WireRequest, WriteOptions};
use crate::oauth::{Epoch, OAuthClient};
use crate::secret::Secret;

/// RFC 8693 sections 2.1 and 3.
pub const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// The type of token that is exchanged, and that is got for it.
pub const ACCESS_TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A grant without anything else.
#[derive(Clone, Debug)]
pub enum Grant<'a> {
    /// Section 4.4.
    ClientCredentials,
    /// Section 4.1.3 with RFC 7636 section 4.5.
    AuthorizationCode {
        /// The code.
        code: &'a Secret,
        /// The challenge's verifier.
        verifier: Option<&'a Secret>,
        /// The same as in the authorization request.
        redirect_uri: &'a str,
    },
    /// Section 6.
    RefreshToken(&'a Secret),
    /// RFC 8693 section 2.1.
    TokenExchange {
        /// The token that another one is to be made of.
        subject_token: &'a Secret,
    },
    /// RFC 8628 section 3.4.
    DeviceCode {
        /// The code for the login on another device.
        code: &'a Secret,
        /// The challenge's verifier, if one was sent.
        verifier: Option<&'a Secret>,
    },
}

/// A token request before it is written out.
#[derive(Clone, Debug)]
pub struct TokenRequest<'a> {
    /// The grant.
    pub grant: Grant<'a>,
    /// The client.
    pub client: &'a OAuthClient,
    /// More parameters: `scope`, `audience`, the provider's own.
    pub extra: &'a [(String, String)],
    /// Whether the body is JSON instead of a form.
    pub json: bool,
}

impl TokenRequest<'_> {
    /// Writes the request. `audience` is the token endpoint's address, for an assertion.
    ///
    /// # Errors
    /// `None` if the key cannot sign.
    pub fn write(&self, audience: &str, now: Epoch) -> Option<WireRequest> {
        let text = |secret: &Secret| secret.expose().to_owned();
        let mut extra: Vec<_> =
            self.extra.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let manner = |extra| WriteOptions { client: self.client, extra, json: self.json, audience, now };
        match &self.grant {
            Grant::ClientCredentials => {
                manner(extra).write(|client, send| client.exchange_client_credentials().request(&send))
            }
            Grant::AuthorizationCode { code, verifier, redirect_uri } => {
                let code = AuthorizationCode::new(text(code));
                extra.push(("redirect_uri", redirect_uri));
                extra.extend(verifier.map(|verifier| ("code_verifier", verifier.expose())));
                manner(extra).write(|client, send| client.exchange_code(code).request(&send))
            }
            Grant::RefreshToken(token) => {
                let token = RefreshToken::new(text(token));
                manner(extra).write(|client, send| client.exchange_refresh_token(&token).request(&send))
            }
            Grant::TokenExchange { subject_token } => {
                extra.extend([("grant_type", TOKEN_EXCHANGE), ("subject_token_type", ACCESS_TOKEN_TYPE)]);
                extra.push(("subject_token", subject_token.expose()));
                manner(extra).write_plain()
            }
            Grant::DeviceCode { code, verifier } => {
                extra.extend([("grant_type", DEVICE_CODE), ("device_code", code.expose())]);
                extra.extend(verifier.map(|verifier| ("code_verifier", verifier.expose())));
                manner(extra).write_plain()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use oauth2::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};

    use super::*;
    use crate::oauth::ClientAuth;

    fn write(grant: Grant<'_>, auth: ClientAuth, json: bool) -> WireRequest {
        let client = OAuthClient { id: "m2m:id".into(), auth };
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
        assert_eq!(basic.headers[ACCEPT], "application/json");
        assert_eq!(basic.headers[CONTENT_TYPE], "application/x-www-form-urlencoded");
        assert!(!format!("{:?}", basic.headers).contains("Basic"), "it is not printed");
        let header = basic.headers[AUTHORIZATION].to_str().unwrap();
        let pair = STANDARD.decode(header.strip_prefix("Basic ").unwrap()).unwrap();
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
        assert_eq!(public.headers[CONTENT_TYPE], "application/json");
        assert!(!public.headers.contains_key(AUTHORIZATION));
        assert_eq!(
            write(Grant::TokenExchange { subject_token: &code }, ClientAuth::None, false).body.expose(),
            "client_id=m2m%3Aid&scope=a+b&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&\
             subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&subject_token=c"
        );
        let grant = Grant::DeviceCode { code: &code, verifier: Some(&verifier) };
        assert_eq!(
            write(grant, ClientAuth::None, false).body.expose(),
            "client_id=m2m%3Aid&scope=a+b&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=c\
             &code_verifier=v"
        );
    }
}
