//! What the gateway publishes about its servers as protected resources, and which tokens are valid for which:
//! identifiers, documents, challenges, scopes that can be requested. Not here: other requirements for tokens (see
//! `tokens` and `odd_tokens`).
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests lay out the gateway's files")]

use mcpauth::gateway::settings::{GatewaySettings, Introspection, IssuerSettings};
use serde_json::{Value, json};

use crate::support::lab::{Answer, Lab, call, list, request, until};
use crate::support::mint::{AUDIENCE, Key, Mint};

const POLICY: &str = "\
group_mappings: {team: [internal-readers, internal-writers]}
internal-readers: [{server: '*', methods: [tools/list], tools: [echo]}]
internal-writers: [{server: '*', methods: [tools/list, tools/call], tools: [echo]}]
mcp:read: [{server: '*', methods: [tools/list], tools: [echo]}]
mcp:write: [{server: '*', methods: [tools/list, tools/call], tools: [echo]}]
";

fn lab(change: impl FnOnce(&mut GatewaySettings)) -> Lab {
    Lab::with(|settings, dir| {
        std::fs::write(dir.join("scopes.yml"), POLICY).unwrap();
        change(settings);
    })
}

/// An issuer with this metadata, and without an audience rule.
fn issuer(mint: &Mint, more: Value) -> IssuerSettings {
    let mut issuer = json!({"issuer": mint.issuer(), "jwks_uri": format!("{}/jwks", mint.issuer())});
    issuer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(issuer).unwrap()
}

fn reason(answer: &Answer) -> Value {
    answer.json()["error"]["data"]["reason"].clone()
}

#[test]
fn a_token_for_one_servers_address_opens_that_server_alone() {
    let key = Key::new("k");
    let mint = Mint::of(&[&key]);
    for more in [json!({}), json!({"kind": "keycloak"}), json!({"audience": [AUDIENCE]})] {
        let lab = lab(|settings| settings.issuers = vec![issuer(&mint, more.clone())]);
        let gateway = lab.gateway.public_url().to_owned();
        let local = gateway.replace("127.0.0.1", "localhost");
        let (alpha, beta) = (lab.alpha.base().to_owned(), lab.beta.base().to_owned());
        let of_both = lab.arrived();
        for (audience, opens) in [
            (json!(format!("{gateway}/alpha/mcp")), "alpha"),
            (json!(format!("{gateway}/alpha")), "alpha"),
            (json!(format!("{gateway}/alpha/")), "alpha"),
            (json!(format!("{gateway}/alpha/mcp/")), "alpha"),
            (json!(format!("{gateway}/alpha/sse")), "alpha"),
            (json!(format!("{local}/alpha/mcp")), "alpha"),
            (json!([format!("{gateway}/beta/mcp"), "https://other.test"]), "beta"),
            (json!(format!("{alpha}/mcp")), "alpha"),
            (json!([format!("{beta}/mcp")]), "beta"),
            (json!([format!("{gateway}/alpha/mcp"), format!("{gateway}/beta/mcp")]), "alpha beta"),
            (json!(gateway), ""),
            (json!(format!("{gateway}/")), ""),
            (json!(format!("{gateway}/alpha/mcp?x=1")), ""),
            (json!(format!("{gateway}/alpha/mcp/beta")), ""),
            (json!(format!("{gateway}/alpha/../beta/mcp")), "beta"),
            (json!(format!("{gateway}/%61lpha/mcp")), "alpha"),
            (json!(format!("{}/alpha/mcp", gateway.replace("http", "HTTP"))), "alpha"),
            (json!(format!("{}/alpha/mcp", local.replace("localhost", "LOCALHOST"))), "alpha"),
            (json!([null, format!("{gateway}/alpha/mcp")]), "alpha"),
            (json!(alpha), "alpha"),
            (json!(format!("{alpha}/")), "alpha"),
            (json!(format!("{}/sse", alpha.replace("127.0.0.1", "localhost"))), "alpha"),
            (json!(format!("{gateway}/alpha/mcp#x")), ""),
            (json!(format!("{gateway}/alpha%2fmcp")), ""),
            (json!(format!("{gateway}/Alpha/mcp")), ""),
            (json!(format!("{}/alpha/mcp", gateway.replace("http", "https"))), ""),
            (json!(format!(" {gateway}/alpha/mcp/x")), ""),
            (json!(format!("{alpha}/other")), ""),
            (json!({"0": format!("{gateway}/alpha/mcp")}), ""),
            (json!(format!("{gateway}/alpha/messages/x")), ""),
            (json!(format!("{gateway}/alph")), ""),
            (json!(format!("{gateway}.evil.test/alpha/mcp")), ""),
            (json!("https://evil.test/alpha/mcp"), ""),
            (json!("/alpha/mcp"), ""),
            (json!("alpha"), ""),
            (json!([]), ""),
        ] {
            let claims =
                mint.claims(json!({"aud": audience, "scope": "mcp:write", "typ": "Bearer", "azp": "c"}));
            let token = key.sign(json!({}), &claims);
            for server in ["alpha", "beta", "gamma"] {
                let answer = lab.call(&token, server, "echo");
                if opens.split(' ').any(|opened| opened == server) {
                    assert_eq!(answer.status, 200, "{audience} at {server}: {}", answer.text());
                    continue;
                }
                assert_eq!(
                    (answer.status, reason(&answer)),
                    (401, json!("audience")),
                    "{audience} at {server}"
                );
                let challenge = answer.header("www-authenticate").unwrap();
                let leads = format!("{gateway}/.well-known/oauth-protected-resource/{server}/mcp");
                assert!(challenge.contains("invalid_token") && challenge.contains(&leads), "{challenge}");
            }
        }
        assert!(lab.gamma.arrived().is_empty() && lab.arrived() > of_both);
    }
}

