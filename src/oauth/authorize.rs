//! The authorization request (RFC 6749 section 4.1.1, PKCE of RFC 7636) and the response that comes back to the
//! loopback listener (section 4.1.2, `iss` of RFC 9207). Not here: listening and browsers (see `flow`).

use std::collections::BTreeMap;

use oauth2::basic::BasicClient;
use oauth2::{AuthUrl, ClientId, CsrfToken, PkceCodeChallenge};
use subtle::ConstantTimeEq;
use url::Url;

use crate::secret::Secret;
use crate::text::clean;

/// What the authorization URL is made of.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest<'a> {
    /// RFC 6749 section 3.1; an existing query is kept.
    pub endpoint: &'a Url,
    /// RFC 6749 section 2.2.
    pub client_id: &'a str,
    /// Exactly as it will be sent to the token endpoint again.
    pub redirect_uri: &'a str,
    /// The scope parameter's name and value; the name is `scope` nearly everywhere.
    pub scope: Option<(&'a str, String)>,
    /// Further parameters that the provider requires.
    pub extra: &'a BTreeMap<String, String>,
    /// The issuer that must answer, if known.
    pub issuer: Option<&'a str>,
    /// Whether to send a PKCE challenge: always, except for the rare server that then rejects the code.
    pub pkce: bool,
    /// Whether the issuer promised to send `iss` in the response (RFC 9207 section 3).
    pub iss_required: bool,
}

/// A pending request: what the response must match. Single use.
#[derive(Debug)]
pub struct PendingAuthorization {
    /// RFC 7636 section 4.1, for the token request.
    pub verifier: Option<Secret>,
    /// Other secrets of ours that the server knows and may repeat.
    known: Option<Secret>,
    state: Secret,
    issuer: Option<String>,
    iss_required: bool,
}

/// The meaning of an incoming query.
#[derive(Debug, PartialEq, Eq)]
pub enum AuthorizationResponse {
    /// The authorization code.
    Code(Secret),
    /// An error from the server or the user (RFC 6749 section 4.1.2.1), cleaned.
    Denied {
        /// The error code.
        error: String,
        /// Its description.
        description: Option<String>,
    },
    /// Our `state`, but from another issuer than the one that was asked: an attack (RFC 9207 section 1). None of it
    /// is repeated.
    WrongIssuer,
    /// Not an answer to this request; keep waiting.
    Stray,
}

impl AuthorizationRequest<'_> {
    /// The URL to open, and what to keep until the answer comes. Every call creates a new `state` and verifier.
    pub fn begin(&self) -> (Url, PendingAuthorization) {
        let client = BasicClient::new(ClientId::new(self.client_id.into()));
        let client = client.set_auth_uri(AuthUrl::from_url(self.endpoint.clone()));
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = client.authorize_url(CsrfToken::new_random);
        if self.pkce {
            request = request.set_pkce_challenge(challenge);
        }
        let scope = self.scope.iter().map(|(name, value)| (*name, value.as_str()));
        let extra = self.extra.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        // The address as registered, and scopes as the provider has them: the library only knows one form of each.
        for (name, value) in [("redirect_uri", self.redirect_uri)].into_iter().chain(scope).chain(extra) {
            request = request.add_extra_param(name, value);
        }
        let (url, state) = request.url();
        let pending = PendingAuthorization {
            verifier: self.pkce.then(|| Secret::new(verifier.into_secret())),
            known: None,
            state: Secret::new(state.into_secret()),
            issuer: self.issuer.map(Into::into),
            iss_required: self.iss_required,
        };
        (url, pending)
    }
}

impl PendingAuthorization {
    /// What must be kept until the answer comes, by a caller that stores nothing else: `state` and the verifier.
    pub fn kept(&self) -> (&Secret, Option<&Secret>) {
        (&self.state, self.verifier.as_ref())
    }

    /// The request of which that was kept.
    pub fn resume(state: Secret, verifier: Secret, issuer: &str, iss_required: bool) -> Self {
        Self { verifier: Some(verifier), known: None, state, issuer: Some(issuer.to_owned()), iss_required }
    }

    /// With the client's secret, which no answer from the server may repeat.
    #[must_use]
    pub fn guarding(self, secret: Option<&Secret>) -> Self {
        Self { known: secret.cloned(), ..self }
    }

    /// Text from a server, with our secrets removed before it is cut: a cut secret would not be recognized.
    fn said(&self, text: &str, limit: usize) -> String {
        let ours = [self.verifier.as_ref(), self.known.as_ref(), Some(&self.state)];
        clean(&ours.into_iter().flatten().fold(text.to_owned(), |text, secret| secret.scrub(text)), limit)
    }

    /// Checks a query string that reached the redirect URI. `state` comes first and in constant time: a query without
    /// it is ignored, so a stray tab or a guess can neither cancel nor divert the login.
    pub fn judge(&self, query: &str) -> AuthorizationResponse {
        let Some(found) = Parameters::read(query) else { return AuthorizationResponse::Stray };
        let ours = found
            .state
            .is_some_and(|state| bool::from(state.as_bytes().ct_eq(self.state.expose().as_bytes())));
        if !ours {
            return AuthorizationResponse::Stray;
        }
        match (&self.issuer, &found.iss) {
            // Simple string comparison, without normalization (RFC 9207 section 2.4).
            (Some(expected), Some(iss)) if expected != iss => return AuthorizationResponse::WrongIssuer,
            (_, None) if self.iss_required => return AuthorizationResponse::WrongIssuer,
            _ => {}
        }
        match (found.error, found.code) {
            (Some(error), _) => AuthorizationResponse::Denied {
                error: self.said(&error, 64),
                description: found
                    .error_description
                    .map(|text| self.said(&text, 200))
                    .filter(|text| !text.is_empty()),
            },
            (None, Some(code)) if !code.is_empty() => AuthorizationResponse::Code(Secret::new(code)),
            _ => AuthorizationResponse::Stray,
        }
    }
}

