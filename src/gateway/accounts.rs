//! Accounts for requests in flight: the memory for what is buffered, in all and per caller, and each caller's number
//! of requests and streams. Everything taken is a value that gives it back when dropped. Not here: rates (see
//! `rate`); the response to a refusal (see `refusal`).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use hashbrown::{Equivalent, HashMap};

use super::refusal::Rejection;
use super::settings::Limits;
use crate::policy::Principal;

/// Every caller's account, by issuer and subject: several tokens of one subject are one caller.
#[derive(Default)]
pub(super) struct Accounts {
    /// Locked when a token is seen for the first time, not for each request.
    known: Mutex<HashMap<(String, String), Weak<Taken>>>,
    /// Bytes reserved by all callers.
    bytes: Arc<AtomicUsize>,
}

/// A caller, borrowed: hashed like the owned pair.
#[derive(Hash)]
struct CallerKey<'a>(&'a str, &'a str);

impl Equivalent<(String, String)> for CallerKey<'_> {
    fn equivalent(&self, (issuer, subject): &(String, String)) -> bool {
        self.0 == issuer && self.1 == subject
    }
}

/// One core's way to what a caller has taken. Each request holds it: the cores share no count of its holders.
pub(super) struct Account {
    taken: Arc<Taken>,
}

/// What one caller has taken, on all cores.
#[derive(Default)]
struct Taken {
    bytes: AtomicUsize,
    requests: AtomicUsize,
    streams: AtomicUsize,
    all: Arc<AtomicUsize>,
}

/// A caller's request or stream in flight.
pub(super) struct RequestSlot {
    account: Arc<Account>,
    stream: bool,
}

/// Memory reserved for something that is buffered. It grows with what arrives.
pub(super) struct Reservation {
    account: Arc<Account>,
    bytes: usize,
    most: usize,
    most_in_all: usize,
}

/// Bytes, and their reservation.
struct HeldBytes(Bytes, #[expect(dead_code, reason = "given back when it is dropped")] Reservation);

/// Smaller amounts are not counted: most messages are smaller, and this avoids writes to memory shared between cores.
/// Requests in flight are counted, which bounds the sum of these.
pub(super) const SMALL: usize = 4096;
/// How many accounts are kept before those of callers who have gone are removed.
const MANY: usize = 4096;

impl Accounts {
    /// The caller's account, for one core; all of a subject's count the same.
    pub(super) fn of(&self, principal: &Principal) -> Arc<Account> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() > MANY {
            // Nobody has a token of theirs any longer, and no request is in flight.
            known.retain(|_, taken| taken.strong_count() > 0);
        }
        let who = CallerKey(&principal.issuer, &principal.subject);
        if let Some(taken) = known.get(&who).and_then(Weak::upgrade) {
            return Arc::new(Account { taken });
        }
        let taken = Arc::new(Taken { all: self.bytes.clone(), ..Taken::default() });
        let key = (principal.issuer.clone(), principal.subject.clone());
        known.insert(key, Arc::downgrade(&taken));
        Arc::new(Account { taken })
    }
}

impl Account {
    /// Adds a request or stream, unless there are `most` already.
    ///
    /// # Errors
    /// [`Rejection::Crowded`].
    pub(super) fn begin(self: &Arc<Self>, stream: bool, most: usize) -> Result<RequestSlot, Rejection> {
        let turn = RequestSlot { account: self.clone(), stream };
        // Counted first: dropping `turn` takes it back.
        let before = turn.count().fetch_add(1, Ordering::Relaxed);
        if before < most { Ok(turn) } else { Err(Rejection::Crowded) }
    }

    /// A reservation, empty so far.
    pub(super) fn hold(self: &Arc<Self>, limits: &Limits) -> Reservation {
        Reservation {
            account: self.clone(),
            bytes: 0,
            most: limits.max_buffered_bytes_per_caller,
            most_in_all: limits.max_buffered_bytes,
        }
    }
}

impl RequestSlot {
    fn count(&self) -> &AtomicUsize {
        let taken = &self.account.taken;
        if self.stream { &taken.streams } else { &taken.requests }
    }
}

impl Drop for RequestSlot {
    fn drop(&mut self) {
        self.count().fetch_sub(1, Ordering::Relaxed);
    }
}

