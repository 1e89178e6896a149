//! Checks that the identity providers answer, publish what is needed, and agree with this machine's clock. Not here:
//! whether they accept our client (see `login`).

use std::sync::OnceLock;
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::header::HeaderMap;
use tokio::time::timeout;
use url::Url;

use crate::config::{Config, CredentialPlan};
use crate::credential::{Credential, CredentialKind, GrantConfig, TokenEndpoint};
use crate::doctor::finding::{Finding, Status};
use crate::error::Error;
use crate::flow::FlowError;
use crate::gateway::authn::keys::KeySet;
use crate::gateway::settings::Algorithm;
use crate::metadata::{self, Fetch, MetadataNotFound};
use crate::oauth::{MetadataError, ReplyError};
use crate::sys::clock;
use crate::sys::http::{Http, HttpError, HttpReply, proxy_for};
use crate::vault::VaultError;

const REACHED: &str = "issuer.reachable";
const CLOCK: &str = "issuer.clock";
/// The timeout of one request.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// The clock difference, in seconds, that is worth a warning, and the one that makes servers reject tokens. The
/// gateway allows 30, other servers rarely more than 60 or 120.
const SKEW: (i64, i64) = (30, 120);

/// One identity provider to ask.
struct ProbeTarget {
    /// The issuer, or the token endpoint's host.
    name: String,
    what: ProbeKind,
    /// The proxy on the way there.
    proxy: Option<String>,
    /// The variables that may be wrong.
    remedy: String,
    command: String,
}

/// What the answer must be.
#[derive(PartialEq)]
enum ProbeKind {
    /// The issuer's metadata (RFC 8414).
    Metadata,
    /// Any answer at all.
    Endpoint(Url),
}

/// `accepted` are the issuers whose tokens the gateway configured here accepts.
pub(super) async fn check(
    config: &Config,
    http: &Http,
    planned: &[CredentialPlan],
    accepted: Vec<String>,
) -> Vec<Finding> {
    let mut asked: Vec<ProbeTarget> = Vec::new();
    for credential in planned.iter().filter_map(|flow| flow.credential.as_ref().ok()) {
        let Some(new) = ProbeTarget::of(config, credential) else { continue };
        if asked.iter().all(|known| known.name != new.name || known.what != new.what) {
            asked.push(new);
        }
    }
    for issuer in accepted {
        if asked.iter().all(|known| known.name != issuer) {
            asked.push(ProbeTarget::by_gateway(issuer));
        }
    }
    join_all(asked.iter().map(|asked| asked.look(http))).await.into_iter().flatten().collect()
}

impl ProbeTarget {
    /// `None` for a key, which no issuer knows.
    fn of(config: &Config, credential: &Credential) -> Option<Self> {
        let endpoint = |url: &Url| ProbeKind::Endpoint(url.clone());
        let what = match &credential.how {
            GrantConfig::Key(_) => return None,
            GrantConfig::ClientCredentials(machine) => match &machine.endpoint {
                TokenEndpoint::Known(url) => endpoint(url),
                TokenEndpoint::Discover { .. } => ProbeKind::Metadata,
            },
            GrantConfig::AuthorizationCode(person) => {
                let known = person.provider.token_endpoint.as_deref().and_then(|text| Url::parse(text).ok());
                known.as_ref().map_or(ProbeKind::Metadata, endpoint)
            }
        };
        let name = match &what {
            ProbeKind::Metadata => credential.issuer.clone(),
            ProbeKind::Endpoint(url) => url.host_str().unwrap_or_default().into(),
        };
        let check = match (credential.id.kind, config.auth_provider()) {
            (CredentialKind::Ingress, "keycloak") | (CredentialKind::Agent, _) => {
                "KEYCLOAK_URL and KEYCLOAK_REALM"
            }
            (CredentialKind::Ingress, "cognito") => "INGRESS_OAUTH_USER_POOL_ID (or INGRESS_OAUTH_ISSUER)",
            (CredentialKind::Ingress, _) => "INGRESS_OAUTH_ISSUER",
            (CredentialKind::AgentCore, _) => "COGNITO_USER_POOL_ID, COGNITO_DOMAIN and AGENTCORE_ISSUER",
            (CredentialKind::Egress, _) => {
                "EGRESS_PROVIDER_NAME_N, and the provider's file (mcpauth providers check)"
            }
        };
        let remedy = format!("check {check}; mcpauth config show --origin shows where values come from");
        let url = match &what {
            ProbeKind::Metadata => Url::parse(&name).ok(),
            ProbeKind::Endpoint(url) => Some(url.clone()),
        };
        let proxy = url.and_then(|url| proxy_for(&url));
        Some(Self { name, what, proxy, remedy, command: credential.command.clone() })
    }

    fn by_gateway(issuer: String) -> Self {
        let proxy = Url::parse(&issuer).ok().and_then(|url| proxy_for(&url));
        let remedy = "correct the issuer in gateway.yaml, or name its jwks_uri there".into();
        Self {
            name: issuer,
            what: ProbeKind::Metadata,
            proxy,
            remedy,
            command: "mcpauth gateway check".into(),
        }
    }

    async fn look(&self, http: &Http) -> Vec<Finding> {
        match &self.what {
            ProbeKind::Metadata => self.metadata(http).await,
            ProbeKind::Endpoint(url) => match get(http, url).await {
                Ok((reply, skew)) => {
                    let text = format!("{} answers", self.name);
                    let reached = match reply.status {
                        500.. => self.failed(self.unavailable(reply.status)),
                        _ => Finding::ok(REACHED, text),
                    };
                    std::iter::once(reached).chain(skew.map(|skew| clock_finding(&self.name, skew))).collect()
                }
                Err(error) => vec![self.failed(error.into())],
            },
        }
    }

