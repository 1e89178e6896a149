//! All client connections by how long they have been idle: when there is no room, the longest idle ones are closed
//! first, and never one with a request in flight. Not here: the protocol (see `listen`); the limit (see `state`).

use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Instant;

use futures_util::task::AtomicWaker;
use hashbrown::HashMap;

/// Every connection. The lock is taken when one opens or closes, not for each request.
#[derive(Default)]
pub(super) struct Connections(Mutex<ConnectionTable>);

#[derive(Default)]
struct ConnectionTable {
    next: u64,
    taken: HashMap<u64, Arc<ConnectionState>>,
}

/// The state of one connection.
pub(super) struct ConnectionState {
    /// [`BUSY`], [`LEAVING`], or since when it has been idle; with [`KNOWN`] if it ever had an allowed request.
    state: AtomicU64,
    began: Instant,
    leave: AtomicWaker,
    /// The peer's address.
    pub(super) peer: IpAddr,
}

/// A connection's registration, until it is dropped.
pub(super) struct ConnectionGuard {
    crowd: Arc<Connections>,
    number: u64,
    pub(super) seat: Arc<ConnectionState>,
}

/// A request in flight; when dropped, its connection is idle again.
pub(super) struct BusyGuard {
    seat: Arc<ConnectionState>,
    known: u64,
}

const BUSY: u64 = u64::MAX;
const LEAVING: u64 = u64::MAX - 1;
/// Strangers are closed before callers.
const KNOWN: u64 = 1 << 62;
/// How long a stranger counts as new, in microseconds.
const MOMENT: u64 = 100_000;
/// When there is no room, this share is closed at once, so that a flood does not cause a scan for each of its
/// connections.
const SHARE: usize = 64;

impl Connections {
    /// Adds a connection, with a clock shared by all.
    pub(super) fn enter(self: &Arc<Self>, began: Instant, peer: IpAddr) -> ConnectionGuard {
        let since = AtomicU64::new(micros(began));
        let seat = Arc::new(ConnectionState { state: since, began, leave: AtomicWaker::new(), peer });
        let mut seats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = seats.next;
        seats.next += 1;
        seats.taken.insert(number, seat.clone());
        ConnectionGuard { crowd: self.clone(), number, seat }
    }

    /// Asks the longest idle ones to close, so that there is room for this many; returns whether there will be any.
    /// Those that were asked and are still open count: on another core that takes a moment. A new connection gets a
    /// moment too, to send its request.
    pub(super) fn make_room(&self, wanted: usize) -> bool {
        let seats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut leaving, mut new) = (0, false);
        let (mut strangers, mut callers) = (Vec::new(), Vec::new());
        for seat in seats.taken.values() {
            match seat.state.load(Ordering::Relaxed) {
                BUSY => {}
                LEAVING => leaving += 1,
                since if since & KNOWN != 0 => callers.push((since, seat)),
                since if since + MOMENT > micros(seat.began) => new = true,
                since => strangers.push((since, seat)),
            }
        }
        if leaving >= wanted || strangers.is_empty() && new {
            return true;
        }
        let mut idle = if strangers.is_empty() { callers } else { strangers };
        let share = (seats.taken.len() / SHARE).max(wanted - leaving).min(idle.len());
        if share > 0 && share < idle.len() {
            idle.select_nth_unstable_by_key(share - 1, |(since, _)| *since);
        }
        let mut asked = leaving > 0;
        for (since, seat) in idle.into_iter().take(share) {
            // One that receives a request at this moment stays.
            let is_idle =
                seat.state.compare_exchange(since, LEAVING, Ordering::Relaxed, Ordering::Relaxed).is_ok();
            if is_idle {
                seat.leave.wake();
                asked = true;
            }
        }
        asked
    }
}

impl ConnectionState {
    /// A request has begun.
    pub(super) fn attend(self: &Arc<Self>) -> BusyGuard {
        let before = self.state.swap(BUSY, Ordering::Relaxed);
        let known = if before < LEAVING { before & KNOWN } else { 0 };
        BusyGuard { seat: self.clone(), known }
    }