#[test]
fn a_configured_audience_opens_every_server() {
    let key = Key::new("k");
    let mint = Mint::of(&[&key]);
    let lab = lab(|settings| settings.issuers = vec![issuer(&mint, json!({"audience": [AUDIENCE]}))]);
    let own = format!("{}/alpha/mcp", lab.gateway.public_url());
    for audience in [json!(AUDIENCE), json!([AUDIENCE, own]), json!([own, AUDIENCE])] {
        let token = key.sign(json!({}), &mint.claims(json!({"aud": audience, "scope": "mcp:write"})));
        for server in ["alpha", "beta", "gamma"] {
            lab.call(&token, server, "echo").status(200);
        }
    }
}

/// Naming the addresses of servers as audiences does not make their tokens good for each other.
#[test]
fn a_servers_address_stays_its_own_if_it_is_configured() {
    let key = Key::new("k");
    let mint = Mint::of(&[&key]);
    let lab = lab(|settings| {
        let all = ["alpha", "beta"].map(|name| format!("https://gw.test/{name}/mcp"));
        settings.public_url = Some("https://gw.test".into());
        settings.issuers = vec![issuer(&mint, json!({"audience": all}))];
    });
    let token = |aud: &str| key.sign(json!({}), &mint.claims(json!({"aud": aud, "scope": "mcp:write"})));
    for (aud, server, status) in [
        ("https://gw.test/alpha/mcp", "alpha", 200),
        ("https://gw.test/alpha/mcp", "beta", 401),
        ("https://gw.test/beta/mcp", "beta", 200),
        ("https://gw.test/beta/mcp", "alpha", 401),
        ("https://gw.test:443/beta/mcp", "beta", 200),
        ("HTTPS://GW.test/beta/mcp", "beta", 200),
        ("http://gw.test/beta/mcp", "beta", 401),
    ] {
        assert_eq!(lab.call(&token(aud), server, "echo").status, status, "{aud} at {server}");
    }
}

