//! Authorization server metadata (RFC 8414, OpenID Connect Discovery 1.0): where to look for it and what it must
//! contain. Not here: fetching (see the top-level module `metadata`).

use serde::Deserialize;
use thiserror::Error;
use url::Url;

use super::members;

/// The members that mcpauth uses; all others are ignored, and of these all but the issuer may be missing or invalid.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct IssuerMetadata {
    /// RFC 8414 section 2. Kept as the original text: issuers are compared byte for byte.
    pub issuer: String,
    /// RFC 6749 section 3.1.
    #[serde(default, deserialize_with = "members::read_url")]
    pub authorization_endpoint: Option<Url>,
    /// RFC 6749 section 3.2.
    #[serde(default, deserialize_with = "members::read_url")]
    pub token_endpoint: Option<Url>,
    /// RFC 8628 section 4.
    #[serde(default, deserialize_with = "members::read_url")]
    pub device_authorization_endpoint: Option<Url>,
    /// RFC 8414 section 2: the keys its tokens are signed with.
    #[serde(default, deserialize_with = "members::read_url")]
    pub jwks_uri: Option<Url>,
    /// RFC 7662 by RFC 8414 section 2.
    #[serde(default, deserialize_with = "members::read_url")]
    pub introspection_endpoint: Option<Url>,
    /// RFC 7009 by RFC 8414 section 2.
    #[serde(default, deserialize_with = "members::read_url")]
    pub revocation_endpoint: Option<Url>,
    /// OpenID Connect RP-Initiated Logout 1.0 section 2.1. Keycloak-like servers end a refresh token's session there.
    #[serde(default, deserialize_with = "members::read_url")]
    pub end_session_endpoint: Option<Url>,
    /// RFC 7591 section 3 by RFC 8414.
    #[serde(default, deserialize_with = "members::read_url")]
    pub registration_endpoint: Option<Url>,
    /// RFC 8414 section 2: some of the scopes that can be requested, if listed.
    #[serde(default, deserialize_with = "members::read_list")]
    pub scopes_supported: Option<Vec<String>>,
    /// RFC 7636 section 4.3 by RFC 8414 section 2; absent is not the same as empty.
    #[serde(default, deserialize_with = "members::read_list")]
    pub code_challenge_methods_supported: Option<Vec<String>>,
    /// How clients may authenticate; absent means `client_secret_basic` (RFC 8414 section 2).
    #[serde(default, deserialize_with = "members::read_choices")]
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
    /// RFC 9207 section 3.
    #[serde(default, deserialize_with = "members::read_promise")]
    pub authorization_response_iss_parameter_supported: bool,
    /// The supported grants; absent means the authorization code (RFC 8414 section 2).
    #[serde(default, deserialize_with = "members::read_list")]
    pub grant_types_supported: Option<Vec<String>>,
    /// Whether a client may use the address of its metadata as its identifier
    /// (draft-ietf-oauth-client-id-metadata-document section 5).
    #[serde(default, deserialize_with = "members::read_offer")]
    pub client_id_metadata_document_supported: bool,
}

/// Why a metadata document cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum MetadataError {
    /// Not the JSON object that RFC 8414 section 3.2 requires.
    #[error("not authorization server metadata: {0}")]
    Unreadable(String),
    /// RFC 8414 section 3.3: then it must not be used.
    #[error("the metadata names the issuer {found:?} instead of {expected:?}")]
    Issuer {
        /// The requested issuer.
        expected: String,
        /// The one in the document.
        found: String,
    },
    /// The issuer's own document, but without the commonly needed endpoint; another location may have more.
    #[error("it names no token_endpoint")]
    Silent(Box<IssuerMetadata>),
    /// A document that is usable for other purposes.
    #[error("it names no {0}")]
    Missing(&'static str),
    /// A list without S256: an old or a downgraded server; `plain` is not supported.
    #[error("the server does not list PKCE S256 among its code_challenge_methods_supported")]
    Pkce,
}

