//! The doors to the outside: one module for each side effect, and nothing about credentials in any of them.
//! Whatever is decided with what comes through these doors is decided elsewhere.

pub mod address;
pub mod browser;
pub mod clock;
pub mod coding;
pub mod deadline;
pub mod descriptors;
pub mod env;
pub mod found_file;
pub mod hook;
pub mod http;
pub mod mark;
pub mod paths;
pub mod pid_file;
pub mod place;
pub mod private_file;
pub mod process;
pub mod public_file;
pub mod regular_file;
pub mod signal;
pub mod socket;
pub mod supervisor;
pub mod terminal;
pub mod trust;
