//! Dynamic client registration (RFC 7591): our client metadata, and the answer. Not here: sending (see `flow`);
//! storing (see `config`).

use serde_json::{Map, Value};
use thiserror::Error;

use super::reply::members;
use super::{ClientAuth, IssuerMetadata, OAuthClient};
use crate::secret::Secret;
use crate::text::clean;

/// Our authentication methods, best first: a program on a user's machine can keep no secret from that user.
const METHODS: [&str; 3] = ["none", "client_secret_basic", "client_secret_post"];
/// The longest client identifier that is accepted, in characters.
const LONGEST_ID: usize = 1_000;

/// Why there is no client.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RegistrationError {
    /// Section 3.2.2, or an HTTP status without one.
    #[error("refused ({error}){}", description.as_deref().map(|text| format!(": {text}")).unwrap_or_default())]
    Refused {
        /// The error code, cleaned, or the status.
        error: String,
        /// Its description, cleaned.
        description: Option<String>,
    },
    /// Not the answer of section 3.2.1.
    #[error("the answer is {0}")]
    Unreadable(&'static str),
    /// No common authentication method.
    #[error("it accepts none of {}", METHODS.join(", "))]
    Method,
}

/// How to authenticate at an issuer: the best method that it supports, which without a list is `client_secret_basic`
/// (RFC 8414 section 2).
///
/// # Errors
/// [`RegistrationError::Method`].
pub fn auth_method(issuer: &IssuerMetadata) -> Result<&'static str, RegistrationError> {
    let Some(taken) = &issuer.token_endpoint_auth_methods_supported else { return Ok("client_secret_basic") };
    let best = METHODS.into_iter().find(|method| taken.iter().any(|name| name == method));
    best.ok_or(RegistrationError::Method)
}

/// How the user's own client authenticates: with its secret if it has one; otherwise it is public.
pub fn own_auth(secret: Option<Secret>, issuer: &IssuerMetadata) -> ClientAuth {
    let basic = issuer
        .token_endpoint_auth_methods_supported
        .as_ref()
        .is_none_or(|taken| taken.iter().any(|name| name == "client_secret_basic"));
    match secret {
        None => ClientAuth::None,
        Some(secret) if basic => ClientAuth::SecretBasic(secret),
        Some(secret) => ClientAuth::SecretPost(secret),
    }
}

/// The request's body (section 2): a native application, whose redirect URI is on this machine (RFC 8252).
pub fn registration_request(
    issuer: &IssuerMetadata,
    method: &str,
    redirect_uri: &str,
    scopes: &[String],
) -> Value {
    let device = issuer.device_authorization_endpoint.is_some();
    let mut body = describe_client(method, &[redirect_uri.to_owned()], device);
    if !scopes.is_empty() {
        body.insert("scope".into(), scopes.join(" ").into());
    }
    body.into()
}

/// A client's metadata (RFC 7591 section 2), for a registration or a document.
pub(super) fn describe_client(method: &str, redirect_uris: &[String], device: bool) -> Map<String, Value> {
    let mut grants = vec!["authorization_code", "refresh_token"];
    if device {
        grants.push("urn:ietf:params:oauth:grant-type:device_code");
    }
    let members = [
        ("client_name", "mcpauth".into()),
        ("redirect_uris", redirect_uris.into()),
        ("application_type", "native".into()),
        ("grant_types", grants.into()),
        ("response_types", vec!["code"].into()),
        ("token_endpoint_auth_method", method.into()),
    ];
    members.map(|(name, value): (&str, Value)| (name.to_owned(), value)).into_iter().collect()
}

/// Parses the answer (section 3.2); the issuer may have chosen another method than the requested one.
///
/// # Errors
/// As [`RegistrationError`] says; none repeats a secret.
pub fn read_registration(status: u16, body: &[u8], asked: &str) -> Result<OAuthClient, RegistrationError> {
    let found = members(body, "");
    if !(200..300).contains(&status) {
        return Err(registration_error(status, &found.unwrap_or_default()));
    }
    let found = found.ok_or(RegistrationError::Unreadable("not a JSON object"))?;
    let text = |name: &str| found.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let id = text("client_id").ok_or(RegistrationError::Unreadable("without a client_id"))?;
    if id.chars().count() > LONGEST_ID || clean(id, LONGEST_ID) != id {
        return Err(RegistrationError::Unreadable("with an invalid client_id"));
    }
    let secret = text("client_secret").map(Secret::new);
    // An issuer that sends no secret and names no method only registers public clients.
    let chosen = if secret.is_some() { asked } else { "none" };
    let method = text("token_endpoint_auth_method").unwrap_or(chosen);
    let auth = ClientAuth::named(method, secret)
        .ok_or(RegistrationError::Unreadable("without the secret that its authentication method needs"))?;
    Ok(OAuthClient { id: id.into(), auth })
}