impl IssuerMetadata {
    /// Parses a document that was fetched for `issuer`.
    ///
    /// # Errors
    /// [`MetadataError::Unreadable`], [`MetadataError::Issuer`].
    pub fn read(body: &[u8], issuer: &str) -> Result<Self, MetadataError> {
        let found: Self = members::read_document(body)
            .map_err(|e| MetadataError::Unreadable(crate::text::clean(&e.to_string(), 200)))?;
        if found.issuer == issuer {
            Ok(found)
        } else {
            Err(MetadataError::Issuer {
                expected: issuer.into(),
                found: crate::text::clean(&found.issuer, 200),
            })
        }
    }

    /// The same, with or without the slash that is all of the issuer's path: both are one address (RFC 3986 section 6.2.3) with
    /// one location for metadata, and libraries add the slash to what servers list. The document's own spelling counts.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_either(body: &[u8], issuer: &str) -> Result<Self, MetadataError> {
        let read = Self::read(body, issuer);
        let is_root = Url::parse(issuer).is_ok_and(|url| url.path() == "/" && url.query().is_none());
        let Err(MetadataError::Issuer { .. }) = read else { return read };
        let other = issuer.strip_suffix('/').map_or_else(|| format!("{issuer}/"), str::to_owned);
        if is_root { Self::read(body, &other).or(read) } else { read }
    }

    /// The issuer that MCP 2025-03-26 assumes at a server's own `origin` if there is no metadata: three endpoints at
    /// fixed paths, for public clients with PKCE, which that revision requires.
    ///
    /// `None` for an origin that cannot have a path.
    pub fn by_default(origin: &str) -> Option<Self> {
        let base = Url::parse(origin).ok()?;
        let list = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
        Some(Self {
            issuer: origin.into(),
            authorization_endpoint: Some(base.join("/authorize").ok()?),
            token_endpoint: Some(base.join("/token").ok()?),
            registration_endpoint: Some(base.join("/register").ok()?),
            code_challenge_methods_supported: list(&["S256"]),
            token_endpoint_auth_methods_supported: list(&[
                "none",
                "client_secret_post",
                "client_secret_basic",
            ]),
            ..Self::default()
        })
    }

    /// Whether its list only has grants for clients themselves, and none for people who log in.
    pub fn is_for_machines_alone(&self) -> bool {
        let lists = |name: &str| self.grant_types_supported.iter().flatten().any(|grant| grant == name);
        lists("client_credentials") && !lists("authorization_code")
    }

    /// Whether its metadata says that a user can log in with a client that it does not know yet. `assume_s256` is the
    /// user's word for a server that lists no PKCE methods.
    pub fn takes_newcomers(&self, assume_s256: bool) -> bool {
        let lists = self.code_challenge_methods_supported.is_some() || assume_s256;
        self.authorization_endpoint.is_some()
            && (self.registration_endpoint.is_some() || self.client_id_metadata_document_supported)
            && lists
            && self.require_s256().is_ok()
            && !self.is_for_machines_alone()
    }

    /// Rejects a server whose list of PKCE methods lacks S256. One without a list passes: Cognito and Entra support
    /// S256 and do not list it.
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

