//! The registry as data: its own addresses below `/api`, and the official registry's below `/v0.1`. Not here: the pages
//! (see `registry_pages`).
#![cfg(test)]

use mcpauth::gateway::settings::OfficialApi;
use serde_json::{Value, json};

use crate::gateway::vending::{p256, vends};
use crate::support::face::FaceLab;

/// Every address below `/api` that reads.
const READS: [&str; 8] = [
    "/api/auth/me",
    "/api/servers",
    "/api/server_details/alpha",
    "/api/server_details/all",
    "/api/tools/alpha",
    "/api/tools/all",
    "/api/health/ws/health_status",
    "/api/tokens",
];

fn names<'v>(value: &'v Value, member: &str) -> Vec<&'v str> {
    value.as_array().unwrap().iter().map(|item| item[member].as_str().unwrap()).collect()
}

#[test]
fn whoever_is_unknown_is_told_so_in_json_and_sent_nowhere() {
    let face = FaceLab::start();
    let writes = [
        "/api/toggle/alpha",
        "/api/register",
        "/api/edit/alpha",
        "/api/refresh/alpha",
        "/api/tokens/generate",
    ];
    for (method, path) in READS.iter().map(|path| ("GET", *path)).chain(writes.map(|path| ("POST", path))) {
        // A program says where its request comes from by its token; without one, a browser's word is needed.
        let headers =
            [("Sec-Fetch-Site", "same-origin"), ("Content-Type", "application/x-www-form-urlencoded")];
        let answer = face.send(method, path, &headers, "").status(401);
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
        assert!(answer.header("location").is_none() && answer.json()["detail"].is_string(), "{path}");
        let answer = face.ask(method, path, Some("not-a-token"), None).status(401);
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
    }
    // What the registry took for granted from a header is nobody's word (U7).
    let headers = [("X-User", "admin"), ("X-Username", "admin"), ("X-Scopes", "everything")];
    face.send("GET", "/api/servers", &headers, "").status(401);
    let admin = face.token("admins");
    let answer = face.get(&admin, "/api/no-such-thing").status(404);
    assert!(answer.json()["detail"].is_string());
}

#[test]
fn the_registrys_own_addresses_answer_with_its_fields() {
    let face = FaceLab::start();
    let (user, admin) = (face.token("users"), face.token("admins"));
    let me = face.get(&user, "/api/auth/me").status(200).json();
    let fields =
        ["username", "auth_method", "provider", "scopes", "groups", "can_modify_servers", "is_admin"];
    assert_eq!(me.as_object().unwrap().keys().collect::<Vec<_>>(), fields);
    assert_eq!((&me["scopes"], &me["groups"]), (&json!(["use-alpha", "user"]), &json!(["users"])));
    assert_eq!((&me["is_admin"], &me["can_modify_servers"]), (&json!(false), &json!(false)));
    assert_eq!(face.get(&admin, "/api/auth/me").status(200).json()["is_admin"], true);
    let list = face.get(&user, "/api/servers").status(200).json();
    assert_eq!(names(&list["servers"], "path"), ["/alpha"]);
    let fields = [
        "display_name",
        "path",
        "description",
        "is_enabled",
        "tags",
        "num_tools",
        "num_stars",
        "is_python",
        "license",
        "health_status",
        "last_checked_iso",
    ];
    let row = &list["servers"][0];
    assert_eq!(row.as_object().unwrap().keys().collect::<Vec<_>>(), fields, "and no proxy_pass_url");
    assert_eq!((&row["num_tools"], &row["health_status"]), (&json!(2), &json!("unknown")));
    let list = face.get(&admin, "/api/servers?query=GAMMA").status(200).json();
    assert_eq!(names(&list["servers"], "path"), ["/gamma"]);
    assert!(list["servers"][0]["proxy_pass_url"].as_str().unwrap().starts_with("http://127.0.0.1:"));
    let details = face.get(&user, "/api/server_details/alpha").status(200).json();
    assert_eq!(names(&details["tool_list"], "name"), ["echo", "delete_all"]);
    assert!(details.get("proxy_pass_url").is_none() && details.get("headers").is_none());
    assert!(!details.to_string().contains("k3y"));
    let tools = face.get(&user, "/api/tools/alpha").status(200).json();
    assert_eq!((&tools["service_path"], names(&tools["tools"], "name").len()), (&json!("/alpha"), 2));
    let all = face.get(&user, "/api/tools/all").status(200).json();
    assert_eq!((&all["service_path"], all["tools"].as_array().unwrap().len()), (&json!("all"), 2));
    let health = face.get(&user, "/api/health/ws/health_status").status(200).json();
    assert_eq!(health.as_object().unwrap().keys().collect::<Vec<_>>(), ["/alpha"]);
    assert_eq!(health["/alpha"]["status"], "unknown");
    for path in ["/api/server_details/gamma", "/api/tools/gamma", "/api/server_details/never"] {
        let answer = face.get(&user, path).status(404);
        assert_eq!(answer.json(), json!({"detail": "there is no server with this path"}), "{path}");
    }
}