    /// Returns when this connection is to close. The waiting task is polled again when a request ends.
    pub(super) async fn is_to_leave(&self) {
        // Registering costs more than everything else here: once per idle period is enough.
        let mut registered = BUSY;
        poll_fn(|context| {
            let state = self.state.load(Ordering::Relaxed);
            if state == registered || state == BUSY {
                return Poll::Pending;
            }
            self.leave.register(context.waker());
            // A request that arrived meanwhile is answered.
            registered = self.state.load(Ordering::Relaxed);
            if registered == LEAVING { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

impl BusyGuard {
    /// The request was from a caller, and allowed.
    pub(super) fn is_known(&mut self) {
        self.known = KNOWN;
    }
}

impl Drop for BusyGuard {
    fn drop(&mut self) {
        self.seat.state.store(micros(self.seat.began) | self.known, Ordering::Relaxed);
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.crowd.0.lock().unwrap_or_else(PoisonError::into_inner).taken.remove(&self.number);
    }
}

fn micros(began: Instant) -> u64 {
    // Enough for half a million years.
    u64::try_from(began.elapsed().as_micros()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn crowd(count: usize) -> (Arc<Connections>, Vec<ConnectionGuard>) {
        let crowd = Arc::new(Connections::default());
        // Their clock started long ago: none of them is new.
        let began = Instant::now().checked_sub(Duration::from_secs(60)).unwrap();
        let seated: Vec<ConnectionGuard> =
            (0..count).map(|_| crowd.enter(began, std::net::Ipv4Addr::LOCALHOST.into())).collect();
        for (at, one) in seated.iter().enumerate() {
            one.seat.state.store(at as u64, Ordering::Relaxed);
        }
        (crowd, seated)
    }

    fn leaving(seated: &[ConnectionGuard]) -> Vec<usize> {
        let is = |one: &ConnectionGuard| one.seat.state.load(Ordering::Relaxed) == LEAVING;
        seated.iter().enumerate().filter(|(_, one)| is(one)).map(|(at, _)| at).collect()
    }

    #[test]
    fn the_idlest_leave_first_strangers_before_callers_and_the_busy_never() {
        let (crowd, mut seated) = crowd(4);
        let busy = seated[0].seat.attend();
        let mut caller = seated[1].seat.attend();
        caller.is_known();
        drop(caller);
        for _ in 0..3 {
            assert!(crowd.make_room(1));
            assert_eq!(leaving(&seated), [2], "one who has been asked is enough for one");
        }
        assert!(crowd.make_room(2));
        assert_eq!(leaving(&seated), [2, 3]);
        assert!(crowd.make_room(3));
        assert_eq!(leaving(&seated), [1, 2, 3]);
        assert!(crowd.make_room(4), "those who have been asked are all there are");
        seated.drain(1..);
        assert!(!crowd.make_room(1), "only one with a request is left");
        drop(busy);
        assert!(crowd.make_room(1) && leaving(&seated).is_empty(), "it has only just been answered");
        seated[0].seat.state.store(0, Ordering::Relaxed);
        assert!(crowd.make_room(1));
        assert_eq!(leaving(&seated), [0]);
    }

    #[test]
    fn a_request_that_comes_in_the_same_moment_is_answered() {
        let (crowd, seated) = crowd(1);
        assert!(crowd.make_room(1));
        let busy = seated[0].seat.attend();
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let seat = seated[0].seat.clone();
        runtime.block_on(async {
            let waits = tokio::time::timeout(Duration::from_secs(1), seat.is_to_leave()).await;
            assert!(waits.is_err(), "it is asked to leave in the middle of a request");
            drop(busy);
            seat.state.store(0, Ordering::Relaxed);
            assert!(crowd.make_room(1));
            seat.is_to_leave().await;
        });
    }

    #[test]
    fn who_is_gone_is_not_looked_for() {
        let (crowd, seated) = crowd(200);
        assert!(crowd.make_room(1));
        assert_eq!(leaving(&seated), [0, 1, 2], "one in 64");
        drop(seated);
        assert!(!crowd.make_room(1));
    }
}
