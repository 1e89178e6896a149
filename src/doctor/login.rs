//! Checks whether a login could succeed, as far as that is possible without a user: the redirect URI's host and port,
//! and whether the provider accepts client, redirect URI and scopes. Not here: reaching the provider at all (see
//! `issuer`).

use reqwest::header::LOCATION;

use crate::credential::{AuthorizationCodeConfig, ClientCredentialsConfig, Credential, GrantConfig};
use crate::doctor::finding::Finding;
use crate::doctor::tokens::ConfiguredToken;
use crate::error::Error;
use crate::flow::{self, FlowError};
use crate::oauth::{AuthorizationResponse, ClientAuth, ReplyError};
use crate::secret::Secret;
use crate::sys::http::Http;
use crate::vault::VaultError;

const REDIRECT: &str = "login.redirect";
const CLIENT: &str = "login.client";

/// The redirect URIs of all logins. Must be called on a runtime.
pub(super) fn redirects(held: &[ConfiguredToken<'_>]) -> Vec<Finding> {
    held.iter().filter_map(|held| Some(redirect(held.credential, person(held.credential)?))).collect()
}

fn redirect(credential: &Credential, person: &AuthorizationCodeConfig) -> Finding {
    let (id, uri) = (&credential.id, &person.redirect_uri);
    match flow::can_listen(person) {
        Ok(true) if person.provider.redirect.any_port => {
            Finding::ok(REDIRECT, format!("{id}: there is a free port for {uri}"))
        }
        Ok(true) => Finding::ok(REDIRECT, format!("{id}: {uri} is free")),
        Ok(false) => {
            let text = format!("{id}: {uri} does not point to a listener on this machine");
            let remedy = format!(
                "log in on a terminal and paste the address the browser ends up at: {}",
                credential.command
            );
            Finding::warn(REDIRECT, text, remedy)
        }
        Err(error) => {
            let error = Error::from(VaultError::from(error));
            let finding = Finding::error(REDIRECT, &error, &credential.command);
            Finding { found: format!("{id}: {}", finding.found), ..finding }
        }
    }
}

/// Asks whether the credential is accepted, unless a valid token proves it. The result is not stored.
pub(super) async fn accepted(http: &Http, held: &ConfiguredToken<'_>) -> Option<Finding> {
    if held.is_good() {
        return None;
    }
    match &held.credential.how {
        // Only its server knows.
        GrantConfig::Key(_) => None,
        GrantConfig::ClientCredentials(machine) => of_machine(http, held.credential, machine).await,
        GrantConfig::AuthorizationCode(person) => match of_request(http, held.credential, person).await {
            Some(refused) => Some(refused),
            None => of_client(http, held.credential, person).await,
        },
    }
}

async fn of_machine(
    http: &Http,
    credential: &Credential,
    machine: &ClientCredentialsConfig,
) -> Option<Finding> {
    let (id, client) = (&credential.id, &credential.client);
    match flow::client_credentials(http, client, machine).await {
        Ok(_) => Some(Finding::ok(CLIENT, format!("{id}: client {} is accepted", client.id))),
        // Unreachable, or no usable answer: `issuer` reports that.
        Err(
            FlowError::Http(_)
            | FlowError::Discovery(_)
            | FlowError::NoEndpoint { .. }
            | FlowError::Metadata { .. },
        ) => None,
        Err(error) => Some(failed(credential, error)),
    }
}

/// Sends the authorization request as a browser would. A server that does not know the client or its redirect URI
/// must show an error page and not redirect; every other refusal comes back in the redirect (RFC 6749 section
/// 4.1.2.1).
async fn of_request(
    http: &Http,
    credential: &Credential,
    person: &AuthorizationCodeConfig,
) -> Option<Finding> {
    let (url, pending) = flow::authorization_request(http, &credential.client, person).await.ok()?;
    let answer = http.look(&url).await.ok()?;
    let id = &credential.id;
    if answer.status == 400 {
        let text = format!(
            "{id}: {} refuses client {} or the redirect URI {}",
            person.provider.display_name, credential.client.id, person.redirect_uri
        );
        let place = person.provider.console_url.as_ref().map(|url| format!(" at {url}")).unwrap_or_default();
        let remedy = format!(
            "register exactly {}{place}, and check EGRESS_OAUTH_CLIENT_ID_N: mcpauth config show --origin",
            person.redirect_uri
        );
        return Some(Finding::problem(CLIENT, text, remedy));
    }
    let location = answer.headers.get(LOCATION).and_then(|to| to.to_str().ok())?;
    let query = location.strip_prefix(&person.redirect_uri)?.strip_prefix('?')?;
    match pending.judge(query.split('#').next().unwrap_or_default()) {
        AuthorizationResponse::Denied { error, .. } if error == "invalid_scope" => {
            let text = format!("{id}: the scopes {} are refused", person.scopes.join(" "));
            let remedy = "register these scopes with the provider, or set EGRESS_OAUTH_SCOPE_N to scopes that the client is allowed";
            Some(Finding::problem(CLIENT, text, remedy))
        }
        AuthorizationResponse::Denied { error, description } if error == "unauthorized_client" => {
            Some(failed(credential, FlowError::Denied { error, description }))
        }
        AuthorizationResponse::WrongIssuer => Some(failed(credential, FlowError::WrongIssuer)),
        _ => None,
    }
}

/// Whether the token endpoint knows the client and its secret: it must authenticate them before it checks the grant,
/// and no refresh token has this value.
async fn of_client(
    http: &Http,
    credential: &Credential,
    person: &AuthorizationCodeConfig,
) -> Option<Finding> {
    let client = &credential.client;
    let trial = Secret::new("mcpauth-doctor");
    let refused = flow::refresh(http, client, &person.provider, &trial).await.err()?;
    match refused {
        FlowError::Reply { reply: ref reply @ ReplyError::Refused { .. }, .. } => {
            if reply.is_about_client() {
                return Some(failed(credential, refused));
            }
            let by = match client.auth {
                ClientAuth::None => "",
                _ => " and its secret",
            };
            let text =
                format!("{}: client {}{by} and the redirect URI are accepted", credential.id, client.id);
            Some(Finding::ok(CLIENT, text))
        }
        _ => None,
    }
}

fn failed(credential: &Credential, error: FlowError) -> Finding {
    let error = Error::from(VaultError::from(error));
    let finding = Finding::error(CLIENT, &error, &credential.command);
    Finding { found: format!("{}: {}", credential.id, finding.found), ..finding }
}

fn person(credential: &Credential) -> Option<&AuthorizationCodeConfig> {
    match &credential.how {
        GrantConfig::AuthorizationCode(person) => Some(person),
        GrantConfig::ClientCredentials(_) | GrantConfig::Key(_) => None,
    }
}
