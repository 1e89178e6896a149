//! The registry's files in the format of its newest releases: read without wrong remarks.

use crate::support::User;

/// Fields of newer server files, and of those that its command line is given.
const SERVERS: [(&str, &str); 7] = [
    (
        "gateway.json",
        r#"{"server_name": "Gateway Tools", "description": "Management.", "path": "/mcpgw/", "proxy_pass_url": "http://mcpgw-server:8003/",
            "supported_transports": ["streamable-http"], "auth_scheme": "none", "tags": ["registry"], "num_tools": 1, "license": "N/A",
            "resource_list": [{"name": "get_config", "uri": "config://app", "parsed_description": {"main": "Configuration."}}],
            "tool_list": [{"name": "find", "parsed_description": {"main": "Finds.", "args": null, "returns": null, "raises": null}, "schema": {"type": "object", "properties": {}}}]}"#,
    ),
    (
        "key.json",
        r#"{"server_name": "Key", "path": "/key/", "proxy_pass_url": "https://key.test/mcp", "supported_transports": ["streamable-http"],
            "auth_scheme": "api_key", "headers": [{"X-API-Key": "${KEY_OF_OURS}"}], "metadata": {"homepage": "https://docs.test"}, "num_tools": 0}"#,
    ),
    (
        "bearer.json",
        r#"{"server_name": "Bearer", "path": "/bearer/", "proxy_pass_url": "https://api.test/mcp", "auth_scheme": "bearer",
            "metadata": {"team": "x", "compliance": ["SOC2"], "deployment_region": "global"}, "tags": ["a.b"]}"#,
    ),
    (
        "hosted.json",
        r#"{"server_name": "Hosted", "path": "/hosted", "proxy_pass_url": "https://hosted.test/v1/mcp", "auth_scheme": "none",
            "supported_transports": ["streamable-http"], "append_mcp_path": false, "status": "active", "provider_organization": "X",
            "provider_url": "https://x.test", "visibility": "public"}"#,
    ),
    (
        "docs.json",
        r#"{"server_name": "Docs", "path": "/docs-search/", "proxy_pass_url": "https://docs.test/docs/_mcp/server", "auth_scheme": "none", "license": "MIT"}"#,
    ),
    (
        "events.json",
        r#"{"server_name": "Local", "description": "On this machine.", "path": "/local-server", "proxy_pass_url": "http://host.docker.internal:3031/", "supported_transports": ["sse"]}"#,
    ),
    (
        "sqlite.json",
        r#"{"server_name": "SQLite", "path": "/sqlite/", "proxy_pass_url": "http://host.docker.internal:3031/", "supported_transports": ["streamable-http"],
            "auth_type": "none", "tags": [], "num_stars": 0, "is_python": false}"#,
    ),
];

const STATE: &str = r#"{"/mcpgw/": true, "/key": true, "/bearer/": true, "/hosted": true, "/docs-search": true, "/local-server": true, "/sqlite": true}"#;

/// Groups by name and by Entra ID's object identifiers; the registry's own permissions on services and on agents; scopes
/// with wildcards in both spellings; the registry's own API as a server, and HTTP methods as methods.
const SCOPES: &str = "\
# Scopes
UI-Scopes:
  mcp-registry-admin:
    list_agents: [all]
    get_agent: [all]
    publish_agent: [all]
    list_service: [all]
    register_service: [all]
    toggle_service: [all]
  lob1:
    list_agents: [/code-reviewer]
    list_service: [mcpgw]
  only-the-ui:
    list_service: [all]
group_mappings:
  mcp-registry-admin:
  - mcp-registry-admin
  - mcp-servers-unrestricted/read
  - mcp-servers-unrestricted/execute
  only-the-ui-people:
  - only-the-ui
  lob1:
  - lob1
  registry-admins:
  - registry-admins
  # Admin group
  \"3f0c2a51-7b1e-4c53-9d0a-5f1b8a2f6e10\":
  - mcp-registry-admin
  - mcp-servers-unrestricted/read
mcp-servers-unrestricted/read:
- server: '*'
  methods: [initialize, notifications/initialized, ping, tools/list, tools/call, resources/list, resources/templates/list, GET]
  tools: '*'
mcp-servers-unrestricted/execute:
- server: '*'
  methods: [initialize, notifications/initialized, ping, tools/list, tools/call, resources/list, resources/templates/list, GET, POST, PUT, DELETE]
  tools: '*'
lob1:
- server: api
  methods: [initialize, GET]
- server: api
  methods: [GET, POST, servers, virtual-servers, search]
  tools: []
- server: v0.1
  methods: [agents, GET, POST]
  tools: []
- server: mcpgw
  methods: [initialize, notifications/initialized, ping, tools/list, tools/call]
  tools: [find]
- server: /sqlite
  methods: [initialize, tools/list, tools/call]
  tools: ['*']
- agents:
    actions:
    - action: list_agents
      resources: [/code-reviewer]
registry-admins:
- server: '*'
  methods: [all]
  tools: [all]
- agents:
    actions:
    - action: list_agents
      resources: [all]
";

fn user() -> User {
    let user = User::new();
    for (name, text) in SERVERS {
        user.file(&format!("servers/{name}"), text);
    }
    user.file("servers/server_state.json", STATE);
    user.file("scopes.yml", SCOPES);
    user.file(
        "gateway.yaml",
        "issuers: [{issuer: 'https://idp.test', audience: [a]}]\nheader_variables: [KEY_OF_OURS]\n",
    );
    user
}

#[test]
fn the_newest_files_are_fine() {
    let mut user = user();
    let ran = user.env("KEY_OF_OURS", "k").run(&["gateway", "check", "--config", "gateway.yaml"]);
    assert_eq!(
        ran.stdout.matches("remark: ").count() + ran.stdout.matches("error: ").count(),
        0,
        "{}",
        ran.stdout
    );
    assert!(ran.code(0).stdout.contains("servers: 7"));
}

#[test]
fn everybody_reads_them_alike() {
    let user = user();
    let servers = user.run(&["config", "render", "--client", "roo"]).code(0).json();
    let names: Vec<&String> = servers["mcpServers"].as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 5, "those that need no credential of their own: {names:?}");
    let doctor = user.run(&["doctor", "--offline"]);
    // A found gateway.yaml gets none of the user's variables, and that is reported.
    for (name, _) in SERVERS.iter().filter(|(name, _)| *name != "key.json") {
        assert!(!doctor.stdout.contains(name), "{}", doctor.stdout);
    }
    assert!(!doctor.stdout.contains("scopes.yml: "), "{}", doctor.stdout);
}
