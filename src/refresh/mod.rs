//! When which credential is to be renewed: a schedule without a clock, a file, a network or randomness of its own.
//! It leaves doing it to `cli::refresh`.

#[cfg(test)]
mod day;
mod plan;
mod schedule;

pub use plan::{Epoch, Lifetime, retry_at};
pub use schedule::{AttemptOutcome, Changes, CredentialSnapshot, Next, Schedule};
