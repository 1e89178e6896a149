//! Egress sets with their server's own address, and sets that are edited in place.

use super::{KEY, server};
use crate::support::User;

const DESK: &str = "display_name: Desk\nauthorization_endpoint: https://desk.test/a\n\
                    token_endpoint: https://desk.test/t\nscopes: [read]\nredirect: {hosts: [127.0.0.1]}\n";

fn user(address: &str) -> User {
    let mut user = User::new();
    user.provider("desk", DESK);
    user.env("EGRESS_PROVIDER_NAME_1", "desk").env("EGRESS_OAUTH_CLIENT_ID_1", "c");
    user.env("EGRESS_OAUTH_CLIENT_SECRET_1", "s").env("EGRESS_OAUTH_REDIRECT_URI_1", "http://127.0.0.1:1/");
    user.env("EGRESS_MCP_SERVER_URL_1", address).env("REGISTRY_URL", "");
    let token = serde_json::json!({"provider": "desk", "access_token": KEY, "refresh_token": "r"});
    user.file(".oauth-tokens/desk-egress.json", &token.to_string());
    user
}

#[test]
fn a_set_serves_its_servers_own_address_without_a_gateway() {
    let server = server("authorization", "Bearer {}");
    let address = format!("{}/mcp", server.base);
    let user = user(&address);
    for which in ["desk", address.as_str()] {
        let headers = user.run(&["headers", which]).code(0).json();
        assert_eq!(headers, serde_json::json!({"Authorization": format!("Bearer {KEY}")}));
        user.run(&["list", "--server", which]).code(0);
    }
    let message = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{}}\n";
    assert!(user.run_with(&["bridge", "desk"], message).code(0).stdout.contains("\"echo\""));
    let inline = user.run(&["config", "render", "--client", "cursor", "--auth-mode", "inline"]).code(0);
    assert!(inline.stdout.contains(&address) && inline.stdout.contains(KEY), "{}", inline.stdout);
}

#[test]
fn a_found_file_does_not_say_where_the_users_token_goes() {
    let server = server("authorization", "Bearer {}");
    let address = format!("{}/mcp", server.base);
    let mut user = user(&address);
    user.env("EGRESS_MCP_SERVER_URL_1", "");
    user.file(".env", &format!("EGRESS_MCP_SERVER_URL_1={address}\n"));
    for args in
        [&["headers", "desk"][..], &["headers", &address], &["list", &address], &["list", "--server", "desk"]]
    {
        let ran = user.run(args);
        assert!(!ran.stdout.contains(KEY), "{args:?}: {ran:?}");
    }
    assert!(server.seen().iter().all(|seen| seen.header("authorization").is_none()));
}

#[test]
fn a_set_of_that_name_is_edited_and_what_it_loses_is_said() {
    let user = User::new();
    user.provider("desk", DESK);
    let before = "EGRESS_PROVIDER_NAME_3=desk\nEGRESS_OAUTH_CLIENT_ID_3=old\nEGRESS_OAUTH_CLIENT_SECRET_3=keep-me\n\
                  EGRESS_OAUTH_REDIRECT_URI_3=http://127.0.0.1:9/cb\nEGRESS_MCP_SERVER_NAME_3=desk\n";
    let env = user.file(".env", before);
    let args = [
        "configure",
        "--provider",
        "desk",
        "--client-id",
        "new",
        "--server-url",
        "https://desk.test/mcp",
        "--yes",
    ];
    let ran = user.run(&args).code(0);
    let text = std::fs::read_to_string(&env).unwrap();
    let expected = before.replace("=old", "=new") + "EGRESS_MCP_SERVER_URL_3=https://desk.test/mcp\n";
    assert_eq!(text, expected);
    assert!(ran.stderr.contains("EGRESS_OAUTH_CLIENT_ID_3 replaces old"), "{}", ran.stderr);
    assert!(!format!("{ran:?}").contains("keep-me"));
    // Another server of the same provider is another set.
    user.file("secret.txt", "hunter2");
    let other = [
        "configure",
        "--provider",
        "desk",
        "--server-name",
        "mail",
        "--client-id",
        "x",
        "--client-secret-file",
        "secret.txt",
        "--yes",
    ];
    user.run(&other).code(0);
    let text = std::fs::read_to_string(&env).unwrap();
    assert!(text.starts_with(&expected) && text.contains("EGRESS_MCP_SERVER_NAME_1=mail"), "{text}");
}

#[test]
fn agentcore_gateways_and_servers_by_address_can_be_set_up() {
    let user = User::new();
    user.file("secret.txt", "hunter2");
    let args = |id: &'static str| {
        [
            "configure",
            "--kind",
            "agentcore",
            "--server-name",
            "sre",
            "--client-id",
            id,
            "--client-secret-file",
            "secret.txt",
            "--user-pool-id",
            "us-east-1_AbC",
            "--yes",
        ]
    };
    let ran = user.run(&args("one")).code(0);
    assert!(ran.stdout.contains("--agentcore-only"), "{}", ran.stdout);
    let ran = user.run(&args("two")).code(0);
    assert!(ran.stderr.contains("AGENTCORE_CLIENT_ID_1 replaces one"), "{}", ran.stderr);
    let expected = "AGENTCORE_SERVER_NAME_1=sre\nAGENTCORE_CLIENT_ID_1=two\nAGENTCORE_CLIENT_SECRET_1=hunter2\n\
                    COGNITO_USER_POOL_ID_1=us-east-1_AbC\n";
    assert_eq!(std::fs::read_to_string(user.project().join(".env")).unwrap(), expected);

    let ran = user.run(&["configure", "--kind", "server", "--server-url", "tools.test/mcp"]).code(0);
    assert!(ran.stdout.contains("mcpauth login https://tools.test/mcp --with-token"), "{}", ran.stdout);
    user.run(&["configure", "--kind", "server"]).code(2);
}
