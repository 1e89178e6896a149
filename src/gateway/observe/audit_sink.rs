//! Where audit lines go.

use std::io;

/// Receives the audit. It never contains tokens or message contents.
pub trait AuditSink: Send + Sync {
    /// Writes audit lines, each a JSON object, beginning with a whole one. Called from one thread, which may block
    /// here. Returns how many bytes were written, always whole lines: a partly written line is passed again from its
    /// start.
    ///
    /// # Errors
    /// If no line could be written; it is retried.
    fn audit(&self, lines: &[u8]) -> io::Result<usize>;
}
