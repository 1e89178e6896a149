//! Which servers a token's audience names (RFC 8707, RFC 9728), for the gateway and for `explain`. Not here: what
//! else such a token opens (see `authn`).

use url::Url;

use super::origin::{is_same, path_below};
use super::route::{RouteMatch, Routes};
use crate::sys::address::check_web;

/// The servers with this resource identifier: as the gateway at `public_url` publishes it, or their own address.
pub fn servers_of(routes: &Routes, public_url: Option<&Url>, audience: &str) -> Vec<String> {
    // Most audiences are names, which need not be parsed.
    if !audience.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http")) {
        return Vec::new();
    }
    let Ok(url) = Url::parse(audience) else { return Vec::new() };
    if url.query().is_some() || url.fragment().is_some() || check_web(&url).is_err() {
        return Vec::new();
    }
    let path = public_url.filter(|own| is_same(own, &url)).and_then(|own| match own.path() {
        "/" => Some(url.path()),
        prefix => path_below(prefix, url.path()),
    });
    if let Some(path) = path
        && let Ok(found) = routes.find(path)
    {
        let found = Some(found).filter(RouteMatch::is_resource);
        return found.map(|found| found.route.server.name.clone()).into_iter().collect();
    }
    // One proxy may be in front of the gateway and its servers, so that both are at one host.
    let its = routes.all().iter().filter(|route| route.server.is_at(&url));
    its.map(|route| route.server.name.clone()).collect()
}
