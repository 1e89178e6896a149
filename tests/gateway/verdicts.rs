//! One verdict on one file: what `check` finds is what `serve` rejects or reports, what `doctor` shows, and what a
//! reload refuses.
#![cfg(all(test, unix))]
#![expect(clippy::disallowed_methods, reason = "tests lay out the gateway's files")]

use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::Value;

use self::Verdict::{Error, Fine, Remark};
use super::serve::{SERVE, Site};
use crate::support::tls::Authority;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    Fine,
    /// Reported, and served nevertheless.
    Remark,
    /// Not served.
    Error,
}

/// Lines of `gateway.yaml`, whether it is served, and what the report names. `ISSUER` is a good one's address.
type Row = (&'static str, Verdict, &'static str);

const FILES: &[Row] = &[
    ("session_key: random.key", Fine, ""),
    ("session_key: text.key", Fine, ""),
    ("session_key: short.key", Error, "session_key"),
    ("session_key: short-random.key", Error, "session_key"),
    ("session_key: open.key", Error, "session_key"),
    ("session_key: link.key", Fine, ""),
    ("session_key: group.key", Fine, ""),
    ("session_key: mounted/key", Fine, ""),
    ("session_key: link-open.key", Error, "session_key"),
    ("session_key: writable.key", Error, "session_key"),
    ("session_key: nowhere.key", Error, "session_key"),
    ("session_key: none.key", Error, "session_key"),
    ("session_key: servers", Error, "session_key"),
    ("policy: none.yml", Error, "policy"),
    ("policy: broken.yml", Error, "policy"),
    ("policy: servers", Error, "policy"),
    ("policy: strange.yml", Remark, "strange.yml"),
    ("policy: link.yml", Fine, ""),
    // A method of a later revision of the protocol, for all that is known here.
    ("policy: methods.yml", Fine, ""),
    ("policy: strangers.yml", Remark, "there is no server \"nobody\""),
    ("shadow: none.yml", Error, "shadow"),
    ("shadow: broken.yml", Error, "shadow"),
    ("shadow: strange.yml", Remark, "strange.yml"),
    ("servers: none", Error, "servers"),
    ("servers: scopes.yml", Error, "servers"),
    ("servers: some", Remark, "broken.json"),
    ("servers: states", Remark, "server_state.json"),
    ("revocation_list: none.txt", Error, "revocation_list"),
    ("revocation_list: bad.txt", Error, "revocation_list"),
    ("revocation_list: empty", Fine, ""),
    ("tls: {certificate: good.crt, key: none.pem}", Error, "tls"),
    ("tls: {certificate: none.crt, key: good.pem}", Error, "tls"),
    ("tls: {certificate: bad.txt, key: good.pem}", Error, "tls"),
    ("tls: {certificate: good.crt, key: bad.txt}", Error, "tls"),
    ("tls: {certificate: good.crt, key: open.pem}", Error, "tls"),
    ("tls: {certificate: good.crt, key: link.pem}", Fine, ""),
    ("tls: {certificate: good.crt, key: group.pem}", Fine, ""),
    ("tls: {certificate: good.crt, key: link-open.pem}", Error, "tls"),
    ("audit: none/audit.log", Error, "audit"),
    ("audit: empty/audit.log", Error, "audit"),
    ("audit: servers", Error, "audit"),
    ("audit: link.key", Error, "audit"),
    ("audit: new.log", Fine, ""),
    ("audit: 'off'", Fine, ""),
    ("upstreams: {delta: {egress: stored}}", Error, "upstreams.delta"),
    ("upstreams: {delta: {egress: stored, credential: other}}", Error, "upstreams.delta"),
    ("upstreams: {nobody: {egress: stored}}", Remark, "upstreams.nobody"),
];

