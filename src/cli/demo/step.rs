//! One thing that the demonstration shows, and how it went.

/// One thing that was shown.
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) ok: bool,
    pub(super) detail: String,
}
