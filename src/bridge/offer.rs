//! A login that is offered to a client: one at a time for each server, however many requests wait for it. It begins
//! only when a person presses the button on our page, and what waits for it goes on when it ends. Not here: how the
//! client is told (see `client` and `rounds`); the page (see `flow`); the login (see [`PersonLogin`]).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use oauth2::CsrfToken;
use tokio::sync::watch;
use url::Url;

use crate::flow::StartPage;
use crate::session::PersonLogin;

/// How long a person who declined is not asked again.
const DECLINED_FOR: Duration = Duration::from_secs(300);
/// The random bytes of an offer's id.
const RANDOM_BYTES: u32 = 16;

/// The offers of one server's login.
#[derive(Clone, Default)]
pub(super) struct LoginDesk(Arc<Mutex<DeskState>>);

#[derive(Default)]
struct DeskState {
    current: Option<Arc<Offer>>,
    declined: Option<Instant>,
    closed: bool,
}

/// One offer.
pub(super) struct Offer {
    /// Its id, which cannot be guessed.
    pub(super) id: String,
    /// The page that begins the login.
    pub(super) address: Url,
    /// What the person is told.
    pub(super) message: String,
    accepted: AtomicBool,
    ended: watch::Sender<Option<LoginEnd>>,
}

/// How an offer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LoginEnd {
    /// There are credentials now.
    LoggedIn,
    /// Without a login, for this reason.
    Failed(String),
}

impl LoginDesk {
    /// The present offer, or a new one; and whether it is new. `None` where no person may be asked now.
    pub(super) async fn offer(&self, login: &Arc<dyn PersonLogin>) -> Option<(Arc<Offer>, bool)> {
        if let Some(offer) = self.current() {
            return Some((offer, false));
        }
        if self.is_quiet() {
            return None;
        }
        let (name, place) = login.server();
        let page = StartPage::open(&name, &place).await.ok()?;
        let mut state = self.state();
        // Another request may have been here meanwhile.
        if let Some(offer) = state.current.as_ref().filter(|offer| offer.end().is_none()) {
            return Some((offer.clone(), false));
        }
        let offer = Arc::new(Offer::new(&name, &place, &page));
        state.current = Some(offer.clone());
        drop(state);
        tokio::spawn(offer.clone().run(page, login.clone()));
        Some((offer, true))
    }

    /// The offer that is open, if there is one.
    pub(super) fn current(&self) -> Option<Arc<Offer>> {
        self.state().current.clone().filter(|offer| offer.end().is_none())
    }

    /// The offer with this id, open or not.
    pub(super) fn find(&self, id: &str) -> Option<Arc<Offer>> {
        self.state().current.clone().filter(|offer| offer.id == id)
    }

    /// Takes the client's answer to an offer.
    pub(super) fn answered(&self, offer: &Offer, answer: PersonAnswer) {
        match answer {
            PersonAnswer::Accept => offer.accepted.store(true, Ordering::Relaxed),
            PersonAnswer::Decline => {
                self.state().declined = Some(Instant::now());
                offer.finish(LoginEnd::Failed("the login was declined in the client".into()));
            }
            PersonAnswer::Cancel => {
                offer.finish(LoginEnd::Failed("the login was cancelled in the client".into()))
            }
        }
    }

    /// Ends the present offer and makes no other: the client disconnected.
    pub(super) fn close(&self) {
        let current = {
            let mut state = self.state();
            state.closed = true;
            state.current.take()
        };
        if let Some(offer) = current {
            offer.finish(LoginEnd::Failed("the client disconnected".into()));
        }
    }

    fn is_quiet(&self) -> bool {
        let state = self.state();
        state.closed || state.declined.is_some_and(|declined| declined.elapsed() < DECLINED_FOR)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, DeskState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a person says to an offer (MCP 2025-11-25, "Elicitation", "Response Actions").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PersonAnswer {
    /// Agreed to open the page.
    Accept,
    /// Declined.
    Decline,
    /// Did not choose.
    Cancel,
}

impl PersonAnswer {
    /// The answer in an elicitation's result; anything else is as good as none.
    pub(super) fn read(result: Option<&serde_json::Value>) -> Self {
        match result.and_then(|result| result.get("action")).and_then(serde_json::Value::as_str) {
            Some("accept") => Self::Accept,
            Some("decline") => Self::Decline,
            _ => Self::Cancel,
        }
    }
}

impl Offer {
    fn new(name: &str, place: &str, page: &StartPage) -> Self {
        Self {
            id: CsrfToken::new_random_len(RANDOM_BYTES).into_secret(),
            address: page.address().clone(),
            message: format!(
                "Log in to {name}: there is no valid login for {place}. The page is mcpauth's own, on this computer; its button \
                 leads to the login."
            ),
            accepted: AtomicBool::new(false),
            ended: watch::Sender::new(None),
        }
    }

    /// Whether the person agreed.
    pub(super) fn is_accepted(&self) -> bool {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Waits for its end.
    pub(super) async fn ended(&self) -> LoginEnd {
        let mut ended = self.ended.subscribe();
        let end = ended.wait_for(Option::is_some).await.ok().and_then(|end| end.clone());
        end.unwrap_or_else(|| LoginEnd::Failed("the login ended".into()))
    }

    /// How it ended, if it has.
    pub(super) fn end(&self) -> Option<LoginEnd> {
        self.ended.borrow().clone()
    }

    fn finish(&self, end: LoginEnd) {
        self.ended.send_if_modified(|now| {
            let is_first = now.is_none();
            now.get_or_insert(end);
            is_first
        });
    }

    async fn run(self: Arc<Self>, page: StartPage, login: Arc<dyn PersonLogin>) {
        let end = tokio::select! {
            biased;
            end = self.ended() => end,
            end = log_in(page, login) => end,
        };
        self.finish(end);
    }
}

/// Waits for the button and then for the login. The page is closed when this ends.
async fn log_in(mut page: StartPage, login: Arc<dyn PersonLogin>) -> LoginEnd {
    let within = login.within();
    let Ok(Some(pressed)) = tokio::time::timeout(within, page.pressed()).await else {
        let seconds = within.as_secs();
        return LoginEnd::Failed(format!("the login was not started within {seconds} s"));
    };
    match login.log_in(pressed).await {
        Ok(()) => LoginEnd::LoggedIn,
        Err(cause) => LoginEnd::Failed(format!("the login failed: {cause}")),
    }
}
