//! What `gateway.yaml` says of the pages for people. Not here: the pages (see `face`); who may sign in (see its
//! `providers`).

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::quantity::an_address;

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

/// The official registry's API, for clients that list servers. Whoever shows an ingress token gets the servers that they
/// may use.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OfficialApi {
    /// The servers that everybody is shown, without a token, by name: for clients that cannot sign in to a registry yet.
    /// None by default.
    pub public: Vec<String>,
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
