//! Which servers a token's audience names (RFC 8707, RFC 9728), for the gateway and for whoever explains what it would do.
//! It leaves what such a token opens besides to `authn`.

use url::Url;

use super::origin::is_same;
use super::route::{RouteMatch, Routes};
use crate::sys::address::check_web;

/// The servers whose resource identifier this is: what the gateway at `public_url` says of them, or their own address.
pub fn servers_of(routes: &Routes, public_url: Option<&Url>, audience: &str) -> Vec<String> {
    // Most audiences are names, and are found to be none without being read.
    if !audience.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http")) {
        return Vec::new();
    }
    let Ok(url) = Url::parse(audience) else { return Vec::new() };
    if url.query().is_some() || url.fragment().is_some() || check_web(&url).is_err() {
        return Vec::new();
    }
    if public_url.is_some_and(|own| is_same(own, &url))
        && let Ok(found) = routes.find(url.path())
    {
        let found = Some(found).filter(RouteMatch::is_resource);
        return found.map(|found| found.route.server.name.clone()).into_iter().collect();
    }
    // One proxy may stand before the gateway and its servers, so that both are at one host.
    let its = routes.all().iter().filter(|route| route.server.is_at(&url));
    its.map(|route| route.server.name.clone()).collect()
}