/// The response parameters that we use.
#[derive(Default)]
struct Parameters {
    state: Option<String>,
    code: Option<String>,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

impl Parameters {
    /// `None` if one of them occurs twice, which RFC 6749 section 3.1 forbids: parsers would disagree.
    fn read(query: &str) -> Option<Self> {
        let mut found = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let slot = match &*name {
                "state" => &mut found.state,
                "code" => &mut found.code,
                "iss" => &mut found.iss,
                "error" => &mut found.error,
                "error_description" => &mut found.error_description,
                _ => continue,
            };
            if slot.replace(value.into_owned()).is_some() {
                return None;
            }
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn begin(issuer: Option<&str>, iss_required: bool) -> (Url, PendingAuthorization) {
        let endpoint = Url::parse("https://idp.test/authorize?tenant=a").unwrap();
        let extra = BTreeMap::from([("audience".to_owned(), "api.test".to_owned())]);
        AuthorizationRequest {
            endpoint: &endpoint,
            client_id: "cli",
            redirect_uri: "http://127.0.0.1:8080/cb",
            scope: Some(("scope", "a b".into())),
            extra: &extra,
            issuer,
            pkce: true,
            iss_required,
        }
        .begin()
    }

    #[test]
    fn the_url_carries_everything_once_and_s256() {
        let (url, _) = begin(None, false);
        let pairs: Vec<_> =
            url.query_pairs().filter(|(k, _)| k != "state" && k != "code_challenge").collect();
        let shown: Vec<String> = pairs.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(
            shown,
            [
                "tenant=a",
                "response_type=code",
                "client_id=cli",
                "code_challenge_method=S256",
                "redirect_uri=http://127.0.0.1:8080/cb",
                "scope=a b",
                "audience=api.test"
            ]
        );
    }

    #[test]
    fn state_verifier_and_challenge_are_new_each_time_and_long_enough() {
        let (one, two) = (begin(None, false).1, begin(None, false).1);
        assert_ne!(one.state, two.state);
        assert_ne!(one.verifier, two.verifier);
        assert!((43..=128).contains(&one.verifier.unwrap().expose().len()), "RFC 7636 section 4.1");
        assert!(one.state.expose().len() >= 22, "128 bits");
    }

    #[test]
    fn the_state_decides_before_anything_else_is_looked_at() {
        let (_, pending) = begin(None, false);
        let state = pending.state.expose();
        let cases = [
            (format!("code=c&state={state}"), AuthorizationResponse::Code(Secret::new("c"))),
            (
                format!("state={state}&code=c&iss=https://anyone.test"),
                AuthorizationResponse::Code(Secret::new("c")),
            ),
            ("code=c&state=wrong".into(), AuthorizationResponse::Stray),
            ("code=c".into(), AuthorizationResponse::Stray),
            ("error=access_denied".into(), AuthorizationResponse::Stray),
            (format!("code=c&state={state}&state=wrong"), AuthorizationResponse::Stray),
            (format!("code=c&code=d&state={state}"), AuthorizationResponse::Stray),
            (format!("state={state}"), AuthorizationResponse::Stray),
            (format!("code=&state={state}"), AuthorizationResponse::Stray),
            (String::new(), AuthorizationResponse::Stray),
            (
                format!("error=access_denied&error_description=no%0d%0ano&state={state}"),
                AuthorizationResponse::Denied {
                    error: "access_denied".into(),
                    description: Some("no  no".into()),
                },
            ),
        ];
        for (query, expected) in cases {
            assert_eq!(pending.judge(&query), expected, "{query}");
        }
    }

    #[test]
    fn the_issuer_is_compared_as_rfc_9207_says() {
        let known = Some("https://idp.test");
        let cases = [
            (known, true, "&iss=https://idp.test", true),
            (known, true, "", false),
            (known, true, "&iss=https://idp.test/", false),
            (known, true, "&iss=https://evil.test", false),
            (known, false, "", true),
            (known, false, "&iss=https://evil.test", false),
            (None, false, "&iss=https://anyone.test", true),
        ];
        for (issuer, required, iss, accepted) in cases {
            let (_, pending) = begin(issuer, required);
            let state = pending.state.expose();
            let answer = pending.judge(&format!("code=c&state={state}{iss}"));
            let expected = if accepted {
                AuthorizationResponse::Code(Secret::new("c"))
            } else {
                AuthorizationResponse::WrongIssuer
            };
            assert_eq!(answer, expected, "{issuer:?} {required} {iss}");
            // An error from the wrong issuer is not trusted either.
            if !accepted {
                assert_eq!(
                    pending.judge(&format!("error=x&state={state}{iss}")),
                    AuthorizationResponse::WrongIssuer
                );
            }
        }
    }

    proptest! {
        #[test]
        fn no_query_without_the_state_is_an_answer(query in ".{0,300}") {
            prop_assert_eq!(begin(None, false).1.judge(&query), AuthorizationResponse::Stray);
        }

        #[test]
        fn any_code_survives_the_round_trip(code in "[ -~]{1,200}") {
            let (_, pending) = begin(None, false);
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("code", &code)
                .append_pair("state", pending.state.expose())
                .finish();
            prop_assert_eq!(pending.judge(&query), AuthorizationResponse::Code(Secret::new(code)));
        }
    }
}
