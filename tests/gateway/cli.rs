//! The verbs of `mcpauth gateway`: what they find in good and bad files, and their output. Not here: serving (see its
//! own tests).
#![cfg(test)]

use mcpauth::sys::private_file;

use crate::support::User;
use crate::support::mint::encoded;
use crate::support::upstream::Upstream;
use crate::support::wire::free_port;

const POLICY: &str = "\
group_mappings:
  readers: [read]
read:
  - {server: currenttime, methods: [initialize, tools/list, tools/call], tools: [now]}
";
const GATEWAY: &str = "issuers: [{issuer: 'https://idp.example.com', audience: [mcp]}]\n";

/// A gateway with one server and one policy.
fn user() -> User {
    let user = User::new();
    user.file("scopes.yml", POLICY);
    let server = r#"{"path": "/currenttime/", "proxy_pass_url": "http://currenttime-server:8000/?key=k3y"}"#;
    user.file("servers/currenttime.json", server);
    user
}

fn with_file(text: &str) -> User {
    let user = user();
    user.file("gateway.yaml", text);
    user
}

/// What is on stdout, the project's folder written as `.`.
fn stdout(user: &User, args: &[&str], code: i32) -> String {
    let here = user.project().canonicalize().unwrap().display().to_string();
    let asked = user.project().display().to_string();
    user.run(args).code(code).stdout.replace(&here, ".").replace(&asked, ".")
}

#[test]
fn good_settings_are_fine() {
    let user = with_file(GATEWAY);
    assert_eq!(
        stdout(&user, &["gateway", "check"], 0),
        "./gateway.yaml is fine (issuers: 1, servers: 1); mcpgw is built in\n"
    );
    let object = user.run(&["gateway", "check", "--json"]).code(0).json();
    assert_eq!((&object["ok"], &object["problems"]), (&true.into(), &serde_json::json!([])));
    // The same from elsewhere, by a flag and by a variable; paths are the file's own.
    let file = user.project().join("gateway.yaml").display().to_string();
    let mut other = User::new();
    other.run(&["gateway", "check", "--config", &file]).code(0);
    other.env("MCPAUTH_GATEWAY_CONFIG", file).run(&["gateway", "check"]).code(0);
}

