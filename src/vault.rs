//! "A fresh token for this credential": the one place that hands out tokens. Read, lock, read again, refresh or get,
//! save, in that order. It leaves how tokens are got to `flow` and how they are kept to `store`.

mod forget;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Mutex;

pub use forget::{Ended, Forgotten};

use crate::credential::{Credential, How, Kind, Person};
use crate::flow::{self, FlowError, Login, Ui};
use crate::oauth::{Epoch, Freshness, ReplyError, TokenSet};
use crate::secret::Secret;
use crate::store::{Lock, Notes, Store, StoreError, Stored};
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
}

/// How a token was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was there, and is good for a while.
    Reused,
    /// By the refresh grant.
    Refreshed,
    /// By client credentials.
    Obtained,
    /// By a person.
    LoggedIn,
    /// It was asked for, and what came ends no later than what was there: nothing was gained.
    Unchanged,
}

/// A token that is good now.
#[derive(Debug)]
pub struct Fresh {
    /// The credential as it is kept.
    pub stored: Stored,
    /// How it was come by.
    pub outcome: Outcome,
    /// Where it is kept.
    pub path: PathBuf,
}

/// Why there is no token.
#[derive(Debug, Error)]
pub enum VaultError {
    /// It could not be got.
    #[error("{0}")]
    Flow(#[from] FlowError),
    /// It could not be read or kept.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// Only a person can get it, and nobody is there.
    #[error("a person must log in{}", .why.as_deref().map(|why| format!(" ({why})")).unwrap_or_default())]
    NeedsPerson {
        /// Why what was there did not do.
        why: Option<String>,
    },
}

impl Vault {
    /// A token for `credential`; with `anew`, one that was got by this very call.
    ///
    /// # Errors
    /// As [`VaultError`] says.
    pub async fn fresh(&self, credential: &Credential, anew: bool) -> Result<Fresh, VaultError> {
        let before = self.kept(credential)?;
        if let (Some(stored), false) = (&before, anew)
            && stored.token.freshness(clock::now()) == Freshness::Fresh
            && settled(stored, credential)
        {
            return Ok(self.as_is(credential, stored.clone()));
        }
        let _lock = self.lock(credential).await?;
        // Whoever had the lock before us may have done the work, and used up the refresh token we saw.
        let now = self.kept(credential)?;
        let fresh = match now {
            Some(stored) if done_meanwhile(&stored, before.as_ref(), anew) => self.as_is(credential, stored),
            Some(stored) => self.renew_or_keep(credential, stored, anew).await?,
            None => self.get(credential, None).await?,
        };
        self.settle(credential, fresh).await
    }

    /// Another token than `refused`, which a server would not take though it is not at its end; by the refresh grant
    /// where there is one.
    ///
    /// # Errors
    /// As [`VaultError`] says.
    pub async fn renewed(&self, credential: &Credential, refused: &Secret) -> Result<Fresh, VaultError> {
        let _lock = self.lock(credential).await?;
        let is_other = |stored: &Stored| {
            stored.token.access_token != *refused && stored.token.freshness(clock::now()) == Freshness::Fresh
        };
        let fresh = match self.kept(credential)? {
            Some(stored) if is_other(&stored) => self.as_is(credential, stored),
            Some(stored) => {
                let end = stored.token.expires_at;
                let fresh = self.renew(credential, stored, false).await?;
                if is_no_later(fresh.stored.token.expires_at, end) {
                    Fresh { outcome: Outcome::Unchanged, ..fresh }
                } else {
                    fresh
                }
            }
            None => self.get(credential, None).await?,
        };
        self.settle(credential, fresh).await
    }

    async fn lock(&self, credential: &Credential) -> Result<Lock, StoreError> {
        let who = credential.id.to_string();
        let waiting = || self.ui.note(&who, "waiting for another mcpauth to finish with it");
        self.store.lock(&credential.id, waiting).await
    }

    /// What is kept, if it is this credential's: the same issuer's, for the same client, with the same wishes.
    ///
    /// # Errors
    /// As [`StoreError`] says.
    pub fn kept(&self, credential: &Credential) -> Result<Option<Stored>, StoreError> {
        Ok(self.store.read(&credential.id)?.filter(|stored| belongs(stored, credential)))
    }

    fn as_is(&self, credential: &Credential, stored: Stored) -> Fresh {
        Fresh { stored, outcome: Outcome::Reused, path: self.store.path(&credential.id) }
    }