    async fn metadata(&self, http: &Http) -> Vec<Finding> {
        let timed = Timed::new(http);
        let found = metadata::find_issuer(&timed, &self.name).await;
        let mut findings: Vec<Finding> =
            timed.skew.get().map(|skew| clock_finding(&self.name, *skew)).into_iter().collect();
        match found {
            Ok(found) => {
                findings.push(Finding::ok(REACHED, format!("{} answers with its metadata", self.name)));
                if let Some(url) = found.jwks_uri {
                    findings.extend(self.keys(&timed, &url).await);
                }
            }
            Err(error) if error.is_absent() => findings.push(self.no_issuer(&error)),
            Err(error) => findings.push(self.failed(error.into())),
        }
        findings
    }

    fn no_issuer(&self, error: &MetadataNotFound<MetadataError>) -> Finding {
        let answer = error.tried.last().map(|(_, cause)| format!(" ({cause})")).unwrap_or_default();
        let text = format!("{} answers but is not an issuer: it publishes no metadata{answer}", self.name);
        Finding::problem(REACHED, text, self.remedy.clone()).because(error.to_string())
    }

    /// Without keys no gateway can verify a token (RFC 7517 section 5).
    async fn keys(&self, http: &impl Fetch, url: &Url) -> Option<Finding> {
        let fetched =
            metadata::fetch_keys(http, url, Some(&self.name)).await.map_err(|error| error.to_string());
        let read = fetched.and_then(|raw| KeySet::read(&raw, &Algorithm::ALL).map_err(|e| e.to_string()));
        let why = read.err()?;
        let text =
            format!("{}: there are no usable keys at {url}, so no gateway can verify its tokens", self.name);
        let finding = Finding::warn("issuer.keys", text, "ask the identity provider's operator");
        Some(finding.because(why))
    }

    fn unavailable(&self, status: u16) -> FlowError {
        FlowError::Reply { host: self.name.clone(), reply: ReplyError::Unavailable { status, said: None } }
    }

    fn failed(&self, error: FlowError) -> Finding {
        let finding = Finding::error(REACHED, &Error::from(VaultError::from(error)), &self.command);
        match &self.proxy {
            Some(proxy) => finding.because(format!("the request goes through the proxy {proxy}")),
            None => finding,
        }
    }
}

/// Asks within [`REQUEST_TIMEOUT`], and records how far ahead the clock of the first dated answer was.
pub(super) struct Timed<'h> {
    http: &'h Http,
    skew: OnceLock<i64>,
}

impl<'h> Timed<'h> {
    pub(super) fn new(http: &'h Http) -> Self {
        Self { http, skew: OnceLock::new() }
    }
}

impl Fetch for Timed<'_> {
    async fn fetch(&self, url: &Url) -> Result<HttpReply, HttpError> {
        let (reply, skew) = get(self.http, url).await?;
        if let Some(skew) = skew {
            self.skew.get_or_init(|| skew);
        }
        Ok(reply)
    }
}

/// An answer, and how many seconds the server's clock is ahead of ours.
pub(super) async fn get(http: &Http, url: &Url) -> Result<(HttpReply, Option<i64>), HttpError> {
    let asked = clock::now();
    let late = || HttpError::Lost {
        host: url.host_str().unwrap_or_default().into(),
        cause: format!("nothing within {} s", REQUEST_TIMEOUT.as_secs()),
    };
    let reply = timeout(REQUEST_TIMEOUT, http.get(url, HeaderMap::new())).await.map_err(|_| late())??;
    let skew = reply.date.map(|date| ahead(date, asked, clock::now()));
    Ok((reply, skew))
}

/// How far a clock that read `date` at some time between `asked` and `heard` is ahead: zero if it may be right.
fn ahead(date: i64, asked: i64, heard: i64) -> i64 {
    if date < asked { date - asked } else { (date - heard).max(0) }
}

fn clock_finding(who: &str, skew: i64) -> Finding {
    let (warn, problem) = SKEW;
    let off = skew.abs();
    if off <= warn {
        return Finding::ok(CLOCK, format!("this machine's clock agrees with that of {who}"));
    }
    let which = if skew > 0 { "behind" } else { "ahead of" };
    let text = format!("this machine's clock is {off} s {which} that of {who}");
    let remedy = "set this machine's clock by the network (NTP): timedatectl set-ntp true";
    let finding = Finding::warn(CLOCK, text, remedy)
        .because("tokens then look expired or not yet valid, and are rejected");
    if off > problem { Finding { status: Status::Problem, ..finding } } else { finding }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_compared_by_the_whole_time_the_answer_took() {
        for (date, asked, heard, expected) in [
            (1_000, 1_000, 1_000, 0),
            (1_003, 1_000, 1_005, 0),
            (400, 1_000, 1_005, -600),
            (1_605, 1_000, 1_005, 600),
        ] {
            assert_eq!(ahead(date, asked, heard), expected, "{date} {asked} {heard}");
        }
        for (skew, status, words) in [
            (0, Status::Ok, "agrees"),
            (30, Status::Ok, "agrees"),
            (-31, Status::Warn, "31 s ahead of"),
            (120, Status::Warn, "120 s behind"),
            (600, Status::Problem, "600 s behind"),
            (-600, Status::Problem, "600 s ahead of"),
        ] {
            let finding = clock_finding("idp.test", skew);
            assert!(finding.status == status && finding.found.contains(words), "{skew}: {finding:?}");
        }
    }
}
