//! When which credential is to be renewed: a schedule without a clock, a file, a network or randomness of its own.
//! Not here: executing it (see `cli::refresh`).

#[cfg(test)]
mod day;
mod plan;
mod schedule;

pub use plan::{Epoch, Lifetime, retry_at};
pub use schedule::{AttemptOutcome, Changes, CredentialSnapshot, Next, Schedule};
