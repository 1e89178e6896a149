//! What `mcpauth demo` sets up: clients, providers, servers, policy and settings, as in a user's project. Not here:
//! serving (see `idp` and `mcp`); running (see `cli::demo`).

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::demo::idp::{IdpClient, Options};
use crate::demo::mcp::SampleTool;

/// A sample MCP server.
#[derive(Clone, Copy, Debug)]
pub struct SampleServer {
    /// Its name and path.
    pub name: &'static str,
    /// Its display name.
    pub title: &'static str,
    /// The credential that it requires (`auth_type`).
    pub auth: &'static str,
    /// Its tools.
    pub tools: &'static [SampleTool],
}

/// The user pool, which is a realm of the identity provider: its name is the last part of the issuer, as with real
/// pools.
pub const POOL: &str = "us-east-1_Demo";

/// Every server: one without a credential of its own, one for each that `generate` gets, and one that is granted to
/// nobody.
pub const SERVERS: [SampleServer; 6] = [
    SampleServer {
        name: "currenttime",
        title: "Current Time",
        auth: "none",
        tools: &[SampleTool { name: "current_time", about: "Says what time it is (UTC)", run: |_| time() }],
    },
    SampleServer {
        name: "demo-tracker",
        title: "Demo Tracker",
        auth: "oauth",
        tools: &[
            SampleTool {
                name: "get_issue",
                about: "Shows an issue",
                run: |_| "DEMO-1: The coffee machine leaks".into(),
            },
            SampleTool { name: "create_issue", about: "Writes an issue", run: |_| "created DEMO-2".into() },
            SampleTool { name: "delete_issue", about: "Deletes an issue", run: |_| "deleted".into() },
        ],
    },
    SampleServer {
        name: "demo-notes",
        title: "Demo Notes",
        auth: "oauth",
        tools: &[SampleTool { name: "search_notes", about: "Finds notes", run: |_| "no notes".into() }],
    },
    SampleServer {
        name: "sre-gateway",
        title: "SRE",
        auth: "oauth",
        tools: &[SampleTool {
            name: "list_incidents",
            about: "Lists incidents",
            run: |_| "no incidents".into(),
        }],
    },
    SampleServer {
        name: "finance-gateway",
        title: "Finance",
        auth: "oauth",
        tools: &[SampleTool { name: "get_report", about: "Shows a report", run: |_| "all is well".into() }],
    },
    SampleServer {
        name: "payroll",
        title: "Payroll",
        auth: "oauth",
        tools: &[SampleTool { name: "list_salaries", about: "Lists salaries", run: |_| "4711".into() }],
    },
];

/// The policy: the agent may list and call on five servers, all but one of the tracker's tools, and cannot use
/// payroll.
const POLICY: &str = "\
# Groups of people; the demo's agent has its scopes in the token.
group_mappings:
  demo-readers: [mcp-servers-restricted/read]
  demo-admins: [mcp-servers-unrestricted/execute]
  demo-keepers: [mcp-registry-admin, mcp-servers-restricted/execute]

# What people may do on the registry's pages.
UI-Scopes:
  mcp-registry-admin:
    list_service: [all]
    register_service: [all]
    health_check_service: [all]
    toggle_service: [all]
    modify_service: [all]
  mcp-servers-restricted/read:
    list_service: [currenttime, demo-tracker]
  mcp-servers-unrestricted/execute:
    list_service: [all]

mcp-servers-restricted/read:
  - server: currenttime
    methods: [initialize, notifications/initialized, ping, tools/list]
    tools: [current_time]
  - server: demo-tracker
    methods: [initialize, notifications/initialized, ping, tools/list]
    tools: [get_issue]

mcp-servers-restricted/execute:
  - server: currenttime
    methods: [tools/list, tools/call]
    tools: [current_time]
  - server: demo-tracker
    methods: [tools/list, tools/call]
    tools: [get_issue, create_issue]
  - server: demo-notes
    methods: [tools/list, tools/call]
    tools: [search_notes]
  - server: sre-gateway
    methods: [tools/list, tools/call]
    tools: [list_incidents]
  - server: finance-gateway
    methods: [tools/list, tools/call]
    tools: [get_report]
  - server: mcpgw
    methods: [initialize, tools/list, tools/call]
    tools: [debug_auth_context, intelligent_tool_finder, call_tool]

