//! Fuzz targets: unlikely bytes, composed of likely ones. They check invariants, not answers; those are tested next
//! to the code.
//!
//! `cargo test` runs each target some thousand times; `FUZZ_ITERATIONS=1000000 cargo test --test suite fuzz::` as
//! often as requested, starting with the seed `FUZZ_SEED` (0 if absent), so that a failure can be repeated by its
//! seed. There is no coverage guidance: that needs nightly Rust, and the runner that works without it holds back a
//! crate of the product.
#![cfg(test)]

mod wire;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// How often a target runs if the environment says nothing.
const ITERATIONS: u64 = 4_000;

/// The source of one run's inputs (SplitMix64).
struct Dice(u64);

/// Runs a target for a fixed count.
fn fuzz(target: impl Fn(&mut Dice)) {
    let first = number("FUZZ_SEED").unwrap_or(0);
    let count = number("FUZZ_ITERATIONS").unwrap_or(ITERATIONS);
    for seed in first..first + count {
        let run =
            catch_unwind(AssertUnwindSafe(|| target(&mut Dice(seed.wrapping_mul(0x2545_f491_4f6c_dd1d)))));
        assert!(run.is_ok(), "FUZZ_SEED={seed} begins with this failure");
    }
}

#[expect(clippy::disallowed_methods, reason = "a switch of the test, not of the product")]
fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().expect("a number"))
}

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number less than this one.
    fn below(&mut self, end: usize) -> usize {
        (self.roll() % end as u64) as usize
    }

    /// One of these texts, changed in up to seven places.
    fn changed(&mut self, texts: &[&str], tokens: &[&str]) -> Vec<u8> {
        let mut bytes = texts[self.below(texts.len())].as_bytes().to_vec();
        for _ in 0..self.below(8) {
            let at = self.below(bytes.len() + 1);
            let from = self.below(bytes.len() + 1);
            let end = |start: usize, length: usize| (start + length).min(bytes.len());
            let (place, added) = match self.below(4) {
                0 => {
                    // Mostly where a member or an element may begin: elsewhere most tokens are not JSON.
                    let opens = |byte: &u8| matches!(byte, b'{' | b'[' | b',' | b'\n');
                    let next = bytes[at..].iter().position(opens).filter(|_| self.below(4) > 0);
                    let at = next.map_or(at, |next| at + next + 1);
                    (at..at, tokens[self.below(tokens.len())].as_bytes().to_vec())
                }
                1 => (at..end(at, 1), vec![self.roll() as u8]),
                2 => (at..end(at, self.below(64)), Vec::new()),
                _ => (at..at, bytes[from..end(from, self.below(256))].to_vec()),
            };
            bytes.splice(place, added);
        }
        bytes
    }

    /// Lengths of pieces to cut a text into.
    fn cuts(&mut self) -> Vec<usize> {
        (0..self.below(32)).map(|_| self.below(40)).collect()
    }
}