/// A proxy in front may pass the path on or remove it.
#[test]
fn a_gateway_at_a_path_announces_it_and_is_found_with_and_without_it() {
    let key = Key::new("k");
    let mint = Mint::of(&[&key]);
    for (public, prefix) in [("https://gw.test/mcp-gw", "/mcp-gw"), ("https://gw.test/a/b.c/", "/a/b.c")] {
        let lab = lab(|settings| {
            settings.public_url = Some(public.into());
            settings.issuers = vec![issuer(&mint, json!({}))];
        });
        let own = format!("https://gw.test{prefix}");
        let token = |aud: &str| key.sign(json!({}), &mint.claims(json!({"aud": aud, "scope": "mcp:write"})));
        for (aud, status) in [
            (format!("{own}/alpha/mcp"), 200),
            (format!("{own}/alpha"), 200),
            (format!("{own}/beta/mcp"), 401),
            ("https://gw.test/alpha/mcp".into(), 401),
            (format!("{own}x/alpha/mcp"), 401),
            (format!("{own}{prefix}/alpha/mcp"), 401),
            (own.clone(), 401),
        ] {
            for path in ["/alpha/mcp".to_owned(), format!("{prefix}/alpha/mcp")] {
                let answer = lab.ask(&token(&aud), &path, &call("echo"));
                assert_eq!(answer.status, status, "{aud} {path}: {}", answer.text());
            }
        }
        let get = |path: &str| lab.raw(&request("GET", path, &[], b""));
        for path in [format!("{prefix}/alpha/sse"), "/alpha/sse".into()] {
            let refused = get(&path).status(401);
            let place = format!("{own}/.well-known/oauth-protected-resource/alpha/sse");
            assert!(refused.header("www-authenticate").unwrap().contains(&place), "{path}: {refused:?}");
        }
        let known = "/.well-known/oauth-protected-resource";
        for path in [format!("{prefix}{known}"), known.into(), format!("{known}{prefix}")] {
            let found = get(&format!("{path}/alpha/mcp")).status(200).json();
            assert_eq!(found["resource"], format!("{own}/alpha/mcp"), "{path}");
        }
        get(&format!("{prefix}/healthz")).status(200);
        let bearer = format!("Bearer {}", token(&format!("{own}/alpha/mcp")));
        for (path, status) in [
            (format!("{prefix}x/alpha/mcp"), 404),
            (format!("{prefix}{prefix}/alpha/mcp"), 404),
            (format!("{}/alpha/mcp", prefix.to_uppercase()), 404),
            (format!("{prefix}//alpha/mcp"), 400),
            (format!("{prefix}/../alpha/mcp"), 400),
            (prefix.to_owned(), 404),
            (format!("{prefix}/"), 404),
        ] {
            let headers = [("X-Authorization", bearer.as_str())];
            let answer = lab.raw(&request("GET", &path, &headers, b""));
            assert_eq!(answer.status, status, "{path}: {}", answer.text());
        }
    }
}

#[test]
fn an_issuer_that_is_asked_binds_tokens_too() {
    let claims = std::sync::Arc::new(std::sync::Mutex::new(json!({})));
    let script = claims.clone();
    let mint = Mint::with(&[], move |_| (200, script.lock().unwrap().to_string()));
    let lab = lab(|settings| {
        let secret = settings.policy.with_file_name("secret");
        mcpauth::sys::private_file::write(&secret, "s").unwrap();
        let endpoint = Some(format!("{}/introspect", mint.issuer()));
        let asks = Introspection { endpoint, client_id: "gateway".into(), client_secret: secret, cache: 0 };
        settings.issuers = vec![IssuerSettings { introspection: Some(asks), ..issuer(&mint, json!({})) }];
    });
    let aud = format!("{}/alpha/mcp", lab.gateway.public_url());
    *claims.lock().unwrap() = mint.claims(json!({"active": true, "aud": aud, "scope": "mcp:write"}));
    lab.call("opaque", "alpha", "echo").status(200);
    let answer = lab.call("opaque", "beta", "echo").status(401);
    assert_eq!(reason(&answer), "audience");
}

/// RFC 9728 section 3.3: the document is that of the address which was asked for.
#[test]
fn a_challenge_leads_to_the_document_of_the_address_that_was_asked() {
    let lab = Lab::start();
    let gateway = lab.gateway.public_url().to_owned();
    for path in ["/alpha", "/alpha/", "/alpha/mcp", "/alpha/mcp/", "/alpha/sse", "/alpha/sse/", "/gamma/mcp"]
    {
        for method in ["POST", "GET", "DELETE"] {
            let answer = lab.raw(&request(method, path, &[], b"")).status(401);
            let challenge = answer.header("www-authenticate").unwrap();
            let place = format!("{gateway}/.well-known/oauth-protected-resource{path}");
            assert!(challenge.contains(&format!("resource_metadata=\"{place}\"")), "{path}: {challenge}");
            let document =
                lab.raw(&request("GET", place.strip_prefix(&gateway).unwrap(), &[], b"")).status(200);
            assert_eq!(document.json()["resource"], format!("{gateway}{path}"));
        }
    }
    // The same address in other spellings, and where messages go.
    for (path, resource) in [("/%61lpha/mcp", "/alpha/mcp"), ("/alpha/messages/x.y", "/alpha/sse")] {
        let answer = lab.raw(&request("POST", path, &[], b"")).status(401);
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.contains(&format!("oauth-protected-resource{resource}\"")), "{path}: {challenge}");
    }
}

