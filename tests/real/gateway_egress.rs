//! A server that acts for its caller gets the caller's egress credential, or the one that the gateway stores, and
//! never what was meant for the gateway.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::OidcProvider;
use super::flows::{age, user_with_browser};
use super::gateway::{Agents, Gateway, basic, clean_heads, http, lay_out, settings, text};
use super::mcp::{Atlassian, Sdk, python_client};
use super::smoke::{answer_with, form};
use crate::support::User;
use crate::support::wire::Scripted;

const POLICY: &str = "\
group_mappings: {}
agent: [{server: atlassian, methods: ['*'], tools: ['*']}]
";

fn occurs(heads: &str, header: &str) -> bool {
    heads.to_ascii_lowercase().contains(&format!("\r\n{header}\r\n"))
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn the_dual_header_reaches_atlassian_without_the_gateways_half() {
    let (server, agents, user) = (Atlassian::start(), Agents::start(), User::new());
    lay_out(&user, POLICY, &[("atlassian", "oauth", server.value("MCP_URL"))]);
    settings(&user, agents.settings());
    let gateway = Gateway::start(&user);
    let token = agents.token("agent");
    let url = format!("{}/atlassian/mcp", gateway.base());

    let bearer = format!("Bearer {token}");
    let identity = json!({ "X-Authorization": bearer, "X-User-Pool-Id": Agents::POOL, "X-Client-Id": "agent",
        "X-Region": "us-east-1", "Authorization": "Bearer egress-1", "X-Atlassian-Cloud-Id": "cloud-1" });
    for (sdk, mode) in [(Sdk::Legacy, "legacy"), (Sdk::Current, "auto")] {
        let call = ["--mode", mode, "--call", server.value("TOOL"), "{}"];
        let result = python_client(sdk, &url, &call, &identity);
        let said = result["call"]["text"].as_str().unwrap_or_default();
        assert!(said.contains("api.atlassian.com") && said.contains("/ex/jira/cloud-1/"), "{result}");
    }
    assert!(
        server.reached().lines().any(|line| line == "CONNECT api.atlassian.com:443"),
        "{}",
        server.reached()
    );
    let heads = server.recorded();
    assert!(
        occurs(&heads, "authorization: bearer egress-1") && occurs(&heads, "x-atlassian-cloud-id: cloud-1")
    );
    let before = clean_heads(&heads, &[&token]);

    // Its 401 is about another login: it is not passed on, and neither is a token that took its place.
    let initialize = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } } });
    for name in ["X-Authorization", "Authorization"] {
        let headers = [
            (name, bearer.as_str()),
            ("Content-Type", "application/json"),
            ("Accept", "application/json, text/event-stream"),
        ];
        let answer = http("POST", &url, &headers, &initialize.to_string()).status(502);
        assert_eq!(answer.header("www-authenticate"), None, "{name}");
        assert_eq!((&answer.json()["id"], &answer.json()["jsonrpc"]), (&json!(1), &json!("2.0")), "{name}");
    }
    assert_eq!(clean_heads(&server.recorded(), &[&token]), before + 2);
}

