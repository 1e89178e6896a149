//! Whom an ingress token is for, held against what a gateway says of itself (RFC 9728). Tokens are read here and not
//! verified: that is the gateway's work. It leaves fetching the document to `gateway`.

use serde_json::{Map, Value};
use url::Url;

use crate::doctor::finding::Finding;
use crate::oauth::ResourceMetadata;

const CHECK: &str = "tokens.audience";

/// Whether a gateway with this document should take the token. `meant` are the audiences the settings ask for.
pub(super) fn judge(
    who: &str,
    claims: &Map<String, Value>,
    document: &ResourceMetadata,
    meant: &[&str],
) -> Finding {
    let issuer = claims.get("iss").and_then(Value::as_str).unwrap_or_default();
    let servers = &document.authorization_servers;
    if !servers.is_empty() && !servers.iter().any(|server| server == issuer) {
        let text = format!("{who} is a token of {}, which the gateway does not take", clean(issuer));
        let named: Vec<String> = servers.iter().map(|server| clean(server)).collect();
        let remedy = "set the ingress variables for that issuer, then run: mcpauth ingress --force";
        return Finding::problem(CHECK, text, remedy)
            .because(format!("it takes tokens of {}", named.join(", ")));
    }
    let audience = audience(claims);
    let resource = clean(&document.resource);
    if audience.is_empty() {
        return Finding::ok(
            CHECK,
            format!("{who} names no audience, as tokens of this issuer do not; its issuer is right"),
        );
    }
    let shown: Vec<String> = audience.iter().map(|name| clean(name)).collect();
    let text = format!("{who} is for {}", shown.join(", "));
    let is_ours = |name: &&str| covers(name, &document.resource) || covers(&document.resource, name);
    if audience.iter().any(is_ours) {
        return Finding::ok(CHECK, text);
    }
    let addresses = audience.iter().any(|name| Url::parse(name).is_ok_and(|url| url.has_host()));
    if !addresses || audience.iter().any(|name| meant.contains(name)) {
        // A name of the issuer's own, such as a client's; whether it will do is between the issuer and the gateway.
        return Finding::ok(CHECK, format!("{text}, which only the gateway can judge (it is {resource})"));
    }
    let remedy = format!("set INGRESS_OAUTH_AUDIENCE={resource}, then run: mcpauth ingress --force");
    Finding::problem(CHECK, text, remedy).because(format!("the gateway is {resource}, and must refuse it"))
}

/// Whether a resource is `wide`, or below it. The document at a gateway's root may name the origin alone.
pub(super) fn covers(wide: &str, resource: &str) -> bool {
    wide == resource || Url::parse(resource).is_ok_and(|resource| crate::oauth::covers(wide, &resource))
}

/// `aud`: text or a list of texts (RFC 7519 section 4.1.3).
fn audience(claims: &Map<String, Value>) -> Vec<&str> {
    match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn clean(text: &str) -> String {
    crate::text::clean(text, 200)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Status;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn a_token_is_held_against_what_the_gateway_says_of_itself() {
        let document = ResourceMetadata {
            resource: "https://gw.test/fininfo/mcp".into(),
            authorization_servers: vec!["https://idp.test".into()],
            scopes_supported: Vec::new(),
        };
        for (claims, meant, status, words) in [
            (json!({"iss": "https://idp.test"}), "", Status::Ok, "names no audience"),
            (
                json!({"iss": "https://idp.test", "aud": "https://gw.test/fininfo/mcp"}),
                "",
                Status::Ok,
                "is for",
            ),
            (json!({"iss": "https://idp.test", "aud": ["x", "https://gw.test"]}), "", Status::Ok, "is for"),
            (
                json!({"iss": "https://idp.test", "aud": "account"}),
                "",
                Status::Ok,
                "only the gateway can judge",
            ),
            (
                json!({"iss": "https://idp.test", "aud": "https://other.test"}),
                "",
                Status::Problem,
                "https://other.test",
            ),
            (
                json!({"iss": "https://idp.test", "aud": "https://gw.test/fin"}),
                "",
                Status::Problem,
                "https://gw.test/fin",
            ),
            (
                json!({"iss": "https://idp.test", "aud": "https://api"}),
                "https://api",
                Status::Ok,
                "only the gateway",
            ),
            (json!({"iss": "https://idp.test/"}), "", Status::Problem, "does not take"),
            (json!({}), "", Status::Problem, "does not take"),
        ] {
            let finding = judge("t", claims.as_object().unwrap(), &document, &[meant]);
            assert!(finding.status == status && finding.found.contains(words), "{claims}: {finding:?}");
        }
    }

    proptest! {
        #[test]
        fn no_address_panics(wide in "\\PC{0,30}", below in "\\PC{0,30}") {
            let _ = covers(&wide, &below);
        }
    }
}
