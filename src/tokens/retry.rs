//! The rule for a token that a server rejects (401): send the request once more with another one. Not here: getting
//! another one (see the source); sending (see the caller):
//!
//! ```text
//! let mut turn = Once::begin(source).await?;
//! loop {
//!     let answer = send(turn.token()).await?;
//!     if answer.status != 401 || !turn.again().await? {
//!         return Ok(answer);
//!     }
//! }
//! ```

use std::sync::Arc;

use super::TokenSource;

/// A request's token, which may be replaced once: a server that rejects a new token will reject the next one too.
pub struct Once<'s, S: TokenSource + ?Sized> {
    source: &'s S,
    token: Arc<S::Token>,
    is_second: bool,
}

impl<'s, S: TokenSource + ?Sized> Once<'s, S> {
    /// With the current token.
    ///
    /// # Errors
    /// The source's.
    pub async fn begin(source: &'s S) -> Result<Self, S::No> {
        Ok(Self { source, token: source.current().await?, is_second: false })
    }

    /// What to send the request with.
    pub fn token(&self) -> &Arc<S::Token> {
        &self.token
    }

    /// To be called when the server rejects the token: whether to send the request once more, with the token it has
    /// then. Otherwise the answer stands.
    ///
    /// # Errors
    /// The source's.
    pub async fn again(&mut self) -> Result<bool, S::No> {
        if self.is_second {
            return Ok(false);
        }
        self.is_second = true;
        match self.source.replace(&self.token).await? {
            Some(other) => self.token = other,
            None => return Ok(false),
        }
        Ok(true)
    }
}