/// The locations of an issuer's metadata, in the order that the MCP authorization specification requires: RFC 8414
/// section 3.1, then OpenID Connect Discovery in the form of RFC 8414 section 5, then in that of its own section 4.
/// Without a path the last two are the same.
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
        at(format!("/.well-known/oauth-authorization-server{path}")),
        at(format!("/.well-known/openid-configuration{path}")),
    ];
    if !path.is_empty() {
        places.push(at(format!("{path}/.well-known/openid-configuration")));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_looked_for_in_the_order_of_the_mcp_specification() {
        let cases: [(&str, &[&str]); 6] = [
            (
                "https://idp.test",
                &["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"],
            ),
            (
                "https://idp.test/",
                &["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"],
            ),
            (
                "https://idp.test/realms/a",
                &[
                    "/.well-known/oauth-authorization-server/realms/a",
                    "/.well-known/openid-configuration/realms/a",
                    "/realms/a/.well-known/openid-configuration",
                ],
            ),
            (
                "https://idp.test/t/",
                &[
                    "/.well-known/oauth-authorization-server/t",
                    "/.well-known/openid-configuration/t",
                    "/t/.well-known/openid-configuration",
                ],
            ),
            (
                "https://idp.test/t?x=1#y",
                &[
                    "/.well-known/oauth-authorization-server/t",
                    "/.well-known/openid-configuration/t",
                    "/t/.well-known/openid-configuration",
                ],
            ),
            ("not a url", &[]),
        ];
        for (issuer, paths) in cases {
            let found: Vec<String> = well_known(issuer).into_iter().map(String::from).collect();
            let expected: Vec<String> = paths.iter().map(|path| format!("https://idp.test{path}")).collect();
            assert_eq!(found, expected, "{issuer}");
        }
    }

    /// From reports about mcp-gateway and SDKs: `""` for an endpoint, `null` for a boolean, a text for a list.
    #[test]
    fn a_member_that_nobody_needs_spoils_no_document_and_one_that_decides_stays_strict() {
        let read = |members: &str| {
            IssuerMetadata::read(format!(r#"{{"issuer":"https://i"{members}}}"#).as_bytes(), "https://i")
        };
        let endpoints = [
            "authorization_endpoint",
            "token_endpoint",
            "device_authorization_endpoint",
            "jwks_uri",
            "introspection_endpoint",
            "revocation_endpoint",
            "end_session_endpoint",
            "registration_endpoint",
        ];
        for name in endpoints {
            for odd in ["null", r#""""#, r#""/register""#, "false", "7", "[]", "{}"] {
                let read = read(&format!(r#","{name}":{odd}"#)).unwrap();
                assert_eq!(read, IssuerMetadata { issuer: "https://i".into(), ..IssuerMetadata::default() });
            }
        }
        for odd in [r#""openid""#, "null", "7", r#"[null,7,"openid"]"#] {
            let read = read(&format!(r#","scopes_supported":{odd},"unknown":{odd}"#)).unwrap();
            assert!(
                read.scopes_supported.is_none_or(|list| list.iter().all(|name| name == "openid")),
                "{odd}"
            );
        }
        let promises = [("null", false), ("false", false), ("true", true), (r#""false""#, true), ("1", true)];
        for (said, expected) in promises {
            let read = read(&format!(r#","authorization_response_iss_parameter_supported":{said}"#)).unwrap();
            assert_eq!(read.authorization_response_iss_parameter_supported, expected, "{said}");
        }
        let methods = [
            ("null", true),
            (r#"["plain",null,"S256"]"#, true),
            ("[]", false),
            (r#""plain""#, false),
            (r#""S256""#, false),
            ("{}", false),
            (r#"[["S256"]]"#, false),
        ];
        for (said, good) in methods {
            let read = read(&format!(r#","code_challenge_methods_supported":{said}"#)).unwrap();
            assert_eq!(read.require_s256().is_ok(), good, "{said}");
        }
        for body in [r#"{"issuer":null}"#, r#"{"issuer":["https://i"]}"#, "{}", "null", r#""https://i""#] {
            assert!(IssuerMetadata::read(body.as_bytes(), "https://i").is_err(), "{body}");
        }
    }

    /// A wrong method is refused where it is used; a list that nobody can read must not be what ends a login.
    #[test]
    fn the_authentication_methods_are_read_as_they_are_meant() {
        for (said, expected) in [
            (r#""none""#, Some("none")),
            (r#"["none"]"#, Some("none")),
            (r#"[null,"none",7]"#, Some("none")),
            ("null", None),
            ("[]", None),
            ("[null]", None),
            ("7", None),
            ("{}", None),
            ("true", None),
        ] {
            let body = format!(r#"{{"issuer":"https://i","token_endpoint_auth_methods_supported":{said}}}"#);
            let read = IssuerMetadata::read(body.as_bytes(), "https://i").unwrap();
            let expected = expected.map(|one| vec![one.to_owned()]);
            assert_eq!(read.token_endpoint_auth_methods_supported, expected, "{said}");
        }
    }

    /// Real providers repeat members; two places that nearly build one document are enough.
    #[test]
    fn a_member_that_stands_twice_spoils_the_document_only_where_it_decides_and_differs() {
        let read = |members: &str| {
            let body = format!(r#"{{"issuer":"https://i","token_endpoint":"https://i/t"{members}}}"#);
            IssuerMetadata::read(body.as_bytes(), "https://i")
        };
        for fine in [
            r#""issuer":"https://i""#,
            r#""token_endpoint":"https://i/t""#,
            r#""token_endpoint":null"#,
            r#""\u0074oken_endpoint":"https://i/t","token_endpoint":"https://i/t""#,
            r#""claims_supported":["a"],"claims_supported":["b"]"#,
            r#""x":{"y":1,"y":2},"x":7"#,
            r#""jwks_uri":null,"jwks_uri":"https://i/k","jwks_uri":null"#,
        ] {
            let found = read(&format!(",{fine}")).unwrap_or_else(|e| panic!("{fine}: {e}"));
            assert_eq!(found.token_endpoint.unwrap().as_str(), "https://i/t", "{fine}");
            assert_eq!(found.jwks_uri.is_some(), fine.contains("jwks"), "{fine}");
        }
        let last = read(r#","scopes_supported":["a"],"scopes_supported":["b"]"#).unwrap();
        assert_eq!(last.scopes_supported.unwrap(), ["b"]);
        for (bad, name) in [
            (r#""issuer":"https://other""#, "issuer"),
            (r#""token_endpoint":"https://other/t""#, "token_endpoint"),
            (r#""token_endpoint":"""#, "token_endpoint"),
            (r#""x_endpoint":1,"x_endpoint":2"#, "x_endpoint"),
            (r#""jwks_uri":"https://i/k","jwks_uri":"https://i/l""#, "jwks_uri"),
            (
                r#""code_challenge_methods_supported":["plain"],"code_challenge_methods_supported":["S256"]"#,
                "code_challenge_methods_supported",
            ),
        ] {
            let error = read(&format!(",{bad}")).unwrap_err().to_string();
            assert!(error.contains(&format!("{name} occurs twice")), "{bad}: {error}");
        }
    }

    #[test]
    fn a_listed_issuer_may_have_the_slash_of_a_root_or_lack_it() {
        for (listed, named, is_one) in [
            ("https://i.test", "https://i.test", true),
            ("https://i.test", "https://i.test/", true),
            ("https://i.test/", "https://i.test", true),
            ("https://i.test:8443/", "https://i.test:8443", true),
            ("https://i.test", "https://i.test//", false),
            ("https://i.test", "https://I.test/", false),
            ("https://i.test", "http://i.test/", false),
            ("https://i.test/", "https://i.test/t", false),
            ("https://i.test/t", "https://i.test/t/", false),
            ("https://i.test/t/", "https://i.test/t", false),
            ("https://i.test?t", "https://i.test?t/", false),
        ] {
            let body = format!(r#"{{"issuer":"{named}"}}"#);
            let read = IssuerMetadata::read_either(body.as_bytes(), listed);
            match is_one {
                true => assert_eq!(read.unwrap().issuer, named, "{listed} {named}"),
                false => assert!(matches!(read, Err(MetadataError::Issuer { .. })), "{listed} {named}"),
            }
        }
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
    fn without_metadata_the_endpoints_are_where_the_first_revision_has_them() {
        let found = IssuerMetadata::by_default("https://s.test:8443").unwrap();
        let at = |url: Option<Url>| url.unwrap().to_string();
        assert_eq!(found.issuer, "https://s.test:8443");
        assert_eq!(at(found.authorization_endpoint), "https://s.test:8443/authorize");
        assert_eq!(at(found.token_endpoint), "https://s.test:8443/token");
        assert_eq!(at(found.registration_endpoint), "https://s.test:8443/register");
        assert_eq!(IssuerMetadata::by_default("mailto:a"), None);
    }

    #[test]
    fn an_offer_is_made_in_so_many_words_and_a_list_of_grants_decides_only_if_it_is_there() {
        let read = |members: &str| {
            IssuerMetadata::read(format!(r#"{{"issuer":"https://i"{members}}}"#).as_bytes(), "https://i")
                .unwrap()
        };
        for (said, offered) in [("true", true), ("false", false), ("null", false), (r#""true""#, false)] {
            let read = read(&format!(r#","client_id_metadata_document_supported":{said}"#));
            assert_eq!(read.client_id_metadata_document_supported, offered, "{said}");
        }
        for (said, machines) in [
            (r#"["client_credentials"]"#, true),
            (r#"["client_credentials","authorization_code"]"#, false),
            (r#"["refresh_token"]"#, false),
            ("null", false),
            (r#""client_credentials""#, false),
        ] {
            let read = read(&format!(r#","grant_types_supported":{said}"#));
            assert_eq!(read.is_for_machines_alone(), machines, "{said}");
        }
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
