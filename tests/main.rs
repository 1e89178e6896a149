//! The one test target.

mod real;
