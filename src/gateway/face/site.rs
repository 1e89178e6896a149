//! Where people find the pages: one origin, which decides the name of the cookie and which requests are the pages' own.

use url::Url;

use crate::gateway::settings::Face;
use crate::sys::http::is_loopback;

/// The pages' own address.
#[derive(Clone, Debug)]
pub(crate) struct FaceSite {
    /// Without a slash at its end.
    pub(crate) url: String,
    /// As browsers write it in `Origin`.
    pub(crate) origin: String,
    /// Host and port as browsers write them in `Host`.
    host: String,
    /// The name of the session's cookie.
    pub(crate) cookie: String,
    /// The name of the cookie for the time between leaving for an identity provider and coming back.
    pub(crate) sign_in_cookie: String,
    /// Whether browsers may send the cookies over plain http: only to this machine itself.
    pub(crate) is_plain: bool,
}

impl FaceSite {
    /// As the settings say; `listen` is the address that was bound.
    pub(crate) fn new(settings: &Face, listen: std::net::SocketAddr, tls: bool) -> Self {
        let scheme = if tls { "https" } else { "http" };
        let own = format!("{scheme}://{listen}");
        let url = settings.public_url.as_deref().unwrap_or(&own).trim_end_matches('/').to_owned();
        let parsed = Url::parse(&url).ok();
        let origin = parsed.as_ref().map(|url| url.origin().ascii_serialization()).unwrap_or_default();
        let host = origin.split_once("://").map(|(_, host)| host.to_owned()).unwrap_or_default();
        let is_plain = parsed.as_ref().is_some_and(|url| url.scheme() == "http" && is_loopback(url));
        // Browsers keep a `__Host-` cookie only from https; cookies of one host are those of all its ports.
        let port = parsed.as_ref().and_then(Url::port_or_known_default).unwrap_or_default();
        let cookie = if is_plain { format!("mcpauth-{port}") } else { "__Host-mcpauth".into() };
        Self { sign_in_cookie: format!("{cookie}-sign-in"), cookie, url, origin, host, is_plain }
    }

    /// Whether a `Host` is this one.
    pub(crate) fn is_at(&self, host: &str) -> bool {
        host.eq_ignore_ascii_case(&self.host)
    }
}
