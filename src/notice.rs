//! What a person should hear while work goes on. Not here: how it is shown, and whether (see `cli`).

/// Whoever passes it on.
pub trait Notices: Send + Sync {
    /// Progress or advice, which may go unseen.
    fn say(&self, text: &str);
    /// What a person must see in any case.
    fn must_say(&self, text: &str);
}
