//! Revocation requests (RFC 7009) and what servers answer. Not here: where they are sent, and which token first (see
//! `flow`).

use oauth2::{AccessToken, RefreshToken, StandardRevocableToken};

use crate::oauth::reply::{members, refusal};
use crate::oauth::written::{WireRequest, WriteOptions};
use crate::oauth::{Epoch, OAuthClient, ReplyError, is_unavailable};
use crate::secret::Secret;

/// What a token is, for `token_type_hint` (RFC 7009 section 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// `access_token`.
    Access,
    /// `refresh_token`.
    Refresh,
}

/// A revocation request before it is written out.
#[derive(Clone, Debug)]
pub struct Revocation<'a> {
    /// The token to revoke.
    pub token: &'a Secret,
    /// Its kind.
    pub kind: TokenKind,
    /// The client that the token was issued to.
    pub client: &'a OAuthClient,
    /// Whether the body is JSON instead of a form.
    pub json: bool,
}

impl Revocation<'_> {
    /// Writes the request of section 2.1. `audience` is the endpoint's address, for an assertion.
    ///
    /// # Errors
    /// `None` if the key cannot sign.
    pub fn write(&self, audience: &str, now: Epoch) -> Option<WireRequest> {
        let token = self.token.expose().to_owned();
        let token: StandardRevocableToken = match self.kind {
            TokenKind::Access => AccessToken::new(token).into(),
            TokenKind::Refresh => RefreshToken::new(token).into(),
        };
        let manner = WriteOptions { client: self.client, extra: Vec::new(), json: self.json, audience, now };
        manner.write(|client, send| client.revoke_token(token).map(|request| request.request(&send)))
    }

    /// The logout endpoint of one family of servers, older than their revocation: it ends the session of a refresh
    /// token.
    ///
    /// # Errors
    /// `None` if the key cannot sign.
    pub fn write_logout(&self, audience: &str, now: Epoch) -> Option<WireRequest> {
        let extra = vec![("refresh_token", self.token.expose())];
        WriteOptions { client: self.client, extra, json: false, audience, now }.write_plain()
    }
}

/// Parses the answer (section 2.2): any success means that the token is invalid, including one that was unknown.
///
/// # Errors
/// [`ReplyError::Refused`] with the server's own error (section 2.2.1), and as [`ReplyError`] says.
pub fn read_revocation(status: u16, body: &[u8], sent: &[Secret]) -> Result<(), ReplyError> {
    if is_unavailable(status) {
        return Err(ReplyError::Unavailable { status, said: None });
    }
    // Some servers send errors with a 200.
    if let Some(refused) = members(body, "").as_ref().and_then(|top| refusal(status, top, sent)) {
        return match &refused {
            // Section 2.2: an invalid token is not an error; some servers send one nevertheless.
            ReplyError::Refused { error, .. } if error == "invalid_token" => Ok(()),
            _ => Err(refused),
        };
    }
    match status {
        200..300 => Ok(()),
        _ => Err(ReplyError::Unreadable { status, why: "without an OAuth error in the body" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::ClientAuth;
    use oauth2::http::header::AUTHORIZATION;
    use proptest::prelude::*;

    fn client(auth: ClientAuth) -> OAuthClient {
        OAuthClient { id: "app".into(), auth }
    }

    #[test]
    fn each_request_is_written_as_the_rfc_says() {
        let (token, secret) = (Secret::new("t+/="), Secret::new("s3cret"));
        let post = client(ClientAuth::SecretPost(secret.clone()));
        let basic = client(ClientAuth::SecretBasic(secret));
        let public = client(ClientAuth::None);
        let write = |client, kind, json| {
            Revocation { token: &token, kind, client, json }.write("https://idp.test/revoke", 0).unwrap()
        };
        let refresh = write(&post, TokenKind::Refresh, false);
        assert_eq!(
            refresh.body.expose(),
            "token=t%2B%2F%3D&token_type_hint=refresh_token&client_id=app&client_secret=s3cret"
        );
        let access = write(&public, TokenKind::Access, true);
        assert_eq!(
            access.body.expose(),
            r#"{"client_id":"app","token":"t+/=","token_type_hint":"access_token"}"#
        );
        let authenticated = write(&basic, TokenKind::Access, false);
        assert_eq!(authenticated.body.expose(), "token=t%2B%2F%3D&token_type_hint=access_token");
        assert!(authenticated.headers.contains_key(AUTHORIZATION));
        let logout = Revocation { token: &token, kind: TokenKind::Refresh, client: &public, json: true };
        let logout = logout.write_logout("https://idp.test/logout", 0).unwrap();
        assert_eq!(logout.body.expose(), "client_id=app&refresh_token=t%2B%2F%3D");
    }

    #[test]
    fn a_success_is_a_success_and_a_no_is_scrubbed() {
        let read = |status, body: &str| read_revocation(status, body.as_bytes(), &[Secret::new("the-token")]);
        for (status, body) in
            [(200, ""), (204, ""), (200, "{}"), (200, "<html>"), (400, r#"{"error":"invalid_token"}"#)]
        {
            assert_eq!(read(status, body), Ok(()), "{status} {body}");
        }
        let body = r#"{"error":"unsupported_token_type","error_description":"not the-token"}"#;
        for status in [200, 400] {
            let refused = ReplyError::Refused {
                error: "unsupported_token_type".into(),
                description: Some("not [redacted]".into()),
            };
            assert_eq!(read(status, body), Err(refused));
        }
        assert_eq!(read(503, ""), Err(ReplyError::Unavailable { status: 503, said: None }));
        for status in [302, 404] {
            assert!(matches!(read(status, ""), Err(ReplyError::Unreadable { .. })), "{status}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(status in 100u16..600, body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_revocation(status, &body, &[]);
        }
    }
}
