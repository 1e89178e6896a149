//! What the gateway counts, writes and answers, from a gateway that runs: metrics, the members of the audit's lines, and
//! the reasons of refusals.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::lab::{Lab, POLICY, list, until};
use crate::support::wire::get;

use super::generated::{code, expect_part, table};
use super::{files_below, root};

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
    ("verdict", "`allowed`, `refused`, or `answered` by the gateway itself"),
    ("rule", "the scope and its entry that allowed it, as in `mcp-servers-restricted/execute[2]`"),
    ("reason", "why it was refused, [one of these](#reasons)"),
    ("shadow", "what the shadow policy would have said: `allowed` or `refused`"),
    ("status", "the HTTP status of the answer"),
    ("gateway_us", "microseconds in the gateway"),
    ("server_us", "microseconds until the server began to answer"),
];

/// Every reason, with its status and its cause, in the order of the steps.
const REASONS: &[(&str, &str, &str)] = &[
    ("unreadable", "400", "the bytes are no HTTP request"),
    ("host", "421", "the `Host` is not one of the gateway's"),
    ("origin", "403", "the web page's `Origin` is not in `origins`"),
    ("http_method", "405", "neither POST, GET, DELETE nor a preflight"),
    ("path", "400", "an ambiguous path: dot segments, `//`, encoded slashes"),
    ("no_server", "404", "there is no server at this path"),
    ("server_down", "503", "the server is switched off, or fails its health checks"),
    ("busy", "503", "too many requests under way"),
    ("audit", "503", "the audit cannot be written"),
    ("no_token", "401", "no token"),
    ("credentials", "400", "two credentials, or a credential header that cannot be read"),
    ("header", "401", "the token's JOSE header is not acceptable"),
    ("algorithm", "401", "the token is signed with an algorithm that is not in `algorithms`"),
    ("key", "401", "the issuer has no such key"),
    ("signature", "401", "the signature is wrong"),
    ("issuer", "401", "the token's issuer is not in `issuers`"),
    ("expired", "401", "the token expired"),
    ("not_yet", "401", "the token is not valid yet"),
    ("audience", "401", "the token is for another audience"),
    ("kind", "401", "an ID token, a refresh token, or another token that is no access token"),
    ("binding", "401", "the token is bound to a key (`cnf`), which the gateway does not support"),
    ("inactive", "401", "introspection says that the token is not active"),
    ("mismatch", "401", "the identity headers contradict the token"),
    ("revoked", "401", "the token, its subject or its client is revoked"),
    ("issuer_down", "503", "no keys, or no answer, from the issuer"),
    ("token_rate", "429", "too many unknown tokens from this address"),
    ("issuer_rate", "503", "too many unknown tokens from all addresses"),
    ("caller_busy", "429", "the caller has too many requests or streams under way"),
    ("caller_memory", "429", "the caller's requests and lists take too much memory"),
    ("rate_limited", "429", "the caller made too many requests in a minute"),
    ("request_timeout", "408", "the request did not arrive in time"),
    ("too_large", "413", "the body is too large"),
    ("media_type", "415", "the body is not `application/json`, or is compressed"),
    ("malformed", "400, 401", "not one JSON-RPC message with one meaning; with 401, not a well-formed token"),
    ("header_mismatch", "400", "a mirrored header contradicts the body"),
    ("no_scopes", "403", "the policy knows none of the caller's groups and scopes"),
    ("server_not_allowed", "403", "nothing that the caller was granted is about this server"),
    ("method_not_allowed", "403", "this method is not granted on this server"),
    ("name_not_allowed", "403", "this tool, prompt or resource is not granted"),
    ("unknown_method", "404", "MCP has no such method, and the policy names none of its own"),
    ("session", "404", "there is no such session, or it is another caller's"),
    ("redirect", "502", "the server redirects to another origin or with another status than 307 or 308"),
    (
        "unreachable",
        "502",
        "the server cannot be reached, its certificate is not trusted, or its answer is of no use",
    ),
    ("egress_refused", "502", "the server answered 401 to the credential that it got, or to none"),
    ("no_egress", "502", "the gateway has no stored credential for this server"),
    ("long_session", "502", "the server's session name is too long to be sealed"),
    ("unreadable_list", "502", "the server's list cannot be read, so it cannot be filtered"),
    ("upstream_timeout", "504", "the server did not begin to answer in time"),
    ("gone", "499", "the caller left before the answer"),
];

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
    let lines = kept.lines();
    let seen: BTreeSet<String> =
        lines.iter().flat_map(|line| line.as_object().unwrap().keys().cloned()).collect();
    let named: BTreeSet<String> = MEMBERS.iter().map(|(name, _)| (*name).to_owned()).collect();
    // No issuer here names users.
    let expected: BTreeSet<String> = named.iter().filter(|name| *name != "user").cloned().collect();
    assert_eq!(seen, expected);
    let order = |name: &String| MEMBERS.iter().position(|(known, _)| known == name);
    for line in &lines {
        let places: Vec<_> = line.as_object().unwrap().keys().map(order).collect();
        assert!(places.is_sorted(), "{line}");
    }
    let rows = MEMBERS.iter().map(|(name, about)| vec![code(name), (*about).to_owned()]);
    expect_part("audit", &table(&["member", "meaning"], rows));
}

#[test]
fn the_reasons_are_those_of_the_gateway() {
    let mut there = BTreeSet::from(["gone".to_owned(), "unreadable".into()]);
    for path in files_below(&root().join("src/gateway"), "rs") {
        let text = std::fs::read_to_string(path).unwrap();
        let bodies = text.split("fn reason(").skip(1).filter_map(|rest| rest.split("\n    }\n").next());
        for body in bodies {
            let words = body.split("=> \"").skip(1).filter_map(|rest| rest.split('"').next());
            there.extend(words.map(str::to_owned));
        }
    }
    let named: BTreeSet<String> = REASONS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(named, there);
    let rows =
        REASONS.iter().map(|(name, status, cause)| vec![code(name), (*status).into(), (*cause).into()]);
    expect_part("reasons", &table(&["reason", "status", "cause"], rows));
}
