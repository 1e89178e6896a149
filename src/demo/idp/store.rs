//! What was granted and used: tickets, codes, refresh tokens, and the log of events. No HTTP and no randomness here:
//! callers bring new identifiers and the time.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use url::Url;

use super::error_response::ErrorResponse;

/// What happened, in order. It contains refresh tokens of this run on purpose: it is for assertions, not for logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdpEvent {
    /// An authorization code was issued.
    Authorized {
        /// The client.
        client_id: String,
    },
    /// The user denied the request.
    Denied {
        /// The client.
        client_id: String,
    },
    /// A device got its codes.
    Device {
        /// The client.
        client_id: String,
    },
    /// A request to the token endpoint.
    Token {
        /// The `grant_type` as sent; empty if there was none.
        grant: String,
        /// The client it claimed to be; empty if unreadable.
        client_id: String,
        /// The refresh token it presented.
        refresh_token: Option<String>,
        /// Whether it got a token.
        ok: bool,
        /// `client_secret_basic`, `client_secret_post` or `none` (RFC 7591 section 2); empty if unreadable.
        auth: &'static str,
    },
    /// A token was revoked (RFC 7009).
    Revoked {
        /// The client.
        client_id: String,
        /// The token.
        token: String,
    },
}

/// RFC 6749 section 4.1.2 allows at most ten minutes; this server is stricter.
const CODE_LIFETIME: u64 = 60;
const TICKET_LIFETIME: u64 = 600;

/// What a user allowed a client to do at one issuer.
#[derive(Clone)]
pub(super) struct Approval {
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) subject: String,
    pub(super) scope: String,
    pub(super) audience: Option<String>,
    /// What the client wants to find in an ID token (OpenID Connect Core section 3.1.2.1).
    pub(super) nonce: Option<String>,
}

/// An authorization request that has passed every check and waits for the user.
pub(super) struct PendingConsent {
    pub(super) approval: Approval,
    pub(super) back: Back,
    pub(super) challenge: String,
}

/// Where to send the browser, once the redirect URI is known to be the client's.
pub(super) struct Back {
    /// As sent: the token request must repeat exactly this.
    pub(super) redirect_uri: String,
    pub(super) url: Url,
    pub(super) state: Option<String>,
    pub(super) issuer: String,
}

/// What the token request brings to redeem a code (RFC 6749 section 4.1.3, RFC 7636 section 4.5).
pub(super) struct Redemption<'a> {
    pub(super) code: &'a str,
    pub(super) redirect_uri: Option<&'a str>,
    /// The S256 transformation of the verifier sent.
    pub(super) challenge: Option<String>,
}

/// A device's request that waits for the user's answer (RFC 8628).
pub(super) struct Device {
    pub(super) approval: Approval,
    pub(super) user_code: String,
    /// The PKCE challenge, if one was sent.
    pub(super) challenge: Option<String>,
    pub(super) interval: Duration,
    pub(super) until: u64,
    pub(super) answer: Option<Decision>,
    pub(super) polled: Option<Instant>,
}

/// The user's answer to a device's request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Allow,
    Deny,
}

/// Who presents something: what was issued to another client or by another issuer does not exist for it.
#[derive(Clone, Copy)]
pub(super) struct TokenHolder<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
}

/// Names a grant and with it the family of refresh tokens that it produced.
#[derive(Clone, Copy)]
pub(super) struct GrantId(usize);

#[derive(Default)]
pub(super) struct IdpStore {
    tickets: HashMap<String, Expiring<PendingConsent>>,
    codes: HashMap<String, Expiring<Code>>,
    devices: HashMap<String, Device>,
    refresh_tokens: HashMap<String, RefreshToken>,
    grants: Vec<Granted>,
    revoked: HashSet<String>,
    seen: Vec<IdpEvent>,
}

struct Expiring<T> {
    until: u64,
    value: T,
}

struct Code {
    grant: GrantId,
    redirect_uri: String,
    challenge: String,
    spent: bool,
}

struct RefreshToken {
    grant: GrantId,
    spent: bool,
}

struct Granted {
    approval: Approval,
    alive: bool,
}

const UNKNOWN_CODE: ErrorResponse =
    ErrorResponse::InvalidGrant("unknown, expired or used authorization code");
const UNKNOWN_DEVICE: ErrorResponse = ErrorResponse::InvalidGrant("unknown or used device code");
const UNKNOWN_TOKEN: ErrorResponse = ErrorResponse::InvalidGrant("unknown, revoked or used refresh token");

impl IdpStore {
    pub(super) fn note(&mut self, seen: IdpEvent) {
        self.seen.push(seen);
    }

    pub(super) fn seen(&self) -> &[IdpEvent] {
        &self.seen
    }

    pub(super) fn add_ticket(&mut self, ticket: String, value: PendingConsent, now: u64) {
        self.tickets.retain(|_, ticket| now < ticket.until);
        self.tickets.insert(ticket, Expiring { until: now + TICKET_LIFETIME, value });
    }

    /// A ticket is answered only once.
    pub(super) fn take_ticket(&mut self, ticket: &str, now: u64) -> Option<PendingConsent> {
        self.tickets.remove(ticket).filter(|ticket| now < ticket.until).map(|ticket| ticket.value)
    }

    pub(super) fn add_code(&mut self, code: String, pending: PendingConsent, now: u64) {
        let PendingConsent { approval, back, challenge } = pending;
        let grant = self.add_grant(approval);
        let value = Code { grant, redirect_uri: back.redirect_uri, challenge, spent: false };
        self.codes.insert(code, Expiring { until: now + CODE_LIFETIME, value });
    }