/// Alice logs in with a real browser at the certified provider; her token is stored, sent, and renewed.
#[test]
#[ignore = "real parts: run .ci/run"]
fn a_stored_credential_is_sent_and_renewed_when_the_server_refuses_it() {
    let (provider, agents) = (OidcProvider::start(), Agents::start());
    let (mut user, _) = user_with_browser("oidc-provider");
    let sites = TcpListener::bind("127.0.0.1:0").expect("a port");
    let site = format!("http://{}/sites", sites.local_addr().expect("an address"));
    let _asked_for = answer_with(
        sites,
        "application/json",
        r#"[{"id": "cloud-1", "name": "one", "url": "https://one.test"}]"#.into(),
    );
    // An opaque token: only its provider can say whether it is still valid.
    let opaque = provider.value("OPAQUE_RESOURCE");
    let yaml = format!(
        "display_name: Certified\nissuer: {}\nclient_secret: never\nscopes: [openid, offline_access, \"mcp:tools\"]\n\
         authorization_params: {{prompt: consent, resource: \"{opaque}\"}}\nredirect: {{hosts: [127.0.0.1], any_port: true}}\n\
         sites: {{endpoint: \"{site}\", header: X-Atlassian-Cloud-Id}}\n",
        provider.base()
    );
    user.provider("certified", &yaml);
    user.env("EGRESS_PROVIDER_NAME_1", "certified")
        .env("EGRESS_OAUTH_CLIENT_ID_1", provider.value("CLI_CLIENT_ID"))
        .env("EGRESS_OAUTH_REDIRECT_URI_1", "http://127.0.0.1:0/callback")
        .env("EGRESS_MCP_SERVER_NAME_1", "work");
    user.run(&["egress", "--config-set", "1", "--browser"]).code(0);
    let file = egress_file(&user);
    let first = text(&user.token(&file), "access_token");

    let refused = Arc::default();
    let server = guarded(&provider, Arc::clone(&refused));
    lay_out(&user, POLICY, &[("atlassian", "oauth", &server.base)]);
    let mut gateway_yaml = agents.settings();
    gateway_yaml["upstreams"] = json!({ "atlassian": { "egress": "stored", "credential": "work" } });
    settings(&user, gateway_yaml);
    let token = agents.token("agent");
    let gateway = Gateway::start(&user);
    assert_eq!(gateway.call(&token, "atlassian"), 200);

    // The server rejects the token: the gateway gets another, and the caller does not notice.
    refused.lock().expect("a lock").push(first.clone());
    assert_eq!(gateway.call(&token, "atlassian"), 200);
    let second = text(&user.token(&file), "access_token");
    assert_ne!(second, first);

    let heads: Vec<_> = server.asked().into_iter().map(|asked| asked.head).collect();
    assert_eq!(heads.len(), 3, "{heads:?}");
    for (head, sent) in heads.iter().zip([&first, &first, &second]) {
        assert!(head.contains(&format!("\r\nauthorization: Bearer {sent}\r\n")));
        assert!(occurs(head, "x-atlassian-cloud-id: cloud-1"));
        clean_heads(head, &[&token]);
    }
    drop(gateway);

    // One that is too old when the gateway starts is renewed before it is sent.
    age(&user, &file);
    let gateway = Gateway::start(&user);
    assert_eq!(gateway.call(&token, "atlassian"), 200);
    let third = text(&user.token(&file), "access_token");
    assert_ne!(third, second);
    let last = server.asked().pop().expect("a request").head;
    assert!(last.contains(&format!("\r\nauthorization: Bearer {third}\r\n")));
}

fn egress_file(user: &User) -> String {
    let folder = std::fs::read_dir(user.project().join(".oauth-tokens")).expect("tokens");
    let names = folder.map(|entry| entry.expect("a file").file_name().into_string().expect("UTF-8"));
    names.into_iter().find(|name| name.ends_with("-egress.json")).expect("an egress token")
}

/// An MCP server that introspects every token (RFC 7662), and rejects some anyway.
fn guarded(provider: &OidcProvider, refused: Arc<Mutex<Vec<String>>>) -> Scripted {
    let endpoint = provider.value("INTROSPECTION_URL").to_owned();
    let (id, secret) =
        (provider.value("RS_CLIENT_ID").to_owned(), provider.value("RS_CLIENT_SECRET").to_owned());
    Scripted::start(move |asked| {
        let bearer = asked.head.lines().find_map(|line| line.strip_prefix("authorization: Bearer "));
        let bearer = bearer.unwrap_or_default();
        let basic = basic(&id, &secret);
        let headers =
            [("Content-Type", "application/x-www-form-urlencoded"), ("Authorization", basic.as_str())];
        let fields = form(&[("token", bearer)]);
        let active: Value = http("POST", &endpoint, &headers, &fields).json();
        let taken = refused.lock().expect("a lock").iter().all(|refused| refused != bearer);
        if active["active"] == true && taken {
            (200, r#"{"jsonrpc":"2.0","id":7,"result":{"content":[]}}"#.into())
        } else {
            (401, "{}".into())
        }
    })
}
