//! Reads `scopes.yml` in the reference's form and compiles it. It leaves deciding to its parent.
