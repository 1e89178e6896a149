//! When which credential is to be renewed: a schedule without a clock, a file or a network of its own.
//! It leaves doing it to `cli::refresh`.
