//! The integration suite: one binary, one module a theme.

mod bad_input;
mod client_configs;
mod configure;
mod ingress;
mod providers;
mod real;
mod settings;
mod smoke;
mod support;
