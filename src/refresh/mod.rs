//! Keeps every credential fresh, and the client configurations with them: a schedule without a clock, a file, a network or
//! randomness of its own, and the service that does what it says. It leaves each token to `vault` and each client's file to
//! `clients`.

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
pub(crate) use service::{Options, rewrite, run, running};
pub(crate) use unit::{Supervisor, Unit};
