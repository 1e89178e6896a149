//! Client id metadata documents (draft-ietf-oauth-client-id-metadata-document): our client metadata at an address of
//! the user's, which is then the client's identifier.

use serde_json::{Map, Value};
use thiserror::Error;
use url::Url;

use super::registration::describe_client;

/// Why an address cannot be a client's identifier (section 3).
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DocumentError {
    /// Without TLS, an attacker between a server and the document could replace it.
    #[error("the address of a client id metadata document begins with https://")]
    Scheme,
    /// A whole host cannot be one client.
    #[error("the address of a client id metadata document has a path, such as /client-metadata.json")]
    Path,
    /// Parts that the draft forbids.
    #[error("the address of a client id metadata document has no fragment, user name or password")]
    Part,
    /// Servers compare it byte for byte with the one in the document.
    #[error("the address of a client id metadata document is written {0}")]
    Spelling(Url),
}

/// The address of a client id metadata document.
pub fn document_address(text: &str) -> Result<Url, DocumentError> {
    let url = Url::parse(text).map_err(|_| DocumentError::Scheme)?;
    if url.scheme() != "https" || !url.has_host() {
        return Err(DocumentError::Scheme);
    }
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(DocumentError::Part);
    }
    if url.path() == "/" {
        return Err(DocumentError::Path);
    }
    if url.as_str() == text { Ok(url) } else { Err(DocumentError::Spelling(url)) }
}

/// The document for this address (section 4): a public client that can only get codes at its redirect URIs.
pub fn client_metadata(address: &Url, redirect_uris: &[String]) -> Value {
    let mut document = Map::new();
    document.insert("client_id".into(), address.as_str().into());
    document.extend(describe_client("none", redirect_uris, true));
    document.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_what_the_draft_and_a_comparison_of_bytes_allow() {
        let good = "https://me.test/client-metadata.json";
        assert_eq!(document_address(good).unwrap().as_str(), good);
        let spelling = |text: &str| DocumentError::Spelling(Url::parse(text).unwrap());
        for (text, error) in [
            ("", DocumentError::Scheme),
            ("me.test/client.json", DocumentError::Scheme),
            ("http://me.test/client.json", DocumentError::Scheme),
            ("http://127.0.0.1/client.json", DocumentError::Scheme),
            ("https://me.test", DocumentError::Path),
            ("https://me.test/", DocumentError::Path),
            ("https://me.test/c#x", DocumentError::Part),
            ("https://u:p@me.test/c", DocumentError::Part),
            ("https://ME.test/c", spelling("https://me.test/c")),
            ("https://me.test:443/c", spelling("https://me.test/c")),
            ("https://me.test/a/../c", spelling("https://me.test/c")),
            (" https://me.test/c", spelling("https://me.test/c")),
        ] {
            assert_eq!(document_address(text), Err(error), "{text}");
        }
    }

    #[test]
    fn the_document_names_its_address_and_a_public_client() {
        let address = document_address("https://me.test/c.json").unwrap();
        let document = client_metadata(&address, &["http://127.0.0.1/callback".into()]);
        assert_eq!(document["client_id"], "https://me.test/c.json");
        assert_eq!(document["client_name"], "mcpauth");
        assert_eq!(document["redirect_uris"][0], "http://127.0.0.1/callback");
        assert_eq!(document["token_endpoint_auth_method"], "none");
        assert!(document.get("client_secret").is_none() && document.get("scope").is_none());
    }
}
