//! What the gateway counts, writes and answers, from a gateway that runs: metrics, the members of the audit's lines, and
//! the reasons of refusals.

use std::collections::{BTreeMap, BTreeSet};

use hyper::StatusCode;
use serde_json::Value;

use crate::support::face::FaceLab;
use crate::support::lab::{Lab, POLICY, list, until};
use crate::support::wire::get;

use super::generated::{code, expect_part, table};
use super::root;

/// The members of an audit line, in their order.
const MEMBERS: &[(&str, &str)] = &[
    ("time", "when the request came, UTC, RFC 3339"),
    ("id", "the `X-Request-Id` of the answer and of the request to the server"),
    ("address", "the client's address: the connection's, or what a proxy of `trusted_proxies` forwards"),
    ("issuer", "the token's issuer"),
    ("subject", "the token's `sub`"),
    ("client", "the token's client"),
    ("user", "the token's user name, if it has one"),
    ("http", "the HTTP method"),
    ("server", "the MCP server's name"),
    ("method", "the MCP method"),
    ("name", "the tool, prompt or resource"),
    (
        "verdict",
        "`allowed`, `refused`, `answered` by the gateway itself, or `changed`: somebody changed the registry",
    ),
    ("rule", "the scope and its entry that allowed it, as in `mcp-servers-restricted/execute[2]`"),
    ("reason", "why it was refused, [one of these](#reasons)"),
    ("shadow", "what the shadow policy would have said: `allowed` or `refused`"),
    ("status", "the HTTP status of the answer"),
    ("gateway_us", "microseconds in the gateway"),
    ("server_us", "microseconds until the server began to answer"),
    (
        "change",
        "what was done to the registry: `added`, `edited`, `switched on`, `switched off` or `removed`",
    ),
    (
        "before",
        "`server_name` and `enabled` before the change, as far as it is about them; null for a server that was added",
    ),
    ("after", "the same after it; null for a server that was removed"),
    ("members", "the names of the members of the server's file that are different, and never their values"),
];

/// Every reason and its cause, in the order of the steps.
const REASONS: &[(&str, &str)] = &[
    ("unreadable", "the bytes are no HTTP request"),
    ("host", "the `Host` is not one of the gateway's"),
    ("origin", "the web page's `Origin` is not in `origins`"),
    ("http_method", "neither POST, GET, DELETE nor a preflight"),
    ("path", "an ambiguous path: dot segments, `//`, encoded slashes"),
    ("no_server", "there is no server at this path"),
    ("server_down", "the server is switched off, or fails its health checks"),
    ("busy", "too many requests under way"),
    ("audit", "the audit cannot be written"),
    ("no_token", "no token"),
    ("credentials", "two credentials, or a credential header that cannot be read"),
    ("header", "the token's JOSE header is not acceptable"),
    ("algorithm", "the token is signed with an algorithm that is not in `algorithms`"),
    ("key", "the issuer has no such key"),
    ("signature", "the signature is wrong"),
    ("issuer", "the token's issuer is not in `issuers`"),
    ("expired", "the token expired"),
    ("not_yet", "the token is not valid yet"),
    ("audience", "the token is for another audience"),
    ("kind", "an ID token, a refresh token, or another token that is no access token"),
    ("binding", "the token is bound to a key (`cnf`), which the gateway does not support"),
    ("inactive", "introspection says that the token is not active"),
    ("mismatch", "the identity headers contradict the token"),
    ("revoked", "the token, its subject or its client is revoked"),
    ("issuer_down", "no keys, or no answer, from the issuer"),
    ("token_rate", "too many unknown tokens from this address"),
    ("issuer_rate", "too many unknown tokens from all addresses"),
    ("caller_busy", "the caller has too many requests or streams under way"),
    ("caller_memory", "the caller's requests and lists take too much memory"),
    ("rate_limited", "the caller made too many requests in a minute"),
    ("request_timeout", "the request did not arrive in time"),
    ("too_large", "the body is too large"),
    ("media_type", "the body is not `application/json`, or is compressed"),
    ("malformed", "not one JSON-RPC message with one meaning; with 401, not a well-formed token"),
    ("header_mismatch", "a mirrored header contradicts the body"),
    ("no_scopes", "the policy knows none of the caller's groups or scopes"),
    ("server_not_allowed", "nothing that the caller was granted is about this server"),
    ("method_not_allowed", "this method is not granted on this server"),
    ("name_not_allowed", "this tool, prompt or resource is not granted"),
    ("unknown_method", "MCP has no such method, and the policy does not name it"),
    ("session", "there is no such session, or it is another caller's"),
    ("redirect", "the server redirects to another origin or with another status than 307 or 308"),
    (
        "unreachable",
        "the server cannot be reached, its does not trust the server's certificate, or its answer is of no use",
    ),
    ("egress_refused", "the server answered 401 to the credential that it got, or to none"),
    ("no_egress", "the gateway has no stored credential for this server"),
    ("long_session", "the server's session name is too long to be sealed"),
    ("unreadable_list", "the server's list cannot be read, so it cannot be filtered"),
    ("ledger", "the gateway cannot write its ledger of vended tokens"),
    ("vending_rate", "this person has had ten vended tokens in an hour"),
    ("upstream_timeout", "the server did not begin to answer in time"),
    ("gone", "the caller left before the answer"),
];

