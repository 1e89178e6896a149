//! What a person should hear while work goes on. It leaves how it is shown, and whether, to `cli`.

/// Whoever passes it on.
pub trait Notices: Send + Sync {
    /// Progress or advice, which may go unseen.
    fn say(&self, text: &str);
    /// What a person must see in any case.
    fn must_say(&self, text: &str);
}

/// Nobody is there to hear anything.
pub struct Silence;

impl Notices for Silence {
    fn say(&self, _: &str) {}

    fn must_say(&self, _: &str) {}
}