/// Every key once, wrong.
const KEYS: &[Row] = &[
    ("listen: nowhere", Error, "gateway.yaml:"),
    ("admin: nowhere", Error, "gateway.yaml:"),
    ("admin: 0.0.0.0:0", Remark, "admin"),
    ("public_url: gateway", Error, "public_url"),
    ("public_url: 'https://g.test/delta'", Error, "public_url"),
    ("public_url: 'https://g.test/api/x'", Error, "public_url"),
    ("hosts: ['http://h/']", Error, "hosts[0]"),
    ("face: {listen: nowhere}", Error, "gateway.yaml:"),
    ("face: {public_url: 'http://tools.example.com'}", Error, "face.public_url"),
    ("face: {providers: gone.yml}", Error, "face.providers"),
    ("origins: ['*']", Error, "origins[0]"),
    ("trusted_proxies: [10.0.0.0/33]", Error, "gateway.yaml:"),
    ("trusted_proxies: [proxy.test]", Error, "gateway.yaml:"),
    ("trusted_proxies: ['::/0']", Remark, "trusted_proxies[0]"),
    ("trusted_proxies: [10.0.0.0/8, '::1']", Fine, ""),
    ("search: words", Error, "gateway.yaml:"),
    ("search: {embeddings: {url: https://e.test}}", Error, "gateway.yaml:"),
    ("search: {embeddings: {url: 'http://e.test/v1', model: m}}", Error, "search.embeddings.url"),
    ("search: {embeddings: {url: 'https://u:p@e.test/', model: m}}", Error, "search.embeddings.url"),
    ("search: {embeddings: {url: 'https://e.test/', model: ''}}", Error, "search.embeddings.model"),
    (
        "search: {embeddings: {url: 'https://e.test/', model: m, timeout: 1m}}",
        Error,
        "search.embeddings.timeout",
    ),
    (
        "search: {embeddings: {url: 'https://e.test/', model: m, timeout: 0}}",
        Error,
        "search.embeddings.timeout",
    ),
    ("search: {embeddings: {url: 'https://e.test/', model: m, timeout: fast}}", Error, "gateway.yaml:"),
    (
        "search: {embeddings: {url: 'https://e.test/', model: m, key_file: none}}",
        Error,
        "search.embeddings.key_file",
    ),
    (
        "search: {embeddings: {url: 'https://e.test/', model: m, key_file: open.key}}",
        Error,
        "search.embeddings.key_file",
    ),
    (
        "search: {embeddings: {url: 'https://e.test/', model: m, vectors: none/v.jsonl}}",
        Error,
        "search.embeddings.vectors",
    ),
    (
        "search: {embeddings: {url: 'http://127.0.0.1:9/', model: m, key_file: secret, timeout: 0.2}}",
        Fine,
        "",
    ),
    ("mcpgw: aside", Error, "gateway.yaml:"),
    ("vending: aside", Error, "gateway.yaml:"),
    ("vending: {issuer: https://gw.example.com}", Error, "gateway.yaml:"),
    ("mcpgw: {call_tool: true, serve: builtin}", Fine, ""),
    ("issuers: []", Error, "issuers"),
    ("issuers: [{issuer: 'ftp://i', audience: [a]}]", Error, "issuers[0].issuer"),
    ("issuers: [{issuer: '', audience: [a]}]", Error, "issuers[0].issuer"),
    ("issuers: [{issuer: 'http://idp.test', audience: [a]}]", Error, "issuers[0].issuer"),
    ("issuers: [{issuer: 'ISSUER', kind: other, audience: [a]}]", Error, "gateway.yaml:"),
    ("issuers: [{issuer: 'ISSUER', jwks_uri: x, audience: [a]}]", Error, "issuers[0].jwks_uri"),
    ("issuers: [{issuer: 'ISSUER'}]", Fine, ""),
    ("issuers: [{issuer: 'ISSUER', clients: [c]}]", Fine, ""),
    ("issuers: [{issuer: 'ISSUER', kind: cognito, audience: [a]}]", Error, "issuers[0].clients"),
    ("issuers: [{issuer: 'ISSUER', kind: keycloak}]", Fine, ""),
    ("issuers: [{issuer: 'ISSUER', scopes: [a]}]", Fine, ""),
    ("issuers: [{issuer: 'ISSUER', kind: keycloak, audience: [account]}]", Error, "issuers[0].audience"),
    ("issuers: [{issuer: 'ISSUER', audience: ['']}]", Error, "issuers[0].audience"),
    ("issuers: [{issuer: 'ISSUER', audience: [a], clients: ['']}]", Error, "issuers[0].clients"),
    ("issuers: [{issuer: 'ISSUER', audience: [a], algorithms: []}]", Error, "issuers[0].algorithms"),
    ("issuers: [{issuer: 'ISSUER', audience: [a], algorithms: [HS256]}]", Error, "gateway.yaml:"),
    ("issuers: [{issuer: 'ISSUER', audience: [a], require_at_jwt: 5}]", Error, "gateway.yaml:"),
    ("issuers: [{issuer: 'ISSUER', audience: [a], accept_id_tokens: true}]", Fine, ""),
    (
        "issuers: [{issuer: 'ISSUER', kind: cognito, clients: [a], accept_id_tokens: true}]",
        Error,
        "issuers[0].accept_id_tokens",
    ),
    ("issuers: [{issuer: 'ISSUER', audience: [a], groups_claims: ['']}]", Error, "issuers[0].groups_claims"),
    ("issuers: [{issuer: 'ISSUER', audience: [a], leeway: 61}]", Error, "issuers[0].leeway"),
    ("issuers: [{issuer: 'ISSUER', audience: [a], leeway: 60}]", Fine, ""),
    (
        "issuers: [{issuer: 'ISSUER', audience: [a]}, {issuer: 'ISSUER', audience: [b]}]",
        Error,
        "issuers[1].issuer",
    ),
    (
        "issuers: [{issuer: 'ISSUER', audience: [a], introspection: {client_id: c, client_secret: secret}}]",
        Fine,
        "",
    ),
    (
        "issuers: [{issuer: 'ISSUER', audience: [a], introspection: {client_id: c, client_secret: link-secret}}]",
        Fine,
        "",
    ),
    (
        "issuers: [{issuer: 'ISSUER', audience: [a], introspection: {client_id: c, client_secret: open.key}}]",
        Error,
        "issuers[0].introspection.client_secret",
    ),
    (
        "issuers: [{issuer: 'ISSUER', audience: [a], introspection: {endpoint: x, client_id: c, client_secret: secret}}]",
        Error,
        "issuers[0].introspection.endpoint",
    ),
    (
        "issuers: [{issuer: 'ISSUER', audience: [a], introspection: {client_id: '', client_secret: secret}}]",
        Error,
        "issuers[0].introspection.client_id",
    ),
    (
        "issuers: [{issuer: 'ISSUER', audience: [a], introspection: {client_id: c, client_secret: none}}]",
        Error,
        "issuers[0].introspection.client_secret",
    ),
    (
        "issuers: [{issuer: 'ISSUER', audience: [a], introspection: {client_id: c, client_secret: empty-secret}}]",
        Error,
        "issuers[0].introspection.client_secret",
    ),
    (
        "issuers: [{issuer: 'ISSUER', audience: [a], introspection: {client_id: c, client_secret: secret, cache: x}}]",
        Error,
        "gateway.yaml:",
    ),
    ("policy: 5", Error, "policy"),
    ("shadow: [x]", Error, "gateway.yaml:"),
    ("list_visibility: some", Error, "gateway.yaml:"),
    ("servers: [x]", Error, "gateway.yaml:"),
    ("header_variables: ['*']", Error, "header_variables"),
    ("header_variables: [INGRESS_OAUTH_CLIENT_SECRET]", Error, "header_variables"),
    ("upstreams: {/delta: {}}", Error, "upstreams./delta"),
    ("upstreams: {delta: {egress: other}}", Error, "gateway.yaml:"),
    ("upstreams: {delta: {credential: x}}", Error, "upstreams.delta.credential"),
    ("upstreams: {delta: {headers: ['a b']}}", Error, "upstreams.delta.headers"),
    ("upstreams: {delta: {identity_headers: 5}}", Error, "gateway.yaml:"),
    ("session_key: [x]", Error, "gateway.yaml:"),
    ("revocation_list: [x]", Error, "gateway.yaml:"),
    ("tls: {certificate: good.crt}", Error, "gateway.yaml:"),
    ("limits: {max_request_bytes: 0}", Error, "limits.max_request_bytes"),
    ("limits: {max_header_bytes: 10}", Error, "limits.max_header_bytes"),
    ("health: {failures: 0}", Error, "health.failures"),
    ("health: {interval: x}", Error, "gateway.yaml:"),
    ("audit: ''", Error, "audit"),
    ("audit_failure: ignore", Error, "gateway.yaml:"),
    ("workers: 0", Error, "workers"),
    ("allow_http: 5", Error, "gateway.yaml:"),
    ("listne: x", Error, "gateway.yaml:"),
    ("listen: 127.0.0.1:1\nlisten: 127.0.0.1:2", Error, "gateway.yaml:"),
];

