//! Rate limits per caller and per tool of a caller, in memory: the generic cell rate algorithm, one timestamp per
//! key. Not here: the configured limits (see `settings`).

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

/// One kind of limit.
pub(super) struct Rate {
    /// Nanoseconds that one request costs.
    cost: u64,
    /// Nanoseconds that may be used in advance: a whole minute's worth.
    burst: u64,
    hasher: RandomState,
    shards: Vec<Mutex<HashMap<u64, u64>>>,
}

const MINUTE: u64 = 60_000_000_000;
const SHARDS: usize = 16;
/// How many callers a shard keeps before those with a full allowance are dropped.
const MANY: usize = 4096;

impl Rate {
    /// A limit of this many per minute; none for 0.
    pub(super) fn per_minute(limit: u32) -> Option<Self> {
        let limit = u64::from(limit);
        (limit > 0).then(|| Self {
            cost: MINUTE / limit,
            burst: MINUTE,
            hasher: RandomState::new(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        })
    }

    /// Gives one back.
    pub(super) fn give_back(&self, key: &[&str]) {
        let key = self.hasher.hash_one(key);
        let Some(shard) = self.shards.get(key as usize % SHARDS) else { return };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(paid_until) = shard.get_mut(&key) {
            *paid_until = paid_until.saturating_sub(self.cost);
        }
    }

    /// Takes one of `key`'s requests at `now` (nanoseconds of a monotonic clock).
    ///
    /// # Errors
    /// The whole seconds to wait (RFC 9110 section 10.2.3).
    pub(super) fn take(&self, key: &[&str], now: u64) -> Result<(), u64> {
        let key = self.hasher.hash_one(key);
        let Some(shard) = self.shards.get(key as usize % SHARDS) else { return Ok(()) };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if shard.len() > MANY {
            // A full allowance is the same as that of a new caller.
            shard.retain(|_, paid_until| *paid_until > now);
        }
        let paid_until = shard.entry(key).or_insert(now);
        let next = (*paid_until).max(now) + self.cost;
        if next > now + self.burst {
            return Err((next - now - self.burst).div_ceil(1_000_000_000));
        }
        *paid_until = next;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_minutes_worth_passes_at_once_and_then_as_time_passes() {
        let rate = Rate::per_minute(60).unwrap();
        for _ in 0..60 {
            assert_eq!(rate.take(&["issuer", "alice"], SECOND), Ok(()));
        }
        assert_eq!(rate.take(&["issuer", "alice"], SECOND), Err(1));
        assert_eq!(rate.take(&["issuer", "bob"], SECOND), Ok(()), "another caller");
        assert_eq!(rate.take(&["issuer", "alice"], 2 * SECOND), Ok(()));
        assert_eq!(rate.take(&["issuer", "alice"], 2 * SECOND), Err(1));
        assert_eq!(rate.take(&["issuer", "alice"], 200 * SECOND), Ok(()));
    }

    #[test]
    fn what_is_given_back_was_never_taken() {
        let rate = Rate::per_minute(2).unwrap();
        for _ in 0..50 {
            assert_eq!(rate.take(&["a"], SECOND), Ok(()));
            rate.give_back(&["a"]);
        }
        rate.give_back(&["unknown"]);
        assert_eq!((rate.take(&["a"], SECOND), rate.take(&["a"], SECOND)), (Ok(()), Ok(())));
        assert_eq!(rate.take(&["a"], SECOND), Err(30));
    }

    #[test]
    fn a_rare_limit_says_how_long_to_wait() {
        let rate = Rate::per_minute(1).unwrap();
        assert_eq!(rate.take(&["a", "t"], 0), Ok(()));
        assert_eq!(rate.take(&["a", "t"], 10 * SECOND), Err(50));
        assert!(Rate::per_minute(0).is_none());
    }
}
