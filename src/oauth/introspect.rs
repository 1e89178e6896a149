//! The introspection request (RFC 7662 section 2.1). It leaves sending it and judging the reply to whoever asks.

use oauth2::AccessToken;

use crate::oauth::written::{WireRequest, WriteOptions};
use crate::oauth::{Epoch, OAuthClient};

/// Writes the question about an access token. `audience` is the endpoint's address, for an assertion.
///
/// # Errors
/// `None` if the key does not sign.
pub fn write_introspection(
    client: &OAuthClient,
    token: &str,
    audience: &str,
    now: Epoch,
) -> Option<WireRequest> {
    let token = AccessToken::new(token.into());
    let manner =
        WriteOptions { client, extra: vec![("token_type_hint", "access_token")], json: false, audience, now };
    manner.write(|client, send| client.introspect(&token).request(&send))
}
