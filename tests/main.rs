//! The integration suite: one binary, one module a theme.

mod architecture;
mod completions;
mod providers;
mod readme;
mod real;
mod smoke;
mod support;
