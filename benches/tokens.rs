//! Compares the cost of checking a token of the gateway's own that it has not seen before with that of an issuer's: reading it, its
//! signature, its claims, and what the policy gives its caller. A token that was seen before costs one look-up, from any issuer.
//! Run it with `cargo bench --bench tokens`, and compare.

#![expect(clippy::print_stdout, reason = "a benchmark says what it measured")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mcpauth::gateway::authn::jwt::Token;
use mcpauth::gateway::authn::keys::KeySet;
use mcpauth::gateway::authn::rules::IssuerRules;
use mcpauth::gateway::settings::{IssuerSettings, TokenProfile, Vending};
use mcpauth::oauth::SigningKey;
use mcpauth::policy::Policy;
use mcpauth::secret::Secret;
use mcpauth::sys::clock;
use serde_json::{Value, json};

const ROUNDS: usize = 9;
const TOKENS: usize = 2_000;
const ISSUER: &str = "https://idp.example.test/realms/bench";
const OWN: &str = "https://gateway.example.test";
const POLICY: &str = "group_mappings: {staff: [read, execute]}\n\
    read:\n- {server: tracker, methods: [tools/list], tools: [get_issue]}\n\
    execute:\n- {server: tracker, methods: [tools/list, tools/call], tools: [get_issue, create_issue]}\n";

/// Tokens of one issuer, and all that is needed to check them.
struct Case {
    name: &'static str,
    tokens: Vec<String>,
    keys: KeySet,
    rules: IssuerRules,
}

fn main() {
    let Some(cases) = cases() else {
        println!("the keys for it cannot be made");
        return;
    };
    let Ok(policy) = Policy::parse(POLICY) else {
        println!("the policy cannot be parsed");
        return;
    };
    // Alternating, so that other load affects all equally; the best round is the least disturbed one.
    let mut best = [Duration::MAX; 4];
    for _ in 0..ROUNDS {
        for (best, case) in best.iter_mut().zip(&cases) {
            *best = (*best).min(case.time(&policy));
        }
    }
    let [rsa, elliptic, own, _] = best.map(|all| all.as_secs_f64());
    for (case, time) in cases.iter().zip(best) {
        let time = time.as_secs_f64();
        println!(
            "{:<28} {:6.1} us   to an issuer's RS256 {:.2}, to its ES256 {:.2}",
            case.name,
            time * 1e6 / TOKENS as f64,
            time / rsa,
            time / elliptic
        );
    }
    println!(
        "a token of the gateway's own costs {:.2} of an issuer's with the same algorithm",
        own / elliptic
    );
}

impl Case {
    /// One pass over all tokens.
    fn time(&self, policy: &Policy) -> Duration {
        let start = Instant::now();
        for text in &self.tokens {
            assert!(self.check(policy, black_box(text)), "{} is refused", self.name);
        }
        start.elapsed()
    }

    fn check(&self, policy: &Policy, text: &str) -> bool {
        let claims = Token::read(text).and_then(|token| {
            let key = self.keys.find(token.key_id(), token.algorithm());
            token.verify(key.map_err(|_| mcpauth::gateway::authn::jwt::TokenError::Key)?)
        });
        let accepted = claims.and_then(|claims| self.rules.accept(claims, clock::now(), &|_| Vec::new()));
        accepted.is_ok_and(|(principal, _)| !black_box(policy.grants(&principal)).is_empty())
    }
}

fn cases() -> Option<[Case; 4]> {
    let rsa = KeyPair::generate(KeySize::Rsa2048).ok()?;
    let rsa = AsDer::<Pkcs8V1Der<'_>>::as_der(&rsa).ok()?;
    let rsa = SigningKey::from_pem(&pem(rsa.as_ref()), Some("key".into()))?;
    let elliptic = || SigningKey::from_elliptic_pem(&SigningKey::generate()?);
    let edwards = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).ok()?;
    let edwards = SigningKey::from_elliptic_pem(&pem(edwards.as_ref()))?;
    let issuer = IssuerSettings {
        audience: vec!["gateway".into()],
        ..IssuerSettings::new(ISSUER.into(), TokenProfile::Keycloak)
    };
    let own =
        Vending { key: "keys".into(), issuer: OWN.into(), ledger: "vended".into(), beyond_source: false };
    let own = own.as_issuer();
    Some([
        case("an issuer's, RS256", &rsa, &issuer, theirs)?,
        case("an issuer's, ES256", &elliptic()?, &issuer, theirs)?,
        case("the gateway's own, ES256", &elliptic()?, &own, ours)?,
        case("the gateway's own, EdDSA", &edwards, &own, ours)?,
    ])
}

fn case(
    name: &'static str,
    key: &SigningKey,
    issuer: &IssuerSettings,
    claims: fn(usize) -> Value,
) -> Option<Case> {
    let mut public = key.public()?;
    public.as_object_mut()?.insert("kid".into(), key.key_id()?.into());
    let jwks = json!({"keys": [public]}).to_string();
    let keys = KeySet::read(jwks.as_bytes(), &issuer.algorithms).ok()?;
    let tokens = (0..TOKENS).map(|n| Some(key.sign("at+jwt", &claims(n))?.expose().to_owned()));
    let rules = IssuerRules::new(issuer).ok()?;
    Some(Case { name, tokens: tokens.collect::<Option<_>>()?, keys, rules })
}

/// What Keycloak says of somebody.
fn theirs(n: usize) -> Value {
    let now = clock::now();
    json!({
        "iss": ISSUER, "aud": ["gateway", "account"], "sub": format!("person-{n}"), "azp": "agent", "typ": "Bearer",
        "jti": format!("{n:032x}"), "iat": now, "exp": now + 3600, "scope": "openid profile email", "sid": format!("{n:032x}"),
        "preferred_username": format!("person-{n}"), "groups": ["staff", "everybody"],
        "realm_access": {"roles": ["offline_access", "uma_authorization"]},
    })
}

/// What the gateway says of the same.
fn ours(n: usize) -> Value {
    let now = clock::now();
    json!({
        "iss": OWN, "aud": [OWN], "sub": format!("person-{n}"), "client_id": "agent", "jti": format!("{n:032x}"),
        "iat": now, "exp": now + 3600, "scope": "read execute", "act": {"sub": "nightly report"},
        "authorization_details": [
            {"type": "mcp", "server": "tracker", "methods": ["tools/list", "tools/call"], "tools": ["get_issue"]},
        ],
        "owner": {
            "iss": ISSUER, "username": format!("person-{n}"), "groups": ["staff", "everybody"],
            "claims": {"jti": format!("{:032x}", n + 1)},
        },
    })
}

fn pem(der: &[u8]) -> Secret {
    Secret::new(format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der)))
}
