//! The integration suite: one binary, one module a theme.

mod architecture;
mod atomic;
mod bad_input;
mod client_configs;
mod completions;
mod configure;
mod device;
mod fuzz;
mod gateway;
mod ingress;
mod login;
mod man;
mod providers;
mod proxy;
mod readme;
mod real;
mod rotation;
mod secrets;
mod settings;
mod side_by_side;
mod smoke;
mod support;
