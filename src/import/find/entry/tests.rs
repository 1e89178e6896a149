use serde_json::{Value, json};

use super::*;

/// A body that no service issued: keys in tests are put together when they run.
const BODY: &str = "kJ8xQ2mV7bN4cZ1pL9sD3fG6hT5wR0yUaE8iOqX4";
const HEX: &str = "9f86d081884c7d659a2feaa0c55ad0153b1d7c2e";

fn key(prefix: &str) -> String {
    format!("{prefix}{BODY}")
}

fn hex(prefix: &str) -> String {
    format!("{prefix}{HEX}")
}

fn env(name: &str, value: &str) -> Value {
    json!({"command": "npx", "args": ["-y", "@scope/server"], "env": {name: value}})
}

fn header(name: &str, value: &str) -> Value {
    json!({"type": "http", "url": "https://mcp.test/mcp", "headers": {name: value}})
}

fn url(url: &str) -> Value {
    json!({"url": url})
}

fn args(words: &[&str]) -> Value {
    json!({"command": "npx", "args": words})
}

/// Entries with a secret, as people have them.
fn guilty() -> Vec<Value> {
    let bearer = |prefix: &str| header("Authorization", &format!("Bearer {}", key(prefix)));
    let jwt = format!("eyJ{BODY}.eyJ{BODY}.{BODY}");
    vec![
        env("GITHUB_PERSONAL_ACCESS_TOKEN", &key("ghp_")),
        env("GITHUB_TOKEN", &key("github_pat_11AB_")),
        env("SOMETHING", &key("gho_")),
        env("GITLAB_PERSONAL_ACCESS_TOKEN", &key("glpat-")),
        env("ANTHROPIC_API_KEY", &key("sk-ant-api03-")),
        env("OPENAI_API_KEY", &key("sk-proj-")),
        env("OPENAI", &key("sk-")),
        env("SLACK_BOT_TOKEN", &format!("xoxb-123456789012-{BODY}")),
        env("GOOGLE_MAPS_API_KEY", &key("AIza")),
        env("AWS_ACCESS_KEY_ID", "AKIAQ7ZB3XKM5WNT2LRV"),
        env("AWS_SECRET_ACCESS_KEY", "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"),
        env("AWS_SESSION_TOKEN", &format!("IQoJb3JpZ2luX2VjE{BODY}{BODY}==")),
        env("NOTION_TOKEN", &key("ntn_")),
        env(
            "OPENAPI_MCP_HEADERS",
            &format!("{{\"Authorization\": \"Bearer {}\", \"Notion-Version\": \"2022-06-28\"}}", key("ntn_")),
        ),
        env("LINEAR_API_KEY", &key("lin_api_")),
        env("FIGMA_API_KEY", &key("figd_")),
        env("SENTRY_ACCESS_TOKEN", &hex("sntryu_")),
        env("STRIPE_SECRET_KEY", &key("sk_test_")),
        env("AIRTABLE_API_KEY", &format!("patQ7ZB3XKM5WNT2L.{HEX}{HEX}")),
        env("HF_TOKEN", &key("hf_")),
        env("TAVILY_API_KEY", &key("tvly-dev-")),
        env("BRAVE_API_KEY", "BSAq8Jx2mV7bN4cZ1pL9sD3fG6hT5w"),
        env("FIRECRAWL_API_KEY", &hex("fc-")),
        env("EXA_API_KEY", "550e8400-e29b-41d4-a716-446655440000"),
        env("TELEGRAM_BOT_TOKEN", &format!("7123456789:AA{BODY}")),
        env("DISCORD_TOKEN", &format!("MTIzNDU2Nzg5MDEyMzQ1Njc4.GqX4aE.{BODY}")),
        env("SUPABASE_ACCESS_TOKEN", &hex("sbp_")),
        env("DATABASE_URL", "postgresql://app:hunter2@db.test:5432/app"),
        env("DATABASE_URI", "postgres://app:s3cr3t%21@db.test/app?sslmode=require"),
        env("MONGODB_URI", "mongodb+srv://root:Tr0ub4dor@cluster0.abc.mongodb.test/?retryWrites=true"),
        env("REDIS_URL", "redis://:hunter2hunter2@cache.test:6379/0"),
        env("CONNECTION_STRING", "Server=db.test;Database=app;User Id=sa;Password=Passw0rd-9;"),
        env(
            "AZURE_STORAGE",
            &format!(
                "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={BODY}{BODY}==;EndpointSuffix=core.test"
            ),
        ),
        env("PGPASSWORD", "correct horse battery"),
        env("DB_PASSWORD", "letmein!"),
        env("MYSQL_PASS", "x9Kq2mV7bN4c"),
        env("JIRA_API_TOKEN", &format!("ATATT3xFfGF0{BODY}={HEX}")),
        env("CONFLUENCE_PAT", "NjE2NDg4MDU0NzY0OvG6hT5wR0yUaE8i"),
        env("clientSecret", "GOCSPX-q8Jx2mV7bN4cZ1pL9sD3fG6hT5w"),
        env("X_COOKIE", "session=q8Jx2mV7bN4cZ1pL; theme=dark"),
        env("WEBHOOK_URL", &format!("https://hooks.slack.com/services/T0123ABCD/B0123ABCD/{BODY}")),
        env(
            "PRIVATE_KEY",
            "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n",
        ),
        env(
            "SERVICE_ACCOUNT_JSON",
            "{\"type\":\"service_account\",\"private_key\":\"-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----\"}",
        ),
        env("FOO", HEX),
        env("AUTH_HEADER", &format!("Bearer {BODY}")),
        env("API_KEY_2", "a8Fk29sLw0Qz"),
        env("API_TOKEN", "${API_TOKEN:-ghp_kJ8xQ2mV7bN4cZ1pL9sD3fG6hT5wR0yUaE8i}"),
        json!({"command": ["npx", "server"], "environment": {"API_KEY": BODY}}),
        json!({"cmd": "uvx", "args": ["server"], "envs": {"SECRET_KEY": BODY}}),
        json!({"command": {"path": "npx", "args": [], "env": {"TOKEN": BODY}}}),
        bearer("ghp_"),
        bearer(""),
        header("Authorization", &format!("Bearer {jwt}")),
        header("Authorization", "Basic dXNlcjpodW50ZXIyaHVudGVyMg=="),
        header("authorization", &format!("token {}", key("gho_"))),
        header("X-API-Key", BODY),
        header("api-key", HEX),
        header("X-Goog-Api-Key", &key("AIza")),
        header("CONTEXT7_API_KEY", "ctx7sk-550e8400-e29b-41d4-a716-446655440000"),
        header("Cookie", "sid=q8Jx2mV7bN4cZ1pL9sD3"),
        header("Ocp-Apim-Subscription-Key", HEX),
        header("X-Custom", &key("sk-ant-")),
        json!({"url": "https://mcp.test", "http_headers": {"Authorization": format!("Bearer {BODY}")}}),
        json!({"url": "https://mcp.test", "requestOptions": {"headers": {"X-Auth-Token": BODY}}}),
        url(&format!("https://mcp.test/mcp?api_key={BODY}")),
        url("https://server.test/mcp?api_key=550e8400-e29b-41d4-a716-446655440000&profile=dev"),
        url("https://user:hunter2!@mcp.test/mcp"),
        url(&format!("https://mcp.zapier.com/api/mcp/s/{BODY}/mcp")),
        url(&format!("https://mcp.test/{BODY}/sse")),
        url(&format!("https://fn.test/runtime/webhooks/mcp/sse?code={BODY}==")),
        url(&format!("https://mcp.tavily.com/mcp/?tavilyApiKey={}", key("tvly-"))),
        args(&["-y", "server", "--api-key", BODY]),
        args(&["-y", "server", &format!("--token={BODY}")]),
        args(&["-y", "figma-developer-mcp", &format!("--figma-api-key={}", key("figd_")), "--stdio"]),
        args(&["-y", "@smithery/cli@latest", "run", "@x/y", "--key", "550e8400-e29b-41d4-a716-446655440000"]),
        args(&["-y", "@modelcontextprotocol/server-postgres", "postgresql://app:hunter2@localhost/app"]),
        args(&[
            "-y",
            "mcp-remote",
            "https://mcp.test/mcp",
            "--header",
            &format!("Authorization: Bearer {BODY}"),
        ]),
        args(&["mcp-remote", "https://mcp.test/mcp", "--header", &format!("X-Api-Key:{BODY}")]),
        json!({"command": "npx", "args": ["mcp-remote", "https://mcp.test/mcp", "--header", "Authorization:${AUTH}"], "env": {"AUTH": format!("Bearer {BODY}")}}),
        json!({"command": "docker", "args": ["run", "-i", "--rm", "-e", format!("GITHUB_TOKEN={}", key("ghp_")), "image"]}),
        json!({"command": "sh", "args": ["-c", format!("API_KEY={BODY} exec npx server")]}),
        json!({"command": "env", "args": [format!("TOKEN={BODY}"), "npx", "server"]}),
        json!({"command": "cmd", "args": ["/c", "npx", "server", "--password", "hunter2!"]}),
        args(&["-y", "supergateway", "--header", "X-Auth: q8Jx2mV7bN4cZ1pL9sD3"]),
        args(&["-y", "@supabase/mcp-server-supabase@latest", "--access-token", &hex("sbp_")]),
        args(&[&key("ghp_")]),
        json!({"url": "https://mcp.test/mcp", "oauth": {"clientId": "app", "clientSecret": BODY}}),
        json!({"url": "https://mcp.test/mcp", "bearer_token": BODY}),
    ]
}

