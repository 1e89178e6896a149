//! What a run gives its work: who gets messages, who can log in, and what the run must not end without. Not here: who
//! that is, and how a run ends (see `cli`).

use std::sync::Arc;

use tokio::sync::Mutex;
use tokio_util::task::TaskTracker;

use crate::config::{Config, StorageChoice};
use crate::error::Error;
use crate::flow::Ui;
use crate::notice::{Notices, Silence};
use crate::store::{Storage, Store};
use crate::sys::browser::Browser;
use crate::vault::{Commands, Vault, VaultError};

/// The context of one run.
#[derive(Clone)]
pub(crate) struct Context {
    /// Receives progress and advice.
    pub(crate) notices: Arc<dyn Notices>,
    /// The user interface of a login.
    pub(crate) ui: Arc<dyn Ui>,
    /// Tasks that the run must not end without, if possible.
    pub(crate) exchanges: TaskTracker,
}

impl Context {
    /// The same, but silent.
    pub(crate) fn silent(&self) -> Self {
        Self { notices: Arc::new(Silence), ..self.clone() }
    }

    /// The vault for these settings; without a `browser` no login is started.
    ///
    /// # Errors
    /// The storage setting's errors, or the keyring's.
    pub(crate) fn vault(&self, config: &Config, browser: Option<Browser>) -> Result<Vault, Error> {
        let storage = self.storage(config)?;
        // Those that are plain still work; an error is no reason to do without them.
        if let Err(error) = config.seal_registrations(storage) {
            self.notices.say(&format!("client secrets stay in 0600 files: {error}"));
        }
        Ok(Vault {
            store: Store::new(&config.tokens_dir, &config.user_tokens_dir, storage),
            http: config.http(),
            browser,
            ui: self.ui.clone(),
            login_within: config.login_within,
            turn: Mutex::new(()),
            exchanges: self.exchanges.clone(),
            commands: Commands::new({
                let config = config.clone();
                move || config.withheld()
            }),
        })
    }

    fn storage(&self, config: &Config) -> Result<Storage, Error> {
        match config.storage()? {
            StorageChoice::File => Ok(Storage::File),
            StorageChoice::Keyring => {
                Store::probe_keyring().map_err(VaultError::Store)?;
                Ok(Storage::Keyring)
            }
            StorageChoice::Auto => Ok(match Store::probe_keyring() {
                Ok(()) => {
                    self.notices.say("storage: the system keyring");
                    Storage::Keyring
                }
                Err(error) => {
                    let folders: Vec<String> =
                        config.folders().into_iter().map(|dir| dir.display().to_string()).collect();
                    self.notices.say(&format!("storage: 0600 files in {} ({error})", folders.join(" and ")));
                    Storage::File
                }
            }),
        }
    }
}
