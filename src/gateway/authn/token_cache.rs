//! Caches what is known about a token, by the token's hash, within a bound and without a clock of its own. Not
//! here: how long an entry is valid (see `authn`).

use std::hash::{BuildHasher, Hasher};
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use hashbrown::HashMap;

use crate::secret::Secret;

/// SHA-256 of a token: the cache never contains anything worth stealing.
pub(crate) type Hash = [u8; 32];

/// Two generations: a full young one becomes the old one, and entries in use move back. So it never has more than
/// `most` entries, and drops unused ones at a constant cost.
pub(crate) struct TokenCache<V> {
    young: HashMap<Hash, V, Prefix>,
    old: HashMap<Hash, V, Prefix>,
    half: usize,
}

/// The keys are hashes of tokens that were verified or introspected: nobody can choose many.
#[derive(Clone, Default)]
pub(crate) struct Prefix(u64);

/// The hash of the last token on a connection, and that token: most connections send the same one with each request, and
/// comparing costs less than hashing. Nothing else about it is stored here.
#[derive(Default)]
pub(crate) struct LastToken(Mutex<(Hash, Option<Secret>)>);

/// Longer tokens are hashed each time, in bytes.
const LONGEST: usize = 4096;

/// A token's hash.
pub(crate) fn hash(token: &str) -> Hash {
    let digest = digest::digest(&digest::SHA256, token.as_bytes());
    digest.as_ref().first_chunk().copied().unwrap_or_default()
}

impl LastToken {
    /// A token's hash.
    pub(crate) fn hash(&self, token: &str) -> Hash {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, text) = &mut *last;
        // A connection may be a proxy's, with many callers on it: the time that this takes must not reveal how much matches.
        let is_same =
            |text: &Secret| verify_slices_are_equal(text.expose().as_bytes(), token.as_bytes()).is_ok();
        if !text.as_ref().is_some_and(is_same) {
            let hash = hash(token);
            // The token itself is stored once it has arrived twice in a row.
            *text = (*known == hash && token.len() <= LONGEST).then(|| Secret::new(token));
            *known = hash;
        }
        *known
    }
}

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

    // The length precedes an array's bytes and adds nothing.
    fn write_usize(&mut self, _: usize) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_token_is_its_own_whatever_came_before() {
        let long = "l".repeat(LONGEST + 1);
        let last = LastToken::default();
        for token in ["a", "a", "a", "b", "a", "b", "b", "ba", "b", &long, &long, "b", "", "", "b"] {
            assert_eq!(last.hash(token), hash(token), "{token}");
        }
        for (token, is_stored) in
            [("c", false), ("c", true), ("c", true), ("d", false), (&*long, false), (&*long, false)]
        {
            last.hash(token);
            assert_eq!(last.0.lock().unwrap().1.is_some(), is_stored, "{token}");
        }
    }

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
