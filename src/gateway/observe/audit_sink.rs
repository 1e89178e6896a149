//! Where lines of the audit go. It leaves that to whoever runs the gateway.

use std::io;

/// Takes the audit down. Neither a token nor anything of a message ever comes here.
pub trait AuditSink: Send + Sync {
    /// Writes lines of the audit, JSON each, beginning with a whole one. Called from one thread, which may wait here.
    /// How many bytes were written, whole lines always: a line that was begun is given again from its start.
    ///
    /// # Errors
    /// If no line could be written; it is tried again.
    fn audit(&self, lines: &[u8]) -> io::Result<usize>;
}
