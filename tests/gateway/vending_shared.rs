//! The gateway's own tokens where several things meet: gateways that share their files, open streams, calls through `call_tool`, and
//! requests that are not quite those of RFC 8693. Not here: single tokens (see `vending`); forged ones (see `vending_attacks`).
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests lay out the gateway's files")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use mcpauth::gateway::settings::{Introspection, IssuerSettings, Mcpgw};
use mcpauth::gateway::token_ledger::Ledger;
use serde_json::json;

use super::vending::{claims, detail, exchange, lab, p256, vended, vends};
use super::vending_cli::operator;
use crate::support::lab::{Lab, issuer, own_server, request, until};
use crate::support::mint::Mint;
use crate::support::upstream::{Listening, Upstream, begin, event, gone, push};

const FORM: &str = "application/x-www-form-urlencoded";

/// A second gateway with the same keys, ledger, policy and list of the revoked.
fn second(first: &Lab) -> Lab {
    Lab::with(|settings, dir| {
        vends(settings, dir, &p256());
        settings.issuers = vec![issuer(first.idp.issuer())];
        let vending = settings.vending.as_mut().unwrap();
        (vending.key, vending.ledger) = (first.path("keys"), first.path("vended.jsonl"));
    })
}

fn endless() -> Upstream {
    Upstream::start(|_, stream| {
        begin(stream, "200 OK\r\ncontent-type: text/event-stream");
        push(stream, &event(&json!({"jsonrpc": "2.0", "method": "notifications/progress"})));
        gone(stream);
    })
}

#[test]
fn tokens_revoked_by_owner_and_all_at_once_are_refused_by_every_gateway() {
    let one = lab();
    let two = second(&one);
    let operator = operator(&one);
    let (worker, reader, root) = (one.token("worker"), one.token("reader"), one.token("root"));
    let tokens = [&worker, &worker, &reader, &root].map(|source| vended(&one, source, &[]));
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let open = |lab: &Lab| tokens.each_ref().map(|token| lab.ask(token, "/alpha/mcp", &list).status);
    assert_eq!((open(&one), open(&two)), ([200; 4], [200; 4]));
    let owner = claims(&tokens[0])["sub"].as_str().unwrap().to_owned();
    operator.run(&["gateway", "token", "revoke", "--owner", &owner]).code(0);
    for lab in [&one, &two] {
        until("the owner's are refused", || open(lab) == [401, 401, 200, 200]);
    }
    let unknown = operator.run(&["gateway", "token", "revoke", "--owner", "nobody"]).code(2);
    assert!(unknown.stderr.contains("mcpauth gateway token list"), "{unknown:?}");
    operator.run(&["gateway", "token", "revoke", "--all"]).code(0);
    for lab in [&one, &two] {
        until("all are refused", || open(lab) == [401; 4]);
    }
    // Their owners go on, and have new ones made, at either gateway.
    let new = vended(&two, &worker, &[]);
    for lab in [&one, &two] {
        lab.call(&worker, "alpha", "echo").status(200);
        lab.call(&new, "alpha", "echo").status(200);
    }
    // How many somebody has had counts over both.
    for place in 0..20 {
        let answer = exchange(if place % 2 == 0 { &one } else { &two }, &worker, &[]);
        if answer.status == 429 {
            assert_eq!(place, 7, "three were had before");
            return;
        }
    }
    panic!("nobody counts");
}

#[test]
fn an_open_stream_ends_with_its_vended_token() {
    let upstream = endless();
    let lab = Lab::with(|settings, dir| {
        vends(settings, dir, &p256());
        settings.limits.keep_alive_interval = 3600;
        own_server(dir, "delta", &upstream.base, "streamable-http");
    });
    let source = lab.token("worker");
    let (one, two) = (vended(&lab, &source, &[]), vended(&lab, &source, &[]));
    let jti = |token: &str| claims(token)["jti"].as_str().unwrap().to_owned();
    let open = |token: &str| {
        let bearer = format!("Bearer {token}");
        let mut stream = Listening::send(
            &lab,
            &request(
                "POST",
                "/delta/mcp",
                &[("X-Authorization", &bearer)],
                crate::support::lab::ALLOWED.as_bytes(),
            ),
        );
        stream.hear("notifications/progress");
        stream
    };
    let (first, mut other) = (open(&one), open(&two));
    std::fs::write(lab.path("revoked"), format!("jti: {}\n", jti(&one))).unwrap();
    first.end();
    assert!(!other.so_far().contains("\r\n0\r\n"), "another token's stream ends too");
    // The source is revoked, and with it the token derived from it.
    std::fs::write(lab.path("revoked"), format!("jti: {}\n", jti(&source))).unwrap();
    other.end();
}

