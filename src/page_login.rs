//! Logins that begin on a page of ours, for a client of the bridge that asked a person: the same logins as the verbs'.
//! Not here: the page and the question (see `bridge`); what a login does (see `login` and `vault`).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use url::Url;

use crate::config::{Config, CredentialPlan, ExtraParams, login_command};
use crate::context::Context;
use crate::credential::Credential;
use crate::error::Error;
use crate::flow::Ui;
use crate::login::{LoginRequest, Own, log_in};
use crate::notice::Notices;
use crate::servers::{LoginTarget, Logins, Servers};
use crate::session::BoxFuture;
use crate::sys::browser::Browser;
use crate::vault::Vault;

/// Opens the servers as they are now.
pub(crate) type Reopen = Arc<dyn Fn() -> Result<Servers, Error> + Send + Sync>;

/// Logs in to servers of these settings.
pub(crate) struct PageLogins {
    pub(crate) context: Context,
    pub(crate) config: Config,
    pub(crate) reopen: Reopen,
    /// The scopes to request, instead of those that the server names.
    pub(crate) scope: Vec<String>,
    /// Parameters to add.
    pub(crate) extra: ExtraParams,
    /// The client to log in with, if the user named one.
    pub(crate) own: Box<dyn Fn() -> Own + Send + Sync>,
}

/// The person's side of such a login: the browser waits for the issuer's page.
struct PageUi {
    page: Mutex<Option<oneshot::Sender<Url>>>,
    notices: Arc<dyn Notices>,
}

impl Ui for PageUi {
    fn authorize(&self, who: &str, url: &Url, _: Option<&str>, _: Duration) {
        let page = self.page.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A browser that was closed does not wait any longer; the login times out.
        drop(page.map(|page| page.send(url.clone())));
        self.notices.say(&format!("{who}: the login has started in the browser"));
    }

    fn remaining(&self, _: &str, _: Duration) {}

    fn note(&self, who: &str, text: &str) {
        self.notices.say(&format!("{who}: {text}"));
    }

    fn can_paste(&self) -> bool {
        false
    }
}

impl Logins for PageLogins {
    fn within(&self) -> Duration {
        self.config.login_within
    }

    fn log_in(
        self: Arc<Self>,
        target: LoginTarget,
        is_refused: bool,
        page: oneshot::Sender<Url>,
    ) -> BoxFuture<'static, Result<Servers, String>> {
        Box::pin(async move {
            // Gone when nobody waits for the login any longer, which ends it.
            let (_waits, mut gone) = oneshot::channel::<()>();
            let runtime = Handle::current();
            // A login's future cannot move between threads, so it gets one.
            let work = move || {
                runtime.block_on(async {
                    let command = target.command();
                    let told = |error: Error| format!("{error}; {}", error.hint(&command));
                    tokio::select! {
                        done = self.once(target, is_refused, page) => done.map_err(told)?,
                        _ = &mut gone => return Err("nobody is waiting for it any more".into()),
                    }
                    (self.reopen)().map_err(told)
                })
            };
            tokio::task::spawn_blocking(work)
                .await
                .unwrap_or_else(|_| Err("the login was interrupted".into()))
        })
    }
}

impl PageLogins {
    async fn once(
        &self,
        target: LoginTarget,
        is_refused: bool,
        page: oneshot::Sender<Url>,
    ) -> Result<(), Error> {
        let notices = self.context.notices.clone();
        let ui = Arc::new(PageUi { page: Mutex::new(Some(page)), notices });
        let context = Context { ui, ..self.context.clone() };
        let vault = context.vault(&self.config, Some(Browser::Nobody))?;
        match target {
            LoginTarget::Address { url, name } => self.at_address(&vault, url, name, is_refused).await,
            LoginTarget::Set(credential) => {
                vault.fresh(&credential, is_refused).await?;
                Ok(())
            }
        }
    }

    async fn at_address(&self, vault: &Vault, url: Url, name: String, is_refused: bool) -> Result<(), Error> {
        let kept = self.config.registration(&name)?;
        if let Some(other) = kept.as_ref().filter(|kept| kept.url != url) {
            return Err(Error::Usage {
                message: format!("{name} is already the name of {}", other.url),
                hint: format!("log in under another name: {} --server-name NAME", login_command(&url, &name)),
            });
        }
        let request = LoginRequest {
            url,
            name,
            own: (self.own)(),
            own_flags: Vec::new(),
            scope: self.scope.clone(),
            extra: self.extra.clone(),
            force: is_refused && kept.is_some(),
            issuer: None,
            assume_pkce_s256: false,
        };
        let get = async |planned: CredentialPlan, force: bool| {
            let credential: Credential = planned.credential?;
            Ok(vault.fresh(&credential, force).await?)
        };
        log_in(&request, &self.config, vault, get, &*self.context.notices).await?;
        Ok(())
    }
}
