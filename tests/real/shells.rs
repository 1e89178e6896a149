//! Completion in every shell that a script is for, with none of them missing. Not here: what is pressed (see `completions`).

use crate::completions::every_shell_offers_them;

#[test]
#[ignore = "real parts: run .ci/run"]
fn every_shell_completes() {
    every_shell_offers_them();
}