#[test]
fn changes_by_data_are_those_of_the_pages() {
    let face = FaceLab::start();
    let (user, developer) = (face.token("users"), face.token("developers"));
    let (operator, admin) = (face.token("operators"), face.token("admins"));
    face.post(&user, "/api/toggle/alpha", "enabled=on").status(403);
    face.post(&user, "/api/toggle/gamma", "enabled=on").status(404);
    face.post(&developer, "/api/toggle/alpha", "enabled=on").status(403);
    let answer = face.post(&operator, "/api/toggle/alpha", "").status(200).json();
    let fields = ["service_path", "status", "last_checked_iso", "num_tools", "message", "new_enabled_state"];
    assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), fields);
    assert_eq!((&answer["new_enabled_state"], &answer["status"]), (&json!(false), &json!("disabled")));
    let form = "name=New&path=new&proxy_pass_url=http%3A%2F%2F127.0.0.1%3A9%2F&tags=a,b";
    assert!(face.post(&operator, "/api/register", form).status(403).json()["error"].is_string());
    let answer = face.post(&developer, "/api/register", form).status(201).json();
    assert_eq!(
        (&answer["service"]["path"], &answer["service"]["tags"]),
        (&json!("/new"), &json!(["a", "b"]))
    );
    face.post(&developer, "/api/register", form).status(409);
    assert!(face.post(&developer, "/api/register", "name=X&path=x").status(400).json()["error"].is_string());
    face.post(&developer, "/api/edit/new", "description=x").status(403);
    let body = json!({"description": "said in JSON", "tags": ["c"]}).to_string();
    let bearer = format!("Bearer {admin}");
    let answer = face.send("POST", "/api/edit/new", &[("Authorization", &bearer)], &body).status(200).json();
    assert_eq!(answer["changed"], json!(["description", "tags"]));
    let file: Value = serde_json::from_str(&face.file("new")).unwrap();
    assert_eq!((&file["description"], &file["tags"]), (&json!("said in JSON"), &json!(["c"])));
    face.post(&admin, "/api/edit/new", "description=y&seen=0").status(409);
    assert_eq!(face.post(&operator, "/api/refresh/alpha", "").status(200).json()["service_path"], "/alpha");
    face.post(&developer, "/api/refresh/alpha", "").status(403);
}

#[test]
fn tokens_by_data_are_ones_own() {
    let face = FaceLab::with(|settings, dir| vends(settings, dir, &p256()));
    let user = face.token("users");
    let bearer = format!("Bearer {user}");
    let ask = |body: Value| {
        face.send("POST", "/api/tokens/generate", &[("Authorization", &bearer)], &body.to_string())
    };
    let answer = ask(json!({"requested_scopes": ["use-alpha"], "expires_in_hours": 1, "description": "ci"}))
        .status(200)
        .json();
    face.lab.call(answer["tokens"]["access_token"].as_str().unwrap(), "alpha", "echo").status(200);
    ask(json!({"requested_scopes": ["everything"]})).status(400);
    ask(json!({"user_context": {"username": "root", "scopes": ["everything"]}})).status(400);
    let list = face.get(&user, "/api/tokens").status(200);
    assert!(!list.text().contains("eyJ"));
    let list = list.json();
    let jti = list["tokens"][0]["jti"].as_str().unwrap();
    assert_eq!(
        (&list["tokens"][0]["description"], &list["tokens"][0]["revoked"]),
        (&json!("ci"), &json!(false))
    );
    let other = face.token_of(json!({"groups": ["users"], "sub": "bob"}));
    face.post(&other, "/api/tokens/revoke", &format!("jti={jti}")).status(404);
    let answer = face.post(&user, "/api/tokens/revoke", &format!("jti={jti}")).status(200).json();
    assert_eq!((&answer["revoked"], &answer["was_revoked"]), (&json!(true), &json!(false)));
}

