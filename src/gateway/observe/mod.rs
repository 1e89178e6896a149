//! What the gateway tells of itself: events and the audit's lines, on their way out, and metrics.

pub(super) mod audit_buffer;
pub(super) mod audit_sink;
pub(super) mod metrics;
