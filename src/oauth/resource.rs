//! Protected resource metadata (RFC 9728): where an MCP server's is, what it must contain, and which scopes follow.
//! Not here: fetching (see the top-level module `metadata`).

use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;
use url::Url;

use super::challenge::is_scope;
use super::{Challenge, IssuerMetadata, members};
use crate::text::clean;

/// Section 3.1: the prefix of a resource's path.
pub const RESOURCE_METADATA: &str = "/.well-known/oauth-protected-resource";
/// The scope without which many servers give no refresh token (OpenID Connect Core section 11).
const OFFLINE: &str = "offline_access";

/// The members that mcpauth uses; all others are ignored.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ResourceMetadata {
    /// Section 2. Kept as the original text: it is the `resource` parameter of every request (RFC 8707).
    pub resource: String,
    /// The issuers whose tokens the server accepts.
    #[serde(default, deserialize_with = "members::read_names")]
    pub authorization_servers: Vec<String>,
    /// The scopes that can be requested.
    #[serde(default, deserialize_with = "members::read_names")]
    pub scopes_supported: Vec<String>,
}

/// Why a document cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ResourceError {
    /// Not the JSON object of section 3.2.
    #[error("not protected-resource metadata: {0}")]
    Unreadable(String),
    /// The JSON object of section 3.2, without a required member.
    #[error("protected-resource metadata that cannot be used: {0}")]
    Unusable(String),
    /// Section 3.3: another party's document, for tokens that it could use.
    #[error("it is about {found:?}, which is not this server")]
    Resource {
        /// The resource it is about, cleaned.
        found: String,
    },
    /// It names no issuer.
    #[error("it names no authorization server")]
    NoIssuer,
}

