//! "A fresh token for this credential": the one place that hands out tokens. Read, lock, read again, refresh or get,
//! save, in that order. It leaves how tokens are got to `flow` and how they are kept to `store`.

mod follow;
mod keep;
mod logout;
mod outcome;

use std::future::{Future, pending};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinError;
use tokio_util::task::TaskTracker;

pub use keep::is_clients;
pub use logout::{Logout, RevocationOutcome};
pub use outcome::{IssuedToken, TokenOutcome, VaultError};

use crate::credential::{AuthorizationCodeConfig, Credential, GrantConfig};
use crate::flow::{self, FlowError, Login, Ui};
use crate::oauth::{Freshness, ReplyError, TokenSet};
use crate::secret::Secret;
use crate::store::{Lock, LoginNotes, ReservedFile, Store, StoreError, StoredToken};
use crate::sys::browser::Browser;
use crate::sys::clock;
use crate::sys::http::Http;

/// Hands out tokens. One for the whole process: logins take turns in it.
pub struct Vault {
    /// Where credentials are kept.
    pub store: Store,
    /// The network.
    pub http: Http,
    /// Who opens a login page; `None` if nobody is there to log in.
    pub browser: Option<Browser>,
    /// The person's side.
    pub ui: Arc<dyn Ui>,
    /// How long a login may take.
    pub login_within: Duration,
    /// One browser page at a time: two would confuse the person, and may share a callback port.
    pub turn: Mutex<()>,
    /// Refresh tokens that were sent and whose answers are not kept yet: no process may end before, if it can be helped.
    pub exchanges: TaskTracker,
}

impl Vault {
    /// A token for `credential`; with `anew`, one that was got by this very call.
    ///
    /// # Errors
    /// As [`VaultError`] says.
    pub async fn fresh(&self, credential: &Credential, anew: bool) -> Result<IssuedToken, VaultError> {
        let before = self.kept(credential)?;
        if let (Some(stored), false) = (&before, anew)
            && stored.token.freshness(clock::now()) == Freshness::Fresh
            && settled(stored, credential)
        {
            return Ok(self.as_is(credential, stored.clone()));
        }
        let lock = self.lock(credential).await?;
        // A killed run's token is what there was all along, not what somebody did meanwhile.
        let before = if keep::take_up(&self.store, credential)? { self.kept(credential)? } else { before };
        // Whoever had the lock before us may have done the work, and used up the refresh token we saw.
        let now = self.kept(credential)?;
        let fresh = match now {
            Some(stored) if done_meanwhile(&stored, before.as_ref(), anew) => self.as_is(credential, stored),
            Some(stored) => self.renew_or_keep(credential, stored, anew, &lock).await?,
            None => self.get(credential, None).await?,
        };
        self.settle(credential, fresh).await
    }

    /// Another token than `refused`, which a server would not take though it is not at its end; by the refresh grant
    /// where there is one.
    ///
    /// # Errors
    /// As [`VaultError`] says.
    pub async fn renew_refused(
        &self,
        credential: &Credential,
        refused: &Secret,
    ) -> Result<IssuedToken, VaultError> {
        self.follow(credential).await?;
        let lock = self.lock(credential).await?;
        keep::take_up(&self.store, credential)?;
        let is_other = |stored: &StoredToken| {
            stored.token.access_token != *refused && stored.token.freshness(clock::now()) == Freshness::Fresh
        };
        let fresh = match self.kept(credential)? {
            Some(stored) if is_other(&stored) => self.as_is(credential, stored),
            Some(stored) => {
                let end = stored.token.expires_at;
                let looks_good = stored.token.freshness(clock::now()) == Freshness::Fresh;
                let fresh =
                    self.renew(credential, stored, false, &lock).await.map_err(|error| match error {
                        VaultError::NeedsPerson { why } if looks_good => VaultError::Refused { why },
                        other => other,
                    })?;
                if keep::is_no_later(fresh.stored.token.expires_at, end) {
                    IssuedToken { outcome: TokenOutcome::Unchanged, ..fresh }
                } else {
                    fresh
                }
            }
            None => self.get(credential, None).await?,
        };
        self.settle(credential, fresh).await
    }

