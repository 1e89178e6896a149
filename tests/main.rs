//! The integration suite: one binary, one module a theme.

mod atomic;
mod login;
mod providers;
mod real;
mod rotation;
mod secrets;
mod smoke;
mod support;
