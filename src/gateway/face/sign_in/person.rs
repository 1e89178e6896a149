//! The person whom a provider describes: by a verified ID token (OpenID Connect Core section 3.1.3.7), or, at a provider
//! that has none, by its user info for the access token; such a person is in no group.

use serde_json::{Map, Value};

use crate::gateway::providers::FaceProvider;
use crate::policy::Principal;

/// What an ID token must say.
pub(super) struct IdTokenRules<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: i64,
}

/// How far clocks may differ, in seconds.
const LEEWAY: i64 = 60;
/// The longest subject and name, in bytes (OpenID Connect Core section 2).
const LONGEST: usize = 255;

impl IdTokenRules<'_> {
    /// Whether verified claims are those of an ID token for this sign-in.
    ///
    /// # Errors
    /// The rule that they break.
    pub(super) fn check(&self, typ: Option<&str>, claims: &Map<String, Value>) -> Result<(), &'static str> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let number = |name: &str| claims.get(name).and_then(Value::as_f64).map(|at| at as i64);
        if typ.is_some_and(|typ| !typ.eq_ignore_ascii_case("jwt")) {
            return Err("is no ID token");
        }
        // The same keys sign access, refresh and logout tokens.
        let is_id = |name: &str| {
            claims.get(name).is_none_or(|value| value.as_str().is_some_and(|v| v.eq_ignore_ascii_case("id")))
        };
        if !is_id("typ") || !is_id("token_use") || claims.contains_key("events") {
            return Err("is no ID token");
        }
        // A large issuer leaves out its scheme (OpenID Connect Core section 15.6.2).
        let is_issuer =
            |said: &str| said == self.issuer || self.issuer.strip_prefix("https://") == Some(said);
        if !text("iss").is_some_and(is_issuer) {
            return Err("is of another issuer");
        }
        let audience: Vec<&str> = match claims.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(all)) => all.iter().map(|one| one.as_str().unwrap_or_default()).collect(),
            _ => Vec::new(),
        };
        let azp = claims.get("azp").map(|azp| azp.as_str().unwrap_or_default());
        let is_ours = azp.is_none_or(|azp| azp == self.client_id) && (audience.len() == 1 || azp.is_some());
        if !audience.contains(&self.client_id) || !is_ours {
            return Err("is for another client");
        }
        if text("nonce") != Some(self.nonce) {
            return Err("is for another sign-in");
        }
        let is_over = number("exp").is_none_or(|end| end + LEEWAY <= self.now);
        let is_early =
            ["iat", "nbf"].iter().any(|name| number(name).is_some_and(|at| at > self.now + LEEWAY));
        if is_over || is_early || number("iat").is_none() {
            return Err("is not valid now");
        }
        Ok(())
    }
}

/// The person of verified claims, or of what a provider said.
///
/// # Errors
/// Without a subject there is nobody.
pub(super) fn person(
    provider: &FaceProvider,
    issuer: &str,
    claims: Map<String, Value>,
    is_verified: bool,
) -> Result<Principal, &'static str> {
    let subject = if is_verified { text(claims.get("sub")) } else { unverified_subject(provider, &claims) };
    let subject = subject.filter(|subject| subject.len() <= LONGEST).ok_or("has no subject")?;
    // Anybody can write another's address where nobody checks it.
    let is_unchecked =
        claims.get("email_verified").is_some_and(|checked| *checked == false || checked == "false");
    let names = provider.name_claims.iter().filter(|name| !(is_unchecked && *name == "email"));
    let names = names.filter_map(|name| text(claims.get(name)));
    let username = names.map(|name| cut(&name)).find(|name| !name.is_empty());
    let groups = provider.groups_claim.as_deref().filter(|_| is_verified);
    let groups = groups.map(|claim| groups_of(&claims, claim)).unwrap_or_default();
    Ok(Principal {
        issuer: issuer.to_owned(),
        subject,
        client_id: Some(provider.client.id.clone()),
        username,
        groups,
        claims,
        ..Principal::default()
    })
}

