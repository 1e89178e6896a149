//! The sites (tenants, workspaces) of a login, if a grant covers several. Not here: storing them (see `store`); using
//! the chosen one (see `render`).

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};

use crate::credential::Site;
use crate::flow::FlowError;
use crate::flow::discovery::address;
use crate::provider;
use crate::secret::Secret;
use crate::sys::http::Http;
use crate::text::clean;

/// Asks the provider which sites the token covers.
///
/// # Errors
/// [`FlowError::Http`], [`FlowError::Address`], [`FlowError::Sites`].
pub async fn sites(http: &Http, about: &provider::Sites, token: &Secret) -> Result<Vec<Site>, FlowError> {
    let url = address("the sites endpoint", &about.endpoint)?;
    let odd = |cause: String| FlowError::Sites { host: url.host_str().unwrap_or_default().into(), cause };
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
        .map_err(|_| odd("the access token does not fit into a header".into()))?;
    bearer.set_sensitive(true);
    let headers = HeaderMap::from_iter([
        (AUTHORIZATION, bearer),
        (ACCEPT, HeaderValue::from_static("application/json")),
    ]);
    let reply = http.get(&url, headers).await?;
    if reply.status != 200 {
        return Err(odd(format!("HTTP {}", reply.status)));
    }
    let sites: Vec<Site> =
        serde_json::from_slice(&reply.body).map_err(|_| odd("not a JSON array of sites".into()))?;
    Ok(sites.iter().map(cleaned).collect())
}

/// The site to use: the requested one by id, name or URL; otherwise the first, like the registry's scripts.
///
/// # Errors
/// [`FlowError::UnknownSite`], which lists the sites.
pub fn choose_site<'a>(sites: &'a [Site], wanted: Option<&str>) -> Result<Option<&'a Site>, FlowError> {
    let Some(wanted) = wanted else { return Ok(sites.first()) };
    let same_url =
        |site: &Site| site.url.trim_end_matches('/').eq_ignore_ascii_case(wanted.trim_end_matches('/'));
    let found = sites
        .iter()
        .find(|site| site.id == wanted || site.name.eq_ignore_ascii_case(wanted) || same_url(site));
    found
        .map(Some)
        .ok_or_else(|| FlowError::UnknownSite { wanted: wanted.into(), covered: list_sites(sites) })
}

/// The sites' names for a message.
pub fn list_sites(sites: &[Site]) -> String {
    let names: Vec<&str> = sites
        .iter()
        .map(|site| if site.name.is_empty() { site.id.as_str() } else { site.name.as_str() })
        .collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

fn cleaned(site: &Site) -> Site {
    Site { id: clean(&site.id, 100), name: clean(&site.name, 100), url: clean(&site.url, 200) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_found_by_id_name_or_url_and_the_first_is_the_default() {
        let site = |id: &str, name: &str| Site {
            id: id.into(),
            name: name.into(),
            url: format!("https://{name}.test"),
        };
        let sites = [site("1", "acme"), site("2", "Globex")];
        let chosen = |wanted| choose_site(&sites, wanted).map(|site| site.map(|s| s.id.as_str()));
        for (wanted, id) in
            [(None, "1"), (Some("2"), "2"), (Some("globex"), "2"), (Some("https://GLOBEX.test/"), "2")]
        {
            assert_eq!(chosen(wanted).ok().flatten(), Some(id), "{wanted:?}");
        }
        let unknown = chosen(Some("initech")).unwrap_err();
        assert_eq!(unknown.to_string(), "this login does not cover the site \"initech\", only acme, Globex");
        assert!(choose_site(&[], None).is_ok_and(|site| site.is_none()));
    }
}
