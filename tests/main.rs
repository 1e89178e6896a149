//! The integration suite: one binary, one module a theme.

mod atomic;
mod login;
mod providers;
mod real;
mod rotation;
mod secrets;
mod side_by_side;
mod smoke;
mod support;