/// What a vended token names holds for calls through `call_tool` and for what is found, as for direct calls.
#[test]
fn a_vended_token_calls_and_finds_through_mcpgw_what_it_names() {
    let lab = Lab::with(|settings, dir| {
        vends(settings, dir, &p256());
        settings.mcpgw = Mcpgw { call_tool: true, ..Mcpgw::default() };
        let path = dir.join("servers/alpha.json");
        let mut file: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        file["tool_list"] =
            json!([{"name": "echo", "description": "Says it"}, {"name": "secret", "description": "Says it"}]);
        std::fs::write(path, file.to_string()).unwrap();
    });
    let own = |tool: &str, arguments: serde_json::Value| json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": tool, "arguments": arguments}});
    let through = |token: &str, server: &str, tool: &str| {
        lab.ask(token, "/mcpgw/mcp", &own("call_tool", json!({"server": server, "tool": tool}))).status
    };
    let root = lab.token("root");
    let both = json!([{"type": "mcp", "server": "alpha", "tools": ["echo"]},
        {"type": "mcp", "server": "mcpgw", "tools": ["call_tool", "intelligent_tool_finder"]}]);
    let token = vended(&lab, &root, &[("authorization_details", &both.to_string())]);
    assert_eq!(through(&token, "alpha", "echo"), 200);
    assert_eq!(through(&token, "alpha", "secret"), 403);
    assert_eq!(through(&token, "beta", "echo"), 403);
    let found = lab.ask(
        &token,
        "/mcpgw/mcp",
        &own("intelligent_tool_finder", json!({"query": "says it", "top_n": 50})),
    );
    let found = found.status(200).json()["result"]["structuredContent"]["results"].clone();
    let names: Vec<&str> =
        found.as_array().unwrap().iter().map(|one| one["tool_name"].as_str().unwrap()).collect();
    assert_eq!(names, ["echo"]);
    lab.ask(&token, "/mcpgw/mcp", &own("list_services", json!({}))).status(403);
    // It is told what it is limited to, and by whose rights.
    let who = detail("mcpgw", &["debug_auth_context"]);
    let who = vended(&lab, &root, &[("authorization_details", &who), ("agent", "Claude")]);
    let context = lab.ask(&who, "/mcpgw/mcp", &own("debug_auth_context", json!({}))).status(200);
    assert!(!context.text().contains(who.rsplit('.').next().unwrap()));
    let context = context.json()["result"]["structuredContent"].clone();
    let limits = &context["token"]["vended"];
    assert_eq!((&context["subject"], &limits["agent"]), (&json!("root"), &json!("Claude")));
    assert_eq!(limits["id"], claims(&who)["jti"]);
    assert_eq!(limits["authorization_details"][0]["tools"], json!(["debug_auth_context"]));
    // One that names the tool alone cannot go through `mcpgw`, and one that names `mcpgw` alone reaches nothing through it.
    let direct = vended(&lab, &root, &[("authorization_details", &detail("alpha", &["echo"]))]);
    assert_eq!((through(&direct, "alpha", "echo"), lab.call(&direct, "alpha", "echo").status), (403, 200));
    let only = vended(&lab, &root, &[("authorization_details", &detail("mcpgw", &["call_tool"]))]);
    assert_eq!(through(&only, "alpha", "echo"), 403);
    let resource = format!("{}/mcpgw/mcp", lab.gateway.public_url());
    let only = vended(&lab, &root, &[("resource", &resource)]);
    assert_eq!(through(&only, "alpha", "echo"), 403);
    // It vends nothing itself, by no way.
    assert_eq!(exchange(&lab, &token, &[]).status(400).json()["error"], "invalid_request");
}

