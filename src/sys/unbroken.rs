//! Work that goes on to its end though nobody waits for it any more, and the wait for all of it before a process ends.
//! It leaves which work that is, and how long that may take, to its callers.

use std::future::{Future, pending};
use std::panic::resume_unwind;
use std::sync::LazyLock;

use tokio::sync::watch;

/// How much of it is under way, in the whole process.
static UNDER_WAY: LazyLock<watch::Sender<usize>> = LazyLock::new(|| watch::Sender::new(0));

/// Counts while it lives: what a runtime drops at its end is not waited for.
struct Counted;

/// Does `work` on the present runtime. Whoever drops this waits no longer, and the work goes on.
pub async fn to_its_end<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let counted = Counted::new();
    let task = tokio::spawn(async move {
        let _counted = counted;
        work.await
    });
    match task.await.map_err(tokio::task::JoinError::try_into_panic) {
        Ok(done) => done,
        Err(Ok(panic)) => resume_unwind(panic),
        // The runtime is at its end, and we with it.
        Err(Err(_)) => pending().await,
    }
}

/// Whether any is under way.
pub fn is_under_way() -> bool {
    *UNDER_WAY.borrow() > 0
}

/// Waits until none is.
pub async fn all_ended() {
    // It fails when the counter is gone, which it never is.
    let _ = UNDER_WAY.subscribe().wait_for(|count| *count == 0).await;
}

impl Counted {
    fn new() -> Self {
        UNDER_WAY.send_modify(|count| *count += 1);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        UNDER_WAY.send_modify(|count| *count -= 1);
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_done_and_can_be_waited_for() {
        let ((go, may_go), (done, is_done)) = (oneshot::channel::<()>(), oneshot::channel::<()>());
        let work = to_its_end(async move {
            may_go.await.unwrap();
            done.send(()).unwrap();
        });
        tokio::select! {
            biased;
            () = work => panic!("it cannot have ended"),
            () = tokio::task::yield_now() => {}
        }
        assert!(is_under_way());
        go.send(()).unwrap();
        all_ended().await;
        is_done.await.unwrap();
    }

    #[tokio::test]
    async fn its_result_is_its_callers() {
        assert_eq!(to_its_end(async { 7 }).await, 7);
    }

    #[test]
    fn a_runtime_that_ends_takes_its_work_with_it() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            tokio::select! {
                biased;
                () = to_its_end(pending()) => {}
                () = tokio::task::yield_now() => {}
            }
        });
        drop(runtime);
        // Other tests may have work of their own, which ends.
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(all_ended());
    }
}