    async fn lock(&self, credential: &Credential) -> Result<Arc<Lock>, StoreError> {
        let who = credential.id.to_string();
        let waiting = || self.ui.note(&who, "waiting for another mcpauth to finish with it");
        self.store.lock(&credential.id, waiting).await.map(Arc::new)
    }

    /// What is kept, if it is this credential's: the same issuer's, for the same client, with the same wishes.
    ///
    /// # Errors
    /// As [`StoreError`] says.
    pub fn kept(&self, credential: &Credential) -> Result<Option<StoredToken>, StoreError> {
        keep::load(&self.store, credential)
    }

    fn as_is(&self, credential: &Credential, stored: StoredToken) -> IssuedToken {
        IssuedToken { stored, outcome: TokenOutcome::Reused, path: self.store.path(&credential.id) }
    }

    /// An access token stays good until its own end, whatever becomes of the next one. Only a person's answer counts
    /// more: whoever was asked to log in is told how that went.
    async fn renew_or_keep(
        &self,
        credential: &Credential,
        stored: StoredToken,
        anew: bool,
        lock: &Arc<Lock>,
    ) -> Result<IssuedToken, VaultError> {
        let person = matches!(credential.how, GrantConfig::AuthorizationCode(_)) && self.browser.is_some();
        let good = !anew && stored.token.freshness(clock::now()) == Freshness::Due;
        let old = (good && !person).then(|| stored.clone());
        match (self.renew(credential, stored, anew, lock).await, old) {
            (Err(error), Some(old)) => Ok(self.still_good(credential, old, &error)),
            (result, _) => result,
        }
    }

    fn still_good(&self, credential: &Credential, old: StoredToken, error: &VaultError) -> IssuedToken {
        let text = format!("no new token ({error}); the present token is still good");
        self.ui.note(&credential.id.to_string(), &text);
        self.as_is(credential, old)
    }

    /// Sees to it that the wanted site is kept. A login covers all of them, so another wish, or a list that did not come
    /// right after the login, needs no new one.
    async fn settle(&self, credential: &Credential, fresh: IssuedToken) -> Result<IssuedToken, VaultError> {
        let GrantConfig::AuthorizationCode(person) = &credential.how else { return Ok(fresh) };
        let Some(about) = person.provider.sites.as_ref().filter(|_| !settled(&fresh.stored, credential))
        else {
            return Ok(fresh);
        };
        let IssuedToken { stored, outcome, .. } = fresh;
        let sites = if stored.sites.is_empty() {
            flow::sites(&self.http, about, &stored.token.access_token).await?
        } else {
            stored.sites
        };
        if person.site.is_none() && sites.len() > 1 {
            let text = format!(
                "this login covers {}; using the first, choose another with --site",
                flow::list_sites(&sites)
            );
            self.ui.note(&credential.id.to_string(), &text);
        }
        let chosen = flow::choose_site(&sites, person.site.as_deref()).map(|site| site.map(|s| s.id.clone()));
        let cloud_id = chosen.as_ref().ok().cloned().flatten().or(stored.cloud_id);
        let place = self.store.prepare(&credential.id)?;
        let fresh = self.save(
            place,
            credential,
            stored.token,
            &LoginNotes { cloud_id, sites, ..LoginNotes::default() },
            outcome,
        )?;
        chosen?;
        Ok(fresh)
    }

