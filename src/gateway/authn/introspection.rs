//! Asks issuers about tokens (RFC 7662) for all workers: about one token once, however many requests bring it; about
//! invalid ones at a limited rate, per client address and in all. Valid and invalid results are cached separately.
//! Not here: the request (see `issuers`); checking a reply (see `rules`).

use std::collections::HashMap;
use std::hash::Hash as StdHash;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OnceCell, Semaphore};
use tokio::time::timeout;
use tracing::warn;

use super::issuers::IssuerState;
use super::jwt::TokenError;
use super::token_cache::{Hash, TokenCache};
use crate::gateway::rate::Rate;
use crate::gateway::settings::Limits;
use crate::policy::Principal;

/// What all workers know about tokens that were introspected.
pub(crate) struct IntrospectionCache {
    /// Those that were valid when last asked about, even after the result expired: their callers are not strangers.
    good: Mutex<TokenCache<VerifiedToken>>,
    /// Those that were not, and until when that is cached. A flood of them never evicts a valid one.
    bad: Mutex<TokenCache<(TokenError, i64)>>,
    under_way: Keyed<Hash, OnceCell<Result<VerifiedToken, AuthFailure>>>,
    gates: Keyed<String, Gate>,
    /// The budget of invalid tokens that may be asked about; a valid one is given back.
    per_address: Option<Rate>,
    in_all: Option<Rate>,
    began: Instant,
}

/// What is known about a valid token.
#[derive(Clone)]
pub(crate) struct VerifiedToken {
    pub(crate) principal: Principal,
    /// When it expires.
    pub(crate) expires_at: i64,
    /// Until when this result is used without asking again.
    pub(crate) believed_until: i64,
}

/// A token, and what was sent with it.
pub(crate) struct PresentedToken<'q> {
    pub(crate) issuer: &'q IssuerState,
    pub(crate) token: &'q str,
    pub(crate) hash: Hash,
    /// Seconds since 1970.
    pub(crate) now: i64,
    pub(crate) peer: IpAddr,
    /// The servers that an audience names.
    pub(crate) servers: &'q (dyn Fn(&str) -> Vec<String> + Sync),
    /// The identifier of the request that it came with, for the log.
    pub(crate) request: &'q str,
}

/// Why there is no caller.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AuthFailure {
    Bad(TokenError),
    Down,
    /// The address, or everyone, must wait this many seconds.
    Address(u64),
    All(u64),
}

/// How many unknown tokens of one address are asked about at once; the others wait.
struct Gate(Semaphore);

/// Values that exist while they are used, each with its number of users.
struct Keyed<K: Eq + StdHash, V>(Mutex<HashMap<K, (usize, Arc<V>)>>);

/// A value in use.
struct KeyedGuard<'k, K: Eq + StdHash, V> {
    all: &'k Keyed<K, V>,
    key: K,
    value: Arc<V>,
}

/// How long an issuer's negative answer is cached, in seconds.
const NO: i64 = 60;
/// How many of them are cached.
const MANY: usize = 4096;
const AT_ONCE: usize = 4;
/// How long a token waits for its turn.
const TURN_TIMEOUT: Duration = Duration::from_secs(5);