mcp-servers-unrestricted/execute:
  - server: '*'
    methods: ['*']
    tools: ['*']
";

/// Policy tests, for `mcpauth gateway test`.
const CASES: &str = "\
- {name: readers see one issue, groups: [demo-readers], server: demo-tracker, method: tools/list, among: [get_issue, delete_issue], shows: [get_issue]}
- {name: readers call nothing, groups: [demo-readers], server: demo-tracker, tool: get_issue, expect: deny}
- {name: the agent creates, scopes: [mcp-servers-restricted/execute], server: demo-tracker, tool: create_issue, expect: allow}
- {name: the agent does not delete, scopes: [mcp-servers-restricted/execute], server: demo-tracker, tool: delete_issue, expect: deny}
- {name: payroll is for admins, groups: [demo-admins], server: payroll, tool: list_salaries, expect: allow}
- {name: payroll is for admins alone, groups: [demo-readers], server: payroll, tool: list_salaries, expect: deny}
";

/// The identity provider's clients. Their secrets protect nothing: it runs once, on loopback.
pub fn options(auto_approve: bool) -> Options {
    let redirect = "http://127.0.0.1/callback";
    Options {
        clients: vec![
            IdpClient::machine(
                "demo-agent",
                "demo-agent-secret",
                &["mcp-servers-restricted/read", "mcp-servers-restricted/execute"],
            ),
            IdpClient::confidential(
                "demo-tracker-client",
                "demo-tracker-secret",
                redirect,
                &["read:work", "offline_access"],
            ),
            IdpClient::public("demo-notes-client", redirect, &["notes.read", "offline_access"]),
            IdpClient::machine("demo-sre", "demo-sre-secret", &["gateway/read"]),
            IdpClient::machine("demo-finance", "demo-finance-secret", &["invoke:gateway"]),
            IdpClient::confidential(
                "demo-pages",
                "demo-pages-secret",
                "http://127.0.0.1/oauth2/callback/demo",
                &["openid", "profile"],
            ),
        ],
        groups: ["demo-keepers", "office-berlin"].map(str::to_owned).to_vec(),
        auto_approve,
        access_token_lifetime: Duration::from_secs(3_600),
        ..Options::default()
    }
}

