//! Authorization server metadata (RFC 8414, OpenID Connect Discovery 1.0): where to look for it and what must be true
//! of it. It leaves fetching to `flow`.

use serde::Deserialize;
use thiserror::Error;
use url::Url;

/// The members that mcpauth uses; all others are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct IssuerMetadata {
    /// RFC 8414 section 2. Kept as the text it came as: issuers are compared byte for byte.
    pub issuer: String,
    /// RFC 6749 section 3.1.
    pub authorization_endpoint: Option<Url>,
    /// RFC 6749 section 3.2.
    pub token_endpoint: Option<Url>,
    /// RFC 8628 section 4.
    pub device_authorization_endpoint: Option<Url>,
    /// RFC 8414 section 2: the keys its tokens are signed with.
    pub jwks_uri: Option<Url>,
    /// RFC 7662 by RFC 8414 section 2.
    pub introspection_endpoint: Option<Url>,
    /// RFC 7009 by RFC 8414 section 2.
    pub revocation_endpoint: Option<Url>,
    /// OpenID Connect RP-Initiated Logout 1.0 section 2.1. One family of servers ends a refresh token's session there.
    pub end_session_endpoint: Option<Url>,
    /// RFC 7591 section 3 by RFC 8414.
    pub registration_endpoint: Option<Url>,
    /// RFC 8414 section 2: some of what can be asked for, as far as it says.
    pub scopes_supported: Option<Vec<String>>,
    /// RFC 7636 section 4.3 by RFC 8414 section 2; absent is not the same as empty.
    pub code_challenge_methods_supported: Option<Vec<String>>,
    /// How clients may authenticate; absent means `client_secret_basic` (RFC 8414 section 2).
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// RFC 9207 section 3.
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

/// Why a metadata document cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum MetadataError {
    /// Not the JSON object that RFC 8414 section 3.2 asks for.
    #[error("the metadata document is not one: {0}")]
    Unreadable(String),
    /// RFC 8414 section 3.3: then it must not be used.
    #[error("the metadata names the issuer {found:?} instead of {expected:?}")]
    Issuer {
        /// What was asked for.
        expected: String,
        /// What the document says.
        found: String,
    },
    /// A list without S256: an old or a downgraded server; we do not do `plain`.
    #[error("the server does not list PKCE S256 among its code_challenge_methods_supported")]
    Pkce,
}

impl IssuerMetadata {
    /// Reads a document that was fetched for `issuer`.
    ///
    /// # Errors
    /// [`MetadataError::Unreadable`], [`MetadataError::Issuer`].
    pub fn read(body: &[u8], issuer: &str) -> Result<Self, MetadataError> {
        let found: Self =
            serde_json::from_slice(body).map_err(|e| MetadataError::Unreadable(e.to_string()))?;
        if found.issuer == issuer {
            Ok(found)
        } else {
            Err(MetadataError::Issuer {
                expected: issuer.into(),
                found: crate::text::clean(&found.issuer, 200),
            })
        }
    }

    /// Refuses a server that lists its PKCE methods and S256 is not among them. One that lists none passes:
    /// Cognito and Entra do S256 and say nothing.
    ///
    /// # Errors
    /// [`MetadataError::Pkce`].
    pub fn require_s256(&self) -> Result<(), MetadataError> {
        match &self.code_challenge_methods_supported {
            Some(methods) if !methods.iter().any(|method| method == "S256") => Err(MetadataError::Pkce),
            _ => Ok(()),
        }
    }
}

/// Where an issuer's metadata may be, in the order to try (RFC 8414 section 3.1, OpenID Connect Discovery section 4).
/// The OpenID form comes first: it is the only one that Cognito has, and every provider here has it.
pub fn well_known(issuer: &str) -> Vec<Url> {
    let base = issuer.trim_end_matches('/');
    let Ok(mut root) = Url::parse(base) else { return Vec::new() };
    let path = root.path().trim_end_matches('/').to_owned();
    root.set_query(None);
    root.set_fragment(None);
    let at = |path: String| {
        let mut url = root.clone();
        url.set_path(&path);
        url
    };
    let mut places = vec![
        at(format!("{path}/.well-known/openid-configuration")),
        at(format!("/.well-known/oauth-authorization-server{path}")),
    ];
    if !path.is_empty() {
        places.push(at(format!("/.well-known/openid-configuration{path}")));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_looked_for_where_the_specifications_put_it() {
        let texts = |issuer| well_known(issuer).into_iter().map(String::from).collect::<Vec<_>>();
        assert_eq!(
            texts("https://idp.test/"),
            [
                "https://idp.test/.well-known/openid-configuration",
                "https://idp.test/.well-known/oauth-authorization-server"
            ]
        );
        assert_eq!(
            texts("https://idp.test/realms/a"),
            [
                "https://idp.test/realms/a/.well-known/openid-configuration",
                "https://idp.test/.well-known/oauth-authorization-server/realms/a",
                "https://idp.test/.well-known/openid-configuration/realms/a"
            ]
        );
        assert!(texts("not a url").is_empty());
    }

    #[test]
    fn a_document_of_another_issuer_is_refused_even_if_only_a_slash_differs() {
        let body = br#"{"issuer":"https://idp.test","token_endpoint":"https://other-host.test/token"}"#;
        let read = IssuerMetadata::read(body, "https://idp.test").unwrap();
        assert_eq!(read.token_endpoint.unwrap().as_str(), "https://other-host.test/token");
        assert!(matches!(IssuerMetadata::read(body, "https://idp.test/"), Err(MetadataError::Issuer { .. })));
        assert!(matches!(IssuerMetadata::read(b"[]", "x"), Err(MetadataError::Unreadable(_))));
    }

    #[test]
    fn s256_may_be_unsaid_but_not_left_out() {
        let with = |methods: Option<&[&str]>| IssuerMetadata {
            code_challenge_methods_supported: methods.map(|list| list.iter().map(|m| (*m).into()).collect()),
            ..IssuerMetadata::default()
        };
        assert_eq!(with(None).require_s256(), Ok(()));
        assert_eq!(with(Some(&["plain", "S256"])).require_s256(), Ok(()));
        assert_eq!(with(Some(&["plain"])).require_s256(), Err(MetadataError::Pkce));
        assert_eq!(with(Some(&[])).require_s256(), Err(MetadataError::Pkce));
    }
}
