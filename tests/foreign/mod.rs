//! Files that other programs write and read too, in the states that occur in practice: what is still read, what is
//! kept, and what is reported. Not here: files that an attacker may have put there (see `provenance`).
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests write files as other programs do")]

mod clients;
mod env;
mod marks;
mod provider_file;
mod quantities;
mod registry;
