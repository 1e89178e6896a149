//! Where on a server requests arrive, as its file says: endpoints of any name, with their queries, and the fields of newer
//! files. It leaves what is wrong with files to `registry`.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests lay out the registry's files")]

use serde_json::{Value, json};

use crate::support::User;
use crate::support::lab::{Lab, call};
use crate::support::upstream::{Upstream, say};

fn echo() -> Upstream {
    Upstream::start(|seen, stream| say(stream, "200 OK\r\ncontent-type: application/json", &seen.body))
}

/// The request lines by which a file's server is asked for `/x`, `/x/mcp` and `/x/sse`.
fn lines(file: &Value, servers: &[&Upstream]) -> [String; 3] {
    let policy = "root: [{server: '*', methods: ['*'], tools: ['*']}]\n";
    let lab = Lab::with(|_, dir| {
        std::fs::write(dir.join("scopes.yml"), policy).unwrap();
        std::fs::write(dir.join("servers/x.json"), file.to_string()).unwrap();
    });
    let root = lab.token("root");
    ["/x", "/x/mcp?theirs=1", "/x/sse"].map(|path| {
        let before: Vec<usize> = servers.iter().map(|server| server.seen().len()).collect();
        lab.ask(&root, path, &call("echo")).status(200);
        let new = servers.iter().zip(before).find_map(|(server, before)| server.seen().get(before).cloned());
        new.unwrap().head.lines().next().unwrap().to_owned()
    })
}

#[test]
fn a_url_that_names_an_endpoint_is_that_endpoint() {
    let upstream = echo();
    for (url, more, expected) in [
        ("/", json!({}), ["/mcp", "/mcp", "/sse"]),
        ("/mcp/", json!({}), ["/mcp/", "/mcp/", "/sse"]),
        ("/folder/", json!({}), ["/folder/mcp", "/folder/mcp", "/folder/sse"]),
        (
            "/runtimes/arn%3Aaws%2Fx/invocations?qualifier=DEFAULT",
            json!({}),
            [
                "/runtimes/arn%3Aaws%2Fx/invocations?qualifier=DEFAULT",
                "/runtimes/arn%3Aaws%2Fx/invocations?qualifier=DEFAULT",
                "/runtimes/arn%3Aaws%2Fx/sse?qualifier=DEFAULT",
            ],
        ),
        ("/platform/headless", json!({}), ["/platform/headless", "/platform/headless", "/platform/sse"]),
        ("/use-case", json!({"supported_transports": ["sse"]}), ["/use-case", "/use-case", "/use-case"]),
        ("/", json!({"append_mcp_path": false}), ["/", "/", "/sse"]),
        ("/?k=v", json!({"append_mcp_path": false}), ["/?k=v", "/?k=v", "/sse?k=v"]),
        ("/a/", json!({"append_mcp_path": false}), ["/a/", "/a/", "/sse"]),
        ("/a", json!({"append_mcp_path": true}), ["/a/mcp", "/a/mcp", "/a/sse"]),
        ("/a/mcp", json!({"append_mcp_path": true}), ["/a/mcp", "/a/mcp", "/a/sse"]),
        ("/a", json!({"append_mcp_path": null, "mcp_endpoint": ""}), ["/a", "/a", "/sse"]),
        ("/", json!({"mcp_endpoint": "BASE/custom?q=1"}), ["/custom?q=1", "/custom?q=1", "/sse"]),
        ("/", json!({"sse_endpoint": "BASE/events"}), ["/mcp", "/mcp", "/events"]),
        (
            "/mcp",
            json!({"mcp_endpoint": "BASE/x/", "sse_endpoint": "BASE/y", "transport": "sse"}),
            ["/y", "/x/", "/y"],
        ),
        (
            "/",
            json!({"versions": [{"version": "1", "proxy_pass_url": "BASE/v1"}, {"version": "2",
                "proxy_pass_url": "BASE/v2", "is_default": true}]}),
            ["/v2", "/v2", "/sse"],
        ),
    ] {
        let mut file = json!({"path": "/x", "proxy_pass_url": format!("{}{url}", upstream.base)});
        let more: Value = serde_json::from_str(&more.to_string().replace("BASE", &upstream.base)).unwrap();
        file.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let expected = expected.map(|path| format!("POST {path} HTTP/1.1"));
        assert_eq!(lines(&file, &[&upstream]), expected, "{file}");
    }
}

#[test]
fn an_endpoint_may_be_on_another_server() {
    let (upstream, other) = (echo(), echo());
    let file = json!({"path": "/x", "proxy_pass_url": upstream.base, "mcp_endpoint": format!("{}/there", other.base)});
    let expected = ["/there", "/there", "/sse"].map(|path| format!("POST {path} HTTP/1.1"));
    assert_eq!(lines(&file, &[&upstream, &other]), expected);
    assert_eq!((upstream.seen().len(), other.seen().len()), (1, 2));
    assert_eq!(other.seen()[0].header("host"), other.base.strip_prefix("http://"));
}

#[test]
fn check_names_a_field_that_nobody_knows_and_clients_do_not_hear_of_it() {
    let user = User::new();
    user.file("scopes.yml", "s: [{server: x, methods: [tools/list]}]\n");
    user.file("gateway.yaml", "issuers: [{issuer: 'https://idp.example.com', audience: [mcp]}]\n");
    let file = |more: &str| {
        format!(r#"{{"path":"/x","proxy_pass_url":"http://h:1/mcp","auth_scheme":"none"{more}}}"#)
    };
    user.file(
        "servers/x.json",
        &file(r#","mcp_endpoint":null,"append_mcp_path":false,"description":"d","id":"1""#),
    );
    user.run(&["gateway", "check"]).code(0);
    for (more, said) in [
        (r#","append_mcp":false"#, "unknown field \"append_mcp\"; it is not obeyed"),
        (r#","mcpEndpoint":"http://h/x""#, "unknown field \"mcpEndpoint\"; it is not obeyed"),
        (
            r#","auth_credential_encrypted":"gAAA""#,
            "auth_credential_encrypted is for the registry alone; it is not obeyed",
        ),
    ] {
        user.file("servers/x.json", &file(more));
        let checked = user.run(&["gateway", "check"]).code(7);
        assert!(checked.stdout.contains(&format!("servers/x.json: {said}\n  -> ")), "{checked:?}");
        let routes = user.run(&["gateway", "routes"]).code(0);
        assert!(routes.stdout.contains("http://h:1/mcp"), "{routes:?}");
        let rendered = user.run(&["config", "render", "--client", "roo", "--auth-mode", "helper"]);
        assert!(!rendered.stderr.contains("field"), "{rendered:?}");
    }
}