/// The official registry's `ServerList` and `ServerResponse` (openapi.yaml of 2025-12-01), as far as this gateway fills
/// them: what is required, types, lengths, patterns, and which members there may be.
#[track_caller]
fn is_response(value: &Value) {
    let members = |value: &Value, allowed: &[&str]| {
        for name in value.as_object().unwrap().keys() {
            assert!(allowed.contains(&name.as_str()), "{name} in {value}");
        }
    };
    members(value, &["server", "_meta"]);
    let server = &value["server"];
    let of_detail = [
        "$schema",
        "name",
        "description",
        "title",
        "repository",
        "version",
        "websiteUrl",
        "icons",
        "packages",
        "remotes",
        "_meta",
    ];
    members(server, &of_detail);
    let text = |name: &str, least: usize, most: usize| {
        let text = server[name].as_str().unwrap_or_else(|| panic!("{name} in {server}"));
        assert!((least..=most).contains(&text.chars().count()), "{name}: {text}");
        text
    };
    let name = text("name", 3, 200);
    let (space, local) = name.split_once('/').unwrap();
    let is = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    assert!(is(space, ".-") && is(local, "._-"), "^[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+$: {name}");
    text("description", 1, 100);
    text("title", 1, 100);
    let version = text("version", 1, 255);
    assert!(version != "latest" && !version.starts_with(['^', '~', '>', '<']), "{version}");
    assert_eq!(
        server["$schema"],
        "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json"
    );
    for remote in server["remotes"].as_array().unwrap() {
        members(remote, &["type", "url", "headers", "variables"]);
        assert!(["streamable-http", "sse"].contains(&remote["type"].as_str().unwrap()));
        let url = remote["url"].as_str().unwrap();
        assert!(url.starts_with("http") && !url.contains(char::is_whitespace), "{url}");
    }
    let official = &value["_meta"]["io.modelcontextprotocol.registry/official"];
    members(
        official,
        &["status", "statusMessage", "statusChangedAt", "publishedAt", "updatedAt", "isLatest"],
    );
    assert!(["active", "deprecated", "deleted"].contains(&official["status"].as_str().unwrap()));
    assert!(official["isLatest"].is_boolean());
    // The gateway's own server has no file, and so no time.
    let times = ["statusChangedAt", "publishedAt", "updatedAt"];
    for (time, text) in times.into_iter().filter_map(|time| Some((time, official.get(time)?))) {
        let text = text.as_str().unwrap();
        assert!(mcpauth::sys::clock::parse(text).is_some() && text.ends_with('Z'), "{time}: {text}");
    }
}

#[track_caller]
fn is_list(value: &Value) -> &Vec<Value> {
    let servers = value["servers"].as_array().unwrap();
    servers.iter().for_each(is_response);
    assert_eq!(value["metadata"]["count"], servers.len());
    assert!(
        value["metadata"]
            .get("nextCursor")
            .is_none_or(|cursor| cursor.as_str().is_some_and(|text| !text.is_empty()))
    );
    servers
}

fn paths(servers: &[Value]) -> Vec<String> {
    let name =
        |value: &Value| value["server"]["name"].as_str().unwrap().split('/').nth(1).unwrap().to_owned();
    servers.iter().map(name).collect()
}