#[test]
fn everything_that_is_wrong_is_said_with_its_remedy() {
    let user = with_file(
        "listen: 0.0.0.0:80\nissuers: [{issuer: 'http://idp', audience: [a]}]\nupstreams: {nobody: {}}\n",
    );
    user.file("servers/bad.json", r#"{"path": "/bad", "proxy_pass_url": "http://169.254.169.254/"}"#);
    user.file(
        "servers/key.json",
        r#"{"path": "/key", "proxy_pass_url": "http://h", "headers": [{"X-Key": "$INGRESS_OAUTH_CLIENT_SECRET"}]}"#,
    );
    user.file("scopes.yml", &POLICY.replace("currenttime", "curenttime"));
    let expected = "\
remark: listen: other machines can connect, and tokens would cross the network over plain http
  -> set tls, or public_url if a proxy in front of the gateway terminates TLS
error: issuers[0].issuer: is plain http to another machine
  -> write it exactly as in the tokens' iss, an https URL
remark: ./servers/bad.json: proxy_pass_url points at a link-local, metadata or multicast address, which no MCP server has; left out
  -> correct proxy_pass_url, as in http://currenttime-server:8000/
remark: ./servers/key.json: header \"X-Key\" asks for the variable INGRESS_OAUTH_CLIENT_SECRET, which header_variables does not name; left out
  -> add the variable to header_variables, if the server is allowed it
remark: upstreams.nobody: there is no such server
  -> correct the name, or add the server's file
remark: ./scopes.yml: there is no server \"curenttime\"
  -> correct the name, or add the server's file
";
    assert_eq!(stdout(&user, &["gateway", "check"], 7), expected);
    let object = user.run(&["gateway", "check", "--json"]).code(7).json();
    let severities: Vec<_> =
        object["problems"].as_array().unwrap().iter().map(|p| p["severity"].as_str()).collect();
    assert_eq!(severities.len(), 6);
    assert_eq!((severities[0], severities[1]), (Some("remark"), Some("error")));
}

/// Anyone who may write a server's file must not have the gateway's environment sent to it.
#[test]
fn a_servers_file_gets_the_variables_that_are_allowed_by_name_and_no_other() {
    let mut user = with_file(&format!("{GATEWAY}header_variables: [SERVER_KEY]\n"));
    user.env("AWS_SECRET_ACCESS_KEY", "h1dden-secret").env("SERVER_KEY", "k3y-of-the-server");
    let lay_out = |headers: &str| {
        let server =
            format!(r#"{{"path": "/currenttime", "proxy_pass_url": "http://h", "headers": {headers}}}"#);
        user.file("servers/currenttime.json", &server);
    };
    lay_out(r#"[{"X-Key": "Bearer $SERVER_KEY"}]"#);
    let check = ["gateway", "check", "--config", "gateway.yaml"];
    user.run(&check).code(0);
    let found = user.run(&["gateway", "check"]).code(7).stdout;
    assert!(found.contains("\"X-Key\" needs the variable"), "the folder's author gets nothing: {found}");
    for headers in [
        r#"{"X-Key": "$AWS_SECRET_ACCESS_KEY"}"#,
        r#"[{"X-Key": "${AWS_SECRET_ACCESS_KEY}"}]"#,
        r#"{"X-Key": "Bearer $SERVER_KEY$AWS_SECRET_ACCESS_KEY"}"#,
        r#"{"X-Fine": "1", "X-Key": "x${AWS_SECRET_ACCESS_KEY}y"}"#,
        r#"{"X-Key": "$$AWS_SECRET_ACCESS_KEY"}"#,
        r#"{"X-Key": "${SERVER_KEY:-$AWS_SECRET_ACCESS_KEY}"}"#,
    ] {
        lay_out(headers);
        let ran = user.run(&check).code(7);
        let expected = "header \"X-Key\" asks for the variable AWS_SECRET_ACCESS_KEY, which header_variables does not name";
        assert!(
            ran.stdout.contains(expected) && ran.stdout.contains("left out"),
            "{headers}: {}",
            ran.stdout
        );
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("h1dden"));
        // Not half of it is there: the whole server is left out.
        assert!(
            user.run(&["gateway", "routes", "--config", "gateway.yaml"])
                .code(0)
                .stdout
                .lines()
                .skip(1)
                .all(|line| line.starts_with("/mcpgw/mcp ")),
            "{headers}"
        );
    }
}

#[test]
fn header_variables_are_names_and_never_our_own_secrets() {
    let mut user = user();
    user.env("INGRESS_OAUTH_CLIENT_SECRET", "h1dden-secret");
    for (names, told) in [
        ("[INGRESS_OAUTH_CLIENT_SECRET]", "INGRESS_OAUTH_CLIENT_SECRET is a secret of mcpauth"),
        ("['EGRESS_OAUTH_CLIENT_SECRET_7']", "EGRESS_OAUTH_CLIENT_SECRET_7 is a secret of mcpauth"),
        ("['*']", "\"*\" is not a variable name; patterns are not supported"),
        ("['AWS_*']", "\"AWS_*\" is not a variable name"),
        ("[$KEY]", "\"$KEY\" is not a variable name"),
        ("['']", "\"\" is not a variable name"),
    ] {
        user.file("gateway.yaml", &format!("{GATEWAY}header_variables: {names}\n"));
        let said = user.run(&["gateway", "check"]).code(7).stdout;
        assert!(said.starts_with("error: header_variables: ") && said.contains(told), "{names}: {said}");
    }
}

#[test]
fn without_a_file_the_environment_names_the_variables() {
    let mut user = user();
    user.env("INGRESS_OAUTH_USER_POOL_ID", "us-east-1_AbCdEfGhI").env("INGRESS_OAUTH_CLIENT_ID", "c");
    user.env("ONE_KEY", "1").env("TWO_KEY", "2").env("MCPAUTH_SERVERS_DIR", "servers");
    let headers = r#"{"X-A": "$ONE_KEY", "X-B": "$TWO_KEY"}"#;
    let server = format!(r#"{{"path": "/currenttime", "proxy_pass_url": "http://h", "headers": {headers}}}"#);
    user.file("servers/currenttime.json", &server);
    for (names, code) in
        [(None, 7), (Some("ONE_KEY"), 7), (Some("ONE_KEY, TWO_KEY"), 0), (Some("TWO_KEY ONE_KEY"), 0)]
    {
        if let Some(names) = names {
            user.env("MCPAUTH_HEADER_VARIABLES", names);
        }
        user.run(&["gateway", "check"]).code(code);
    }
}

#[test]
fn files_that_are_wrong_are_named() {
    let cases = [
        ("isuers: []\n", "error: ./gateway.yaml:1:1: unknown field `isuers`"),
        ("limits:\n  max_request_bytes: many\n", "error: ./gateway.yaml:2:22: "),
        (&format!("{GATEWAY}policy: none.yml\n"), "error: policy: ./none.yml: No such file or directory"),
        (&format!("{GATEWAY}policy: gateway.yaml\n"), "error: policy: ./gateway.yaml: "),
        (&format!("{GATEWAY}servers: none\n"), "error: servers: ./none: No such file or directory"),
        (&format!("{GATEWAY}session_key: none\n"), "error: session_key: ./none: No such file or directory"),
    ];
    for (text, expected) in cases {
        let said = stdout(&with_file(text), &["gateway", "check"], 7);
        assert!(said.starts_with(expected), "{text}\n{said}");
        assert!(said.lines().nth(1).unwrap().starts_with("  -> "), "{said}");
    }
    let ran = user().run(&["gateway", "check", "--config", "none.yaml", "--json"]).code(2);
    assert_eq!(ran.json_error()["hint"], "name a readable file with --config");
}

#[test]
fn without_a_file_the_environment_says_it() {
    let mut user = user();
    user.env("INGRESS_OAUTH_USER_POOL_ID", "us-east-1_AbCdEfGhI").env("INGRESS_OAUTH_CLIENT_ID", "c");
    let fine = "the environment is fine (issuers: 1, servers: 1); mcpgw is built in\n";
    assert_eq!(stdout(&user, &["gateway", "check"], 0), fine);

    user.env("AUTH_PROVIDER", "keycloak");
    user.env("KEYCLOAK_URL", "https://keycloak.example.com").env("KEYCLOAK_REALM", "r");
    let error = user.run(&["gateway", "check", "--json"]).code(2).json_error();
    let message = "the gateway's audience rule for tokens of keycloak is missing KEYCLOAK_M2M_CLIENT_ID";
    assert_eq!(error["message"], message);
    user.env("MCPAUTH_GATEWAY_CLIENTS", "a, b");
    assert_eq!(stdout(&user, &["gateway", "check"], 0), fine);
    user.env("KEYCLOAK_URL", "http://keycloak:8080");
    assert!(stdout(&user, &["gateway", "check"], 7).contains("issuers[0].issuer: is plain http"));
    assert_eq!(stdout(&user, &["gateway", "check", "--allow-http"], 0), fine);

    user.env("AUTH_PROVIDER", "oidc").env("INGRESS_OAUTH_ISSUER", "https://idp.example.com");
    let error = user.run(&["gateway", "check", "--json"]).code(2).json_error();
    let message = "the gateway's audience rule for tokens of oidc is missing MCPAUTH_GATEWAY_AUDIENCE";
    assert_eq!(error["message"], message);
    user.env("INGRESS_OAUTH_AUDIENCE", "mcp");
    assert_eq!(stdout(&user, &["gateway", "check"], 0), fine);

    user.env("MCPAUTH_SCOPES", "none.yml").env("MCPAUTH_SERVERS_DIR", "nothing");
    let said = stdout(&user, &["gateway", "check"], 7);
    assert!(said.contains("policy: ./none.yml: ") && said.contains("servers: ./nothing: "), "{said}");
}

#[test]
fn the_references_own_folder_is_understood() {
    let user = User::new();
    user.file("auth_server/scopes.yml", POLICY);
    user.file("registry/servers/a.json", r#"{"path": "/a", "proxy_pass_url": "http://a:8000"}"#);
    assert!(stdout(&user, &["gateway", "routes", "--offline"], 0).contains("http://a:8000/mcp"));
    let asked = ["gateway", "explain", "--server", "currenttime", "--tool", "now", "--groups", "readers"];
    assert!(user.run(&asked).code(0).stdout.starts_with("allowed by read[1]\n"));
}

#[test]
fn a_verdict_is_explained() {
    let user = user();
    let ask = |args: &[&str]| {
        let all = [&["gateway", "explain", "--server", "currenttime"], args].concat();
        user.run(&all).code(0).stdout
    };
    let allowed = "allowed by read[1]\n  line 4 of the policy\n  group readers grants read\n";
    assert_eq!(ask(&["--tool", "now", "--groups", "readers"]), allowed);
    assert!(ask(&["--tool", "later", "--scopes", "read"]).starts_with("denied: "));
    assert!(ask(&["--method", "GET", "--scopes", "other,read"]).starts_with("allowed by read[1]\n"));
    let asked =
        ["gateway", "explain", "--server", "x", "--method", "tools/list", "--groups", "a,b", "--json"];
    let object = user.run(&asked).code(0).json();
    assert_eq!((&object["allowed"], &object["rule"]), (&false.into(), &serde_json::Value::Null));
    assert_eq!(object["reason"], "the policy knows none of the caller's groups or scopes");
    let missing = "there is no server x: neither a server file nor a policy entry names it";
    assert!(object["notes"].as_array().unwrap().contains(&missing.into()), "{object}");
    assert!(!ask(&["--tool", "later", "--groups", "readers"]).contains("there is no server"));
    user.run(&["gateway", "explain", "--server", "x"]).code(2);
    user.file("claims.json", "{\"a\": [\"s3cret\", }");
    let ran = user.run(&[&asked[..6], &["--claims", "claims.json"]].concat()).code(2);
    assert!(ran.stderr.contains("claims.json: line 1 is not valid") && !ran.stderr.contains("s3cret"));
}

#[test]
fn policy_tests_pass_or_fail() {
    let user = user();
    user.file(
        "good.yml",
        "- {name: readers read, groups: [readers], server: currenttime, tool: now, expect: allow}\n",
    );
    let passed = "ok      readers read\n1 tests, 0 failed\n";
    assert_eq!(user.run(&["gateway", "test", "good.yml"]).code(0).stdout, passed);
    user.file("bad.yml", "- {name: nobody reads, server: currenttime, tool: now, expect: allow}\n");
    let failed = user.run(&["gateway", "test", "bad.yml"]).code(7).stdout;
    assert!(failed.starts_with("FAILED  nobody reads (line 1): expected to be allowed"), "{failed}");
    let object = user.run(&["gateway", "test", "bad.yml", "--json"]).code(7).json();
    assert_eq!((&object["ok"], &object["failed"]), (&false.into(), &1.into()));
    for (case, gone) in [
        (
            "groups: [reader], server: currenttime, tool: now, expect: deny",
            "there is no group reader in group_mappings",
        ),
        (
            "groups: [readers, x], server: currenttime, tool: now, expect: allow",
            "there is no group x in group_mappings",
        ),
        ("groups: [readers], server: curenttime, tool: now, expect: deny", "there is no server curenttime"),
        ("scopes: [read], server: curenttime, method: GET, expect: deny", "there is no server curenttime"),
    ] {
        user.file("bad.yml", &format!("- {{name: a, {case}}}\n"));
        let failed = user.run(&["gateway", "test", "bad.yml"]).code(7).stdout;
        assert!(failed.starts_with(&format!("FAILED  a (line 1): {gone}")), "{failed}");
    }
    // "Every server" means every one with a file; without files, it is unknown.
    user.file("all.yml", "every: [{server: '*', methods: ['*'], tools: ['*']}]\n");
    user.file("bad.yml", "- {name: a, scopes: [every], server: gone, tool: x, expect: allow}\n");
    user.run(&["gateway", "test", "bad.yml", "--policy", "all.yml"]).code(7);
    let mut elsewhere = User::new();
    elsewhere.file("all.yml", "every: [{server: '*', methods: ['*'], tools: ['*']}]\n");
    elsewhere.file("bad.yml", "- {name: a, scopes: [every], server: gone, tool: x, expect: allow}\n");
    elsewhere
        .env("MCPAUTH_SERVERS_DIR", "nothing")
        .run(&["gateway", "test", "bad.yml", "--policy", "all.yml"])
        .code(0);
    user.file("none.yml", "[]");
    for (file, policy) in [("none.yml", "scopes.yml"), ("gone.yml", "scopes.yml"), ("good.yml", "gone.yml")] {
        user.run(&["gateway", "test", file, "--policy", policy]).code(2);
    }
}

/// A server's health is its own, not that of its file.
#[test]
fn a_server_that_does_not_answer_is_not_on() {
    let there = Upstream::answering("401 Unauthorized", "");
    let sick = Upstream::answering("500 Internal Server Error", "");
    let user = User::new();
    let lay = |name: &str, base: &str| {
        let file =
            serde_json::json!({"path": format!("/{name}"), "proxy_pass_url": base, "auth_type": "none"});
        user.file(&format!("servers/{name}.json"), &file.to_string());
    };
    lay("there", &there.base);
    lay("sick", &sick.base);
    lay("dead", &format!("http://127.0.0.1:{}", free_port()));
    lay("off", &there.base);
    user.file("servers/server_state.json", r#"{"/off": false}"#);
    let expected = [("dead", "down"), ("mcpgw", "on"), ("off", "off"), ("sick", "down"), ("there", "on")];
    let object = user.run(&["gateway", "routes", "--json"]).code(0).json();
    let rows = object["routes"].as_array().unwrap();
    let states = rows.iter().map(|row| (row["server"].as_str().unwrap(), row["state"].as_str().unwrap()));
    assert_eq!(states.collect::<Vec<_>>(), expected);
    let table = user.run(&["gateway", "routes"]).code(0).stdout;
    for (server, state) in expected {
        let row = table.lines().find(|line| line.starts_with(&format!("/{server}/"))).unwrap();
        assert!(row.contains(&format!("  {state} ")), "{row}");
    }
    assert!(there.seen().iter().all(|seen| seen.header("authorization").is_none()));
    let offline = user.run(&["gateway", "routes", "--offline"]).code(0).stdout;
    assert!(!offline.contains("down"), "{offline}");
}

/// An unsigned JWT: a stored one is not verified here.
fn token(claims: &serde_json::Value) -> String {
    format!("{}.{}.c2ln", encoded(&serde_json::json!({"alg": "RS256", "typ": "at+jwt"})), encoded(claims))
}

#[test]
fn what_a_stored_token_may_do_is_explained() {
    let user = with_file(GATEWAY);
    let now = mcpauth::sys::clock::now();
    let claims = |more: serde_json::Value| {
        let mut claims =
            serde_json::json!({"iss": "https://idp.example.com", "aud": "mcp", "sub": "a", "exp": now + 300});
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    };
    let keep = |claims: &serde_json::Value| {
        let stored = serde_json::json!({"access_token": token(claims), "token_type": "Bearer", "expires_at": now + 300});
        private_file::create_dir(&user.project().join(".oauth-tokens")).unwrap();
        private_file::write(&user.project().join(".oauth-tokens/ingress.json"), &stored.to_string()).unwrap();
    };
    let ask = |args: &[&str]| {
        let all = [&["gateway", "explain", "--token", "ingress"], args].concat();
        user.run(&all).code(0).stdout
    };
    keep(&claims(serde_json::json!({"groups": ["readers"]})));
    let all = "read[1] (line 4) currenttime: initialize, tools/call, tools/list; tools now\n  group readers grants read\n";
    assert_eq!(ask(&[]), all);
    assert_eq!(ask(&["--server", "/currenttime/"]), all);
    assert!(ask(&["--server", "other"]).starts_with("nothing is allowed\n"));
    assert!(ask(&["--server", "currenttime", "--tool", "now"]).starts_with("allowed by read[1]\n"));
    assert!(ask(&["--server", "currenttime", "--tool", "later"]).starts_with("denied: "));
    let object = user.run(&["gateway", "explain", "--token", "ingress", "--json"]).code(0).json();
    assert_eq!(object["allowed"].as_array().unwrap().len(), 1, "{object}");
    for (more, reason) in [
        (serde_json::json!({"exp": now - 300}), "expired"),
        (serde_json::json!({"aud": "other"}), "another audience"),
        (serde_json::json!({"iss": "https://other.test"}), "no issuer that matches its iss"),
        (serde_json::json!({"nonce": "n"}), "not an access token"),
    ] {
        keep(&claims(more));
        for args in [&[][..], &["--server", "currenttime", "--tool", "now"]] {
            let said = ask(args);
            assert!(
                said.starts_with("denied: the gateway rejects the token: ") && said.contains(reason),
                "{said}"
            );
        }
        let object = user.run(&["gateway", "explain", "--token", "ingress", "--json"]).code(0).json();
        assert_eq!(object["allowed"], false);
    }
    keep(&claims(serde_json::json!({"scope": "read openid"})));
    assert!(ask(&[]).contains("the policy does not know openid"));
    // A token for one server, by its address at the gateway or by its own.
    for audience in [
        "http://localhost:8080/currenttime/mcp",
        "http://127.0.0.1:8080/currenttime",
        "http://currenttime-server:8000/mcp/",
    ] {
        keep(&claims(serde_json::json!({"groups": ["readers"], "aud": audience})));
        assert_eq!(
            ask(&[]),
            format!(
                "{}  the token is only for currenttime\n  group readers grants read\n",
                all.split_once('\n').unwrap().0.to_owned() + "\n"
            )
        );
        assert!(ask(&["--server", "currenttime", "--tool", "now"]).starts_with("allowed by read[1]\n"));
        assert!(ask(&["--server", "other"]).starts_with("nothing is allowed\n"));
    }
    user.run(&["gateway", "explain", "--token", "nobody"]).code(2);
    user.run(&["gateway", "explain", "--token", "ingress", "--groups", "readers"]).code(2);
    user.run(&["gateway", "explain", "--token", "ingress", "--tool", "now"]).code(2);
}

#[test]
fn the_servers_are_listed_without_their_keys() {
    let user = with_file("public_url: https://gw.example.com/\nupstreams: {mail: {egress: stored}}\n");
    user.file(
        "servers/mail.json",
        r#"{"path": "/mail", "proxy_pass_url": "https://mail.test/sse", "auth_type": "oauth"}"#,
    );
    user.file("servers/server_state.json", r#"{"/currenttime": false}"#);
    let table = "\
PATH              STATE  AUTH   EGRESS  UPSTREAM
/currenttime/mcp  off    none   none    http://currenttime-server:8000/mcp
/mail/sse         on     oauth  stored  https://mail.test/sse
/mcpgw/mcp        on     none   none    built in
";
    let ran = user.run(&["gateway", "routes", "--offline"]).code(0);
    assert_eq!(ran.stdout, table);
    assert_eq!(ran.stderr, "clients type https://gw.example.com and the path:\n");
    let object = user.run(&["gateway", "routes", "--offline", "--json"]).code(0).json();
    let expected = serde_json::json!({
        "server": "currenttime", "address": "https://gw.example.com/currenttime/mcp",
        "upstream": "http://currenttime-server:8000/mcp", "auth_type": "none", "egress": "none", "enabled": false,
        "state": "off",
    });
    assert_eq!(object["routes"][0], expected);
    assert!(!format!("{ran:?}{object}").contains("k3y"));
}

#[test]
fn the_schema_is_the_published_one() {
    let printed = User::new().run(&["gateway", "schema"]).code(0).stdout;
    assert_eq!(printed, include_str!("../../docs/gateway.schema.json"));
}

#[test]
fn the_registrys_own_files_are_read_as_they_are() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/servers");
    let mut user = User::new();
    user.env("MCPAUTH_SERVERS_DIR", dir.display().to_string());
    let expected = "\
PATH STATE AUTH EGRESS UPSTREAM
/atlassian/mcp on oauth passthrough http://atlassian-server:8005/mcp/
/currenttime/mcp on none none http://currenttime-server:8000/mcp
/fininfo/sse on api_key passthrough http://fininfo-server:8001/sse
/mcpgw/mcp on none none http://mcpgw-server:8003/mcp
/realserverfaketools/mcp off none none http://realserverfaketools-server:8002/mcp
/sre-gateway/mcp on oauth passthrough https://example-gateway.gateway.bedrock-agentcore.us-east-1.amazonaws.com/mcp";
    let ran = user.run(&["gateway", "routes", "--offline"]).code(0);
    let rows: Vec<_> =
        ran.stdout.lines().map(|row| row.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let said = "clients type http://127.0.0.1:8080 and the path:\n";
    assert_eq!((rows.join("\n").as_str(), ran.stderr.as_str()), (expected, said));
}
