//! Whether the headers that mirror a message say what its body says. It leaves the body to `envelope`, which alone decides, and
//! the rules to `mcp::mirror`; the headers are checked because others behind us may trust them.

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
