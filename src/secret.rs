//! A string that cannot be printed: every token, client secret, authorization code and private key is one. `expose`
//! is the only way to the value, and easy to search for.

mod spelling;

use std::fmt;

use serde::Deserialize;
use zeroize::Zeroizing;

/// How a secret appears in every message, log line, panic and error.
pub const REDACTED: &str = "[redacted]";

/// A value that prints as `[redacted]` and is wiped from memory when dropped.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a value; the caller drops its own copy.
    pub fn new(value: impl Into<String>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// The value itself. Every use of this method is a place where a secret leaves the program.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A text with this secret in the place of `{}`, such as a header's value.
    #[must_use]
    pub fn within(&self, format: &str) -> Self {
        Self::new(format.replace("{}", &self.0))
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `text` with every occurrence of this secret replaced, in any encoding, for text from a server that we sent it
    /// to.
    pub fn scrub(&self, text: String) -> String {
        // Replacing fewer than four characters would garble ordinary words and protect nothing.
        let found = if self.0.len() < 4 { Vec::new() } else { spelling::find(&text, &self.0) };
        // From the end, so that earlier positions stay valid.
        found.into_iter().rev().fold(text, |mut text, range| {
            text.replace_range(range, REDACTED);
            text
        })
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self::new(value)
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self::new(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_redacted_however_it_is_asked() {
        let secret = Secret::new("hunter2-hunter2");
        assert_eq!(
            format!("{secret} {secret:?} {:#?}", Some(&secret)),
            "[redacted] [redacted] Some(\n    [redacted],\n)"
        );
        assert_eq!(secret.expose(), "hunter2-hunter2");
    }

    #[test]
    fn text_from_a_server_is_scrubbed_of_what_we_sent_it() {
        assert_eq!(Secret::new("s3cret").scrub("bad secret s3cret!".into()), "bad secret [redacted]!");
        assert_eq!(Secret::new("a").scrub("banana".into()), "banana");
    }
}