    /// Tries the refresh token first, unless a new login was asked for.
    async fn renew(
        &self,
        credential: &Credential,
        stored: StoredToken,
        anew: bool,
        lock: &Arc<Lock>,
    ) -> Result<IssuedToken, VaultError> {
        let GrantConfig::AuthorizationCode(person) = &credential.how else {
            return self.get(credential, None).await;
        };
        let Some(refresh_token) = stored.token.refresh_token.as_ref().filter(|_| !anew) else {
            return self.get(credential, None).await;
        };
        match self.exchange(credential, person, refresh_token.clone(), stored.clone(), lock.clone()).await {
            Err(VaultError::Flow(error)) if is_forgotten(person, &error) => {
                self.drop_refresh_token(credential, StoredToken { client_forgotten: true, ..stored })?;
                Err(forgotten(credential))
            }
            Err(VaultError::Flow(FlowError::Reply { reply, .. })) if is_used_up(&reply) => {
                // We hold the lock and have just read it, so the stored refresh token is the one that was refused.
                self.drop_refresh_token(credential, stored)?;
                let why = format!("its refresh token is no longer accepted: {reply}");
                self.get(credential, Some(why)).await
            }
            // Nobody needs to log in for a server that cannot answer just now.
            Err(error @ VaultError::Flow(_))
                if self.browser.is_some() && stored.token.freshness(clock::now()) == Freshness::Due =>
            {
                Ok(self.still_good(credential, stored, &error))
            }
            result => result,
        }
    }

    /// Sends a refresh token and keeps what comes, under the lock, even if whoever asked has left meanwhile: a rotating
    /// one is used up once it was sent, and without the answer a person would have to log in again.
    async fn exchange(
        &self,
        credential: &Credential,
        person: &AuthorizationCodeConfig,
        refresh_token: Secret,
        earlier: StoredToken,
        lock: Arc<Lock>,
    ) -> Result<IssuedToken, VaultError> {
        let (http, store) = (self.http.clone(), self.store.clone());
        let (credential, provider) = (credential.clone(), person.provider.clone());
        let work = async move {
            let _lock = lock;
            // First: a disk that is full must not cost the refresh token.
            let place = store.prepare(&credential.id)?;
            let token = flow::refresh(&http, &credential.client, &provider, &refresh_token).await?;
            let token = token.or_as_long_as(&earlier.token);
            keep::save(&store, place, &credential, token, &earlier.notes(), TokenOutcome::Refreshed)
        };
        finish(&self.exchanges, work).await
    }

    /// Gets a token without anything to start from.
    async fn get(&self, credential: &Credential, why: Option<String>) -> Result<IssuedToken, VaultError> {
        match &credential.how {
            GrantConfig::ClientCredentials(machine) => {
                let place = self.store.prepare(&credential.id)?;
                let token = flow::client_credentials(&self.http, &credential.client, machine).await?;
                self.save(place, credential, token, &LoginNotes::default(), TokenOutcome::Obtained)
            }
            GrantConfig::AuthorizationCode(person) => self.log_in(credential, person, why).await,
        }
    }

    async fn log_in(
        &self,
        credential: &Credential,
        person: &AuthorizationCodeConfig,
        why: Option<String>,
    ) -> Result<IssuedToken, VaultError> {
        let browser = self.browser.as_ref().ok_or(VaultError::NeedsPerson { why })?;
        let who = credential.id.to_string();
        let _turn = self.turn.lock().await;
        // Before the person is asked for anything: a code works once.
        let place = self.store.prepare(&credential.id)?;
        let login = Login { http: &self.http, browser, ui: &*self.ui, who: &who, within: self.login_within };
        let token = match browser {
            Browser::Elsewhere => flow::log_in_by_device(&login, &credential.client, person).await,
            _ => flow::log_in(&login, &credential.client, person).await,
        };
        let token = token.map_err(|error| match is_forgotten(person, &error) {
            true => forgotten(credential),
            false => error.into(),
        })?;
        // Kept before anything else can fail: the person has done their part.
        self.save(place, credential, token, &LoginNotes::default(), TokenOutcome::LoggedIn)
    }

    fn save(
        &self,
        place: ReservedFile,
        credential: &Credential,
        token: TokenSet,
        notes: &LoginNotes,
        outcome: TokenOutcome,
    ) -> Result<IssuedToken, VaultError> {
        keep::save(&self.store, place, credential, token, notes, outcome)
    }

