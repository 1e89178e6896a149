//! What the gateway reports: events, the audit's output, and metrics.

pub(super) mod audit_buffer;
pub(super) mod audit_sink;
pub(super) mod metrics;
