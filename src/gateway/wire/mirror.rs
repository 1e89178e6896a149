//! Whether the headers that mirror a message agree with its body. They are checked because servers behind the gateway
//! may trust them. Not here: the body, which alone decides (see `envelope`); the rules (see `mcp::mirror`).

use hyper::HeaderMap;

use super::envelope::Envelope;
use crate::mcp::mirror::MirroredValues;
pub use crate::mcp::mirror::Mismatch;

impl Envelope<'_> {
    /// Whether the mirroring headers agree with this message.
    ///
    /// # Errors
    /// [`Mismatch`], naming the header.
    pub fn agree(&self, headers: &HeaderMap) -> Result<(), Mismatch> {
        let (version, method) = (self.protocol_version.as_deref(), self.method.as_deref());
        let (known, name, is_request) = (self.known, self.name.as_deref(), self.is_request());
        MirroredValues { version, method, known, name, is_request }.check(headers)
    }
}

#[cfg(test)]
mod tests;
