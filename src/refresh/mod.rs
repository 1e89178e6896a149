//! Keeps every credential and the client configurations fresh: a schedule without a clock, a file, a network or
//! randomness of its own, and the service that executes it. Not here: each token (see `vault`); each client's file
//! (see `clients`).

#[cfg(test)]
mod day;
mod log;
mod plan;
mod renew;
mod rules;
mod schedule;
mod service;
mod unit;

pub use plan::{Epoch, Lifetime, retry_at};
pub(crate) use renew::{Turns, renew};
pub(crate) use rules::Rules;
pub use schedule::{AttemptOutcome, Changes, CredentialSnapshot, Next, Schedule};
pub(crate) use service::{ServiceOptions, rewrite, run, running};
pub(crate) use unit::{Supervisor, Unit};
