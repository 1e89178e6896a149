//! Files that other programs write and read too, in the states in which people have them: what is read of them all
//! the same, what stays of them, and what is said. Not here: files that somebody else may have put there (see
//! `provenance`).
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests write files as other programs do")]

mod clients;
mod env;
mod marks;
mod provider_file;
mod quantities;
mod registry;
