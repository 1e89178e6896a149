//! What `gateway.yaml` says of the pages for people. Not here: the pages (see `face`); who may sign in (see its
//! `providers`).

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::GatewaySettings;
use super::check::check_public_url;
use crate::problem::Problem;
use crate::quantity::an_address;
use crate::sys::http::is_loopback;

/// Pages where people sign in, see what they may use, and change what they may change. They have an address and an
/// origin of their own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Face {
    /// Where browsers connect.
    #[serde(deserialize_with = "an_address")]
    pub listen: SocketAddr,
    /// The address that people type, as in `https://tools.example.com`; `http://` and `listen` if absent. Identity
    /// providers send people back to it: register `<public_url>/oauth2/callback/<provider>` there.
    pub public_url: Option<String>,
    /// The identity providers that people sign in at, in the form of the registry's `oauth2_providers.yml`.
    pub providers: PathBuf,
    /// The official registry's API at `/v0.1/servers`.
    pub v01: OfficialApi,
}

/// The official registry's API, for clients that list servers. A client with an ingress token gets the servers that it
/// may use.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OfficialApi {
    /// The servers that everybody is shown, without a token, by name: for clients that cannot sign in to a registry yet.
    /// None by default.
    pub public: Vec<String>,
}

impl Face {
    /// What is wrong with it, among all settings.
    pub(super) fn check(&self, all: &GatewaySettings, found: &mut Vec<Problem>) {
        let is_taken = self.listen == all.listen || Some(self.listen) == all.admin;
        if is_taken && self.listen.port() != 0 {
            let remedy = "give it a port of its own";
            found.push(Problem::error("face.listen", "is the same address as listen or admin", remedy));
        }
        let url = self.public_url.as_deref();
        let bad = url.and_then(|url| check_public_url("face.public_url", url));
        let path = || url.and_then(|url| Url::parse(url).ok()).is_some_and(|url| url.path() != "/");
        let bad = bad.or_else(|| {
            let what = "has a path, but browsers send the session to all of a host";
            path().then(|| Problem::error("face.public_url", what, "give it a host or port of its own"))
        });
        let is_bad = bad.as_ref().is_some_and(Problem::is_error);
        let scheme = if all.tls.is_some() { "https" } else { "http" };
        let parsed = Url::parse(url.unwrap_or(&format!("{scheme}://{}", self.listen))).ok();
        let remedy = "use https, with tls or a proxy in front of the gateway";
        match parsed.filter(|url| url.scheme() == "http" && !is_bad) {
            Some(url) if !is_loopback(&url) => {
                let what = "is plain http, over which browsers keep no session";
                found.push(Problem::error("face.public_url", what, remedy));
            }
            Some(_) => {}
            None => found.extend(bad),
        }
        let origin = |url: &str| Url::parse(url).ok().map(|url| url.origin());
        if url.is_some_and(|url| origin(url) == origin(&all.address())) {
            let what = "is the gateway's own address, where servers' pages could act for a signed-in user";
            found.push(Problem::error("face.public_url", what, "give it a host or port of its own"));
        }
        if all.session_key.is_none() {
            let what = "is missing, so a restart of the gateway signs everybody out";
            let remedy =
                "make one, and share it between gateways: (umask 077; head -c 32 /dev/urandom > session.key)";
            found.push(Problem::remark("session_key", what, remedy));
        }
    }
}

impl Default for Face {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8081)),
            public_url: None,
            providers: "oauth2_providers.yml".into(),
            v01: OfficialApi::default(),
        }
    }
}