/// Entries without one, as people have them.
fn innocent() -> Vec<Value> {
    vec![
        env("GITHUB_TOKEN", "${GITHUB_TOKEN}"),
        env("GITHUB_PERSONAL_ACCESS_TOKEN", "${input:github_token}"),
        env("API_KEY", "${env:API_KEY}"),
        env("API_KEY", "YOUR_API_KEY"),
        env("API_KEY", "your-api-key-here"),
        env("API_KEY", "<your-key>"),
        env("API_KEY", "$(pass show api)"),
        env("API_KEY", "{{API_KEY}}"),
        env("API_KEY", "%API_KEY%"),
        env("API_KEY", "env:API_KEY"),
        env("API_KEY", "op://Private/api/credential"),
        env("API_KEY", "{env:API_KEY}"),
        env("API_KEY", "$API_KEY"),
        env("API_KEY", "${{ secrets.API_KEY }}"),
        env("API_KEY", ""),
        env("API_KEY", "xxxxxxxxxxxxxxxx"),
        env("API_KEY", "sk-..."),
        env("API_KEY", "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
        env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        env("TOKEN", "changeme"),
        env("TOKEN", "REPLACE_ME"),
        env("TOKEN_FILE", "/run/secrets/token"),
        env("GOOGLE_APPLICATION_CREDENTIALS", "/home/u/.config/gcloud/key-9f86d081884c7d659a2f.json"),
        env("SECRET_PATH", "C:\\Users\\u\\secret.txt"),
        env("TOKEN_URL", "https://login.test/oauth2/token"),
        env("MAX_TOKENS", "4096"),
        env("LLM_MAX_OUTPUT_TOKENS", "128000"),
        env("TOKEN_LIMIT", "100000"),
        env("AUTH_TYPE", "bearer"),
        env("AUTH_MODE", "api_key"),
        env("API_KEY_HEADER", "x-api-key"),
        env("API_KEY_ENV_VAR", "OPENAI_API_KEY"),
        env("TOKEN_ENV", "GITHUB_TOKEN"),
        env("SECRET_NAME", "prod/app/database"),
        env("CLIENT_ID", "3MVG9q8Jx2mV7bN4cZ1pL9sD3fG6hT5wR0yUaE8i"),
        env("PROJECT_ID", "550e8400-e29b-41d4-a716-446655440000"),
        env("TENANT", "9f86d081884c7d659a2feaa0c55ad015"),
        env("TEAM_ID", "T01Q7ZB3XKM"),
        env("SOME_UUID", "550e8400-e29b-41d4-a716-446655440000"),
        env("MODEL", "claude-sonnet-4-20250514"),
        env("OPENAI_MODEL", "gpt-4o-mini-2024-07-18"),
        env("EMBEDDING", "text-embedding-3-large"),
        env("LOG_LEVEL", "debug"),
        env("NODE_OPTIONS", "--max-old-space-size=4096"),
        env("HTTPS_PROXY", "http://proxy.test:3128"),
        env("PATH", "/usr/local/bin:/usr/bin:/home/u/.nvm/versions/node/v22.23.3/bin"),
        env("PWD", "/home/u/project"),
        env("DATABASE_URL", "postgresql://app@localhost:5432/app"),
        env("DATABASE_URL", "postgres://app:${DB_PASSWORD}@db.test/app"),
        env("REDIS_URL", "redis://localhost:6379/0"),
        env("GIT_COMMIT", HEX),
        env(
            "IMAGE",
            "ghcr.io/acme/mcp@sha256:9f86d081884c7d659a2feaa0c55ad0159f86d081884c7d659a2feaa0c55ad015",
        ),
        env("KEYCLOAK_URL", "https://login.test/realms/main"),
        env("SORT_KEY", "created_at"),
        env("CACHE_KEY_PREFIX", "mcp-server-v2"),
        env("PUBLIC_KEY", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8xQ2mV7bN4cZ1pL9sD3fG6hT5wR0yUaE8iOqX4"),
        env("STRIPE_PUBLISHABLE_KEY", "pk_live_51H8xQ2mV7bN4cZ1pL9sD3fG6hT5"),
        env("REGION", "us-east-1"),
        env("TIMESTAMP", "2026-11-27T08:00:00.123456Z"),
        env("EMAIL", "alice.smith1984@example.test"),
        env("ROLE_ARN", "arn:aws:iam::123456789012:role/McpReadOnly"),
        env("ALLOWED_ORIGINS", "https://app.test,https://admin.test"),
        env("USE_TOKEN", "true"),
        env("COOKIES_ENABLED", "false"),
        env("DOCKER_HOST", "unix:///run/user/1000/docker.sock"),
        header("Authorization", "Bearer ${GITHUB_TOKEN}"),
        header("Authorization", "Bearer ${input:token}"),
        header("Authorization", "Bearer YOUR_TOKEN"),
        header("Authorization", "Bearer <token>"),
        header("X-API-Key", "{{api_key}}"),
        header("Content-Type", "application/json"),
        header("Accept", "application/json, text/event-stream"),
        header("User-Agent", "my-client/1.2.3 (linux; x64)"),
        header("MCP-Protocol-Version", "2025-11-25"),
        header("X-Tenant-Id", "550e8400-e29b-41d4-a716-446655440000"),
        header("X-Region", "eu-central-1"),
        json!({"url": "https://mcp.test/mcp", "bearer_token_env_var": "GITHUB_TOKEN", "env_http_headers": {"X-Api-Key": "MY_API_KEY"}}),
        json!({"url": "https://mcp.test/mcp", "headersHelper": "/usr/bin/mcpauth headers files"}),
        json!({"url": "https://mcp.test/mcp", "oauth": {"clientId": "3MVG9q8Jx2mV7bN4cZ1pL9sD3fG6", "scopes": ["read"]}}),
        json!({"extensions": {}, "enabled": true, "type": "builtin", "timeout": 300, "name": "developer"}),
        url("https://mcp.test/mcp"),
        url("https://mcp.linear.test/sse?readonly=true&project=web"),
        url("https://mcp.pipedream.test/550e8400-e29b-41d4-a716-446655440000/app"),
        url("https://mcp.test/mcp?token=${TOKEN}"),
        url("https://mcp.test/mcp?apiKey=YOUR_API_KEY"),
        url("http://localhost:3000/mcp"),
        args(&["-y", "@modelcontextprotocol/server-filesystem@2025.8.21", "/home/u/Documents"]),
        args(&["-y", "mcp-remote@0.1.29", "https://mcp.test/sse", "3334", "--transport", "http-only"]),
        args(&["-y", "server", "--api-key", "${API_KEY}"]),
        args(&["-y", "server", "--api-key=$API_KEY"]),
        args(&["-y", "server", "--token-file", "/run/secrets/token"]),
        args(&[
            "run",
            "-i",
            "--rm",
            "-e",
            "GITHUB_PERSONAL_ACCESS_TOKEN",
            "ghcr.io/github/github-mcp-server:v0.20.1",
        ]),
        args(&[
            "--from",
            "git+https://git.test/acme/server@9f86d081884c7d659a2feaa0c55ad0153b1d7c2e",
            "server",
        ]),
        args(&["mcp-remote", "https://mcp.test/mcp", "--header", "Authorization: Bearer ${TOKEN}"]),
        args(&["-y", "server", "--model", "claude-opus-4-1-20250805", "--max-tokens", "64000"]),
        args(&["-y", "@playwright/mcp@latest", "--user-agent", "Mozilla/5.0 (X11; Linux x86_64)"]),
        args(&["exec", "tickets", "--", "npx", "-y", "@scope/server"]),
        json!({"command": "sh", "args": ["-c", "API_KEY=$(pass show api) exec npx server"]}),
        json!({"command": "/opt/9f86d081884c7d659a2feaa0c55ad015/bin/server", "args": []}),
    ]
}

#[test]
fn every_secret_of_the_labelled_set_is_found_and_nothing_else() {
    let (guilty, innocent) = (guilty(), innocent());
    let found = |entry: &&Value| !secrets(EntryParts(entry.as_object().unwrap())).is_empty();
    let missed: Vec<&Value> = guilty.iter().filter(|entry| !found(entry)).collect();
    let alarms: Vec<_> = innocent.iter().filter(found).collect();
    let said: Vec<String> = alarms
        .iter()
        .map(|entry| format!("{entry}: {:?}", secrets(EntryParts(entry.as_object().unwrap()))))
        .collect();
    let recall = 100 * (guilty.len() - missed.len()) / guilty.len();
    println!(
        "labelled entries: {} with a secret, {} without; recall {recall} %, false alarms {}",
        guilty.len(),
        innocent.len(),
        alarms.len()
    );
    assert!(guilty.len() >= 60 && innocent.len() >= 60);
    assert!(
        missed.is_empty(),
        "missed:\n{}",
        missed.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    );
    assert!(alarms.is_empty(), "false alarms:\n{}", said.join("\n"));
}
