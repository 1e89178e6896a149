//! Opens a web page in the user's browser. Not here: printing the address, which `cli` does because `webbrowser`
//! reports success even when nothing opened.

use std::io::{self, Read, Write};
use std::process::{Command, Stdio};

use url::Url;

use crate::sys::http::Http;
use crate::sys::paths;

/// The verb by which this program opens a page in a separate process.
pub const VERB: &str = "open-page";
/// Whether windows open without a `DISPLAY`.
pub const NEEDS_NO_DISPLAY: bool = cfg!(any(windows, target_os = "macos"));
/// The longest address, in bytes.
const LONGEST: u64 = 64 << 10;

/// Who opens the authorization URL.
#[derive(Clone, Debug)]
pub enum Browser {
    /// The user's browser, or `$BROWSER`, which does not inherit these variables.
    System {
        /// Their names.
        without: Vec<String>,
    },
    /// Nobody: the address is printed and the user opens it.
    Nobody,
    /// A user on another device, who enters a code (RFC 8628).
    Elsewhere,
    /// A plain HTTP client that follows redirects, for `demo`: its provider approves without a user.
    Robot(Http),
}

impl Browser {
    /// Opens `url` without waiting for the page. The browser's own output is discarded.
    pub fn open(&self, url: &Url) {
        match self {
            Self::System { without } => {
                let (url, without) = (url.clone(), without.clone());
                // Some openers wait for the browser to end; the login must not.
                tokio::task::spawn_blocking(move || open_apart(&url, &without));
            }
            Self::Nobody | Self::Elsewhere => {}
            Self::Robot(http) => {
                let (http, url) = (http.clone(), url.clone());
                tokio::spawn(async move { http.follow(url).await });
            }
        }
    }
}

/// Opens a page from a process of ours that lacks these variables: an opener inherits its parent's environment, and a
/// process cannot remove variables from its own while it has threads.
#[expect(clippy::disallowed_methods, reason = "this is the door to the browser")]
fn open_apart(url: &Url, without: &[String]) -> io::Result<()> {
    let mut command = Command::new(paths::program()?);
    command.arg(VERB).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    for name in without {
        command.env_remove(name);
    }
    let mut child = command.spawn()?;
    // Not as an argument, which every process can read.
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(url.as_str().as_bytes())?;
    }
    child.wait().map(drop)
}

/// The body of that process: opens the page whose address is on stdin.
///
/// # Errors
/// There is no address, or no browser.
pub fn open_from_stdin() -> io::Result<()> {
    let mut text = String::new();
    io::stdin().take(LONGEST).read_to_string(&mut text)?;
    let url = Url::parse(text.trim()).map_err(io::Error::other)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(io::Error::other("not an http or https URL"));
    }
    let mut options = webbrowser::BrowserOptions::new();
    let options = options.with_suppress_output(true);
    webbrowser::open_browser_with_options(webbrowser::Browser::Default, url.as_str(), options)
}