/// Clients compare a document's resource with the address that they asked (RFC 9728 section 3.3); the SDKs give up on
/// `127.0.0.1` where they asked `localhost`.
#[test]
fn a_gateway_on_this_machine_has_the_name_that_it_was_asked_by() {
    for public_url in [None, Some("http://localhost:8080"), Some("https://gw.test")] {
        let lab = lab(|settings| settings.public_url = public_url.map(str::to_owned));
        let port = lab.gateway.address().port();
        for (host, name) in [
            ("127.0.0.1", "127.0.0.1"),
            ("localhost", "localhost"),
            ("LocalHost", "localhost"),
            ("[::1]", "[::1]"),
        ] {
            let asked = format!("{host}:{port}");
            let host = [("Host", asked.as_str())];
            // Another port, or a name that others know it by, is not that of the connection.
            let base = match public_url {
                None => format!("http://{name}:{port}"),
                Some(public_url) => public_url.to_owned(),
            };
            let body = list().to_string();
            let refused = lab.raw(&request("POST", "/alpha/mcp", &host, body.as_bytes())).status(401);
            let place = format!("{base}/.well-known/oauth-protected-resource/alpha/mcp");
            let challenge = refused.header("www-authenticate").unwrap();
            assert!(challenge.contains(&format!("resource_metadata=\"{place}\"")), "{host:?}: {challenge}");
            let path = "/.well-known/oauth-protected-resource/alpha/mcp";
            let document = lab.raw(&request("GET", path, &host, b"")).status(200).json();
            assert_eq!(document["resource"], format!("{base}/alpha/mcp"), "{host:?}");
        }
    }
}

/// What the document and the challenge of a caller without a token name.
fn told(lab: &Lab) -> (Value, Option<String>) {
    until("ready", || lab.gateway.is_ready());
    let document = lab.raw(&request("GET", "/.well-known/oauth-protected-resource/alpha/mcp", &[], b""));
    let none = lab.post("/alpha/mcp", &[], list().to_string().as_bytes()).status(401);
    let challenge = none.header("www-authenticate").unwrap();
    let scope = challenge.split("scope=\"").nth(1).and_then(|rest| rest.split('"').next());
    (document.json()["scopes_supported"].clone(), scope.map(str::to_owned))
}

/// An issuer whose metadata lists these scopes.
fn listing(key: &Key, scopes: &Value) -> Mint {
    let base = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let (own, scopes) = (base.clone(), scopes.clone());
    let mint = Mint::with(&[key], move |asked| {
        if !asked.head.contains("/.well-known/oauth-authorization-server") {
            return (404, String::new());
        }
        let issuer = own.lock().unwrap().clone();
        (200, json!({"issuer": issuer, "scopes_supported": scopes}).to_string())
    });
    *base.lock().unwrap() = mint.issuer().to_owned();
    mint
}

#[test]
fn only_scopes_that_the_issuer_knows_are_told() {
    let key = Key::new("k");
    for (listed, more, supported, first) in [
        (
            json!(["openid", "mcp:read", "mcp:write"]),
            json!({}),
            json!(["mcp:read", "mcp:write"]),
            Some("mcp:write"),
        ),
        (json!(["mcp:write", "email"]), json!({}), json!(["mcp:write"]), Some("mcp:write")),
        (json!(["openid", "profile"]), json!({}), Value::Null, None),
        (json!([]), json!({}), Value::Null, None),
        (Value::Null, json!({}), Value::Null, None),
        (json!("mcp:read"), json!({}), Value::Null, None),
        (json!(["mcp:read"]), json!({"scopes": ["mcp:write"]}), json!(["mcp:write"]), Some("mcp:write")),
        (json!(["mcp:read"]), json!({"scopes": []}), Value::Null, None),
        (Value::Null, json!({"scopes": ["mcp:read", "other"]}), json!(["mcp:read"]), Some("mcp:read")),
    ] {
        let mint = listing(&key, &listed);
        let lab = lab(|settings| settings.issuers = vec![issuer(&mint, more.clone())]);
        assert_eq!(told(&lab), (supported, first.map(str::to_owned)), "{listed} {more}");
    }
    // Of several issuers, whatever any of them knows.
    let (one, other) = (listing(&key, &json!(["mcp:read"])), listing(&key, &json!(["mcp:write"])));
    let lab = lab(|settings| settings.issuers = vec![issuer(&one, json!({})), issuer(&other, json!({}))]);
    assert_eq!(told(&lab), (json!(["mcp:read", "mcp:write"]), Some("mcp:write".into())));
}

