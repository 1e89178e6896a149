//! "A fresh token for this credential": the only place that issues tokens to the rest of the program. Read, lock,
//! read again, refresh or get, save, in that order. Not here: getting tokens (see `flow`); storing them (see
//! `store`).

mod command;
mod follow;
mod keep;
mod key;
mod logout;
mod outcome;

use std::future::{Future, pending};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinError;
use tokio_util::task::TaskTracker;
use url::Url;

pub use command::{CommandError, Commands};
pub use keep::is_clients;
pub use logout::{Logout, RevocationOutcome};
pub use outcome::{IssuedToken, TokenOutcome, VaultError};

use crate::credential::{AuthorizationCodeConfig, Credential, GrantConfig};
use crate::flow::{self, FlowError, Login, Ui};
use crate::oauth::{Freshness, ReplyError, TokenSet};
use crate::secret::Secret;
use crate::store::{Lock, LoginNotes, Store, StoreError, StoredToken};
use crate::sys::browser::Browser;
use crate::sys::clock;
use crate::sys::http::Http;

/// Supplies tokens. One for the whole process: logins take turns in it.
pub struct Vault {
    /// Where credentials are stored.
    pub store: Store,
    /// The network.
    pub http: Http,
    /// Who opens a login page; `None` if no login is possible.
    pub browser: Option<Browser>,
    /// The user interface.
    pub ui: Arc<dyn Ui>,
    /// How long a login may take.
    pub login_within: Duration,
    /// One browser page at a time: two would confuse the user, and may share a callback port.
    pub turn: Mutex<()>,
    /// Refresh tokens that were sent and whose answers are not stored yet: the process must not end before, if
    /// possible.
    pub exchanges: TaskTracker,
    /// What the user's commands printed.
    pub commands: Commands,
}

impl Vault {
    /// A token for `credential`; with `force`, one that was obtained by this very call.
    pub async fn fresh(&self, credential: &Credential, force: bool) -> Result<IssuedToken, VaultError> {
        if let Some(key) = credential.key() {
            return self.key(credential, key, None).await;
        }
        let before = self.kept(credential)?;
        if let (Some(stored), false) = (&before, force)
            && stored.token.freshness(clock::now()) == Freshness::Fresh
            && settled(stored, credential)
        {
            return Ok(self.as_is(credential, stored.clone()));
        }
        let lock = self.lock(credential).await?;
        // An interrupted run's token counts as having been there, not as another process's change.
        let before = if keep::take_up(&self.store, credential)? { self.kept(credential)? } else { before };
        // The previous holder of the lock may have done the work, and spent the refresh token that we saw.
        let now = self.kept(credential)?;
        let fresh = match now {
            Some(stored) if done_meanwhile(&stored, before.as_ref(), force) => self.as_is(credential, stored),
            Some(stored) => self.renew_or_keep(credential, stored, force, &lock).await?,
            None => self.get(credential, None).await?,
        };
        self.settle(credential, fresh).await
    }

    /// A different token than `refused`, which a server rejected before its expiry; by the refresh grant if there is
    /// one.
    pub async fn renew_refused(
        &self,
        credential: &Credential,
        refused: &Secret,
    ) -> Result<IssuedToken, VaultError> {
        if let Some(key) = credential.key() {
            return self.key(credential, key, Some(refused)).await;
        }
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

    /// A token of the gateway's own for one that it accepts (RFC 8693), limited as `fields` say. It is kept nowhere.
    pub async fn exchanged(
        &self,
        url: &Url,
        subject: &Secret,
        fields: &[(String, String)],
    ) -> Result<TokenSet, VaultError> {
        Ok(flow::exchange(&self.http, url, subject, fields).await?)
    }

    async fn lock(&self, credential: &Credential) -> Result<Arc<Lock>, StoreError> {
        let who = credential.id.to_string();
        let waiting = || self.ui.note(&who, "waiting for another mcpauth process to release it");
        self.store.lock(&credential.id, waiting).await.map(Arc::new)
    }

    /// What is stored, if it matches this credential: the same issuer, client and requested scopes.
    pub fn kept(&self, credential: &Credential) -> Result<Option<StoredToken>, StoreError> {
        keep::load(&self.store, credential)
    }

    fn as_is(&self, credential: &Credential, stored: StoredToken) -> IssuedToken {
        IssuedToken { stored, outcome: TokenOutcome::Reused, path: self.store.path(&credential.id) }
    }

    /// An access token stays valid until it expires, whatever happens to the next one. Only a login's result takes
    /// precedence: a user who was asked to log in is told how that ended.
    async fn renew_or_keep(
        &self,
        credential: &Credential,
        stored: StoredToken,
        force: bool,
        lock: &Arc<Lock>,
    ) -> Result<IssuedToken, VaultError> {
        let person = matches!(credential.how, GrantConfig::AuthorizationCode(_)) && self.browser.is_some();
        let good = !force && stored.token.freshness(clock::now()) == Freshness::Due;
        let old = (good && !person).then(|| stored.clone());
        match (self.renew(credential, stored, force, lock).await, old) {
            (Err(error), Some(old)) => Ok(self.still_good(credential, old, &error)),
            (result, _) => result,
        }
    }

    fn still_good(&self, credential: &Credential, old: StoredToken, error: &VaultError) -> IssuedToken {
        let text = format!("no new token ({error}); the current token is still valid");
        self.ui.note(&credential.id.to_string(), &text);
        self.as_is(credential, old)
    }

    /// Makes sure that the wanted site is stored. A login covers all sites, so another choice, or a list that was not
    /// available right after the login, needs no new login.
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
        let fresh = keep::save(
            &self.store,
            place,
            credential,
            stored.token,
            &LoginNotes { cloud_id, sites, ..LoginNotes::default() },
            outcome,
        )?;
        chosen?;
        Ok(fresh)
    }

