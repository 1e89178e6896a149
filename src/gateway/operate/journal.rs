//! What the gateway says of itself, and to whom: lines of the audit, and events of operation. It leaves where they go, and
//! in which form an event is shown, to whoever runs the gateway.

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// All is well.
    Info,
    /// Something does not work as it should, and the gateway goes on.
    Warn,
}

/// Takes down what happens. Neither a token nor anything of a message ever comes here.
pub trait Journal: Send + Sync {
    /// Whole lines of the audit, JSON each. Called from one thread.
    fn audit(&self, lines: &[u8]);

    /// Something that happened to the gateway: a stable word, and a sentence.
    fn event(&self, level: Level, what: &'static str, text: &str);

    /// [`Self::event`] at [`Level::Info`].
    fn info(&self, what: &'static str, text: &str) {
        self.event(Level::Info, what, text);
    }

    /// [`Self::event`] at [`Level::Warn`].
    fn warn(&self, what: &'static str, text: &str) {
        self.event(Level::Warn, what, text);
    }
}
