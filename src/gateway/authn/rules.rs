//! What an issuer's tokens must contain to be accepted (RFC 8725, RFC 9068 section 4, RFC 7662), and the caller they
//! describe. Not here: signatures (see `jwt`); asking the issuer (see `issuers`); permissions (see `policy`).

mod principal;

use serde_json::{Map, Value};

use self::principal::{ClaimsSource, Groups, client, principal};
use super::jwt::{Claims, TokenError, media_type, text_of};
use super::vended::VendedClaims;
pub use crate::gateway::settings::RulesError;
use crate::gateway::settings::{IssuerSettings, TokenProfile};
use crate::policy::Principal;

/// The values of `typ`, `token_use` or `token_type` in an access token's payload.
const ACCESS: [&str; 5] = ["bearer", "access", "access_token", "jwt", "at+jwt"];

/// Claims that only ID tokens have (OpenID Connect Core sections 2 and 3.3.2.11).
const ID_TOKEN: [&str; 3] = ["nonce", "at_hash", "c_hash"];

/// The rules for one issuer's tokens.
#[derive(Clone, Debug)]
pub struct IssuerRules {
    pub(super) settings: IssuerSettings,
    groups: Vec<Groups>,
}

/// The servers whose resource identifier is an audience (RFC 8707); usually none.
pub type ServersByAudience<'a> = &'a dyn Fn(&str) -> Vec<String>;

impl IssuerRules {
    /// Compiles an issuer's settings.
    ///
    /// # Errors
    /// If they would accept tokens meant for others, or none at all; then nothing may be served.
    pub fn new(issuer: &IssuerSettings) -> Result<Self, RulesError> {
        match issuer.faults().into_iter().next() {
            Some(fault) => Err(fault),
            None => {
                Ok(Self { settings: issuer.clone(), groups: Groups::of(issuer.kind, &issuer.groups_claims) })
            }
        }
    }

    /// How far clocks may differ, in seconds.
    pub fn leeway(&self) -> i64 {
        self.settings.leeway.into()
    }

    /// The issuer identifier, to be compared byte for byte.
    pub fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// The caller that a verified token describes, and the second from which the token is expired, leeway included. A
    /// token for some of the `servers` is not valid for others.
    ///
    /// # Errors
    /// The first rule it breaks.
    pub fn accept(
        &self,
        token: Claims,
        now: i64,
        servers: ServersByAudience<'_>,
    ) -> Result<(Principal, i64), TokenError> {
        let claims = token.members();
        if claims.get("iss").and_then(Value::as_str) != Some(&self.settings.issuer) {
            return Err(TokenError::Issuer);
        }
        self.header_type(token.typ())?;
        let (expires, servers) = self.judge(claims, ClaimsSource::Signed, now, servers)?;
        let expires = expires.ok_or(TokenError::Malformed)?;
        if self.settings.kind == TokenProfile::Vended {
            let owner = VendedClaims::principal(token.into_members())?;
            let servers = both(servers, owner.servers);
            return Ok((Principal { servers, ..owner }, expires));
        }
        let principal =
            principal(&self.settings.issuer, &self.groups, token.into_members(), ClaimsSource::Signed)?;
        Ok((Principal { servers, ..principal }, expires))
    }

    /// The caller that an introspection reply (RFC 7662 section 2.2) describes, and the second from which the token
    /// is expired, leeway included, if the reply has it.
    ///
    /// # Errors
    /// [`TokenError::Inactive`] unless `active` is exactly `true`; else the first rule it breaks. A reply may omit
    /// most members, but not both audience and client.
    pub fn introspected(
        &self,
        members: Map<String, Value>,
        now: i64,
        servers: ServersByAudience<'_>,
    ) -> Result<(Principal, Option<i64>), TokenError> {
        if members.get("active") != Some(&Value::Bool(true)) {
            return Err(TokenError::Inactive);
        }
        if members.get("iss").is_some_and(|issuer| issuer != self.settings.issuer.as_str()) {
            return Err(TokenError::Issuer);
        }
        let (expires, servers) = self.judge(&members, ClaimsSource::Asked, now, servers)?;
        let principal = principal(&self.settings.issuer, &self.groups, members, ClaimsSource::Asked)?;
        Ok((Principal { servers, ..principal }, expires))
    }

