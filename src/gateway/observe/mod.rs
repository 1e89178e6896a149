//! What the gateway tells of itself: events and the audit's lines, on their way out, and metrics.
//! It leaves what is told to whoever it happens to, and where it goes to whoever runs the gateway.

pub(super) mod audit_buffer;
pub(super) mod audit_sink;
pub(super) mod metrics;
