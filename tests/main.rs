//! The integration suite: one binary, one module a theme.

mod architecture;
mod atomic;
mod bad_input;
mod bridge;
mod client_configs;
mod clients;
mod completions;
mod configure;
mod doctor;
mod ending;
mod fuzz;
mod gateway;
mod handing_out;
mod ingress;
mod login;
mod providers;
mod readme;
mod real;
mod refresh;
mod rotation;
mod secrets;
mod settings;
mod side_by_side;
mod smoke;
mod support;
mod test_clients;