impl Reservation {
    /// Reserves as much as is needed for `bytes` altogether, before they are read.
    ///
    /// # Errors
    /// [`Rejection::Full`] if this caller has reserved too much, [`Rejection::Busy`] if all have.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Rejection> {
        let more = bytes.saturating_sub(self.bytes);
        if more == 0 || bytes <= SMALL {
            return Ok(());
        }
        let Taken { bytes: own, all, .. } = &*self.account.taken;
        let taken = own.fetch_add(more, Ordering::Relaxed);
        let taken_in_all = all.fetch_add(more, Ordering::Relaxed);
        self.bytes += more;
        if taken + more > self.most {
            Err(Rejection::Full)
        } else if taken_in_all + more > self.most_in_all {
            Err(Rejection::Busy)
        } else {
            Ok(())
        }
    }

    /// Reserves as much as is needed for `bytes` altogether, and gives back any excess.
    pub(super) fn settle(&mut self, bytes: usize) -> Result<(), Rejection> {
        let kept = if bytes <= SMALL { 0 } else { bytes };
        if self.bytes > kept {
            self.give_back(self.bytes - kept);
        }
        self.grow(bytes)
    }

    /// The bytes with their reservation, which is given back when the last of them is dropped.
    pub(super) fn keep(self, bytes: Bytes) -> Bytes {
        if self.bytes == 0 { bytes } else { Bytes::from_owner(HeldBytes(bytes, self)) }
    }

    fn give_back(&mut self, bytes: usize) {
        let taken = &self.account.taken;
        taken.bytes.fetch_sub(bytes, Ordering::Relaxed);
        taken.all.fetch_sub(bytes, Ordering::Relaxed);
        self.bytes -= bytes;
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.give_back(self.bytes);
        }
    }
}

impl AsRef<[u8]> for HeldBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(subject: &str) -> Principal {
        Principal { issuer: "i".into(), subject: subject.into(), ..Principal::default() }
    }

    fn limits() -> Limits {
        Limits { max_buffered_bytes: 30_000, max_buffered_bytes_per_caller: 20_000, ..Limits::default() }
    }

    #[test]
    fn memory_is_taken_by_callers_and_given_back() {
        let accounts = Accounts::default();
        let (alice, again, bob) = (
            accounts.of(&principal("alice")),
            accounts.of(&principal("alice")),
            accounts.of(&principal("bob")),
        );
        let mut first = alice.hold(&limits());
        first.grow(15_000).unwrap();
        let mut second = again.hold(&limits());
        second.grow(SMALL).unwrap();
        second.grow(5_000).unwrap();
        assert!(
            matches!(again.hold(&limits()).grow(5_000), Err(Rejection::Full)),
            "one caller with two tokens"
        );
        let mut other = bob.hold(&limits());
        other.grow(10_000).unwrap();
        assert!(matches!(bob.hold(&limits()).grow(5_000), Err(Rejection::Busy)), "all together");
        let kept = first.keep(Bytes::from(vec![7; 15_000]));
        let slice = kept.slice(1..2);
        drop((kept, second));
        assert_eq!(accounts.bytes.load(Ordering::Relaxed), 25_000, "a piece of it is still there");
        drop((slice, other));
        assert_eq!(accounts.bytes.load(Ordering::Relaxed), 0);
        assert_eq!(alice.taken.bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn memory_follows_what_comes_and_goes() {
        let account = Accounts::default().of(&principal("alice"));
        let mut hold = account.hold(&limits());
        for (bytes, taken) in [(10_000, 10_000), (3_000, 0), (5_000, 5_000), (9_000, 9_000), (0, 0)] {
            hold.settle(bytes).unwrap();
            assert_eq!(account.taken.bytes.load(Ordering::Relaxed), taken, "{bytes}");
        }
    }

    #[test]
    fn streams_and_requests_are_counted_apart() {
        let account = Accounts::default().of(&principal("alice"));
        let one = account.begin(false, 1).unwrap();
        assert!(matches!(account.begin(false, 1), Err(Rejection::Crowded)));
        let stream = account.begin(true, 1).unwrap();
        assert!(account.begin(true, 1).is_err());
        drop((one, stream));
        assert!(account.begin(false, 1).is_ok() && account.begin(true, 1).is_ok());
    }

    #[test]
    fn callers_who_are_gone_are_forgotten() {
        let accounts = Accounts::default();
        let kept = accounts.of(&principal("kept"));
        for n in 0..3 * MANY {
            accounts.of(&principal(&n.to_string()));
        }
        assert!(accounts.known.lock().unwrap().len() <= MANY + 1);
        assert!(Arc::ptr_eq(&kept.taken, &accounts.of(&principal("kept")).taken));
    }
}
