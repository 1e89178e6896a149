//! Where the bridge listens on this machine, and the secret that its clients show it: other users and web pages reach
//! loopback too. Both are the same for every start, because clients' configurations hold them. It leaves checking to `bridge`.

use std::net::SocketAddr;

use crate::config::Config;
use crate::error::Error;
use crate::secret::Secret;
use crate::sys::private_file;

/// The header with the secret.
pub(crate) const SECRET_HEADER: &str = "x-mcpauth-bridge";
/// The secret's file, in the tokens directory.
const FILE: &str = ".bridge-secret";

/// The bridge of this tokens directory.
pub(crate) struct Local {
    /// Where it listens, on loopback.
    pub(crate) listen: SocketAddr,
    /// What its clients show it, in [`SECRET_HEADER`].
    pub(crate) secret: Secret,
}

impl Local {
    /// Where it is, and its secret, which is made when it is first asked for.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] for an address that is not on loopback; the file's.
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let listen = config.bridge_address()?;
        private_file::create_dir_ignored(&config.tokens_dir)?;
        let path = config.tokens_dir.join(FILE);
        if let Some(text) = private_file::read(&path)?.filter(|text| text.trim().len() >= 32) {
            return Ok(Self { listen, secret: Secret::new(text.trim()) });
        }
        // Two processes that make it at once must not each have one of their own.
        let lock = private_file::open_lock(&config.tokens_dir.join(".bridge-secret.lock"))?;
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
