//! Remembers what was found out about a token, by the token's hash, within a bound and without a clock of its own.
//! It leaves to `authn` when a memory still counts.

use std::hash::{BuildHasher, Hasher};

use hashbrown::HashMap;

/// SHA-256 of a token: the cache never holds what an attacker would want to read out of it.
pub(crate) type Hash = [u8; 32];

/// Two generations: when the young one is full it becomes the old one, and what is in use moves back. So it never holds
/// more than `most`, and forgets what is not asked for, at a constant cost.
pub(crate) struct TokenCache<V> {
    young: HashMap<Hash, V, Prefix>,
    old: HashMap<Hash, V, Prefix>,
    half: usize,
}

/// The keys are hashes already, of tokens that were verified or that an issuer was asked about: nobody can choose many.
#[derive(Clone, Default)]
pub(crate) struct Prefix(u64);

impl<V: Clone> TokenCache<V> {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            young: HashMap::with_hasher(Prefix::default()),
            old: HashMap::with_hasher(Prefix::default()),
            half: (most / 2).max(1),
        }
    }

    pub(crate) fn get(&mut self, key: &Hash) -> Option<V> {
        if let Some(value) = self.young.get(key) {
            return Some(value.clone());
        }
        let value = self.old.remove(key)?;
        self.put(*key, value.clone());
        Some(value)
    }

    pub(crate) fn remove(&mut self, key: &Hash) {
        self.young.remove(key);
        self.old.remove(key);
    }

    pub(crate) fn put(&mut self, key: Hash, value: V) {
        if self.young.len() >= self.half {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(key, value);
    }
}

impl BuildHasher for Prefix {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self(0)
    }
}

impl Hasher for Prefix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_ne_bytes(*first);
        }
    }

    // The length comes before an array's bytes and says nothing.
    fn write_usize(&mut self, _: usize) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> Hash {
        [n; 32]
    }

    #[test]
    fn what_is_asked_for_stays_and_the_rest_is_forgotten_within_the_bound() {
        let mut remembered = TokenCache::new(8);
        for n in 0..100 {
            remembered.put(key(n), n);
            assert_eq!(remembered.get(&key(0)), Some(0), "in use at {n}");
            assert!(remembered.young.len() + remembered.old.len() <= 8);
        }
        assert_eq!(remembered.get(&key(1)), None);
        assert_eq!(remembered.get(&key(99)), Some(99));
    }
}
