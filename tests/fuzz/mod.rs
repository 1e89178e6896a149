//! Fuzz targets: bytes nobody would send, put together from what people do send. They hold invariants, not answers;
//! those are tested beside the code.
//!
//! `cargo test` runs each target some thousand times, `BOLERO_RANDOM_ITERATIONS=1000000 cargo test --test suite fuzz::`
//! as often as it says, and `BOLERO_RANDOM_SEED=N` a failure again. Guided by coverage: `cargo bolero test fuzz::TARGET`.
#![cfg(test)]

mod wire;

use bolero::TypeGenerator;

/// How often a target runs if the environment says nothing.
const ITERATIONS: usize = 4_000;

/// One change to a text. Places are taken modulo its length.
#[derive(Clone, Debug, TypeGenerator)]
enum Change {
    /// One of the target's tokens put in.
    Insert { at: u16, token: u8 },
    /// Any byte in place of another.
    Byte { at: u16, byte: u8 },
    /// Bytes taken out.
    Cut { at: u16, length: u8 },
    /// Bytes written once more elsewhere.
    Copy { from: u16, length: u8, at: u16 },
}

/// An input: one of the target's texts, changed.
#[derive(Clone, Debug, TypeGenerator)]
struct Changed {
    text: u8,
    #[generator(bolero::generator::produce_with::<Vec<Change>>().len(0_usize..8))]
    changes: Vec<Change>,
}

impl Changed {
    fn of(&self, texts: &[&str], tokens: &[&str]) -> Vec<u8> {
        let mut bytes = texts[usize::from(self.text) % texts.len()].as_bytes().to_vec();
        for change in &self.changes {
            change.apply(&mut bytes, tokens);
        }
        bytes
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>, tokens: &[&str]) {
        let place = |at: u16| usize::from(at) % (bytes.len() + 1);
        let range = |at: u16, length: u8| place(at)..(place(at) + usize::from(length)).min(bytes.len());
        let (at, added) = match *self {
            Self::Insert { at, token } => {
                (place(at)..place(at), tokens[usize::from(token) % tokens.len()].as_bytes().to_vec())
            }
            Self::Byte { at, byte } => (range(at, 1), vec![byte]),
            Self::Cut { at, length } => (range(at, length), Vec::new()),
            Self::Copy { from, length, at } => (place(at)..place(at), bytes[range(from, length)].to_vec()),
        };
        bytes.splice(at, added);
    }
}
