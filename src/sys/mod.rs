//! Access to the outside: one module for each side effect, without knowledge of credentials or decisions about the
//! data.

pub mod address;
pub mod browser;
pub mod clock;
pub mod coding;
pub mod deadline;
pub mod descriptors;
pub mod dial;
pub mod env;
mod exchange;
pub mod found_file;
pub mod hook;
pub mod http;
pub mod keyboard;
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
pub mod typed_url;
