//! The gateway's own tokens: how they are come by, what they open, and how they are revoked. Not here: what random
//! policies make of them (see `vending_rights`); forged ones (see `vending_attacks`).
#![expect(clippy::disallowed_methods, reason = "tests lay out the gateway's files")]

use std::path::Path;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use mcpauth::gateway::settings::{GatewaySettings, Vending};
use mcpauth::gateway::token_ledger::{Ledger, LedgerEntry};
use mcpauth::sys::clock;
use mcpauth::sys::private_file;
use serde_json::{Value, json};

use crate::support::lab::{Answer, Lab, POLICY, call, list, request, until};

/// The gateway as its own tokens name it.
pub(crate) const OWN: &str = "http://127.0.0.1:9/";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// A private key for ES256.
pub(crate) fn p256() -> String {
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    pem(key.as_ref())
}

/// A private key for EdDSA.
pub(crate) fn ed25519() -> String {
    pem(Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).unwrap().as_ref())
}

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der))
}

/// Has the gateway vend tokens, signed by `key`.
pub(crate) fn vends(settings: &mut GatewaySettings, dir: &Path, key: &str) {
    private_file::create_dir(&dir.join("keys")).unwrap();
    private_file::write(&dir.join("keys/one.pem"), key).unwrap();
    settings.vending = Some(Vending {
        key: dir.join("keys"),
        issuer: OWN.into(),
        ledger: dir.join("vended.jsonl"),
        beyond_source: false,
    });
}

/// A laboratory whose gateway vends tokens.
pub(crate) fn lab() -> Lab {
    Lab::with(|settings, dir| vends(settings, dir, &p256()))
}

/// Asks the token endpoint.
pub(crate) fn exchange(lab: &Lab, token: &str, more: &[(&str, &str)]) -> Answer {
    let usual = [("grant_type", EXCHANGE), ("subject_token", token), ("subject_token_type", ACCESS_TOKEN)];
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(usual.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name)));
    form.extend_pairs(more);
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    lab.post("/oauth2/token", &headers, form.finish().as_bytes())
}

/// A vended token.
#[track_caller]
pub(crate) fn vended(lab: &Lab, token: &str, more: &[(&str, &str)]) -> String {
    exchange(lab, token, more).status(200).json()["access_token"].as_str().unwrap().to_owned()
}

/// Asks the registry's address.
fn generate(lab: &Lab, token: &str, body: &Value) -> Answer {
    lab.ask(token, "/api/tokens/generate", body)
}

fn part(token: &str, place: usize) -> Value {
    let text = URL_SAFE_NO_PAD.decode(token.split('.').nth(place).unwrap()).unwrap();
    serde_json::from_slice(&text).unwrap()
}

pub(crate) fn claims(token: &str) -> Value {
    part(token, 1)
}

pub(crate) fn detail(server: &str, tools: &[&str]) -> String {
    json!([{"type": "mcp", "server": server, "tools": tools}]).to_string()
}

fn entries(lab: &Lab) -> Vec<LedgerEntry> {
    Ledger::at(&lab.path("vended.jsonl")).entries().unwrap()
}

