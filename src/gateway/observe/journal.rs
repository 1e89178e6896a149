//! What the gateway says of itself, and to whom: lines of the audit, and events of operation. It leaves where they go, and
//! in which form an event is shown, to whoever runs the gateway.

use std::io;

use crate::text;

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// All is well.
    Info,
    /// Something does not work as it should, and the gateway goes on.
    Warn,
}

/// An event's text is cut to this, in characters: servers and issuers have a part in it.
const LONGEST: usize = 2000;

/// Takes down what happens. Neither a token nor anything of a message ever comes here.
pub trait Journal: Send + Sync {
    /// Writes lines of the audit, JSON each, beginning with a whole one. Called from one thread, which may wait here.
    /// How many bytes were written, whole lines always: a line that was begun is given again from its start.
    ///
    /// # Errors
    /// If no line could be written; it is tried again.
    fn audit(&self, lines: &[u8]) -> io::Result<usize>;

    /// Something that happened to the gateway: a stable word, and a sentence.
    fn event(&self, level: Level, what: &'static str, text: &str);

    /// [`Self::event`] at [`Level::Info`]; what does not simply show in others' words is a blank.
    fn info(&self, what: &'static str, text: &str) {
        self.event(Level::Info, what, &text::clean(text, LONGEST));
    }

    /// [`Self::event`] at [`Level::Warn`], likewise.
    fn warn(&self, what: &'static str, text: &str) {
        self.event(Level::Warn, what, &text::clean(text, LONGEST));
    }
}