    fn drop_refresh_token(&self, credential: &Credential, stored: StoredToken) -> Result<(), StoreError> {
        let notes = stored.notes();
        let token = TokenSet { refresh_token: None, ..stored.token };
        let place = self.store.prepare(&credential.id)?;
        keep::write(&self.store, place, credential, &token, &notes).map(drop)
    }
}

/// Does `work` as one of `tasks`. Whoever drops this waits no longer, and the work goes on.
async fn finish<T: Send + 'static>(tasks: &TaskTracker, work: impl Future<Output = T> + Send + 'static) -> T {
    match tasks.spawn(work).await.map_err(JoinError::try_into_panic) {
        Ok(done) => done,
        Err(Ok(panic)) => resume_unwind(panic),
        // The runtime is at its end, and we with it.
        Err(Err(_)) => pending().await,
    }
}

/// Whether the site that is kept is the wanted one; without a wish, whether there is one.
fn settled(stored: &StoredToken, credential: &Credential) -> bool {
    let GrantConfig::AuthorizationCode(person) = &credential.how else { return true };
    let kept = stored.cloud_id.as_deref();
    let is_wanted = |wanted| {
        let site = flow::choose_site(&stored.sites, Some(wanted)).ok().flatten();
        kept == Some(wanted) || kept.is_some() && kept == site.map(|site| site.id.as_str())
    };
    person.provider.sites.is_none() || person.site.as_deref().map_or(kept.is_some(), is_wanted)
}

/// Whether another process did what we came to do, while we waited for it.
fn done_meanwhile(stored: &StoredToken, before: Option<&StoredToken>, anew: bool) -> bool {
    let changed = before.is_none_or(|before| before.token.access_token != stored.token.access_token);
    stored.token.freshness(clock::now()) == Freshness::Fresh && (changed || !anew)
}

/// Whether a failure means that the issuer no longer knows a client that mcpauth registered (RFC 6749 sections 4.1.2.1 and
/// 5.2).
fn is_forgotten(person: &AuthorizationCodeConfig, error: &FlowError) -> bool {
    person.registered
        && match error {
            FlowError::Reply { reply, .. } => reply.is_about_client() || reply.is_unauthorized_client(),
            FlowError::Denied { error, .. } => {
                ["invalid_client", "unauthorized_client"].contains(&error.as_str())
            }
            _ => false,
        }
}

fn forgotten(credential: &Credential) -> VaultError {
    VaultError::ClientForgotten { issuer: credential.issuer.clone() }
}

/// Whether an answer to a refresh means that the refresh token is of no more use (RFC 6749 section 5.2, and what servers
/// answer instead). A client that is refused may be corrected in the settings, and its refresh token is good then.
fn is_used_up(reply: &ReplyError) -> bool {
    reply.is_no() && !reply.is_about_client() && !matches!(reply, ReplyError::TokenType(_))
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_done_and_can_be_waited_for() {
        let tasks = TaskTracker::new();
        assert_eq!(finish(&tasks, async { 7 }).await, 7);
        let ((go, may_go), (done, is_done)) = (oneshot::channel::<()>(), oneshot::channel::<()>());
        let work = finish(&tasks, async move {
            may_go.await.unwrap();
            done.send(()).unwrap();
        });
        tokio::select! {
            biased;
            () = work => panic!("it cannot have ended"),
            () = tokio::task::yield_now() => {}
        }
        assert_eq!(tasks.len(), 1);
        go.send(()).unwrap();
        tasks.close();
        tasks.wait().await;
        is_done.await.unwrap();
    }

    #[test]
    fn a_runtime_that_ends_takes_its_work_with_it() {
        let (tasks, runtime) = (TaskTracker::new(), tokio::runtime::Builder::new_current_thread().build());
        let runtime = runtime.unwrap();
        runtime.block_on(async {
            tokio::select! {
                biased;
                () = finish(&tasks, pending()) => {}
                () = tokio::task::yield_now() => {}
            }
        });
        assert_eq!(tasks.len(), 1);
        drop(runtime);
        assert!(tasks.is_empty());
    }
}
