//! How long before its end a token is renewed, and how often the files are looked at. It leaves what follows to `schedule`.

use super::plan::Epoch;
use crate::config::{Config, ConfigError};

/// The two numbers of a run, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) buffer: Epoch,
    pub(crate) interval: Epoch,
}

impl Rules {
    /// What was typed, else what is set, else the usual.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`].
    pub(crate) fn from_args(
        (buffer, interval): (Option<Epoch>, Option<Epoch>),
        config: &Config,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            buffer: buffer.map_or_else(|| config.expiry_buffer(), Ok)?,
            interval: interval.map_or_else(|| config.refresh_interval(), Ok)?,
        })
    }
}