/// The token endpoint reads one form, and what it cannot read makes no token.
#[test]
fn a_request_that_is_not_quite_one_makes_no_token() {
    let lab = lab();
    let token = lab.token("root");
    let good = format!(
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token={token}\
         &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"
    );
    let post = |kind: &str, body: &str| lab.post("/oauth2/token", &[("Content-Type", kind)], body.as_bytes());
    for kind in
        [FORM, "application/x-www-form-urlencoded; charset=UTF-8", "Application/X-WWW-Form-Urlencoded"]
    {
        post(kind, &good).status(200);
    }
    let made = || Ledger::at(&lab.path("vended.jsonl")).entries().unwrap().len();
    assert_eq!(made(), 3);
    for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x", ""] {
        assert!((400..416).contains(&post(kind, &good).status), "{kind}");
    }
    let json =
        json!({"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": token});
    post("application/json", &json.to_string()).status(400);
    for (change, words) in [
        ("&subject_token=other", "subject_token occurs more than once"),
        ("&grant_type=client_credentials", "grant_type occurs more than once"),
        ("&scope=root&scope=root", "scope occurs more than once"),
        ("&expires_in=60&expires_in=60", "expires_in occurs more than once"),
        ("&authorization_details=%5B%5D", "authorization_details is empty"),
        ("&authorization_details=%7B", "array of objects"),
        ("&authorization_details=%00", "array of objects"),
        ("&actor_token=x&actor_token_type=y", "actor_token is not accepted"),
        ("&requested_token_type=urn:ietf:params:oauth:token-type:saml2", "requested_token_type must be"),
        ("&resource=alpha", "is not a server behind this gateway"),
        ("&resource=/alpha/mcp", "is not a server behind this gateway"),
        ("&resource=http://localhost/alpha/mcp%23x", "is not a server behind this gateway"),
        ("&audience=root", "is not a server behind this gateway"),
        ("&expires_in=0", "expires_in"),
        ("&expires_in=-5", "expires_in"),
        ("&expires_in=86401", "expires_in"),
        ("&expires_in=soon", "expires_in"),
        ("&agent=%0A", ""),
        ("&agent=a%0Ab", "agent must be one line"),
    ] {
        let answer = post(FORM, &format!("{good}{change}"));
        if words.is_empty() {
            answer.status(200);
            continue;
        }
        let answer = answer.status(400);
        let object = answer.json();
        let description = object["error_description"].as_str().unwrap();
        assert!(description.contains(words), "{change}: {description}");
        assert!(object["error"].is_string() && !answer.text().contains(&token), "{change}: {answer:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{change}");
    }
    for without in ["grant_type", "subject_token", "subject_token_type"] {
        let parts = good.split('&').filter(|part| !part.starts_with(&format!("{without}=")));
        let answer = post(FORM, &parts.collect::<Vec<_>>().join("&")).status(400).json();
        assert!(answer["error_description"].as_str().unwrap().contains(without), "{answer}");
    }
    let huge = format!("{good}&description={}", "x".repeat(70_000));
    assert!([400, 413].contains(&post(FORM, &huge).status));
    assert_eq!(made(), 4);
}

/// Several resources are as many servers, and one that is elsewhere spoils them all.
#[test]
fn a_token_for_several_resources_opens_those() {
    let lab = lab();
    let (root, base) = (lab.token("root"), lab.gateway.public_url().to_owned());
    let [alpha, beta] = ["alpha", "beta"].map(|name| format!("{base}/{name}/mcp"));
    let token = vended(&lab, &root, &[("resource", &alpha), ("audience", &beta)]);
    assert_eq!(claims(&token)["aud"], json!([alpha, beta]));
    for (server, status) in [("alpha", 200), ("beta", 200), ("gamma", 401), ("mcpgw", 401)] {
        assert_eq!(lab.call(&token, server, "echo").status, status, "{server}");
    }
    let answer =
        exchange(&lab, &root, &[("resource", &alpha), ("resource", "https://elsewhere.test/")]).status(400);
    assert_eq!(answer.json()["error"], "invalid_target");
    let generated =
        lab.ask(&root, "/api/tokens/generate", &json!({"resource": [alpha, beta]})).status(200).json();
    let token = generated["tokens"]["access_token"].as_str().unwrap();
    assert_eq!(lab.call(token, "gamma", "echo").status, 401);
    let answer = lab.ask(&root, "/api/tokens/generate", &json!({"resource": []})).status(400).json();
    assert_eq!(answer["error"], "invalid_request");
}

/// An opaque token that its issuer vouches for is a live token too; the token derived from it says what the issuer said of its owner.
#[test]
fn an_introspected_token_is_exchanged_like_any_other() {
    let active = Arc::new(AtomicBool::new(true));
    let (asked, claims_of) = (active.clone(), Arc::new(Mutex::new(json!({}))));
    let script = claims_of.clone();
    let mint = Mint::with(&[], move |_| {
        let mut reply = script.lock().unwrap().clone();
        reply["active"] = json!(asked.load(Ordering::Relaxed));
        (200, reply.to_string())
    });
    *claims_of.lock().unwrap() = mint.claims(json!({"scope": "worker"}));
    let lab = Lab::with(|settings, dir| {
        vends(settings, dir, &p256());
        let client_secret = dir.join("secret");
        mcpauth::sys::private_file::write(&client_secret, "s").unwrap();
        let endpoint = Some(format!("{}/introspect", mint.issuer()));
        let introspection = Introspection { endpoint, client_id: "gateway".into(), client_secret, cache: 1 };
        settings.issuers = vec![IssuerSettings { introspection: Some(introspection), ..mint.settings() }];
    });
    let token = vended(&lab, "opaque-token", &[("authorization_details", &detail("alpha", &["echo"]))]);
    assert_eq!(claims(&token)["owner"]["iss"], mint.issuer());
    lab.call(&token, "alpha", "echo").status(200);
    lab.call(&token, "alpha", "delete_all").status(403);
    active.store(false, Ordering::Relaxed);
    until("it is no longer live", || exchange(&lab, "opaque-token", &[]).status == 400);
}
