# What is typed often. `just` lists it.

_list:
    @just --list

# Everything that must hold before a change is taken
ci:
    .ci/run

# The tests that need nothing but Rust and a C compiler
test *ARGS:
    cargo test {{ARGS}}

# Format and lint
lint:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings

# Writes every generated file anew: golden client files, completion, schemas, the book's reference, recordings and pictures
bless:
    UPDATE=1 cargo test --test suite -- book:: clients:: completions::

# The documentation as a site, at http://localhost:3000
book:
    mdbook serve docs

# One test against software from elsewhere, by a part of its name
real NAME:
    tests/real/setup.sh
    cargo test --test suite -- --ignored real::{{NAME}} --test-threads=1

# The gateway beside HAProxy and nginx, and beside an older build of its own
bench *ARGS:
    cargo build --release
    benches/gateway/run.sh {{ARGS}}
