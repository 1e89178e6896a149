//! What operators rely on: the admin listener, the servers' health, and the reload of changed files. Requests never
//! wait for any of this.

pub(super) mod admin;
pub(super) mod files;
pub(super) mod health;
pub(super) mod reload;
pub(super) mod tls;