/// The project's `.env`: `pool` is the issuer of ingress tokens, `issuer` of all others, `gateway` the address for
/// clients.
pub fn env(folder: &Path, pool: &str, issuer: &str, gateway: &str) -> Vec<(String, String)> {
    let at = |name: &str| folder.join(name).display().to_string();
    let rows = [
        ("INGRESS_OAUTH_ISSUER", pool.to_owned()),
        ("INGRESS_OAUTH_USER_POOL_ID", POOL.into()),
        ("INGRESS_OAUTH_CLIENT_ID", "demo-agent".into()),
        ("INGRESS_OAUTH_CLIENT_SECRET", "demo-agent-secret".into()),
        ("EGRESS_PROVIDER_NAME_1", "demo-tracker".into()),
        ("EGRESS_OAUTH_CLIENT_ID_1", "demo-tracker-client".into()),
        ("EGRESS_OAUTH_CLIENT_SECRET_1", "demo-tracker-secret".into()),
        ("EGRESS_OAUTH_REDIRECT_URI_1", "http://127.0.0.1:0/callback".into()),
        ("EGRESS_PROVIDER_NAME_2", "demo-notes".into()),
        ("EGRESS_OAUTH_CLIENT_ID_2", "demo-notes-client".into()),
        ("EGRESS_OAUTH_REDIRECT_URI_2", "http://127.0.0.1:0/callback".into()),
        ("AGENTCORE_CLIENT_ID_1", "demo-sre".into()),
        ("AGENTCORE_CLIENT_SECRET_1", "demo-sre-secret".into()),
        ("AGENTCORE_SERVER_NAME_1", "sre-gateway".into()),
        ("AGENTCORE_ISSUER_1", issuer.into()),
        ("AGENTCORE_SCOPE_1", "gateway/read".into()),
        ("AGENTCORE_CLIENT_ID_2", "demo-finance".into()),
        ("AGENTCORE_CLIENT_SECRET_2", "demo-finance-secret".into()),
        ("AGENTCORE_SERVER_NAME_2", "finance-gateway".into()),
        ("COGNITO_DOMAIN_2", issuer.into()),
        ("AGENTCORE_TOKEN_REQUEST_2", "json".into()),
        ("REGISTRY_URL", gateway.into()),
        ("MCPAUTH_TOKENS_DIR", at(".oauth-tokens")),
        ("MCPAUTH_CONFIG_DIR", at("config")),
        ("MCPAUTH_STATE_DIR", at("state")),
        ("MCPAUTH_SERVERS_DIR", at("servers")),
        ("MCPAUTH_GATEWAY_CONFIG", at("gateway.yaml")),
    ];
    rows.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

/// Where people sign in to the registry's pages, in the form of the registry's own file.
fn providers(pool: &str) -> String {
    format!(
        "\
providers:
  demo:
    enabled: true
    display_name: Demo identity provider
    client_id: demo-pages
    client_secret: demo-pages-secret
    issuer: {pool}
    scopes: [openid, profile]
    username_claim: name
    groups_claim: groups
"
    )
}

/// The project's other files: providers, policy, policy tests, and one file per server with its address.
pub fn files(pool: &str, issuer: &str, servers: &[(SampleServer, &str)]) -> Vec<(String, String)> {
    let endpoints = format!(
        "authorization_endpoint: {issuer}/authorize\ntoken_endpoint: {issuer}/token\nissuer: {issuer}\niss_required: true\n\
         redirect: {{hosts: [127.0.0.1], any_port: true}}\n"
    );
    let mut files = vec![
        (
            "config/providers/demo-tracker.yaml".into(),
            format!(
                "display_name: Demo Tracker\n{endpoints}scopes: [\"read:work\", offline_access]\n\
                 sites: {{endpoint: {issuer}/sites, header: X-Demo-Cloud-Id}}\n"
            ),
        ),
        (
            "config/providers/demo-notes.yaml".into(),
            format!(
                "display_name: Demo Notes\n{endpoints}client_secret: never\nscopes: [notes.read, offline_access]\n"
            ),
        ),
        ("scopes.yml".into(), POLICY.into()),
        ("oauth2_providers.yml".into(), providers(pool)),
        ("cases.yml".into(), CASES.into()),
    ];
    files.extend(servers.iter().map(|(server, base)| {
        let tools = server.tools.iter().map(|tool| json!({"name": tool.name, "description": tool.about}));
        let file = json!({
            "server_name": server.title,
            "path": format!("/{}", server.name),
            "proxy_pass_url": format!("{base}/mcp"),
            "auth_type": server.auth,
            "tool_list": tools.collect::<Vec<_>>(),
        });
        (format!("servers/{}.json", server.name), format!("{file:#}\n"))
    }));
    files
}

/// `gateway.yaml`, for tokens of `pool`.
pub fn gateway(pool: &str, listen: &str) -> String {
    format!(
        "\
listen: {listen}
issuers:
  - issuer: {pool}
    kind: cognito
    clients: [demo-agent]
policy: scopes.yml
servers: servers
mcpgw: {{call_tool: true}}
session_key: session.key
vending: {{key: keys, issuer: 'http://{listen}'}}
audit: audit.jsonl
face: {{listen: '127.0.0.1:0', providers: oauth2_providers.yml}}
health: {{interval: 0}} # the servers get only what callers send
limits: {{drain_timeout: 1}}
"
    )
}

fn time() -> String {
    OffsetDateTime::now_utc()
        .replace_nanosecond(0)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
        .format(&Rfc3339)
        .unwrap_or_default()
}