/// Whether a server that lists one of these means the other: its list may add a slash to an issuer or drop it.
pub fn is_same_issuer(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

impl ResourceMetadata {
    /// Parses a document that was fetched for `server`.
    pub fn read(body: &[u8], server: &Url) -> Result<Self, ResourceError> {
        let found = Self::parse(body)?;
        if !covers(&found.resource, server) {
            return Err(ResourceError::Resource { found: clean(&found.resource, 200) });
        }
        if found.authorization_servers.is_empty() {
            return Err(ResourceError::NoIssuer);
        }
        Ok(found)
    }

    /// The assumed metadata of a server that publishes nothing, as in MCP 2025-03-26: its issuer is its own origin.
    pub fn by_default(server: &Url) -> Self {
        let mut resource = server.clone();
        resource.set_fragment(None);
        Self {
            resource: resource.into(),
            authorization_servers: vec![server.origin().ascii_serialization()],
            scopes_supported: Vec::new(),
        }
    }

    /// Parses a document about any resource: to be shown, not to be acted upon.
    ///
    /// # Errors
    /// [`ResourceError::Unreadable`], [`ResourceError::Unusable`].
    pub fn parse(body: &[u8]) -> Result<Self, ResourceError> {
        members::read_document(body).map_err(|e| {
            let is_one = |object: &Map<String, Value>| {
                ["resource", "authorization_servers"].iter().any(|name| object.contains_key(*name))
            };
            let said = clean(&e.to_string(), 200);
            match serde_json::from_slice(body) {
                Ok(object) if is_one(&object) => ResourceError::Unusable(said),
                _ => ResourceError::Unreadable(said),
            }
        })
    }

    /// The issuer to use: the first, the choice being ours (section 7.6).
    pub fn issuer(&self) -> &str {
        self.authorization_servers.first().map_or("", String::as_str)
    }

    /// The usable issuers, as in the document: only `wanted`, or all of them in its order (RFC 9728 section 7.6: the
    /// choice is the client's). None, if there is no such one.
    pub fn issuers<'s>(&'s self, wanted: Option<&'s str>) -> impl Iterator<Item = &'s str> {
        let is_wanted = move |issuer: &&'s str| wanted.is_none_or(|wanted| is_same_issuer(wanted, issuer));
        self.authorization_servers.iter().map(String::as_str).filter(is_wanted)
    }

    /// The scopes to request: those of the challenge, else all that are listed, else none. `offline_access` is added
    /// if the issuer supports it; alone it would request nothing else.
    pub fn scopes(&self, challenge: &Challenge, issuer: &IssuerMetadata) -> Vec<String> {
        let mut scopes: Vec<String> = challenge.scopes().map(str::to_owned).collect();
        if scopes.is_empty() {
            scopes.extend(self.scopes_supported.iter().filter(|scope| is_scope(scope)).cloned());
        }
        let offline = issuer.scopes_supported.iter().flatten().any(|scope| scope == OFFLINE);
        if offline && !scopes.is_empty() && !scopes.iter().any(|scope| scope == OFFLINE) {
            scopes.push(OFFLINE.into());
        }
        scopes
    }
}

/// The locations of a server's metadata, in the order to try: the one in its challenge (section 5.1), then the
/// well-known ones for its path and for its host (section 3.1).
pub fn resource_places(server: &Url, challenge: &Challenge) -> Vec<Url> {
    // RFC 9728 section 5.1 requires a URL; a path can only mean one on the server.
    let read =
        |text: &str| if text.starts_with('/') { server.join(text).ok() } else { Url::parse(text).ok() };
    let told = challenge.resource_metadata.as_deref().and_then(read);
    let mut host = server.clone();
    host.set_path("");
    host.set_query(None);
    let mut places: Vec<Url> = Vec::new();
    for place in told.into_iter().chain([resource_place(server), resource_place(&host)]) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

/// The well-known location of a resource's metadata: a prefix to its path, with its query (section 3.1).
pub fn resource_place(resource: &Url) -> Url {
    let mut place = resource.clone();
    place.set_path(&format!("{RESOURCE_METADATA}{}", resource.path().trim_end_matches('/')));
    place.set_fragment(None);
    place
}

/// Whether a resource's identifier is the server's own address, or a parent of it: the same origin, and a prefix of
/// its path in whole segments (`/mcp` is not a prefix of `/mcp-tools`).
pub fn covers(resource: &str, server: &Url) -> bool {
    let Ok(resource) = Url::parse(resource) else { return false };
    let bare =
        resource.fragment().is_none() && resource.username().is_empty() && resource.password().is_none();
    let query = resource.query().is_none() || resource.query() == server.query();
    let rest = server.path().strip_prefix(resource.path().trim_end_matches('/'));
    let path = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    bare && query && path && resource.origin() == server.origin()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn strings(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).into()).collect()
    }

    #[test]
    fn a_document_is_looked_for_where_the_challenge_says_and_then_where_the_rfc_has_it() {
        let at = |server, told: Option<&str>| {
            let challenge = Challenge { resource_metadata: told.map(str::to_owned), ..Challenge::default() };
            resource_places(&url(server), &challenge).into_iter().map(String::from).collect::<Vec<_>>()
        };
        let known = |host: &str, rest: &str| format!("https://{host}{RESOURCE_METADATA}{rest}");
        assert_eq!(at("https://s.test/a/mcp/", None), [known("s.test", "/a/mcp"), known("s.test", "")]);
        assert_eq!(at("https://s.test/mcp?x=1", None), [known("s.test", "/mcp?x=1"), known("s.test", "")]);
        assert_eq!(at("https://s.test", None), [known("s.test", "")]);
        let told = |told: &str| at("https://s.test/mcp", Some(told));
        let all = |first: &str| [first.to_owned(), known("s.test", "/mcp"), known("s.test", "")];
        assert_eq!(told("https://d.test/doc"), all("https://d.test/doc"));
        assert_eq!(told("/doc?x=1"), all("https://s.test/doc?x=1"), "a relative reference");
        let root = known("s.test", "");
        assert_eq!(told(&root), [root.clone(), known("s.test", "/mcp")], "each once");
        assert_eq!(at("https://s.test/", Some("nonsense")), [known("s.test", "")]);
    }

    #[test]
    fn a_document_must_be_about_this_server_or_what_it_is_part_of() {
        let cases = [
            ("https://s.test/a/mcp", true),
            ("https://s.test/a/mcp/", true),
            ("https://s.test/a", true),
            ("https://s.test", true),
            ("https://S.TEST:443/a/mcp", true),
            ("https://s.test/a/mc", false),
            ("https://s.test/a/mcp/more", false),
            ("https://s.test/A/mcp", false),
            ("https://s.test/a/mcp?tenant=1", false),
            ("https://s.test/a/mcp#x", false),
            ("https://user@s.test/a/mcp", false),
            ("http://s.test/a/mcp", false),
            ("https://s.test:8443/a/mcp", false),
            ("https://s.test.evil.test/a/mcp", false),
            ("https://evil.test/a/mcp", false),
            ("urn:mcp", false),
            ("", false),
        ];
        for (resource, good) in cases {
            let body = format!(r#"{{"resource":"{resource}","authorization_servers":["https://as.test/"]}}"#);
            let read = ResourceMetadata::read(body.as_bytes(), &url("https://s.test/a/mcp"));
            assert_eq!(read.is_ok(), good, "{resource}");
            if let Ok(read) = read {
                assert_eq!((read.resource.as_str(), read.issuer()), (resource, "https://as.test/"));
            } else {
                assert!(matches!(read, Err(ResourceError::Resource { .. })), "{resource}");
            }
        }
        let server = url("https://s.test/mcp");
        let nobody = ResourceMetadata::read(br#"{"resource":"https://s.test/mcp"}"#, &server);
        assert_eq!(nobody, Err(ResourceError::NoIssuer));
        for none in ["<html>", "null", "[]", "{}", r#"{"error":"not found"}"#] {
            let read = ResourceMetadata::read(none.as_bytes(), &server);
            assert!(matches!(read, Err(ResourceError::Unreadable(_))), "{none}: there is no document");
        }
        for odd in
            [r#"{"resource":null}"#, r#"{"authorization_servers":["https://as.test"]}"#, r#"{"resource":7}"#]
        {
            let read = ResourceMetadata::read(odd.as_bytes(), &server);
            assert!(matches!(read, Err(ResourceError::Unusable(_))), "{odd}: there is one");
        }
    }

    #[test]
    fn scopes_are_the_demanded_ones_else_all_else_none() {
        // Challenge, listed scopes, the issuer's; the requested ones.
        type List = &'static [&'static str];
        let cases: [(Option<&str>, List, List, List); 7] = [
            (Some("a b"), &["a", "b", "c"], &[], &["a", "b"]),
            (None, &["a", "b"], &[], &["a", "b"]),
            (None, &[], &[], &[]),
            (None, &[], &["a", OFFLINE], &[]),
            (Some("a"), &[], &["a", OFFLINE], &["a", OFFLINE]),
            (None, &["a", OFFLINE], &[OFFLINE], &["a", OFFLINE]),
            (Some(" a  \"b\\ "), &["c"], &[], &["a"]),
        ];
        for (demanded, all, issuers, expected) in cases {
            let resource = ResourceMetadata {
                resource: String::new(),
                authorization_servers: Vec::new(),
                scopes_supported: strings(all),
            };
            let challenge = Challenge { scope: demanded.map(str::to_owned), ..Challenge::default() };
            let issuer =
                IssuerMetadata { scopes_supported: Some(strings(issuers)), ..IssuerMetadata::default() };
            assert_eq!(resource.scopes(&challenge, &issuer), strings(expected), "{demanded:?} {all:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_but_the_servers_own_origin_is_ever_accepted(resource in "(https?://)?(s\\.test|evil\\.test|[ -~]{0,12})(:[0-9]{0,5})?/?[ -~]{0,20}") {
            let server = url("https://s.test/a/mcp");
            let body = serde_json::json!({"resource": resource, "authorization_servers": ["x"]}).to_string();
            if let Ok(read) = ResourceMetadata::read(body.as_bytes(), &server) {
                prop_assert_eq!(url(&read.resource).origin(), server.origin());
            }
        }

        #[test]
        fn no_document_panics(body in "[ -~]{0,80}") {
            let _ = ResourceMetadata::read(body.as_bytes(), &url("https://s.test/mcp"));
        }
    }
}