fn registration_error(status: u16, found: &Map<String, Value>) -> RegistrationError {
    let text = |name: &str, limit| {
        let text = found.get(name).and_then(Value::as_str).map(|text| clean(text, limit));
        text.filter(|text| !text.is_empty())
    };
    let error = text("error", 64).unwrap_or_else(|| format!("HTTP {status}"));
    RegistrationError::Refused { error, description: text("error_description", 200) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn taking(methods: Option<&[&str]>) -> IssuerMetadata {
        let methods = methods.map(|list| list.iter().map(|name| (*name).to_owned()).collect());
        IssuerMetadata { token_endpoint_auth_methods_supported: methods, ..IssuerMetadata::default() }
    }

    #[test]
    fn the_method_is_the_best_of_what_the_issuer_takes() {
        type Case = (Option<&'static [&'static str]>, Result<&'static str, RegistrationError>);
        let cases: [Case; 5] = [
            (None, Ok("client_secret_basic")),
            (Some(&["client_secret_post", "none"]), Ok("none")),
            (Some(&["client_secret_post", "client_secret_basic"]), Ok("client_secret_basic")),
            (Some(&["private_key_jwt", "client_secret_post"]), Ok("client_secret_post")),
            (Some(&["private_key_jwt"]), Err(RegistrationError::Method)),
        ];
        for (methods, expected) in cases {
            assert_eq!(auth_method(&taking(methods)), expected, "{methods:?}");
        }
        let own = |secret: Option<&str>, methods| own_auth(secret.map(Secret::new), &taking(methods)).name();
        assert_eq!(own(None, None), "none");
        assert_eq!(own(Some("s"), None), "client_secret_basic");
        assert_eq!(own(Some("s"), Some(&["client_secret_post"][..])), "client_secret_post");
    }

    #[test]
    fn we_say_that_we_are_a_program_on_a_persons_machine() {
        let ask = |issuer: &IssuerMetadata, scopes: &[String]| {
            registration_request(issuer, "none", "http://127.0.0.1:1/callback", scopes)
        };
        let body = ask(&taking(None), &[]);
        assert_eq!(
            body,
            json!({
                "client_name": "mcpauth", "redirect_uris": ["http://127.0.0.1:1/callback"], "application_type": "native",
                "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
                "token_endpoint_auth_method": "none",
            })
        );
        let device = IssuerMetadata {
            device_authorization_endpoint: Some("https://as.test/device".parse().unwrap()),
            ..IssuerMetadata::default()
        };
        let body = ask(&device, &["a".into(), "b".into()]);
        assert_eq!(body["scope"], "a b");
        assert_eq!(body["grant_types"][2], "urn:ietf:params:oauth:grant-type:device_code");
    }

    #[test]
    fn answers_are_read_and_refusals_explained() {
        let read = |status, body: &str| {
            read_registration(status, body.as_bytes(), "client_secret_basic").map(|client| {
                let secret = client.auth.secret().map(|secret| secret.expose().to_owned());
                (client.id, client.auth.name(), secret)
            })
        };
        let client =
            |id: &str, method, secret: Option<&str>| Ok((id.to_owned(), method, secret.map(str::to_owned)));
        let unreadable = |why| Err(RegistrationError::Unreadable(why));
        let no = |error: &str, text: Option<&str>| {
            Err(RegistrationError::Refused { error: error.into(), description: text.map(str::to_owned) })
        };
        let no_secret = "without the secret that its authentication method needs";
        let cases = [
            (201, r#"{"client_id":"c","client_secret":"s"}"#, client("c", "client_secret_basic", Some("s"))),
            (
                200,
                r#"{"client_id":"c","client_secret":"s","token_endpoint_auth_method":"client_secret_post"}"#,
                client("c", "client_secret_post", Some("s")),
            ),
            (
                201,
                r#"{"client_id":"c","client_secret":"s","token_endpoint_auth_method":"none"}"#,
                client("c", "none", None),
            ),
            (201, r#"{"client_id":"c"}"#, client("c", "none", None)),
            (
                201,
                r#"{"client_id":"c","client_secret":"","token_endpoint_auth_method":null}"#,
                client("c", "none", None),
            ),
            (
                201,
                r#"{"client_id":"c","token_endpoint_auth_method":"client_secret_basic"}"#,
                unreadable(no_secret),
            ),
            (
                201,
                r#"{"client_id":"c","token_endpoint_auth_method":"tls_client_auth"}"#,
                unreadable(no_secret),
            ),
            (201, r#"{"client_id":""}"#, unreadable("without a client_id")),
            (201, "{\"client_id\":\"c\\u001b[31m\"}", unreadable("with an invalid client_id")),
            (201, "<html>", unreadable("not a JSON object")),
            (
                400,
                "{\"error\":\"invalid_redirect_uri\",\"error_description\":\"no\\u001b[31m\"}",
                no("invalid_redirect_uri", Some("no [31m")),
            ),
            (403, "", no("HTTP 403", None)),
        ];
        for (status, body, expected) in cases {
            assert_eq!(read(status, body), expected, "{status} {body}");
        }
    }

    proptest! {
        #[test]
        fn any_answer_is_read_without_panic_and_an_id_is_printable(id in ".{0,40}", status in 100u16..600) {
            let body = json!({"client_id": id, "token_endpoint_auth_method": "none"}).to_string();
            if let Ok(client) = read_registration(status, body.as_bytes(), "none") {
                prop_assert!(!client.id.is_empty() && !client.id.chars().any(char::is_control));
            }
        }
    }
}
