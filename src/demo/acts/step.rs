//! One thing that the demonstration shows, and how it went.

/// One thing that was shown.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) ok: bool,
    pub(crate) detail: String,
}
