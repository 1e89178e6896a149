//! Where the program starts.

use std::process::ExitCode;

fn main() -> ExitCode {
    mcpauth::cli::run(std::env::args_os())
}