/// A client that registers dynamically may never ask for more than the first time, and does not see what it may not call.
#[test]
fn the_first_challenge_names_enough_to_list_and_to_call() {
    let reads = "reads: [{server: alpha, methods: [initialize, tools/list], tools: [echo]}]\n";
    let calls = "calls: [{server: alpha, methods: [tools/call], tools: [echo]}]\n";
    let both = "both: [{server: alpha, methods: [tools/list, tools/call], tools: [echo, other]}]\n";
    let wide = "wide: [{server: '*', methods: ['*'], tools: ['*']}]\n";
    let other = "other: [{server: beta, methods: ['*'], tools: ['*']}]\n";
    let names = ["reads", "calls", "both", "wide", "other"];
    for (policy, granted, first) in [
        (vec![reads, both], &names[..], Some("both")),
        (vec![wide, both, reads], &names, Some("both")),
        (vec![wide, reads], &names, Some("wide")),
        (vec![reads, calls], &names, Some("reads calls")),
        (vec![calls, other], &names, Some("calls")),
        (vec![reads, other], &names, Some("reads")),
        (vec![reads, both, wide], &["reads", "wide"], Some("wide")),
        (vec![reads, calls, both], &["reads", "calls"], Some("reads calls")),
        (vec![reads, both], &["reads"], Some("reads")),
        (vec![other], &names, None),
        (vec![both], &["reads"], None),
    ] {
        let lab = Lab::with(|settings, dir| {
            std::fs::write(dir.join("scopes.yml"), policy.concat()).unwrap();
            settings.issuers[0].scopes = Some(granted.iter().map(ToString::to_string).collect());
        });
        assert_eq!(told(&lab).1.as_deref(), first, "{policy:?} {granted:?}");
    }
}

/// Cognito's metadata says nothing of the scopes that are made for resources; their names tell them.
#[test]
fn scopes_of_cognitos_resources_are_told_and_internal_names_are_not() {
    let lab = Lab::with(|settings, dir| {
        let policy = "group_mappings: {team: [internal]}\n\
                      internal: [{server: '*', methods: ['*'], tools: ['*']}]\n\
                      mcp-servers/read: [{server: '*', methods: [tools/list], tools: [echo]}]\n";
        std::fs::write(dir.join("scopes.yml"), policy).unwrap();
        settings.issuers[0].scopes = None;
    });
    assert_eq!(told(&lab), (json!(["mcp-servers/read"]), Some("mcp-servers/read".into())));
}

#[test]
fn a_step_up_is_told_to_whoever_can_ask_for_it_with_groups_too() {
    let key = Key::new("k");
    let (knows, other) =
        (listing(&key, &json!(["mcp:read", "mcp:write"])), listing(&key, &json!(["openid"])));
    let lab = lab(|settings| {
        settings.issuers = vec![
            issuer(&knows, json!({"audience": [AUDIENCE]})),
            issuer(&other, json!({"audience": [AUDIENCE]})),
        ];
    });
    until("ready", || lab.gateway.is_ready());
    for (mint, claims, tool, expected) in [
        (&knows, json!({"scope": "mcp:read"}), "echo", Some("mcp:write")),
        (&knows, json!({"scope": "mcp:read", "groups": ["nobody"]}), "echo", Some("mcp:write")),
        (&knows, json!({"scope": "", "groups": ["other", "another"]}), "echo", Some("mcp:write")),
        (&knows, json!({"scope": "mcp:read", "groups": ["nobody"]}), "delete_all", None),
        // A caller whose issuer does not have the scope cannot request it.
        (&other, json!({"scope": "mcp:read"}), "echo", None),
        (&other, json!({"scope": "", "groups": ["nobody"]}), "echo", None),
    ] {
        let token = key.sign(json!({}), &mint.claims(claims.clone()));
        let answer = lab.ask(&token, "/alpha/mcp", &call(tool)).status(403);
        let challenge = answer.header("www-authenticate");
        let scope = challenge.map(|text| text.split("scope=\"").nth(1).unwrap().split('"').next().unwrap());
        assert_eq!(scope, expected, "{claims} {tool}");
        assert!(challenge.is_none_or(|text| text.contains("insufficient_scope")), "{challenge:?}");
    }
}