/// Those that are written down below the line of steps, where there is no rejection.
const BELOW: [(&str, u16); 2] = [("unreadable", 400), ("gone", 499)];

/// A gateway that has allowed and refused something, and read a changed file.
fn lab() -> Lab {
    let lab = Lab::with(|settings, dir| {
        let shadow = dir.join("shadow.yml");
        mcpauth::sys::private_file::write(&shadow, POLICY).unwrap();
        settings.shadow = Some(shadow);
        settings.admin = Some(([127, 0, 0, 1], 0).into());
        settings.health.interval = 1;
    });
    let token = lab.token("worker");
    lab.call(&token, "alpha", "echo").status(200);
    lab.ask(&token, "/alpha/mcp", &list()).status(200);
    lab.call(&token, "alpha", "delete_all").status(403);
    lab.reload("scopes.yml", &format!("{POLICY}\n"), "policy");
    lab
}

/// The lines about every kind of change, by somebody who has a name.
fn changes() -> Vec<Value> {
    const NEW: &str = "name=New&path=new&proxy_pass_url=http%3A%2F%2F127.0.0.1%3A9%2F";
    let face = FaceLab::start();
    let admin = face.token("admins");
    for (path, form, status) in [
        ("/api/register", NEW, 201),
        ("/api/edit/new", "description=Another", 200),
        ("/api/toggle/new", "enabled=on", 200),
        ("/api/toggle/new", "", 200),
    ] {
        face.post(&admin, path, form).status(status);
    }
    let lines = || {
        let lines = face.lab.kept.lines();
        lines.into_iter().filter(|line| line["verdict"] == "changed").collect::<Vec<_>>()
    };
    until("every change is recorded", || lines().len() == 4);
    let changes: Vec<_> = lines().iter().map(|line| line["change"].as_str().unwrap().to_owned()).collect();
    assert_eq!(changes, ["added", "edited", "switched on", "switched off"]);
    lines()
}

/// A metric's samples are named by it and an ending.
fn labels(text: &str, name: &str) -> BTreeSet<String> {
    let rows = text.lines().filter_map(|line| line.strip_prefix(name)).filter(|rest| rest.contains('{'));
    let inside = rows.filter_map(|rest| Some(rest.split_once('{')?.1.rsplit_once('}')?.0.to_owned()));
    let names = inside.flat_map(|labels| {
        labels.split("\",").filter_map(|label| Some(label.split_once('=')?.0.to_owned())).collect::<Vec<_>>()
    });
    names.filter(|name| name != "le").collect()
}

#[test]
fn the_metrics_are_those_of_a_gateway() {
    let lab = lab();
    let metrics = || get(&format!("http://{}/metrics", lab.gateway.admin().unwrap())).body;
    until("a health check", || metrics().contains("mcp_health_checks_total{"));
    let text = metrics();
    let mut help = BTreeMap::new();
    for line in text.lines() {
        if let Some((name, about)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            help.insert(name.to_owned(), about.trim_end_matches('.').to_owned());
        }
    }
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let mut rows: Vec<Vec<String>> = types
        .map(|(name, kind)| {
            let full = if kind == "counter" { format!("{name}_total") } else { name.to_owned() };
            let labels: Vec<_> = labels(&text, name).iter().map(|label| code(label)).collect();
            vec![code(&full), kind.into(), labels.join(" "), help[name].clone()]
        })
        .collect();
    rows.sort();
    assert!(rows.len() >= 14, "{rows:?}");
    expect_part("metrics", &table(&["metric", "type", "labels", "meaning"], rows));
}