    /// Tries the refresh token first, unless a new login was requested.
    async fn renew(
        &self,
        credential: &Credential,
        stored: StoredToken,
        force: bool,
        lock: &Arc<Lock>,
    ) -> Result<IssuedToken, VaultError> {
        let GrantConfig::AuthorizationCode(person) = &credential.how else {
            return self.get(credential, None).await;
        };
        let Some(refresh_token) = stored.token.refresh_token.as_ref().filter(|_| !force) else {
            return self.get(credential, None).await;
        };
        match self.exchange(credential, person, refresh_token.clone(), stored.clone(), lock.clone()).await {
            Err(VaultError::Flow(error)) if is_forgotten(person, &error) => {
                self.drop_refresh_token(credential, StoredToken { client_forgotten: true, ..stored })?;
                Err(forgotten(credential))
            }
            Err(VaultError::Flow(FlowError::Reply { reply, .. })) if is_used_up(&reply) => {
                // We hold the lock and have just read it, so the stored refresh token is the rejected one.
                self.drop_refresh_token(credential, stored)?;
                // An issuer that lost the token may have lost the client too, and then its page would end the login.
                let would_ask = person.registered && self.browser.is_some();
                if would_ask && flow::is_client_unusable(&self.http, &credential.client, person).await {
                    return Err(forgotten(credential));
                }
                let why = format!("its refresh token is no longer accepted: {reply}");
                self.get(credential, Some(why)).await
            }
            // A server that cannot answer right now needs no login.
            Err(error @ VaultError::Flow(_))
                if self.browser.is_some() && stored.token.freshness(clock::now()) == Freshness::Due =>
            {
                Ok(self.still_good(credential, stored, &error))
            }
            result => result,
        }
    }

    /// Sends a refresh token and stores the answer, under the lock, even if the caller has gone meanwhile: a rotating
    /// one is spent once it was sent, and without the answer the user would have to log in again.
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
            // First: a full disk must not cost the refresh token.
            let place = store.prepare(&credential.id)?;
            let token = flow::refresh(&http, &credential.client, &provider, &refresh_token).await?;
            let token = token.or_as_long_as(&earlier.token);
            keep::save(&store, place, &credential, token, &earlier.notes(), TokenOutcome::Refreshed)
        };
        finish(&self.exchanges, work).await
    }

    /// Gets a token without an earlier one.
    async fn get(&self, credential: &Credential, why: Option<String>) -> Result<IssuedToken, VaultError> {
        match &credential.how {
            GrantConfig::ClientCredentials(machine) => {
                let place = self.store.prepare(&credential.id)?;
                let token = flow::client_credentials(&self.http, &credential.client, machine).await?;
                keep::save(
                    &self.store,
                    place,
                    credential,
                    token,
                    &LoginNotes::default(),
                    TokenOutcome::Obtained,
                )
            }
            GrantConfig::AuthorizationCode(person) => self.log_in(credential, person, why).await,
            GrantConfig::Key(key) => self.key(credential, key, None).await,
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
        // Before the user is asked for anything: a code works only once.
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
        // Stored before anything else can fail: the user has done their part.
        keep::save(&self.store, place, credential, token, &LoginNotes::default(), TokenOutcome::LoggedIn)
    }

    fn drop_refresh_token(&self, credential: &Credential, stored: StoredToken) -> Result<(), StoreError> {
        let notes = stored.notes();
        let token = TokenSet { refresh_token: None, ..stored.token };
        let place = self.store.prepare(&credential.id)?;
        keep::write(&self.store, place, credential, &token, &notes).map(drop)
    }
}

/// Runs `work` as one of `tasks`. If the caller is dropped, the work continues.
async fn finish<T: Send + 'static>(tasks: &TaskTracker, work: impl Future<Output = T> + Send + 'static) -> T {
    match tasks.spawn(work).await.map_err(JoinError::try_into_panic) {
        Ok(done) => done,
        Err(Ok(panic)) => resume_unwind(panic),
        // The runtime is shutting down, and we with it.
        Err(Err(_)) => pending().await,
    }
}

/// Whether the stored site is the wanted one; without a choice, whether there is one.
fn settled(stored: &StoredToken, credential: &Credential) -> bool {
    let GrantConfig::AuthorizationCode(person) = &credential.how else { return true };
    let kept = stored.cloud_id.as_deref();
    let is_wanted = |wanted| {
        let site = flow::choose_site(&stored.sites, Some(wanted)).ok().flatten();
        kept == Some(wanted) || kept.is_some() && kept == site.map(|site| site.id.as_str())
    };
    person.provider.sites.is_none() || person.site.as_deref().map_or(kept.is_some(), is_wanted)
}

/// Whether another process did the work while we waited for it.
fn done_meanwhile(stored: &StoredToken, before: Option<&StoredToken>, force: bool) -> bool {
    let changed = before.is_none_or(|before| before.token.access_token != stored.token.access_token);
    stored.token.freshness(clock::now()) == Freshness::Fresh && (changed || !force)
}

/// Whether a failure means that the issuer no longer knows a client that mcpauth registered (RFC 6749 sections
/// 4.1.2.1 and 5.2).
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

/// Whether an answer to a refresh means that the refresh token is invalid (RFC 6749 section 5.2, and what servers
/// send instead). A rejected client may be corrected in the settings, and then its refresh token works.
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
