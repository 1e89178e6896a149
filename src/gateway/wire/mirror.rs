//! The headers that mirror a message (`Mcp-Method`, `Mcp-Name`, `MCP-Protocol-Version`) must say what its body says.
//! It leaves the body to `envelope`, which alone decides; the headers are checked because others behind us may trust them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;

use super::envelope::Envelope;
use crate::methods::{MODERN, Mirrored};

const METHOD: &str = "Mcp-Method";
const NAME: &str = "Mcp-Name";
const VERSION: &str = "MCP-Protocol-Version";

/// How headers and body disagree; answered with status 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The header is there more than once.
    #[error("{0} is there more than once")]
    Repeated(&'static str),
    /// The header has characters other than visible ASCII, space and tab.
    #[error("{0} has invalid characters")]
    Invalid(&'static str),
    /// The header is required for this message and this version.
    #[error("{0} is required")]
    Missing(&'static str),
    /// The header says something else than the body, or something the body does not say.
    #[error("{0} does not match the body")]
    Differs(&'static str),
}

impl Mismatch {
    /// The JSON-RPC error code of MCP's `HeaderMismatch`.
    pub fn code(self) -> i32 {
        -32020
    }
}

impl Envelope<'_> {
    /// Whether the mirroring headers agree with this message: required from 2026-07-28 on, and never wrong before.
    ///
    /// # Errors
    /// [`Mismatch`], naming the header.
    pub fn agree(&self, headers: &HeaderMap) -> Result<(), Mismatch> {
        let (version, method) = (only(headers, VERSION)?, only(headers, METHOD)?);
        let name = only(headers, NAME)?;
        let modern = self.same_version(version)?;
        match (method, self.method.as_deref()) {
            (Some(header), Some(body)) if header == body => {}
            (Some(_), _) => return Err(Mismatch::Differs(METHOD)),
            (None, _) if modern && self.is_request() => return Err(Mismatch::Missing(METHOD)),
            (None, _) => {}
        }
        let mirrored = self.known.map_or(Mirrored::Never, |known| known.mirrored);
        match (name, self.name.as_deref()) {
            (Some(header), Some(body)) if mirrored != Mirrored::Never && says(header, body) => Ok(()),
            (Some(_), _) => Err(Mismatch::Differs(NAME)),
            (None, _) if modern && self.is_request() && mirrored == Mirrored::Required => {
                Err(Mismatch::Missing(NAME))
            }
            (None, _) => Ok(()),
        }
    }

    /// Compares the versions; true if it is one that requires the headers. Versions are dates, and what is no date sorts
    /// after them: it gets the stricter rules.
    fn same_version(&self, header: Option<&str>) -> Result<bool, Mismatch> {
        let is_modern = |version: &str| version >= MODERN;
        match (header, self.protocol_version.as_deref()) {
            (Some(header), Some(body)) if header != body && (is_modern(header) || is_modern(body)) => {
                Err(Mismatch::Differs(VERSION))
            }
            (None, Some(body)) if is_modern(body) => Err(Mismatch::Missing(VERSION)),
            (header, _) => Ok(header.is_some_and(is_modern)),
        }
    }
}

/// The value of a header that may be there once, without the white space around it.
fn only<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<Option<&'h str>, Mismatch> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Mismatch::Repeated(name));
    }
    let value = value.to_str().map_err(|_| Mismatch::Invalid(name))?;
    Ok(Some(value.trim_matches([' ', '\t'])))
}

/// Whether a header's value, which may be in the base64 form, is this name. There is one base64 of a name, so the name is
/// encoded and nothing that was sent is decoded; a header too long is refused unseen.
fn says(header: &str, name: &str) -> bool {
    let Some(sent) = header.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) else {
        return header == name;
    };
    base64::encoded_len(name.len(), true) == Some(sent.len()) && STANDARD.encode(name) == sent
}

#[cfg(test)]
mod tests;