fn shown(answer: &Answer) -> Vec<String> {
    let tools = answer.json()["result"]["tools"].clone();
    tools.as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_token_for_one_tool_does_that_and_nothing_else() {
    let lab = lab();
    let source = lab.token("root");
    let answer =
        exchange(&lab, &source, &[("authorization_details", &detail("alpha", &["echo"]))]).status(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let answer = answer.json();
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["issued_token_type"], ACCESS_TOKEN);
    assert_eq!(answer["scope"], "root");
    let token = answer["access_token"].as_str().unwrap();
    lab.call(token, "alpha", "echo").status(200);
    assert_eq!(shown(&lab.ask(token, "/alpha/mcp", &list()).status(200)), ["echo"]);
    let before = lab.arrived();
    for (server, tool, reason) in [
        ("alpha", "delete_all", "name_not_allowed"),
        ("alpha", "Echo", "name_not_allowed"),
        ("beta", "echo", "server_not_allowed"),
    ] {
        let answer = lab.call(token, server, tool).status(403).json();
        assert_eq!(answer["error"]["data"]["reason"], reason, "{server} {tool}");
        assert_eq!(answer["error"]["message"].as_str().map(|text| text.contains("eyJ")), Some(false));
    }
    let other = json!({"jsonrpc": "2.0", "id": 7, "method": "prompts/get", "params": {"name": "x"}});
    lab.ask(token, "/alpha/mcp", &other).status(403);
    assert_eq!(lab.arrived(), before);
    lab.call(&source, "beta", "delete_all").status(200);
}

#[test]
fn a_token_says_what_the_rfcs_want_and_nothing_of_its_source() {
    let lab = lab();
    let source = lab.token("worker");
    let (header, body) = (part(&source, 0), claims(&source));
    let token = vended(&lab, &source, &[("agent", "Claude Code"), ("expires_in", "2m"), ("scope", "worker")]);
    let (own, said) = (part(&token, 0), claims(&token));
    assert_eq!((&own["alg"], &own["typ"]), (&json!("ES256"), &json!("at+jwt")));
    assert_ne!(own["kid"], header["kid"]);
    assert_eq!((&said["iss"], &said["aud"]), (&json!(OWN), &json!([OWN])));
    assert_eq!(
        (&said["sub"], &said["client_id"], &said["scope"]),
        (&body["sub"], &body["client_id"], &json!("worker"))
    );
    assert_eq!(said["act"], json!({"sub": "Claude Code"}));
    assert_eq!(said["exp"].as_i64().unwrap() - said["iat"].as_i64().unwrap(), 120);
    assert!(said["jti"].as_str().unwrap().len() >= 22 && said["jti"] != body["jti"]);
    let signature = source.rsplit('.').next().unwrap();
    assert!(!said.to_string().contains(signature));
    assert_ne!(claims(&vended(&lab, &source, &[]))["jti"], said["jti"]);
}

#[test]
fn the_keys_and_the_metadata_are_where_clients_look() {
    let lab = Lab::with(|settings, dir| {
        vends(settings, dir, &ed25519());
        settings.vending.as_mut().unwrap().issuer = "https://gateway.test/own".into();
    });
    let get = |path: &str| lab.raw(&request("GET", path, &[("Origin", "https://page.test")], b""));
    let metadata = get("/.well-known/oauth-authorization-server/own").status(200);
    assert_eq!(metadata.header("access-control-allow-origin"), Some("*"));
    let metadata = metadata.json();
    assert_eq!(metadata["issuer"], "https://gateway.test/own");
    assert_eq!(metadata["token_endpoint"], "https://gateway.test/oauth2/token");
    assert_eq!(metadata["jwks_uri"], "https://gateway.test/.well-known/jwks.json");
    assert_eq!(metadata["grant_types_supported"], json!([EXCHANGE]));
    let keys = get("/.well-known/jwks.json").status(200).json();
    let [key] = keys["keys"].as_array().unwrap().as_slice() else { panic!("{keys}") };
    assert_eq!(
        (&key["kty"], &key["crv"], &key["alg"], &key["use"]),
        (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA"), &json!("sig"))
    );
    assert!(key.get("d").is_none(), "a private key is published");
    let token = vended(&lab, &lab.token("worker"), &[]);
    assert_eq!((&part(&token, 0)["alg"], &part(&token, 0)["kid"]), (&json!("EdDSA"), &key["kid"]));
    lab.call(&token, "alpha", "echo").status(200);
    get("/.well-known/oauth-authorization-server").status(404);
    // Clients are not sent here to log in.
    let document =
        lab.raw(&request("GET", "/.well-known/oauth-protected-resource/alpha/mcp", &[], b"")).json();
    assert_eq!(document["authorization_servers"], json!([lab.idp.issuer()]));
}

#[test]
fn a_gateway_that_vends_nothing_has_none_of_these_addresses() {
    let lab = Lab::start();
    let token = lab.token("root");
    for (method, path) in [
        ("POST", "/oauth2/token"),
        ("POST", "/api/tokens/generate"),
        ("GET", "/.well-known/jwks.json"),
        ("GET", "/.well-known/oauth-authorization-server"),
    ] {
        let headers = [("X-Authorization", format!("Bearer {token}"))];
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        lab.raw(&request(method, path, &headers, b"{}")).status(404);
    }
}

#[test]
fn the_registrys_question_is_answered_in_its_shape() {
    let lab = lab();
    let source = lab.token("root");
    let body = json!({"requested_scopes": ["root"], "expires_in_hours": 0.05, "description": "nightly job"});
    let answer = generate(&lab, &source, &body).status(200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let answer = answer.json();
    assert_eq!(answer["success"], true);
    let tokens = &answer["tokens"];
    assert_eq!(
        (&tokens["token_type"], &tokens["expires_in"], &tokens["scope"]),
        (&json!("Bearer"), &json!(180), &json!("root"))
    );
    assert_eq!((&tokens["refresh_token"], &tokens["refresh_expires_in"]), (&json!(null), &json!(0)));
    assert_eq!(answer["client_id"], "user-generated");
    assert_eq!((&answer["user_scopes"], &answer["requested_scopes"]), (&json!(["root"]), &json!(["root"])));
    assert_eq!(answer["token_data"]["description"], "nightly job");
    lab.call(tokens["access_token"].as_str().unwrap(), "beta", "secret").status(200);
    // Without a word on it: everything the owner has, for an hour at most.
    let answer = generate(&lab, &source, &json!({})).status(200).json();
    assert!(answer["tokens"]["expires_in"].as_i64().unwrap() <= 3600);
    assert_eq!(
        generate(&lab, &source, &json!({"expires_in_hours": 25})).status(400).json()["error"],
        "invalid_request"
    );
    let refused = lab.post("/api/tokens/generate", &[], b"{}").status(401);
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    assert!(refused.json()["detail"].is_string());
    generate(&lab, "nobodys", &json!({})).status(401);
    // The body of the registry's own endpoint, which believed it.
    let told = json!({"user_context": {"username": "root", "scopes": ["root"], "groups": []}, "requested_scopes": ["root"]});
    assert_eq!(generate(&lab, &lab.token("stranger"), &told).status(400).json()["error"], "invalid_request");
}

#[test]
fn more_than_one_has_is_refused_by_name() {
    let lab = lab();
    let worker = lab.token("worker");
    let [alpha, beta] = ["alpha", "beta"].map(|name| format!("{}/{name}/mcp", lab.gateway.public_url()));
    for (more, error, named) in [
        (&[("scope", "worker root")][..], "invalid_scope", "root"),
        (&[("scope", "openid")], "invalid_scope", "openid"),
        (&[("authorization_details", &*detail("beta", &["echo"]))], "invalid_scope", "server beta"),
        (
            &[("authorization_details", &*detail("alpha", &["echo", "delete_all"]))],
            "invalid_scope",
            "delete_all",
        ),
        (
            &[("authorization_details", r#"[{"type":"mcp","server":"alpha","methods":["prompts/get"]}]"#)],
            "invalid_scope",
            "prompts/get",
        ),
        (
            &[("authorization_details", &*detail("nowhere", &["echo"]))],
            "invalid_authorization_details",
            "nowhere",
        ),
        (&[("resource", "https://elsewhere.test/mcp")], "invalid_target", "elsewhere.test"),
        (&[("audience", "somebody")], "invalid_target", "somebody"),
        (&[("resource", &*beta)], "invalid_target", "/beta/mcp"),
        (&[("resource", &*alpha), ("audience", &*beta)], "invalid_target", "/beta/mcp"),
        (&[("expires_in", "25h")], "invalid_request", "expires_in"),
        (&[("actor_token", "x")], "invalid_request", "agent"),
    ] {
        let answer = exchange(&lab, &worker, more).status(400).json();
        assert_eq!(answer["error"], error, "{more:?} {answer}");
        let description = answer["error_description"].as_str().unwrap();
        assert!(description.contains(named), "{more:?} {description}");
        assert!(!description.contains("worker,") && !description.contains("eyJ"), "{description}");
    }
    let stranger = exchange(&lab, &lab.token("stranger"), &[]).status(400).json();
    assert_eq!(stranger["error"], "invalid_scope");
    assert_eq!(entries(&lab), []);
}

#[test]
fn a_misspelt_tool_is_said_where_the_tools_are_known() {
    let lab = lab();
    let (root, worker) = (lab.token("root"), lab.token("worker"));
    let ask = |token: &str, tool: &str| {
        exchange(&lab, token, &[("authorization_details", &detail("alpha", &[tool]))])
    };
    // Nothing is known of alpha yet.
    ask(&root, "ecko").status(200);
    lab.ask(&root, "/alpha/mcp", &list()).status(200);
    until("alpha's tools are known", || ask(&root, "zzz").status == 400);
    for (tool, words) in
        [("ecko", "did you mean echo?"), ("Echo", "did you mean echo?"), ("zzz", "alpha has no tool zzz")]
    {
        let answer = ask(&root, tool).status(400).json();
        assert_eq!(answer["error"], "invalid_authorization_details");
        assert!(answer["error_description"].as_str().unwrap().contains(words), "{answer}");
    }
    for known in ["echo", "*"] {
        ask(&root, known).status(200);
    }
    // A tool that somebody may not see is not suggested to them.
    for tool in ["delete_al", "secre"] {
        let said = ask(&worker, tool).status(400).json()["error_description"].to_string();
        assert!(!said.contains("did you mean") && !said.contains("delete_all"), "{said}");
    }
}

#[test]
fn nobody_vends_without_a_live_token_and_no_vended_one_does() {
    let lab = lab();
    let root = lab.token("root");
    let token = vended(&lab, &root, &[]);
    let answer = exchange(&lab, &token, &[]).status(400).json();
    assert_eq!(answer["error"], "invalid_request");
    assert!(answer["error_description"].as_str().unwrap().contains("vended"), "{answer}");
    generate(&lab, &token, &json!({})).status(400);
    let cut = root.get(..root.len() - 4).unwrap();
    for bad in ["", "opaque", cut, "a.b.c"] {
        assert_eq!(exchange(&lab, bad, &[]).status(400).json()["error"], "invalid_request", "{bad}");
    }
    lab.reload("revoked", &format!("jti: {}\n", claims(&root)["jti"].as_str().unwrap()), "in force");
    assert_eq!(exchange(&lab, &root, &[]).status(400).json()["error"], "invalid_request");
    // What was derived from it goes with it.
    lab.call(&token, "alpha", "echo").status(401);
    for (method, path) in [
        ("POST", "/internal/tokens"),
        ("GET", "/api/admin/tokens"),
        ("GET", "/oauth2/token"),
        ("GET", "/api/tokens/generate"),
    ] {
        let answer = lab.raw(&request(method, path, &[], b""));
        assert!([404, 405].contains(&answer.status), "{path}: {}", answer.status);
    }
    assert_eq!(entries(&lab).len(), 1);
}

#[test]
fn a_page_of_another_origin_vends_nothing() {
    let lab = lab();
    let bearer = format!("Bearer {}", lab.token("root"));
    let headers = [("Origin", "https://evil.test"), ("X-Authorization", bearer.as_str())];
    lab.post("/api/tokens/generate", &headers, b"{}").status(403);
    lab.post("/oauth2/token", &headers, b"").status(403);
    assert_eq!(entries(&lab), []);
}

#[test]
fn a_token_is_posted_for() {
    let lab = lab();
    for (method, path) in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]
        .iter()
        .flat_map(|method| [(method, "/oauth2/token"), (method, "/api/tokens/generate")])
    {
        let answer = lab.raw(&request(method, path, &[], b"")).status(405);
        assert_eq!(answer.header("allow"), Some("POST"), "{method} {path}");
    }
}

#[test]
fn what_the_gateway_publishes_is_only_read() {
    let lab = lab();
    let paths = [
        "/healthz",
        "/readyz",
        "/.well-known/jwks.json",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-protected-resource/alpha/mcp",
        "/.well-known/oauth-protected-resource/unknown/mcp",
    ];
    for path in paths {
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            let answer = lab.raw(&request(method, path, &[], b"{}")).status(405);
            assert_eq!(answer.header("allow"), Some("GET, HEAD"), "{method} {path}");
        }
        assert_ne!(lab.raw(&request("HEAD", path, &[], b"")).status, 405, "{path}");
    }
    // A gateway that vends nothing has no such documents.
    let other = Lab::start();
    for (path, status) in [(paths[2], 404), (paths[3], 404), (paths[4], 405)] {
        other.raw(&request("POST", path, &[], b"")).status(status);
    }
}

#[test]
fn a_token_that_no_request_can_carry_is_not_vended_and_large_ones_block_nobody() {
    let lab = lab();
    let wordy = |tools: usize| {
        let tools: Vec<String> = (0..tools).map(|n| format!("{n:0>100}")).collect();
        let detail = json!([{"type": "mcp", "server": "gamma", "tools": tools}]);
        exchange(&lab, &lab.token("root"), &[("authorization_details", &detail.to_string())])
    };
    let answer = wordy(200).status(400).json();
    assert_eq!(answer["error"], "invalid_request");
    assert!(answer["error_description"].as_str().unwrap().contains("no request could carry it"), "{answer}");
    assert_eq!(entries(&lab), []);
    let token = wordy(90).status(200).json()["access_token"].as_str().unwrap().to_owned();
    assert!(token.len() > 10_000);
    assert_eq!(lab.call(&token, "gamma", "echo").status, 403);
    // A day of such tokens of some people.
    let line = std::fs::read_to_string(lab.path("vended.jsonl")).unwrap();
    let mut other: Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
    other["vended"]["owner"] = json!("others");
    let text: String = (0..500)
        .map(|n| {
            other["vended"]["jti"] = json!(format!("other-{n}"));
            format!("{other}\n")
        })
        .collect();
    assert!(text.len() > 4 << 20, "{}", text.len());
    private_file::append(&lab.path("vended.jsonl"), &text).unwrap();
    vended(&lab, &lab.token("worker"), &[]);
    assert_eq!(entries(&lab).len(), 502);
}

#[test]
fn no_token_outlives_its_source_unless_that_is_meant() {
    for beyond in [false, true] {
        let lab = Lab::with(|settings, dir| {
            vends(settings, dir, &p256());
            settings.vending.as_mut().unwrap().beyond_source = beyond;
        });
        let source = lab.token("worker");
        let end = claims(&source)["exp"].as_i64().unwrap();
        let token = claims(&vended(&lab, &source, &[("expires_in", "24h")]));
        let (start, exp) = (token["iat"].as_i64().unwrap(), token["exp"].as_i64().unwrap());
        assert!(end - start < 24 * 3600, "the source is to end before");
        assert_eq!(exp, if beyond { start + 24 * 3600 } else { end });
    }
}

#[test]
fn a_token_for_one_resource_opens_that_server_alone() {
    let lab = lab();
    let resource = format!("{}/alpha/mcp", lab.gateway.public_url());
    let token = vended(&lab, &lab.token("root"), &[("resource", &resource)]);
    assert_eq!(claims(&token)["aud"], json!([resource]));
    lab.call(&token, "alpha", "delete_all").status(200);
    lab.call(&token, "beta", "echo").status(401);
    // A server at the gateway's own name takes nothing of it.
    let server = json!({"path": "/own", "proxy_pass_url": OWN, "auth_type": "none"});
    std::fs::write(lab.path("servers/own.json"), server.to_string()).unwrap();
    lab.gateway.reload();
    until("the server", || lab.call(&lab.token("root"), "own", "echo").status != 404);
    for own in [OWN, OWN.trim_end_matches('/')] {
        assert_eq!(claims(&vended(&lab, &lab.token("root"), &[("resource", own)]))["aud"], json!([OWN]));
    }
    let whole = vended(&lab, &lab.token("root"), &[("resource", lab.gateway.public_url())]);
    lab.call(&whole, "beta", "echo").status(200);
}

#[test]
fn what_the_policy_takes_from_the_owner_it_takes_from_the_token() {
    let lab = lab();
    let token = vended(&lab, &lab.token("worker"), &[("authorization_details", &detail("alpha", &["echo"]))]);
    lab.call(&token, "alpha", "echo").status(200);
    let without = POLICY.replacen("tools: [echo]", "tools: [other]", 2);
    lab.reload("scopes.yml", &without, "in force");
    lab.call(&token, "alpha", "echo").status(403);
    // What comes to the owner does not come to the token.
    let with = POLICY.replacen("tools: [echo]", "tools: [echo, delete_all]", 2);
    lab.reload("scopes.yml", &with, "in force");
    lab.call(&lab.token("worker"), "alpha", "delete_all").status(200);
    lab.call(&token, "alpha", "delete_all").status(403);
    lab.call(&token, "alpha", "echo").status(200);
}

#[test]
fn a_revoked_token_opens_nothing_in_any_gateway_that_shares_the_files() {
    let lab = lab();
    let source = lab.token("worker");
    let (one, two) = (vended(&lab, &source, &[("agent", "a")]), vended(&lab, &source, &[("agent", "b")]));
    let entries = entries(&lab);
    assert_eq!(
        entries.iter().map(|entry| entry.agent.as_deref()).collect::<Vec<_>>(),
        [Some("a"), Some("b")]
    );
    let ledger = std::fs::read_to_string(lab.path("vended.jsonl")).unwrap();
    for secret in [&source, &one, &two] {
        assert!(!ledger.contains(secret.rsplit('.').next().unwrap()), "a token is in the ledger");
    }
    assert_eq!(private_file::mode(&lab.path("vended.jsonl")), Some(0o600));
    // A second gateway with the same files, which has never seen these tokens.
    let second = Lab::with(|settings, dir| {
        vends(settings, dir, &p256());
        settings.issuers = vec![crate::support::lab::issuer(lab.idp.issuer())];
        settings.vending.as_mut().unwrap().key = lab.path("keys");
        settings.vending.as_mut().unwrap().ledger = lab.path("vended.jsonl");
    });
    for gateway in [&lab, &second] {
        gateway.call(&one, "alpha", "echo").status(200);
        gateway.call(&two, "alpha", "echo").status(200);
    }
    std::fs::write(lab.path("revoked"), format!("jti: {}\n", entries[0].jti)).unwrap();
    for gateway in [&lab, &second] {
        until("revoked", || gateway.call(&one, "alpha", "echo").status == 401);
        gateway.call(&two, "alpha", "echo").status(200);
        let answer = gateway.call(&one, "alpha", "echo");
        assert!(answer.header("www-authenticate").unwrap().contains("revoked"), "{answer:?}");
    }
    lab.call(&source, "alpha", "echo").status(200);
}

#[test]
fn the_ledger_and_the_audit_say_who_used_what() {
    let lab = lab();
    let token = vended(&lab, &lab.token("worker"), &[("agent", "Claude")]);
    let jti = claims(&token)["jti"].as_str().unwrap().to_owned();
    assert_eq!(entries(&lab)[0].used_at, None);
    let before = clock::now();
    lab.call(&token, "alpha", "echo").status(200);
    until("the use is noted", || entries(&lab)[0].used_at.is_some());
    let used = entries(&lab)[0].used_at.unwrap();
    assert!(used % 60 == 0 && used > before - 60 && used <= clock::now());
    let kept = lab.kept.clone();
    drop(lab);
    let lines = kept.lines();
    let made = lines.iter().find(|line| line["vended"] == jti.as_str()).unwrap();
    assert_eq!(
        (&made["client"], &made["status"], &made["verdict"]),
        (&json!("worker"), &json!(200), &json!("answered"))
    );
    let used = lines.iter().find(|line| line["token"] == jti.as_str()).unwrap();
    assert_eq!(
        (&used["agent"], &used["client"], &used["name"]),
        (&json!("Claude"), &json!("worker"), &json!("echo"))
    );
    assert!(!kept.audit_text().contains(token.rsplit('.').next().unwrap()));
    assert!(kept.events().iter().all(|event| !event.contains(&token)));
}

#[test]
fn one_person_has_ten_tokens_an_hour() {
    let lab = lab();
    for place in 0..10 {
        // Another token of the same person is not another person.
        vended(&lab, &lab.token("worker"), &[("agent", &place.to_string())]);
    }
    let answer = exchange(&lab, &lab.token("worker"), &[]).status(429);
    let seconds: i64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((3500..=3600).contains(&seconds), "{seconds}");
    assert_eq!(answer.json()["error"], "slow_down");
    generate(&lab, &lab.token("worker"), &json!({})).status(429);
    vended(&lab, &lab.token("reader"), &[]);
    assert_eq!(entries(&lab).len(), 11);
}

#[test]
fn a_key_is_rotated_without_a_token_lost() {
    let lab = lab();
    let source = lab.token("worker");
    let old = vended(&lab, &source, &[]);
    let published = |count: usize| {
        let keys = lab.raw(&request("GET", "/.well-known/jwks.json", &[], b"")).json();
        keys["keys"].as_array().unwrap().len() == count
    };
    private_file::write(&lab.path("keys/two.pem"), &ed25519()).unwrap();
    std::fs::write(lab.path("keys/readme.txt"), "no key").unwrap();
    lab.gateway.reload();
    until("both keys are published", || published(2));
    let new = vended(&lab, &source, &[]);
    assert_eq!((&part(&old, 0)["alg"], &part(&new, 0)["alg"]), (&json!("ES256"), &json!("EdDSA")));
    for token in [&old, &new] {
        lab.call(token, "alpha", "echo").status(200);
    }
    private_file::remove(&lab.path("keys/one.pem")).unwrap();
    lab.gateway.reload();
    until("one key is published", || published(1));
    lab.call(&old, "alpha", "echo").status(401);
    lab.call(&new, "alpha", "echo").status(200);
    // A file that is not a key changes nothing.
    private_file::write(&lab.path("keys/three.pem"), "nonsense").unwrap();
    lab.gateway.reload();
    until("it is said", || lab.kept.events().iter().any(|event| event.contains("three.pem")));
    lab.call(&vended(&lab, &source, &[]), "alpha", "echo").status(200);
}

#[test]
fn a_server_behind_never_gets_a_vended_token() {
    let lab = lab();
    let source = lab.token("root");
    let token = vended(&lab, &source, &[]);
    let other = vended(&lab, &source, &[]);
    let body = call("echo").to_string();
    let bearer = |token: &str| format!("Bearer {token}");
    // gamma gets the caller's own `Authorization`.
    for (own, outside, more) in [
        (&token, "Bearer outside".to_owned(), "plain".to_owned()),
        (&token, bearer(&token), bearer(&token)),
        (&token, bearer(&other), format!("key={other}; x")),
        (&source, bearer(&other), other.clone()),
        (&source, format!("Token \"{token}\""), format!("[{token},1]")),
    ] {
        let headers = [("X-Authorization", bearer(own)), ("Authorization", outside), ("X-Api-Key", more)];
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        lab.post("/gamma/mcp", &headers, body.as_bytes()).status(200);
    }
    let standard = lab.post("/gamma/mcp", &[("Authorization", &bearer(&token))], body.as_bytes());
    standard.status(200);
    let arrived = lab.gamma.arrived();
    assert_eq!(arrived.len(), 6);
    let seen = format!("{:?}", arrived.iter().map(|one| &one.headers).collect::<Vec<_>>());
    for secret in [&token, &other] {
        assert!(!seen.contains(secret.rsplit('.').next().unwrap()), "{seen}");
    }
    assert!(seen.contains("Bearer outside") && seen.contains("plain"), "{seen}");
}
