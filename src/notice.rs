//! Messages for the user while work goes on. Not here: whether and how they are shown (see `cli`).

/// Passes messages on.
pub trait Notices: Send + Sync {
    /// Progress or advice, which may be hidden.
    fn say(&self, text: &str);
    /// What the user must see in any case.
    fn must_say(&self, text: &str);
}

/// Drops all messages.
pub struct Silence;

impl Notices for Silence {
    fn say(&self, _: &str) {}

    fn must_say(&self, _: &str) {}
}
