//! One alarm for each client's connection, for whatever may take only so long on it. It stays set from one request to
//! the next: setting the runtime's timer again, and taking it back, would cost each of them more than looking up its
//! caller.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt;
use tokio::time::{Instant, Sleep, sleep_until};

/// The alarm of one connection. All who wait for it are polled by the connection's own task.
#[derive(Default)]
pub(super) struct Alarm(Mutex<Option<Pin<Box<Sleep>>>>);

/// The alarm, for hyper.
pub(super) struct AlarmTimer(pub(super) Arc<Alarm>);

/// A time that hyper waits for.
struct Due {
    alarm: Arc<Alarm>,
    at: Instant,
}

impl Alarm {
    /// What a future comes to, unless it is `due` before.
    pub(super) async fn within<F: Future>(&self, due: Instant, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => self.poll(due, context).map(|()| None),
        })
        .await
    }

    /// Ready when it is time. The alarm may go off before, for somebody who did not wait that long, and is set again then.
    fn poll(&self, due: Instant, context: &mut Context<'_>) -> Poll<()> {
        let mut alarm = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sleep = alarm.get_or_insert_with(|| Box::pin(sleep_until(due))).as_mut();
        if sleep.deadline() > due {
            sleep.as_mut().reset(due);
        }
        loop {
            ready!(sleep.as_mut().poll(context));
            if Instant::now() >= due {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(due);
        }
    }
}

impl rt::Timer for AlarmTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Due { alarm: self.0.clone(), at: Instant::now() + duration })
    }

    fn sleep_until(&self, deadline: std::time::Instant) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(Due { alarm: self.0.clone(), at: deadline.into() })
    }

    fn now(&self) -> std::time::Instant {
        Instant::now().into()
    }
}

impl Future for Due {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.alarm.poll(self.at, context)
    }
}

impl rt::Sleep for Due {}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use hyper::rt::Timer;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn each_waits_for_a_time_of_its_own() {
        let alarm = Arc::new(Alarm::default());
        let began = Instant::now();
        // Sooner and later than what was waited for before, after the end of it and ahead of it.
        for (seconds, late) in [(30, false), (5, true), (40, true), (1, true), (60, false), (60, true)] {
            let before = Instant::now();
            let slow = async {
                if late {
                    pending::<()>().await;
                }
                tokio::time::sleep(SECOND / 2).await;
            };
            let come = alarm.within(before + seconds * SECOND, slow).await;
            let took = if late { seconds * SECOND } else { SECOND / 2 };
            assert_eq!(come.is_none(), late);
            assert!(before.elapsed() >= took && before.elapsed() < took + SECOND / 4, "{seconds}");
        }
        assert!(began.elapsed() > 100 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn two_who_wait_at_once_hear_of_their_own_time() {
        let timer = AlarmTimer(Arc::default());
        let began = Instant::now();
        let long = timer.sleep(10 * SECOND);
        let short = timer.sleep_until(timer.now() + SECOND);
        tokio::join!(
            async {
                long.await;
                assert!(began.elapsed() >= 10 * SECOND);
            },
            async {
                short.await;
                assert!(began.elapsed() >= SECOND && began.elapsed() < 2 * SECOND);
            }
        );
        assert!(began.elapsed() < 11 * SECOND);
    }
}
