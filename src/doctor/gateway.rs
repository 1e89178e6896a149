//! Checks that the gateway of `REGISTRY_URL` answers, and compares what it publishes (RFC 9728) with the ingress
//! token. Not here: a gateway configured on this machine (see `policy`).

use url::Url;

use crate::config::Config;
use crate::doctor::audience::{covers, judge};
use crate::doctor::finding::Finding;
use crate::doctor::issuer::{Timed, get};
use crate::doctor::policy::TokenIdentity;
use crate::metadata::{MetadataNotFound, search};
use crate::oauth::{RESOURCE_METADATA, ResourceError, ResourceMetadata, resource_place};
use crate::sys::http::{Http, HttpError, proxy_for};

const REACHED: &str = "gateway.reachable";
const SAYS: &str = "gateway.metadata";

/// There are tokens for a gateway, but its address is not set.
pub(super) fn unnamed() -> Finding {
    let remedy = "set REGISTRY_URL to the gateway's address, for example: mcpauth generate --registry-url https://YOUR-GATEWAY";
    Finding::warn(REACHED, "REGISTRY_URL is not set: nothing that needs a gateway is configured", remedy)
}

/// `server` is a server's address at the gateway, if one is known.
pub(super) async fn check(
    config: &Config,
    address: &str,
    http: &Http,
    identities: &[TokenIdentity],
    server: Option<&str>,
) -> Vec<Finding> {
    let Ok(url) = Url::parse(address) else {
        let text = format!("REGISTRY_URL is not a URL: {}", crate::text::clean(address, 200));
        return vec![Finding::problem(REACHED, text, "set REGISTRY_URL to the gateway's address")];
    };
    let (reached, documented) =
        tokio::join!(reach(http, address, &url), document(http, address, &url, server));
    let mut findings = vec![reached];
    match documented {
        Ok(document) => findings.extend(compare(config, address, &document, identities, server)),
        Err(missing) => findings.extend(missing.refused().map(|(place, why)| {
            let text = format!("{place} is not protected-resource metadata: {why}");
            Finding::warn(SAYS, text, "ask the gateway's operator")
        })),
    }
    findings
}

/// Any answer counts; only mcpauth's own gateway has `/healthz` and `/readyz`.
async fn reach(http: &Http, name: &str, url: &Url) -> Finding {
    let at = |path: &str| url.join(path).unwrap_or_else(|_| url.clone());
    match get(http, &at("/healthz")).await {
        Err(error) => {
            let remedy = match &error {
                HttpError::Plain { .. } => "use https, or allow plain http with --allow-http",
                error => error.remedy().unwrap_or(
                    "check REGISTRY_URL (mcpauth config show --origin), and that the gateway runs",
                ),
            };
            let finding = Finding::problem(REACHED, format!("the gateway {name}: {error}"), remedy);
            match proxy_for(url) {
                Some(proxy) => finding.because(format!("the request goes through the proxy {proxy}")),
                None => finding,
            }
        }
        Ok((reply, _)) if reply.status == 200 && reply.body == b"ok\n" => {
            match get(http, &at("/readyz")).await {
                Ok((reply, _)) if reply.status == 503 => Finding::warn(
                    REACHED,
                    format!("the gateway {name} answers but is not ready"),
                    "see its log; it may not have its issuer's keys yet",
                ),
                _ => Finding::ok(REACHED, format!("the gateway {name} answers and is ready")),
            }
        }
        Ok((reply, _)) if reply.status >= 500 => Finding::warn(
            REACHED,
            format!("the gateway {name} answers with HTTP {}", reply.status),
            "try again later, or ask its operator",
        ),
        Ok(_) => Finding::ok(REACHED, format!("the gateway {name} answers")),
    }
}

/// The first document found: that of a server, else the gateway's own.
async fn document(
    http: &Http,
    address: &str,
    gateway: &Url,
    server: Option<&str>,
) -> Result<ResourceMetadata, MetadataNotFound<ResourceError>> {
    let server = server.and_then(|text| Url::parse(text).ok());
    let inserted = server.as_ref().map(resource_place);
    // A gateway below a path cannot be asked at the host's root.
    let base = gateway.path().trim_end_matches('/');
    let below = server.as_ref().and_then(|url| url.as_str().strip_prefix(address));
    let below = below.filter(|_| !base.is_empty());
    let appended = below.and_then(|path| gateway.join(&format!("{base}{RESOURCE_METADATA}{path}")).ok());
    let places = inserted.into_iter().chain(appended).chain([resource_place(gateway)]).collect();
    let found = search(&Timed::new(http), gateway.as_str(), places, ResourceMetadata::parse).await;
    found.map(|(_, document)| document)
}

fn compare(
    config: &Config,
    address: &str,
    document: &ResourceMetadata,
    identities: &[TokenIdentity],
    server: Option<&str>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let asked = server.unwrap_or(address);
    if !covers(&document.resource, asked) {
        let text = format!(
            "the gateway calls itself {}, but clients use {asked}",
            crate::text::clean(&document.resource, 200)
        );
        let remedy =
            "set REGISTRY_URL to what the gateway calls itself, or its public_url to what clients use";
        findings.push(
            Finding::warn(SAYS, text, remedy)
                .because("clients that compare the two refuse to send it a token (RFC 9728 section 3.3)"),
        );
    }
    let meant = config.audiences();
    findings.extend(identities.iter().map(|one| judge(&one.who, &one.claims, document, &meant)));
    findings
}
