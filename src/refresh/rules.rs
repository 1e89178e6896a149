//! How long before its end a token is renewed, and how often the files are looked at. It leaves what follows to `schedule`.

use super::plan::Epoch;
use crate::config::{Config, ConfigError};
use crate::quantity::seconds_within;

/// The longest interval and buffer, in seconds.
const DAY: u64 = 86_400;

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
    pub(crate) fn of(
        (typed_buffer, typed_interval): (Option<Epoch>, Option<Epoch>),
        config: &Config,
    ) -> Result<Self, ConfigError> {
        let seconds =
            |typed: Option<Epoch>, variable: &str, read: fn(&str) -> Result<Epoch, String>, default| {
                let Some(text) = config.settings.get(variable).filter(|_| typed.is_none()) else {
                    return Ok(typed.unwrap_or(default));
                };
                read(text).map_err(|reason| ConfigError::Invalid { variable: variable.into(), reason })
            };
        Ok(Self {
            buffer: seconds(typed_buffer, "TOKEN_EXPIRY_BUFFER", buffer, 3_600)?,
            interval: seconds(typed_interval, "TOKEN_REFRESH_INTERVAL", interval, 300)?,
        })
    }
}

/// A time between two looks at the files.
pub(crate) fn interval(text: &str) -> Result<Epoch, String> {
    within(text, 1)
}

/// A time before a token's end.
pub(crate) fn buffer(text: &str) -> Result<Epoch, String> {
    within(text, 0)
}

/// A time of no more than a day.
fn within(text: &str, least: u64) -> Result<Epoch, String> {
    let seconds = seconds_within(text, least..=DAY)?;
    Epoch::try_from(seconds).map_err(|error| error.to_string())
}
