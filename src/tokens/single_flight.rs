//! One token for many requests: it is asked for once however many want it, and not again and again where that is in vain.
//! It leaves asking, and how long a token is good, to its [`Supply`].

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use tokio::sync::Mutex;

/// How long a token that was just got is not replaced: a server that refuses even new tokens is no reason to get one for
/// each request, whatever the server or the callers do.
pub const AGAIN: Duration = Duration::from_secs(10);

/// Where a token comes from.
pub trait Supply {
    /// What requests carry.
    type Token: Send + Sync;
    /// Why there is none.
    type No: Clone + Send;

    /// How long a failure stands before it is tried again.
    const PAUSE: Duration;

    /// Whether a token that was asked for so long ago may be given out without asking again.
    fn is_good(&self, token: &Self::Token, age: Duration) -> bool;

    /// Whether a server would see the same token.
    fn is_same(&self, a: &Self::Token, b: &Self::Token) -> bool;

    /// A token that is good for a while: any, or another one than `refused`.
    fn get(
        &self,
        refused: Option<&Self::Token>,
    ) -> impl Future<Output = Result<Got<Self::Token>, Self::No>> + Send;
}

/// A token, and whether it comes straight from who issues it: then asking again would bring no better one.
pub struct Got<T> {
    /// The token.
    pub token: T,
    /// Whether it is new.
    pub is_new: bool,
}

/// One source's token, and whose turn it is to ask for another.
pub struct SingleFlight<T, No> {
    kept: ArcSwapOption<Kept<T>>,
    /// One asks, the others wait and take what it got; and when and why asking last failed.
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
    /// The token, good for a while.
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

    /// Another one than `refused`, which the server would not take; `None` if there is none for now.
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
        // If it is another one by now, a request before this one has seen to it. What was just got, or is not known to be
        // refused, is asked for again, but not replaced: it may have ended meanwhile.
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
        self.new.is_some_and(|new| new.elapsed() < AGAIN)
    }
}
