//! The integration suite: one binary, one module a theme.

mod architecture;
mod bad_input;
mod client_configs;
mod completions;
mod configure;
mod ingress;
mod providers;
mod readme;
mod real;
mod settings;
mod smoke;
mod support;