    /// Whether the request's own identity headers match the token. They are only claims: the user pool, client and
    /// region of `X-User-Pool-Id`, `X-Client-Id` and `X-Region`, if sent. Pool and region only apply to Cognito.
    ///
    /// # Errors
    /// [`TokenError::Mismatch`].
    pub fn agrees(
        &self,
        principal: &Principal,
        pool: Option<&str>,
        client: Option<&str>,
        region: Option<&str>,
    ) -> Result<(), TokenError> {
        // A token without the claim contradicts nothing.
        let same = |claimed: Option<&str>, actual: Option<&str>| {
            claimed.zip(actual).is_none_or(|(claimed, actual)| claimed == actual)
        };
        let mut agreed = same(client, principal.client_id.as_deref());
        if self.settings.kind == TokenProfile::Cognito {
            let id = self.settings.issuer.rsplit_once('/').map(|(_, id)| id);
            let prefix = id.and_then(|id| id.split_once('_')).map(|(prefix, _)| prefix);
            agreed = agreed && same(pool, id) && same(region, prefix);
        }
        if agreed { Ok(()) } else { Err(TokenError::Mismatch) }
    }

    /// Every rule except those on issuer and header, which an introspection reply lacks. Returns the expiry, if there
    /// is one, and the servers that the token is for, if not all.
    fn judge(
        &self,
        claims: &Map<String, Value>,
        source: ClaimsSource,
        now: i64,
        servers: ServersByAudience<'_>,
    ) -> Result<(Option<i64>, Option<Vec<String>>), TokenError> {
        // Accepting it as a bearer token would discard the protection it was given.
        if claims.contains_key("cnf") {
            return Err(TokenError::Binding);
        }
        self.access_token(claims, source)?;
        let expires = self.times(claims, now)?;
        Ok((expires, self.addressed(claims, source, servers)?))
    }

    /// RFC 9068 section 4: `at+jwt`; or what other issuers write. `logout+jwt`, `dpop+jwt` and the like are something
    /// else.
    fn header_type(&self, typ: Option<&str>) -> Result<(), TokenError> {
        match typ.map(media_type).as_deref() {
            Some("at+jwt") => Ok(()),
            None | Some("jwt") if !self.settings.require_at_jwt => Ok(()),
            _ => Err(TokenError::Kind),
        }
    }

    /// RFC 8725 section 3.12: an ID or refresh token of the same issuer is signed with the same keys.
    fn access_token(&self, claims: &Map<String, Value>, source: ClaimsSource) -> Result<(), TokenError> {
        let says = |name: &str, word: &str| claims.get(name).is_some_and(|value| value == word);
        let access = match self.settings.kind {
            TokenProfile::Cognito => says("token_use", "access"),
            TokenProfile::Keycloak => says("typ", "Bearer"),
            TokenProfile::Oidc | TokenProfile::Vended => true,
        };
        let word = |value: &Value| {
            value.as_str().is_some_and(|text| ACCESS.iter().any(|word| text.eq_ignore_ascii_case(word)))
        };
        let unsaid = ["typ", "token_use", "token_type"].iter().all(|name| claims.get(*name).is_none_or(word));
        // Only logout and other event tokens have events (RFC 8417).
        if !access || !unsaid || claims.contains_key("events") {
            return Err(TokenError::Kind);
        }
        // An issuer's reply may repeat the login's nonce, and older Keycloak puts it into access tokens too.
        let told_apart = self.settings.kind == TokenProfile::Oidc
            && source == ClaimsSource::Signed
            && !self.settings.accept_id_tokens;
        match ID_TOKEN.into_iter().find(|name| told_apart && claims.contains_key(*name)) {
            Some(member) => Err(TokenError::IdToken(member)),
            None => Ok(()),
        }
    }

    /// RFC 7519 sections 4.1.4 to 4.1.6. A fraction of a second counts against the token.
    fn times(&self, claims: &Map<String, Value>, now: i64) -> Result<Option<i64>, TokenError> {
        let expires = date(claims, "exp", f64::floor)?.map(|end| end.saturating_add(self.leeway()));
        if expires.is_some_and(|end| now >= end) {
            return Err(TokenError::Expired);
        }
        for begin in [date(claims, "nbf", f64::ceil)?, date(claims, "iat", f64::ceil)?].into_iter().flatten()
        {
            if now.saturating_add(self.leeway()) < begin {
                return Err(TokenError::NotYet);
            }
        }
        Ok(expires)
    }

