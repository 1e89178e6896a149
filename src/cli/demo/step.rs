//! One step of the demonstration and its result.

/// One step.
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) ok: bool,
    pub(super) detail: String,
}
