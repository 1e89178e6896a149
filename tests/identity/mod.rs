//! Where our identity is sent: to the gateway that the user named, and to no other host. Not here: what a gateway
//! does with it (see `gateway`).
#![cfg(test)]

mod echo;
mod hosts;
mod kept;
mod terminal;
mod unnamed;

use serde_json::json;

use crate::support::User;

/// The token that identifies us at a gateway.
const INGRESS: &str = "token-of-the-ingress-0123456789";
/// The token of a server behind it.
const EGRESS: &str = "token-of-the-egress-0123456789";

/// A user with a token for the gateway, one for the server `tracker` behind it, and the registry's file of `notes`.
fn user() -> User {
    let user = User::new();
    let stored = |provider: &str, token: &str| {
        json!({"provider": provider, "access_token": token, "expires_at": 4_000_000_000u64, "client_id": "c"})
            .to_string()
    };
    user.file(".oauth-tokens/ingress.json", &stored("oidc", INGRESS));
    user.file(".oauth-tokens/tracker-egress.json", &stored("tracker", EGRESS));
    user.file(
        "servers/notes.json",
        r#"{"server_name":"notes","path":"/notes","proxy_pass_url":"http://127.0.0.1:1","auth_type":"none"}"#,
    );
    user
}