    /// The servers that the token is for; all, if it is for the gateway. An audience that is a server's address is
    /// for that server even if it is configured (RFC 8707 section 2, MCP "Token Audience Binding").
    fn addressed(
        &self,
        claims: &Map<String, Value>,
        source: ClaimsSource,
        servers: ServersByAudience<'_>,
    ) -> Result<Option<Vec<String>>, TokenError> {
        let named = audience(claims, source)?;
        let names = named.as_deref().unwrap_or_default();
        let (mut ours, mut only) = (false, Vec::new());
        for name in names {
            let is_own = self.settings.audience.iter().any(|own| own == name);
            // The gateway's own name is not searched for among the servers' addresses.
            let its =
                if is_own && self.settings.kind == TokenProfile::Vended { Vec::new() } else { servers(name) };
            ours |= is_own && its.is_empty();
            only.extend(its);
        }
        let known =
            |client: Option<&str>| client.is_some_and(|id| self.settings.clients.iter().any(|own| own == id));
        let asked_by = client(claims)?;
        let may = match self.settings.kind {
            TokenProfile::Cognito => known(text_of(claims, "client_id")?),
            TokenProfile::Keycloak | TokenProfile::Vended => true,
            TokenProfile::Oidc => self.settings.clients.is_empty() || known(asked_by),
        };
        if may && !ours && !only.is_empty() {
            return Ok(Some(only));
        }
        let addressed = match (self.settings.kind, &named) {
            // With resource binding there is an `aud` as well, and it must not be another party's.
            (TokenProfile::Cognito, named) => named.is_none() || ours,
            // By default Keycloak names nothing, or only `account`; or the client that requested the token, which may
            // be us.
            (TokenProfile::Keycloak, named) if self.settings.audience.is_empty() => {
                let client = text_of(claims, "azp")?;
                let nobody = || names.iter().all(|name| *name == "account");
                let itself = || names.iter().any(|name| Some(*name) == client);
                known(client) && (named.is_none() || nobody() || itself())
            }
            (TokenProfile::Keycloak | TokenProfile::Oidc | TokenProfile::Vended, Some(_)) => ours,
            (TokenProfile::Keycloak | TokenProfile::Vended, None) => false,
            (TokenProfile::Oidc, None) => {
                source == ClaimsSource::Asked && self.settings.audience.is_empty() && known(asked_by)
            }
        };
        if may && addressed { Ok(None) } else { Err(TokenError::Audience) }
    }
}

/// The servers that are in both lists, where there are two.
fn both(one: Option<Vec<String>>, other: Option<Vec<String>>) -> Option<Vec<String>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.into_iter().filter(|name| other.contains(name)).collect()),
        (one, other) => one.or(other),
    }
}

/// `aud`: a string, or a non-empty array of strings; a `null` in it is ignored. Introspected issuers may return an
/// empty array for a token without an audience (Ory Hydra, Authelia).
fn audience(claims: &Map<String, Value>, source: ClaimsSource) -> Result<Option<Vec<&str>>, TokenError> {
    let names: Option<Vec<&str>> = match claims.get("aud") {
        None => return Ok(None),
        Some(Value::Array(names)) => names.iter().filter(|name| !name.is_null()).map(Value::as_str).collect(),
        Some(name) => name.as_str().map(|name| vec![name]),
    };
    match names {
        Some(names) if !names.is_empty() => Ok(Some(names)),
        Some(_) if source == ClaimsSource::Asked => Ok(None),
        _ => Err(TokenError::Audience),
    }
}

/// A NumericDate (RFC 7519 section 2) in whole seconds. A string is not a date.
fn date(claims: &Map<String, Value>, name: &str, round: fn(f64) -> f64) -> Result<Option<i64>, TokenError> {
    /// Every whole number up to this is exact.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let Some(value) = claims.get(name) else { return Ok(None) };
    let fraction = || value.as_f64().map(round).filter(|date| date.abs() <= EXACT).map(|date| date as i64);
    value.as_i64().or_else(fraction).map(Some).ok_or(TokenError::Malformed)
}

#[cfg(test)]
mod tests;