    /// An access token stays good until its own end, whatever becomes of the next one. Only a person's answer counts
    /// more: whoever was asked to log in is told how that went.
    async fn renew_or_keep(
        &self,
        credential: &Credential,
        stored: Stored,
        anew: bool,
    ) -> Result<Fresh, VaultError> {
        let person = matches!(credential.how, How::AuthorizationCode(_)) && self.browser.is_some();
        let good = !anew && stored.token.freshness(clock::now()) == Freshness::Due;
        let old = (good && !person).then(|| stored.clone());
        match (self.renew(credential, stored, anew).await, old) {
            (Err(VaultError::Store(error)), _) => Err(error.into()),
            (Err(error), Some(old)) => Ok(self.still_good(credential, old, &error)),
            (result, _) => result,
        }
    }

    fn still_good(&self, credential: &Credential, old: Stored, error: &VaultError) -> Fresh {
        let text = format!("no new token ({error}); the present token is still good");
        self.ui.note(&credential.id.to_string(), &text);
        self.as_is(credential, old)
    }

    /// Sees to it that the wanted site is kept. A login covers all of them, so another wish, or a list that did not come
    /// right after the login, needs no new one.
    async fn settle(&self, credential: &Credential, fresh: Fresh) -> Result<Fresh, VaultError> {
        let How::AuthorizationCode(person) = &credential.how else { return Ok(fresh) };
        let Some(about) = person.provider.sites.as_ref().filter(|_| !settled(&fresh.stored, credential))
        else {
            return Ok(fresh);
        };
        let Fresh { stored, outcome, .. } = fresh;
        let sites = if stored.sites.is_empty() {
            flow::sites(&self.http, about, &stored.token.access_token).await?
        } else {
            stored.sites
        };
        if person.site.is_none() && sites.len() > 1 {
            let text = format!(
                "this login covers {}; using the first, choose another with --site",
                flow::listed(&sites)
            );
            self.ui.note(&credential.id.to_string(), &text);
        }
        let chosen = flow::choose_site(&sites, person.site.as_deref()).map(|site| site.map(|s| s.id.clone()));
        let cloud_id = chosen.as_ref().ok().cloned().flatten().or(stored.cloud_id);
        let fresh = self.save(credential, stored.token, &Notes { cloud_id, sites }, outcome)?;
        chosen?;
        Ok(fresh)
    }