#[test]
fn the_official_list_is_of_its_schema_and_has_only_the_gateways_addresses() {
    let face = FaceLab::start();
    let admin = face.token("admins");
    let answer = face.get(&admin, "/v0.1/servers").status(200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let list = answer.json();
    assert_eq!(paths(is_list(&list)), ["alpha", "beta", "gamma", "mcpgw"]);
    for inner in [face.lab.alpha.base(), face.lab.beta.base(), face.lab.gamma.base()] {
        assert!(!list.to_string().contains(inner.trim_start_matches("http://")));
    }
    let url = list["servers"][0]["server"]["remotes"][0]["url"].as_str().unwrap();
    assert_eq!(url, format!("{}/alpha/mcp", face.lab.gateway.public_url()));
    // Page by page.
    let (mut cursor, mut found) = (String::new(), Vec::new());
    loop {
        let page = face.get(&admin, &format!("/v0.1/servers?limit=2&cursor={cursor}")).status(200).json();
        found.extend(paths(is_list(&page)));
        let Some(next) = page["metadata"]["nextCursor"].as_str() else { break };
        cursor = next.to_owned();
    }
    assert_eq!(found, ["alpha", "beta", "gamma", "mcpgw"]);
    // VS Code asks so, and for the next page without the words that it searches for.
    let page = face.get(&admin, "/v0.1/servers?limit=1&version=latest&search=A").status(200).json();
    assert_eq!(paths(is_list(&page)), ["alpha"]);
    let next = page["metadata"]["nextCursor"].as_str().unwrap();
    let page =
        face.get(&admin, &format!("/v0.1/servers?limit=50&version=latest&cursor={next}")).status(200).json();
    assert_eq!(paths(is_list(&page)), ["beta", "gamma"], "and not mcpgw, which has no a");
    let search =
        |query: &str| paths(is_list(&face.get(&admin, &format!("/v0.1/servers?{query}")).status(200).json()));
    assert_eq!(search("search=ALPH"), ["alpha"]);
    assert_eq!(search("version=latest&search=beta"), ["beta"]);
    assert_eq!(search("version=9.9.9"), [""; 0]);
    assert_eq!(search("updated_since=2000-01-01T00:00:00Z"), ["alpha", "beta", "gamma"]);
    assert_eq!(search("updated_since=2999-01-01T00:00:00.000Z"), [""; 0]);
    assert_eq!(search("limit=1000").len(), 4);
    for query in ["limit=0", "limit=-1", "limit=x", "updated_since=yesterday", "cursor=alpha", "cursor=%00"] {
        assert!(
            face.get(&admin, &format!("/v0.1/servers?{query}")).status(400).json()["error"].is_string(),
            "{query}"
        );
    }
    let name = list["servers"][0]["server"]["name"].as_str().unwrap().replace('/', "%2F");
    let versions = face.get(&admin, &format!("/v0.1/servers/{name}/versions")).status(200).json();
    assert_eq!(is_list(&versions).len(), 1);
    for version in ["latest", "1.0.0"] {
        is_response(
            &face.get(&admin, &format!("/v0.1/servers/{name}/versions/{version}")).status(200).json(),
        );
    }
    let none = face.get(&admin, &format!("/v0.1/servers/{name}/versions/2.0.0")).status(404).json();
    assert_eq!(none, json!({"error": "Server not found"}));
    // A caller who may use one server sees one.
    let user = face.token("users");
    assert_eq!(paths(is_list(&face.get(&user, "/v0.1/servers").status(200).json())), ["alpha"]);
    let hidden = name.replace("alpha", "gamma");
    face.get(&user, &format!("/v0.1/servers/{hidden}/versions/latest")).status(404);
    // One that is off is not there.
    face.post(&admin, "/api/toggle/alpha", "").status(200);
    assert_eq!(paths(is_list(&face.get(&user, "/v0.1/servers").status(200).json())), [""; 0]);
}

#[test]
fn the_official_list_challenges_whoever_shows_no_token_and_takes_no_cookie() {
    let face = FaceLab::start();
    for path in ["/v0.1/servers", "/v0.1/servers/a%2Fb/versions", "/v0.1/servers/a%2Fb/versions/latest"] {
        let answer = face
            .send("GET", path, &[("Cookie", "mcpauth=x"), ("Origin", "https://evil.example")], "")
            .status(401);
        let at = format!("{}/.well-known/oauth-protected-resource/v0.1/servers", face.url());
        let expected = format!("Bearer resource_metadata=\"{at}\", scope=\"mcp-registry:read\"");
        assert_eq!(answer.header("www-authenticate"), Some(expected.as_str()));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        assert!(answer.header("access-control-allow-credentials").is_none());
        assert!(answer.json()["error"].is_string());
    }
    let metadata =
        face.send("GET", "/.well-known/oauth-protected-resource/v0.1/servers", &[], "").status(200).json();
    assert_eq!(metadata["resource"], format!("{}/v0.1/servers", face.url()));
    assert_eq!(metadata["scopes_supported"], json!(["mcp-registry:read"]));
    let answer = face.send("OPTIONS", "/v0.1/servers", &[("Origin", "https://x.example")], "").status(200);
    assert!(answer.header("access-control-allow-headers").unwrap().contains("Authorization"));
    // No other address lets a foreign page read anything.
    let admin = face.token("admins");
    assert!(face.get(&admin, "/api/servers").status(200).header("access-control-allow-origin").is_none());
}

#[test]
fn servers_that_the_settings_name_are_listed_for_everybody_and_no_others() {
    let face = FaceLab::with(|settings, _| {
        let public = vec!["/beta/".to_owned(), "never-there".to_owned()];
        settings.face.as_mut().unwrap().v01 = OfficialApi { public };
    });
    let list = face.send("GET", "/v0.1/servers", &[], "").status(200).json();
    assert_eq!(paths(is_list(&list)), ["beta"]);
    let name = list["servers"][0]["server"]["name"].as_str().unwrap().replace('/', "%2F");
    is_response(
        &face.send("GET", &format!("/v0.1/servers/{name}/versions/latest"), &[], "").status(200).json(),
    );
    let hidden = name.replace("beta", "alpha");
    face.send("GET", &format!("/v0.1/servers/{hidden}/versions/latest"), &[], "").status(404);
    // A caller with an invalid token is not treated as anonymous.
    face.ask("GET", "/v0.1/servers", Some("x.y.z"), None).status(401);
}