fn laid_out() -> Site {
    let mut site = Site::new("");
    let identity = Authority::new().issue();
    let path = |name: &str| site.path(name);
    let private = |name: &str, bytes: &[u8], mode: u32| {
        std::fs::write(path(name), bytes).unwrap();
        std::fs::set_permissions(path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    private("random.key", &[0xfe; 32], 0o600);
    private("short-random.key", &[0xfe; 31], 0o600);
    private("text.key", format!("{}\r\n", "k".repeat(32)).as_bytes(), 0o600);
    private("short.key", format!("{}\n", "k".repeat(31)).as_bytes(), 0o600);
    private("open.key", &[0xfe; 32], 0o644);
    private("group.key", &[0xfe; 32], 0o440);
    private("writable.key", &[0xfe; 32], 0o660);
    private("group.pem", identity.key.as_bytes(), 0o640);
    private("good.pem", identity.key.as_bytes(), 0o600);
    private("open.pem", identity.key.as_bytes(), 0o644);
    private("good.crt", identity.certificate.as_bytes(), 0o644);
    private("bad.txt", b"nonsense", 0o600);
    private("empty", b"", 0o600);
    private("secret", b"s3cret\n", 0o600);
    private("empty-secret", b"\n", 0o600);
    private("broken.yml", b"- [", 0o644);
    private("strange.yml", only_delta().replace("[echo]", "[echo, 'ec*o']").as_bytes(), 0o644);
    private("methods.yml", only_delta().replace("tools/call", "tools/cal").as_bytes(), 0o644);
    private("scopes.yml", only_delta().as_bytes(), 0o644);
    private("strangers.yml", only_delta().replace("server: delta", "server: nobody").as_bytes(), 0o644);
    for (name, to) in [("link.key", "random.key"), ("link.pem", "good.pem"), ("link.yml", "scopes.yml")] {
        symlink(path(to), path(name)).unwrap();
    }
    for (name, to) in [
        ("link-open.key", "open.key"),
        ("link-open.pem", "open.pem"),
        ("link-secret", "secret"),
        ("nowhere.key", "none.key"),
    ] {
        symlink(path(to), path(name)).unwrap();
    }
    // As Kubernetes mounts a Secret.
    std::fs::create_dir_all(path("mounted/..2026")).unwrap();
    private("mounted/..2026/key", &[0xfe; 32], 0o440);
    symlink("..2026", path("mounted/..data")).unwrap();
    symlink("..data/key", path("mounted/key")).unwrap();
    let delta = std::fs::read_to_string(path("servers/delta.json")).unwrap();
    for (folder, name) in [("some", "broken.json"), ("states", "server_state.json")] {
        site.user.file(&format!("{folder}/delta.json"), &delta);
        site.user.file(&format!("{folder}/{name}"), "{");
    }
    let file = site.path("gateway.yaml").display().to_string();
    site.user.env("MCPAUTH_GATEWAY_CONFIG", file);
    site
}

/// A policy with exactly the existing server.
fn only_delta() -> String {
    "group_mappings:\n  workers: [work]\nwork:\n- {server: delta, methods: [initialize, tools/list, tools/call], tools: [echo]}\n".into()
}

fn settings(site: &Site, lines: &str) -> String {
    let lines = lines.replace("ISSUER", site.idp.issuer());
    let issuer = format!("issuers: [{{issuer: '{}', audience: [a]}}]\n", site.idp.issuer());
    let issuer = if lines.starts_with("issuers:") { "" } else { &issuer };
    format!("{issuer}{lines}\n")
}

fn by_check(site: &Site, word: &str) -> Verdict {
    let ran = site.user.run(&["gateway", "check", "--json"]);
    let found = ran.json();
    let problems = found["problems"].as_array().unwrap().clone();
    let is = |severity: &str| problems.iter().any(|one| one["severity"] == severity);
    assert_eq!(found["ok"], problems.is_empty());
    assert!(
        problems.iter().all(|one| one["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty())),
        "{found}"
    );
    assert!(found.to_string().contains(&word.replace('"', "\\\"")), "{word}: {found}");
    match (is("error"), is("remark")) {
        (true, _) => Error,
        (false, true) => Remark,
        (false, false) => Fine,
    }
}

fn by_serve(site: &Site, word: &str) -> Verdict {
    let mut running = site.user.start(&SERVE);
    let said = running.line(|line| line.contains("listening") || line.starts_with("  -> "));
    let served = said.contains("listening");
    if served {
        running.signal("INT");
    }
    let ended = running.end();
    let all = format!("{}{}", ended.stdout, ended.stderr);
    assert!(all.contains(word), "{word}: {all}");
    match (served, all.contains("settings: ")) {
        (true, remarked) => {
            if remarked {
                Remark
            } else {
                Fine
            }
        }
        (false, _) => Error,
    }
}

fn by_doctor(site: &Site, word: &str) -> Verdict {
    let found = site.user.run(&["doctor", "--offline", "--json"]).json();
    let all = found["findings"].as_array().unwrap();
    let settings: Vec<&Value> = all.iter().filter(|one| one["check"] == "gateway.settings").collect();
    let is = |status: &str| settings.iter().any(|one| one["status"] == status);
    assert!(
        Fine == verdict(&is) || settings.iter().any(|one| one["found"].as_str().unwrap().contains(word)),
        "{word}: {found}"
    );
    verdict(&is)
}

fn verdict(is: &dyn Fn(&str) -> bool) -> Verdict {
    match (is("problem"), is("warn")) {
        (true, _) => Error,
        (false, true) => Remark,
        (false, false) => Fine,
    }
}

fn held_to(rows: &[Row]) {
    let site = laid_out();
    for (lines, expected, word) in rows {
        site.user.file("gateway.yaml", &settings(&site, lines));
        assert_eq!(by_check(&site, word), *expected, "check: {lines}");
        assert_eq!(by_serve(&site, word), *expected, "serve: {lines}");
        assert_eq!(by_doctor(&site, word), *expected, "doctor: {lines}");
    }
}

#[test]
fn on_every_file() {
    held_to(FILES);
}

#[test]
fn on_every_key() {
    held_to(KEYS);
    let schema: Value = serde_json::from_str(include_str!("../../docs/gateway.schema.json")).unwrap();
    let named = |key: &str| {
        KEYS.iter().any(|(lines, verdict, _)| *verdict == Error && lines.starts_with(&format!("{key}:")))
    };
    for key in schema["properties"].as_object().unwrap().keys() {
        assert!(named(key), "{key} has no row");
    }
    let inner = |key: &str| KEYS.iter().any(|(lines, ..)| lines.contains(&format!("{key}:")));
    for of in ["IssuerSettings", "Introspection", "UpstreamSettings", "Tls", "Health", "Search", "Embeddings"]
    {
        for key in schema["$defs"][of]["properties"].as_object().unwrap().keys() {
            assert!(inner(key), "{of}.{key} has no row");
        }
    }
}

#[test]
fn on_what_changes_while_it_is_served() {
    let site = laid_out();
    let more = "revocation_list: revoked.txt\nshadow: shadow.yml\nupstreams: {later: {egress: stored}}\nlimits: {lame_duck: 0}\n";
    site.user.file("gateway.yaml", &settings(&site, more));
    site.user.file("revoked.txt", "");
    site.user.file("shadow.yml", &only_delta());
    let mut running = site.user.start(&SERVE);
    running.line(|line| line.contains("listening"));
    let later = r#"{"path": "/later", "proxy_pass_url": "http://h"}"#;
    let rows = [
        ("scopes.yml", "- [", "scopes.yml", Error),
        ("shadow.yml", "- [", "shadow.yml", Error),
        ("revoked.txt", "nonsense", "revoked.txt", Error),
        ("servers/later.json", later, "later", Error),
        ("servers/more.json", "{", "more.json", Remark),
    ];
    for (file, text, word, expected) in rows {
        let before = std::fs::read_to_string(site.path(file)).ok();
        site.user.file(file, text);
        let said = running.line(|line| line.contains(word) && line.contains("reload"));
        let kept = said.contains("the previous files stay in force");
        assert_eq!(kept, expected == Error, "{file}: {said}");
        assert_eq!(by_check(&site, word), expected, "{file}");
        assert_eq!(by_doctor(&site, word), expected, "{file}");
        match before {
            Some(text) => drop(site.user.file(file, &text)),
            None => std::fs::remove_file(site.path(file)).unwrap(),
        }
        running.line(|line| line.contains("are in force"));
    }
    running.signal("INT");
    running.end();
}
