//! The integration suite: one binary, one module a theme.

mod ingress;
mod providers;
mod real;
mod smoke;
mod support;
