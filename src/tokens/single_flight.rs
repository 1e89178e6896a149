//! One token for many requests: requested once however many need it, and not repeatedly after a failure. Not here:
//! requesting it, and how long a token is used (see its [`Supply`]).

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;

/// How long a new token is not replaced: a server that rejects even new tokens must not cause a request for each
/// call, whatever the server or the callers do.
pub const MIN_RENEWAL_INTERVAL: Duration = Duration::from_secs(10);

/// Where a token comes from.
pub trait Supply {
    /// What requests carry.
    type Token: Send + Sync;
    /// Why there is none.
    type No: Clone + Send;

    /// How long a failure is remembered before a retry.
    const PAUSE: Duration;

    /// Whether a token of this age may be used without requesting it again.
    fn is_good(&self, token: &Self::Token, age: Duration) -> bool;

    /// Whether a server would see the same token.
    fn is_same(&self, a: &Self::Token, b: &Self::Token) -> bool;

    /// A token with some validity left: any, or a different one than `refused`.
    fn get(
        &self,
        refused: Option<&Self::Token>,
    ) -> impl Future<Output = Result<Got<Self::Token>, Self::No>> + Send;
}

/// A token, and whether it comes straight from its issuer: then another request would bring no better one.
pub struct Got<T> {
    /// The token.
    pub token: T,
    /// Whether it is new.
    pub is_new: bool,
}

/// One source's token, and the lock for requesting another.
pub struct SingleFlight<T, No> {
    kept: ArcSwapOption<Kept<T>>,
    /// One request is made, the others wait and take its result; and when and why the last one failed.
    turn: Mutex<Option<(Instant, No)>>,
}

struct Kept<T> {
    token: Arc<T>,
    asked: Instant,
    /// When it was new.
    new: Option<Instant>,
}

impl<T, No> Default for SingleFlight<T, No> {
    fn default() -> Self {
        Self { kept: ArcSwapOption::empty(), turn: Mutex::new(None) }
    }
}

impl<T: Send + Sync, No: Clone + Send> SingleFlight<T, No> {
    /// The token, with some validity left.
    ///
    /// # Errors
    /// The supply's.
    pub async fn current<S: Supply<Token = T, No = No>>(&self, supply: &S) -> Result<Arc<T>, No> {
        if let Some(kept) = &*self.kept.load()
            && kept.is_good(supply)
        {
            return Ok(kept.token.clone());
        }
        let mut failed = self.turn.lock().await;
        let kept = self.kept.load_full();
        match kept.as_deref().filter(|kept| kept.is_good(supply)) {
            Some(kept) => Ok(kept.token.clone()),
            // Boxed: what asking takes is large, and nearly every request finds a token here.
            None => Box::pin(self.ask(supply, &mut failed, kept.as_deref(), None)).await,
        }
    }

    /// A different one than `refused`, which the server rejected; `None` if there is none for now.
    ///
    /// # Errors
    /// The supply's.
    pub async fn replace<S: Supply<Token = T, No = No>>(
        &self,
        supply: &S,
        refused: &T,
    ) -> Result<Option<Arc<T>>, No> {
        let other = |token: &Arc<T>| !supply.is_same(token, refused);
        let mut failed = self.turn.lock().await;
        let kept = self.kept.load_full();
        let kept = kept.as_deref();
        // If it has changed, an earlier request has replaced it. A token that is new, or was not the rejected one, is
        // requested again, but not replaced: it may have expired meanwhile.
        let replaces = kept.is_none_or(|kept| !other(&kept.token) && !kept.is_just_new());
        match kept.filter(|kept| kept.is_good(supply) && !replaces) {
            Some(kept) => Ok(Some(kept.token.clone()).filter(other)),
            None => {
                let asked = Box::pin(self.ask(supply, &mut failed, kept, replaces.then_some(refused)));
                let token = asked.await?;
                Ok(Some(token).filter(other))
            }
        }
    }

    async fn ask<S: Supply<Token = T, No = No>>(
        &self,
        supply: &S,
        failed: &mut Option<(Instant, No)>,
        before: Option<&Kept<T>>,
        refused: Option<&T>,
    ) -> Result<Arc<T>, No> {
        if let Some((_, no)) = failed.as_ref().filter(|(at, _)| at.elapsed() < S::PAUSE) {
            return Err(no.clone());
        }
        let Got { token, is_new } = match supply.get(refused).await {
            Ok(got) => got,
            Err(no) => {
                *failed = Some((Instant::now(), no.clone()));
                return Err(no);
            }
        };
        let asked = Instant::now();
        let same = before.filter(|before| supply.is_same(&before.token, &token));
        let new = if is_new { Some(asked) } else { same.and_then(|same| same.new) };
        let token = Arc::new(token);
        self.kept.store(Some(Arc::new(Kept { token: token.clone(), asked, new })));
        *failed = None;
        Ok(token)
    }
}

impl<T> Kept<T> {
    fn is_good<S: Supply<Token = T>>(&self, supply: &S) -> bool {
        supply.is_good(&self.token, self.asked.elapsed())
    }

    fn is_just_new(&self) -> bool {
        self.new.is_some_and(|new| new.elapsed() < MIN_RENEWAL_INTERVAL)
    }
}
