//! Where the bridge listens on this machine, and the secret that its clients send: other users and web pages reach
//! loopback too. Both are the same at every start, because client configurations contain them. Not here: checking
//! (see `bridge`).

use std::net::SocketAddr;

use crate::config::Config;
use crate::error::Error;
use crate::secret::Secret;
use crate::sys::private_file;

/// The header with the secret.
pub(crate) const SECRET_HEADER: &str = "x-mcpauth-bridge";
/// The secret's file, in the folder of credentials.
const FILE: &str = ".bridge-secret";

/// The bridge of this folder of credentials.
pub(crate) struct Local {
    /// Where it listens, on loopback.
    pub(crate) listen: SocketAddr,
    /// What its clients send, in [`SECRET_HEADER`].
    pub(crate) secret: Secret,
}

impl Local {
    /// Its address and its secret, which is created on first use.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] for an address that is not on loopback; the file's.
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let listen = config.bridge_address()?;
        // The project's folder may appear while a bridge runs, with the first token: the secret that is there stays in use.
        let mut folders = config.folders().into_iter();
        let dir = folders.find(|dir| dir.join(FILE).exists()).unwrap_or_else(|| config.service_dir());
        private_file::create_dir(dir)?;
        let path = dir.join(FILE);
        if let Some(text) = private_file::read(&path)?.filter(|text| text.trim().len() >= 32) {
            return Ok(Self { listen, secret: Secret::new(text.trim()) });
        }
        // Two processes that create it at once must end up with the same one.
        let lock = private_file::open_lock(&dir.join(".bridge-secret.lock"))?;
        lock.lock()?;
        let secret = match private_file::read(&path)?.filter(|text| text.trim().len() >= 32) {
            Some(text) => text.trim().to_owned(),
            None => {
                let made = oauth2::CsrfToken::new_random_len(32).into_secret();
                private_file::write(&path, &made)?;
                made
            }
        };
        Ok(Self { listen, secret: Secret::new(secret) })
    }
}