    /// Uses the code up on its first presentation, valid or not; a second one ends the grant (RFC 6749 section 4.1.2,
    /// RFC 6819 section 5.2.1.1).
    pub(super) fn redeem(
        &mut self,
        holder: TokenHolder<'_>,
        redemption: &Redemption<'_>,
        now: u64,
    ) -> Result<(GrantId, Approval), ErrorResponse> {
        let code = self.codes.get_mut(redemption.code).ok_or(UNKNOWN_CODE)?;
        let id = code.value.grant;
        let granted = self.grants.get_mut(id.0).filter(|granted| granted.approval.belongs_to(holder));
        let granted = granted.ok_or(UNKNOWN_CODE)?;
        if std::mem::replace(&mut code.value.spent, true) {
            granted.alive = false;
            return Err(UNKNOWN_CODE);
        }
        if now >= code.until {
            return Err(UNKNOWN_CODE);
        }
        code.value.check(redemption)?;
        Ok((id, granted.approval.clone()))
    }

    pub(super) fn add_device(&mut self, code: String, device: Device) {
        self.devices.insert(code, device);
    }

    /// The user's answer to the device with this code. False if no such device is waiting.
    pub(super) fn answer_device(&mut self, user_code: &str, decision: Decision, now: u64) -> bool {
        let waiting = |device: &&mut Device| {
            device.user_code == user_code && device.answer.is_none() && now < device.until
        };
        let device = self.devices.values_mut().find(waiting);
        device.map(|device| device.answer = Some(decision)).is_some()
    }

    /// RFC 8628 section 3.5. A device code that was answered is used up.
    pub(super) fn poll(
        &mut self,
        holder: TokenHolder<'_>,
        code: &str,
        challenge: Option<&str>,
        now: u64,
    ) -> Result<(GrantId, Approval), ErrorResponse> {
        let device = self.devices.get_mut(code).ok_or(UNKNOWN_DEVICE)?;
        let (approval, polled) = (&device.approval, device.polled.replace(Instant::now()));
        if !approval.belongs_to(holder) {
            return Err(UNKNOWN_DEVICE);
        }
        if device.challenge.is_some() && device.challenge.as_deref() != challenge {
            return Err(ErrorResponse::InvalidGrant("code_verifier does not match the code_challenge"));
        }
        if now >= device.until {
            return Err(ErrorResponse::ExpiredToken);
        }
        if polled.is_some_and(|polled| polled.elapsed() < device.interval) {
            return Err(ErrorResponse::SlowDown);
        }
        let decision = device.answer.ok_or(ErrorResponse::AuthorizationPending)?;
        let Some(device) = self.devices.remove(code).filter(|_| decision == Decision::Allow) else {
            return Err(ErrorResponse::AccessDenied);
        };
        Ok((self.add_grant(device.approval.clone()), device.approval))
    }

    fn add_grant(&mut self, approval: Approval) -> GrantId {
        self.grants.push(Granted { approval, alive: true });
        GrantId(self.grants.len() - 1)
    }

    pub(super) fn add_refresh_token(&mut self, token: String, grant: GrantId) {
        self.refresh_tokens.insert(token, RefreshToken { grant, spent: false });
    }

    /// Finds a valid refresh token without using it up; a used one ends its family (RFC 9700 section 4.14.2).
    pub(super) fn refreshable(
        &mut self,
        holder: TokenHolder<'_>,
        token: &str,
    ) -> Result<(GrantId, Approval), ErrorResponse> {
        let found = self.refresh_tokens.get(token).ok_or(UNKNOWN_TOKEN)?;
        let granted =
            self.grants.get_mut(found.grant.0).filter(|granted| granted.approval.belongs_to(holder));
        let granted = granted.ok_or(UNKNOWN_TOKEN)?;
        granted.alive &= !found.spent;
        granted.alive.then(|| (found.grant, granted.approval.clone())).ok_or(UNKNOWN_TOKEN)
    }

    pub(super) fn rotate(&mut self, old: &str, new: String, grant: GrantId) {
        if let Some(token) = self.refresh_tokens.get_mut(old) {
            token.spent = true;
        }
        self.add_refresh_token(new, grant);
    }

    /// Ends the grant behind a refresh token (RFC 7009 section 2.1). True if it existed.
    pub(super) fn revoke_refresh_token(&mut self, holder: TokenHolder<'_>, token: &str) -> bool {
        let id = self.refresh_tokens.get(token).map(|token| token.grant);
        let granted =
            id.and_then(|id| self.grants.get_mut(id.0)).filter(|granted| granted.approval.belongs_to(holder));
        granted.is_some_and(|granted| std::mem::replace(&mut granted.alive, false))
    }

    pub(super) fn revoke_access_token(&mut self, jti: &str) {
        self.revoked.insert(jti.to_owned());
    }

    pub(super) fn is_revoked(&self, jti: &str) -> bool {
        self.revoked.contains(jti)
    }
}

impl Approval {
    fn belongs_to(&self, holder: TokenHolder<'_>) -> bool {
        self.client_id == holder.client_id && self.issuer == holder.issuer
    }
}

impl Code {
    fn check(&self, redemption: &Redemption<'_>) -> Result<(), ErrorResponse> {
        if redemption.redirect_uri != Some(self.redirect_uri.as_str()) {
            return Err(ErrorResponse::InvalidGrant("redirect_uri differs from the authorization request"));
        }
        if redemption.challenge.as_deref() != Some(self.challenge.as_str()) {
            return Err(ErrorResponse::InvalidGrant("code_verifier does not match the code_challenge"));
        }
        Ok(())
    }
}
