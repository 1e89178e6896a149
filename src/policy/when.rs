//! `when`: the claims that a caller must have for an entry to apply. Not here: verifying the claims (see `gateway`).

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::{Map, Value};

/// Conditions on claims; all of them must hold.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct When(Vec<Condition>);

/// One claim and its allowed values.
#[derive(Clone, Debug, PartialEq)]
struct Condition {
    /// A claim's name, or a JSON pointer (RFC 6901) if it begins with `/`.
    claim: String,
    /// Strings, numbers, booleans; compared without conversion.
    accepted: Vec<Value>,
}

impl When {
    /// Whether all conditions hold.
    pub(super) fn holds(&self, claims: &Map<String, Value>) -> bool {
        self.0.iter().all(|condition| condition.holds(claims))
    }

    /// The claims whose conditions do not hold.
    pub(super) fn unmet<'a>(&'a self, claims: &'a Map<String, Value>) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(|condition| !condition.holds(claims)).map(|condition| condition.claim.as_str())
    }
}

impl When {
    /// The names of the claims it is about, without what lies below them.
    pub(super) fn claims(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|condition| match condition.claim.strip_prefix('/') {
            None => condition.claim.clone(),
            Some(pointer) => unescaped(pointer.split('/').next().unwrap_or_default()),
        })
    }
}

impl Condition {
    /// A list in the token holds if one of its elements is accepted.
    fn holds(&self, claims: &Map<String, Value>) -> bool {
        match find(claims, &self.claim) {
            Some(Value::Array(values)) => values.iter().any(|value| self.accepted.contains(value)),
            Some(value) => self.accepted.contains(value),
            None => false,
        }
    }
}

fn find<'a>(claims: &'a Map<String, Value>, claim: &str) -> Option<&'a Value> {
    let Some(pointer) = claim.strip_prefix('/') else { return claims.get(claim) };
    let (first, rest) = match pointer.split_once('/') {
        Some((first, _)) => (first, pointer.strip_prefix(first).unwrap_or_default()),
        None => (pointer, ""),
    };
    claims.get(&unescaped(first))?.pointer(rest)
}

/// A name in a JSON pointer (RFC 6901 section 4).
fn unescaped(name: &str) -> String {
    name.replace("~1", "/").replace("~0", "~")
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(WhenVisitor)
    }
}

struct WhenVisitor;

impl<'de> Visitor<'de> for WhenVisitor {
    type Value = When;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("claims and the values they must have, as in `department: [finance, audit]`")
    }

    /// An empty condition is an error: read as "always", an unfinished one would open the entry to everybody.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<When, A::Error> {
        let mut conditions = Vec::new();
        while let Some(claim) = map.next_key::<String>()? {
            let accepted = match map.next_value::<Value>()? {
                Value::Array(values) => values,
                value => vec![value],
            };
            let plain = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
            if accepted.is_empty() || !accepted.iter().all(plain) {
                return Err(A::Error::custom(format_args!(
                    "`when` needs a value, or a list of values, for the claim {claim:?}"
                )));
            }
            conditions.push(Condition { claim, accepted });
        }
        if conditions.is_empty() {
            return Err(A::Error::custom("`when` names no claim; remove it, or name a claim and its values"));
        }
        Ok(When(conditions))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_condition_holds_for_a_value_or_one_of_a_list_and_for_nothing_else() {
        let claims = json!({
            "department": "finance", "teams": ["a", "b"], "level": 3, "verified": true, "nothing": null,
            "realm_access": {"roles": ["ops"]}, "https://x.test/role": "r", "a/b": {"~": "deep"}, "none": [],
        });
        let Value::Object(claims) = claims else { panic!() };
        for (when, expected) in [
            ("department: finance", true),
            ("department: [audit, finance]", true),
            ("department: Finance", false),
            ("department: fin", false),
            ("teams: b", true),
            ("teams: [c, d]", false),
            ("level: 3", true),
            ("level: '3'", false),
            ("verified: true", true),
            ("verified: 'true'", false),
            ("nothing: 'null'", false),
            ("none: ''", false),
            ("absent: x", false),
            ("/realm_access/roles: ops", true),
            ("/realm_access/roles/0: ops", true),
            ("/realm_access: ops", false),
            ("/realm_access/roles/1: ops", false),
            ("/department: finance", true),
            ("/: finance", false),
            ("https://x.test/role: r", true),
            ("/a~1b/~0: deep", true),
            ("{department: finance, level: 3}", true),
            ("{department: finance, level: 4}", false),
        ] {
            let parsed: When = serde_saphyr::from_str(when).unwrap();
            assert_eq!(parsed.holds(&claims), expected, "{when}");
            assert_eq!(parsed.unmet(&claims).count() == 0, expected, "{when}");
        }
    }

    #[test]
    fn a_condition_that_says_nothing_is_refused() {
        for when in
            ["{}", "department:", "department: []", "department: [null]", "department: {a: b}", "[a]", "x"]
        {
            assert!(serde_saphyr::from_str::<When>(when).is_err(), "{when}");
        }
    }
}
