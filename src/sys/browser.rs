//! Opens a web page in the user's browser. It leaves printing the address to `cli`: `webbrowser` reports success even
//! when nothing opened.

use crate::sys::http::Http;
use url::Url;

/// Who opens the authorization URL.
#[derive(Clone, Debug)]
pub enum Browser {
    /// The user's browser, or `$BROWSER`.
    System,
    /// Nobody: the address is printed and a person takes it from there.
    Nobody,
    /// Nobody here: a person on another device, who types in a code (RFC 8628).
    Elsewhere,
    /// A plain HTTP client that follows redirects, for `demo`: its provider approves by itself.
    Robot(Http),
}

impl Browser {
    /// Opens `url` without waiting for the page. The browser's own output is kept off ours.
    pub fn open(&self, url: &Url) {
        match self {
            Self::System => {
                let url = url.clone();
                // Some openers wait for the browser to end; the login must not wait with them.
                tokio::task::spawn_blocking(move || {
                    webbrowser::open_browser_with_options(
                        webbrowser::Browser::Default,
                        url.as_str(),
                        webbrowser::BrowserOptions::new().with_suppress_output(true),
                    )
                });
            }
            Self::Nobody | Self::Elsewhere => {}
            Self::Robot(http) => {
                let (http, url) = (http.clone(), url.clone());
                tokio::spawn(async move { http.follow(url).await });
            }
        }
    }
}
