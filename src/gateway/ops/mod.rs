//! What whoever operates the gateway relies on: the admin listener, the servers' health, and files read again when they
//! change. It leaves requests to the line, which waits for none of this.

pub(super) mod admin;
pub(super) mod files;
pub(super) mod health;
pub(super) mod reload;
pub(super) mod tls;