#[test]
fn the_audits_members_are_those_of_its_lines() {
    let lab = lab();
    let kept = lab.kept.clone();
    drop(lab);
    let lines = [kept.lines(), changes()].concat();
    let seen: BTreeSet<String> =
        lines.iter().flat_map(|line| line.as_object().unwrap().keys().cloned()).collect();
    let named: BTreeSet<String> = MEMBERS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(seen, named);
    let order = |name: &String| MEMBERS.iter().position(|(known, _)| known == name);
    for line in &lines {
        let places: Vec<_> = line.as_object().unwrap().keys().map(order).collect();
        assert!(places.is_sorted(), "{line}");
    }
    let rows = MEMBERS.iter().map(|(name, about)| vec![code(name), (*about).to_owned()]);
    expect_part("audit", &table(&["member", "meaning"], rows));
}

/// The body of a function in a file of the gateway.
fn body(file: &str, function: &str) -> String {
    let text = std::fs::read_to_string(root().join("src/gateway").join(file)).unwrap();
    let rest =
        text.split_once(&format!("fn {function}(")).unwrap_or_else(|| panic!("{file} has no {function}")).1;
    rest.split("\n    }\n").next().unwrap().to_owned()
}

/// The arms of a match over `Self`: the variants of each, and what it gives.
fn arms(body: &str) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    let mut variants = Vec::new();
    for part in body.split("Self::").skip(1) {
        let name = part.split(|c: char| !c.is_alphanumeric()).next().unwrap();
        variants.push(name.to_owned());
        if let Some((_, gives)) = part.split_once("=>") {
            found.push((std::mem::take(&mut variants), gives.to_owned()));
        }
    }
    found
}

/// The words in quotes that an arm gives.
fn words(gives: &str) -> impl Iterator<Item = &str> {
    gives.split('"').skip(1).step_by(2)
}

fn number(status: &str) -> u16 {
    let named = |code: &u16| {
        let reason = StatusCode::from_u16(*code).ok().and_then(|code| code.canonical_reason());
        reason.is_some_and(|reason| reason.to_uppercase().replace([' ', '-'], "_") == status)
    };
    (400..600).find(named).unwrap_or_else(|| panic!("no status is called {status}"))
}

/// Every reason of the gateway's with its statuses, read from the source.
fn reasons() -> BTreeMap<String, BTreeSet<u16>> {
    let mut found = BTreeMap::<String, BTreeSet<u16>>::new();
    let mut add = |word: &str, status| {
        found.entry(word.to_owned()).or_default().insert(status);
    };
    for (variants, gives) in arms(&body("refusal.rs", "status_and_reason")) {
        let name = gives.split("StatusCode::").nth(1).unwrap();
        let status = number(name.split(|c: char| c != '_' && !c.is_uppercase()).next().unwrap());
        words(&gives).for_each(|word| add(word, status));
        if variants.iter().any(|variant| variant == "Token") {
            let reasons = arms(&body("authn/jwt.rs", "reason"));
            reasons.iter().flat_map(|(_, gives)| words(gives)).for_each(|word| add(word, status));
        }
    }
    BELOW.iter().for_each(|(word, status)| add(word, *status));
    found
}

#[test]
fn the_reasons_are_those_of_the_gateway() {
    let there = reasons();
    let named: BTreeSet<&str> = REASONS.iter().map(|(name, _)| *name).collect();
    assert_eq!(named, there.keys().map(String::as_str).collect());
    let rows = REASONS.iter().map(|(name, cause)| {
        let statuses: Vec<_> = there[*name].iter().map(u16::to_string).collect();
        vec![code(name), statuses.join(", "), (*cause).to_owned()]
    });
    expect_part("reasons", &table(&["reason", "status", "cause"], rows));
}
