//! What a run brings along to its work: who hears of it, who can log in, and what it must not end without. It leaves
//! who that is, and how a run ends, to `cli`.

use std::sync::Arc;

use tokio::sync::Mutex;
use tokio_util::task::TaskTracker;

use crate::config::{Config, StorageChoice};
use crate::error::Error;
use crate::flow::Ui;
use crate::notice::{Notices, Silence};
use crate::store::{Storage, Store};
use crate::sys::browser::Browser;
use crate::vault::{Vault, VaultError};

/// One run's.
#[derive(Clone)]
pub(crate) struct Context {
    /// Who hears of progress and advice.
    pub(crate) notices: Arc<dyn Notices>,
    /// The person's side of a login.
    pub(crate) ui: Arc<dyn Ui>,
    /// What the run does not end without, if it can be helped.
    pub(crate) exchanges: TaskTracker,
}

impl Context {
    /// The same, and nobody hears of it.
    pub(crate) fn silent(&self) -> Self {
        Self { notices: Arc::new(Silence), ..self.clone() }
    }

    /// The vault of these settings; without a `browser` nobody is asked to log in.
    ///
    /// # Errors
    /// The setting of where secrets are kept, or the keyring.
    pub(crate) fn vault(&self, config: &Config, browser: Option<Browser>) -> Result<Vault, Error> {
        Ok(Vault {
            store: Store::new(&config.tokens_dir, self.storage(config)?),
            http: config.http(),
            browser,
            ui: self.ui.clone(),
            login_within: config.login_within,
            turn: Mutex::new(()),
            exchanges: self.exchanges.clone(),
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
                    let dir = config.tokens_dir.display();
                    self.notices.say(&format!("storage: 0600 files in {dir} ({error})"));
                    Storage::File
                }
            }),
        }
    }
}
