//! The integration suite: one binary, one module per theme.

mod advice;
mod advised;
mod architecture;
mod atomic;
mod bad_input;
mod book;
mod bridge;
mod by_address;
mod client_configs;
mod clients;
mod completions;
mod configure;
mod dead_ends;
mod device;
mod doctor;
mod ending;
#[cfg(unix)]
mod foreign;
mod forgotten;
#[cfg(target_os = "linux")]
mod full_disk;
mod fuzz;
mod gateway;
mod handing_out;
mod identity;
mod import;
mod ingress;
mod issuers;
#[cfg(unix)]
mod kills;
mod login;
#[cfg(target_os = "linux")]
mod lost_output;
mod man;
mod metadata;
mod own;
mod promises;
mod provenance;
mod providers;
mod proxy;
mod real;
mod refresh;
mod replies;
mod rotation;
mod secrets;
mod settings;
mod side_by_side;
mod smoke;
mod support;
mod test_clients;
mod watching;
mod words;