    /// Tries the refresh token first, unless a new login was asked for.
    async fn renew(&self, credential: &Credential, stored: Stored, anew: bool) -> Result<Fresh, VaultError> {
        let How::AuthorizationCode(person) = &credential.how else { return self.get(credential, None).await };
        let Some(refresh_token) = stored.token.refresh_token.as_ref().filter(|_| !anew) else {
            return self.get(credential, None).await;
        };
        match flow::refresh(&self.http, &credential.client, &person.provider, refresh_token).await {
            Ok(token) => {
                let notes = Notes { cloud_id: stored.cloud_id.clone(), sites: stored.sites.clone() };
                self.save(credential, token, &notes, Outcome::Refreshed)
            }
            Err(error) if is_invalid_grant(&error) => {
                // We hold the lock and have just read it, so the stored refresh token is the one that was refused.
                self.drop_refresh_token(credential, stored)?;
                self.get(credential, Some("its refresh token is no longer accepted".into())).await
            }
            // Nobody needs to log in for a server that cannot answer just now.
            Err(error)
                if self.browser.is_some() && stored.token.freshness(clock::now()) == Freshness::Due =>
            {
                Ok(self.still_good(credential, stored, &error.into()))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Gets a token without anything to start from.
    async fn get(&self, credential: &Credential, why: Option<String>) -> Result<Fresh, VaultError> {
        match &credential.how {
            How::ClientCredentials(machine) => {
                let token = flow::client_credentials(&self.http, &credential.client, machine).await?;
                self.save(credential, token, &Notes::default(), Outcome::Obtained)
            }
            How::AuthorizationCode(person) => self.log_in(credential, person, why).await,
        }
    }

    async fn log_in(
        &self,
        credential: &Credential,
        person: &Person,
        why: Option<String>,
    ) -> Result<Fresh, VaultError> {
        let browser = self.browser.as_ref().ok_or(VaultError::NeedsPerson { why })?;
        let who = credential.id.to_string();
        let _turn = self.turn.lock().await;
        let login = Login { http: &self.http, browser, ui: &*self.ui, who: &who, within: self.login_within };
        let token = match browser {
            Browser::Elsewhere => flow::log_in_by_device(&login, &credential.client, person).await?,
            _ => flow::log_in(&login, &credential.client, person).await?,
        };
        // Kept before anything else can fail: the person has done their part, and a code works once.
        self.save(credential, token, &Notes::default(), Outcome::LoggedIn)
    }

    fn save(
        &self,
        credential: &Credential,
        token: TokenSet,
        notes: &Notes,
        outcome: Outcome,
    ) -> Result<Fresh, VaultError> {
        let token = self.as_old_as_it_is(credential, token);
        let path = self.write(credential, &token, notes)?;
        let stored = Stored {
            token,
            provider: credential.provider_field.clone(),
            issuer: Some(credential.issuer.clone()),
            client_id: Some(credential.client.id.clone()),
            requested_scopes: None,
            cloud_id: notes.cloud_id.clone(),
            sites: notes.sites.clone(),
            members: credential.facts.clone(),
        };
        Ok(Fresh { stored, outcome, path })
    }

    /// Some servers give the same token again until it is nearly over. It did not become younger by that, and when it is
    /// due is reckoned from its whole life. (One whose end moves with every request did.)
    fn as_old_as_it_is(&self, credential: &Credential, token: TokenSet) -> TokenSet {
        // Whatever is wrong with the old file, the new token must be kept.
        let kept = self.kept(credential).ok().flatten().map(|stored| stored.token);
        let is_same = |kept: &TokenSet| {
            kept.access_token == token.access_token && is_no_later(token.expires_at, kept.expires_at)
        };
        let same = kept.filter(is_same);
        let issued_at = same.map_or(token.issued_at, |kept| kept.issued_at);
        TokenSet { issued_at, ..token }
    }

    fn drop_refresh_token(&self, credential: &Credential, stored: Stored) -> Result<(), StoreError> {
        let notes = Notes { cloud_id: stored.cloud_id, sites: stored.sites };
        let token = TokenSet { refresh_token: None, ..stored.token };
        self.write(credential, &token, &notes).map(drop)
    }

    /// A token that is written again keeps its time of issue: when it is due is reckoned from its whole life.
    fn write(&self, credential: &Credential, token: &TokenSet, notes: &Notes) -> Result<PathBuf, StoreError> {
        self.store.write(credential, token, notes, token.issued_at.unwrap_or_else(clock::now))
    }
}

/// Whether the site that is kept is the wanted one; without a wish, whether there is one.
fn settled(stored: &Stored, credential: &Credential) -> bool {
    let How::AuthorizationCode(person) = &credential.how else { return true };
    let kept = stored.cloud_id.as_deref();
    let is_wanted = |wanted| {
        let site = flow::choose_site(&stored.sites, Some(wanted)).ok().flatten();
        kept == Some(wanted) || kept.is_some() && kept == site.map(|site| site.id.as_str())
    };
    person.provider.sites.is_none() || person.site.as_deref().map_or(kept.is_some(), is_wanted)
}

/// Whether another process did what we came to do, while we waited for it.
fn done_meanwhile(stored: &Stored, before: Option<&Stored>, anew: bool) -> bool {
    let changed = before.is_none_or(|before| before.token.access_token != stored.token.access_token);
    stored.token.freshness(clock::now()) == Freshness::Fresh && (changed || !anew)
}

/// Whether what is kept was got by this credential's client, with this credential's wishes.
fn belongs(stored: &Stored, credential: &Credential) -> bool {
    let wishes = match (&credential.how, &stored.requested_scopes) {
        (How::AuthorizationCode(person), Some(asked)) => {
            let (mut asked, mut wanted) = (asked.clone(), person.scopes.clone());
            asked.sort();
            wanted.sort();
            asked == wanted
        }
        _ => true,
    };
    is_clients(stored, credential) && wishes
}

/// A login's file written by the reference names neither issuer nor client; its provider's name has to do. A token that
/// costs one request is simply got again.
fn is_clients(stored: &Stored, credential: &Credential) -> bool {
    let person = credential.id.kind == Kind::Egress;
    let same =
        |found: &Option<String>, wanted: &str| found.as_deref().map_or(person, |found| found == wanted);
    stored.provider == credential.provider_field
        && same(&stored.issuer, &credential.issuer)
        && same(&stored.client_id, &credential.client.id)
}

/// Whether a token's end is where it was. A second more is none: the server says how long, in whole seconds, and we
/// reckon until when.
fn is_no_later(end: Option<Epoch>, before: Option<Epoch>) -> bool {
    end.zip(before).is_some_and(|(end, before)| end <= before.saturating_add(1))
}

/// RFC 6749 section 5.2: the refresh token is of no more use. Any other refusal leaves it alone.
fn is_invalid_grant(error: &FlowError) -> bool {
    matches!(error, FlowError::Reply { reply: ReplyError::Refused { error, .. }, .. } if error == "invalid_grant")
}