/// Whether a person's groups are somewhere in these claims.
pub(super) fn has_groups(provider: &FaceProvider, claims: &Map<String, Value>) -> bool {
    provider.groups_claim.as_deref().is_none_or(|claim| find(claims, claim).is_some())
}

/// Whether the provider says that it has more groups of a person than it sends: Entra ID does so from 200 on, as a
/// distributed claim (OpenID Connect Core section 5.6.2) or as `hasgroups`.
pub(super) fn has_groups_elsewhere(provider: &FaceProvider, claims: &Map<String, Value>) -> bool {
    let Some(claim) = provider.groups_claim.as_deref() else { return false };
    let is_named = claims.get("_claim_names").is_some_and(|names| names.get(claim).is_some());
    !has_groups(provider, claims)
        && (is_named || claims.get("hasgroups").is_some_and(|has| *has == true || has == "true"))
}

fn unverified_subject(provider: &FaceProvider, claims: &Map<String, Value>) -> Option<String> {
    let named = provider.subject_claim.as_deref().into_iter().chain(["sub", "id"]);
    named.filter_map(|name| text(claims.get(name))).next()
}

/// A text, or a number as one: some providers number people.
fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) if number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

fn groups_of(claims: &Map<String, Value>, claim: &str) -> Vec<String> {
    let mut groups: Vec<String> = match find(claims, claim) {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(one)) => vec![one.clone()],
        _ => Vec::new(),
    };
    groups.retain(|group| !group.is_empty());
    groups.sort();
    groups.dedup();
    groups
}

/// A claim by its name, which may have dots; else by a JSON pointer, or by names with dots between them.
fn find<'c>(claims: &'c Map<String, Value>, claim: &str) -> Option<&'c Value> {
    let nested = |names: &str, between: char| {
        let mut names = names.split(between);
        let first = claims.get(names.next()?)?;
        names.try_fold(first, |value, name| value.get(name))
    };
    let pointer = || claim.strip_prefix('/').and_then(|names| nested(names, '/'));
    claims.get(claim).or_else(pointer).or_else(|| nested(claim, '.'))
}

fn cut(text: &str) -> String {
    crate::text::clean(text, LONGEST / 4)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn an_issuer_may_leave_out_its_scheme_and_nothing_else() {
        let check = |issuer: &str, said: &str| {
            let claims =
                json!({"iss": said, "aud": "face", "nonce": "n", "iat": 990, "exp": 1300, "sub": "s"});
            IdTokenRules { issuer, client_id: "face", nonce: "n", now: 1000 }
                .check(None, &object(claims))
                .is_ok()
        };
        let issuer = "https://accounts.example.com";
        for said in [issuer, "accounts.example.com"] {
            assert!(check(issuer, said), "{said}");
        }
        for said in [
            "http://accounts.example.com",
            "https://accounts.example.com/",
            "//accounts.example.com",
            "example.com",
            "",
        ] {
            assert!(!check(issuer, said), "{said}");
        }
        assert!(!check("http://127.0.0.1:1", "127.0.0.1:1"), "it is left out of https alone");
    }

    #[test]
    fn groups_are_where_the_provider_says() {
        let claims = object(json!({
            "groups": ["b", "a", "", 5, "a"], "one": "x", "https://x.test/groups": ["u"],
            "realm_access": {"roles": ["r"]}, "a.b": ["dotted"], "a": {"b": ["nested"]},
        }));
        for (claim, expected) in [
            ("groups", &["a", "b"][..]),
            ("one", &["x"]),
            ("https://x.test/groups", &["u"]),
            ("realm_access.roles", &["r"]),
            ("/realm_access/roles", &["r"]),
            ("a.b", &["dotted"]),
            ("/a/b", &["nested"]),
            ("none", &[]),
            ("realm_access.none", &[]),
        ] {
            assert_eq!(groups_of(&claims, claim), expected, "{claim}");
        }
    }
}