impl IntrospectionCache {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            good: Mutex::new(TokenCache::new(limits.token_cache_size)),
            bad: Mutex::new(TokenCache::new(MANY)),
            under_way: Keyed::default(),
            gates: Keyed::default(),
            per_address: Rate::per_minute(limits.introspections_per_minute_per_address),
            in_all: Rate::per_minute(limits.introspections_per_minute),
            began: Instant::now(),
        }
    }

    /// The caller of a token, from the cache or by asking.
    pub(crate) async fn ask(&self, question: &PresentedToken<'_>) -> Result<VerifiedToken, AuthFailure> {
        if let Some(known) = self.known(question) {
            return known;
        }
        let turn = self.under_way.hold(question.hash);
        let answer = turn.get_or_init(|| async {
            // Another request may have finished it.
            match self.known(question) {
                Some(known) => known,
                None => self.introspect(question).await,
            }
        });
        answer.await.clone()
    }

    /// A cached result.
    fn known(&self, question: &PresentedToken<'_>) -> Option<Result<VerifiedToken, AuthFailure>> {
        let now = question.now;
        if let Some(judged) = lock(&self.good).get(&question.hash).filter(|good| now < good.believed_until) {
            return Some(Ok(judged));
        }
        let bad = lock(&self.bad).get(&question.hash).filter(|(_, until)| now < *until);
        bad.map(|(reject, _)| Err(AuthFailure::Bad(reject)))
    }

    async fn introspect(&self, question: &PresentedToken<'_>) -> Result<VerifiedToken, AuthFailure> {
        // A caller who was valid before does not wait for strangers.
        if lock(&self.good).get(&question.hash).is_some() {
            return self.send(question).await;
        }
        let address = network(question.peer);
        let gate = self.gates.hold(address.clone());
        let Ok(_permit) = timeout(TURN_TIMEOUT, gate.0.acquire()).await else {
            return Err(AuthFailure::Address(1));
        };
        self.take(&address)?;
        let answer = self.send(question).await;
        if answer.is_ok() {
            self.give_back(&address);
        }
        answer
    }

    async fn send(&self, question: &PresentedToken<'_>) -> Result<VerifiedToken, AuthFailure> {
        let PresentedToken { issuer, token, hash, now, servers, request, .. } = question;
        let reply = issuer.introspect(token).await.map_err(|error| {
            warn!(event = "introspection", request, "{error}");
            AuthFailure::Down
        })?;
        match issuer.rules.introspected(reply, *now, servers) {
            Ok((principal, expires_at)) => {
                let believed_until = issuer.cache_until(expires_at, *now);
                let judged =
                    VerifiedToken { principal, expires_at: expires_at.unwrap_or(i64::MAX), believed_until };
                lock(&self.good).put(*hash, judged.clone());
                Ok(judged)
            }
            Err(reject) => {
                lock(&self.good).remove(hash);
                lock(&self.bad).put(*hash, (reject, now + NO));
                Err(AuthFailure::Bad(reject))
            }
        }
    }

    fn take(&self, address: &str) -> Result<(), AuthFailure> {
        let now = self.began.elapsed().as_nanos() as u64;
        let take = |rate: &Option<Rate>, key| rate.as_ref().map_or(Ok(()), |rate| rate.take(&[key], now));
        take(&self.per_address, address).map_err(AuthFailure::Address)?;
        take(&self.in_all, "").map_err(|seconds| {
            // No request was made for it.
            self.per_address.iter().for_each(|rate| rate.give_back(&[address]));
            AuthFailure::All(seconds)
        })
    }

    fn give_back(&self, address: &str) {
        self.per_address.iter().for_each(|rate| rate.give_back(&[address]));
        self.in_all.iter().for_each(|rate| rate.give_back(&[""]));
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self(Semaphore::new(AT_ONCE))
    }
}

impl<K: Eq + StdHash + Clone, V: Default> Keyed<K, V> {
    fn hold(&self, key: K) -> KeyedGuard<'_, K, V> {
        let mut all = lock(&self.0);
        let (holders, value) = all.entry(key.clone()).or_default();
        *holders += 1;
        let value = value.clone();
        drop(all);
        KeyedGuard { all: self, key, value }
    }
}

impl<K: Eq + StdHash, V> Default for Keyed<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + StdHash, V> Deref for KeyedGuard<'_, K, V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.value
    }
}

impl<K: Eq + StdHash, V> Drop for KeyedGuard<'_, K, V> {
    /// The last user removes it.
    fn drop(&mut self) {
        let mut all = lock(&self.all.0);
        if let Some((holders, _)) = all.get_mut(&self.key) {
            *holders -= 1;
            if *holders == 0 {
                all.remove(&self.key);
            }
        }
    }
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One client's addresses: a host with an IPv6 address usually has the whole /64.
fn network(peer: IpAddr) -> String {
    match peer.to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_is_one_network() {
        for (ip, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2"),
            ("2001:db8:1:2:ffff::", "2001:db8:1:2"),
        ] {
            assert_eq!(network(ip.parse().unwrap()), expected);
        }
    }

    #[test]
    fn what_nobody_holds_is_gone() {
        let all: Keyed<u8, Gate> = Keyed::default();
        let (one, two) = (all.hold(1), all.hold(1));
        assert!(Arc::ptr_eq(&one.value, &two.value));
        drop(one);
        assert_eq!(lock(&all.0).len(), 1);
        drop(two);
        assert_eq!(lock(&all.0).len(), 0);
    }
}
