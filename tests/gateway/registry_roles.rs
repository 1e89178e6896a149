//! The registry's own files, its policy with four roles and its catalogue, as they are: what each role sees and may do on
//! the pages and by data.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests lay out the gateway's files")]

use std::path::Path;

use serde_json::{Value, json};

use super::sign_in::SignInLab;
use crate::support::User;
use crate::support::face::FaceLab;
use crate::support::lab::VARIABLES;

const SCOPES: &str = include_str!("../fixtures/registry/scopes.yml");
const PROVIDERS: &str = include_str!("../fixtures/registry/oauth2_providers.yml");
const NEW: &str = "name=New&path=%2Fnew&proxy_pass_url=http%3A%2F%2Fnew-server%3A8000%2F";

/// A gateway with the registry's policy and catalogue.
fn registry(policy: &str) -> FaceLab {
    FaceLab::with(|_, dir| lay_out(dir, policy))
}

fn lay_out(dir: &Path, policy: &str) {
    std::fs::write(dir.join("scopes.yml"), policy).unwrap();
    let servers = dir.join("servers");
    std::fs::remove_dir_all(&servers).unwrap();
    std::fs::create_dir(&servers).unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/servers");
    for file in std::fs::read_dir(shipped).unwrap().map(Result::unwrap) {
        std::fs::copy(file.path(), servers.join(file.file_name())).unwrap();
    }
}

/// The paths that somebody in a group sees, by data and on the page alike.
#[track_caller]
fn sees(face: &FaceLab, group: &str) -> Vec<String> {
    let token = face.token(group);
    let list = face.get(&token, "/api/servers").status(200).json();
    let paths: Vec<String> = list["servers"].as_array().unwrap().iter().map(path).collect();
    let page = face.get(&token, "/").status(200).text();
    let on_page = |name: &str| page.replace("&#x2f;", "/").contains(&format!("href=\"/servers/{name}\""));
    for name in ["mcpgw", "realserverfaketools", "currenttime", "fininfo", "sre-gateway", "atlassian"] {
        assert_eq!(on_page(name), paths.iter().any(|path| path == name), "{group} {name}");
    }
    paths
}

fn path(server: &Value) -> String {
    server["path"].as_str().unwrap().trim_matches('/').to_owned()
}

/// What happens when somebody in a group tries everything: the statuses of register, toggle, edit and refresh.
fn tries(face: &FaceLab, group: &str) -> [u16; 4] {
    let token = face.token(group);
    let post = |path: &str, form: &str| face.post(&token, path, form).status;
    [
        post("/api/register", NEW),
        post("/api/toggle/realserverfaketools", "enabled=on"),
        post("/api/edit/currenttime", "description=Another"),
        post("/api/refresh/mcpgw", ""),
    ]
}

#[test]
fn each_of_the_four_roles_sees_and_does_what_its_name_says() {
    let face = registry(SCOPES);
    assert_eq!(sees(&face, "mcp-registry-user"), ["mcpgw", "realserverfaketools"]);
    let three = ["currenttime", "mcpgw", "realserverfaketools"];
    for group in ["mcp-registry-operator", "mcp-registry-developer"] {
        assert_eq!(sees(&face, group), three, "{group}: every server may be listed, these may be used");
    }
    let all = ["atlassian", "currenttime", "fininfo", "mcpgw", "realserverfaketools", "sre-gateway"];
    assert_eq!(sees(&face, "mcp-registry-admin"), all);
    for (group, [register, toggle, edit, refresh]) in [
        ("mcp-registry-user", [403, 403, 404, 200]),
        ("mcp-registry-operator", [403, 200, 403, 200]),
        ("mcp-registry-developer", [201, 403, 403, 200]),
        ("mcp-registry-admin", [409, 200, 200, 200]),
    ] {
        assert_eq!(tries(&face, group), [register, toggle, edit, refresh], "{group}");
    }
    // The pages say the same as the data.
    let page = |group: &str, path: &str| face.get(&face.token(group), path);
    let has = |group: &str, word: &str| page(group, "/servers/realserverfaketools").text().contains(word);
    assert!(has("mcp-registry-operator", "Switch off") && !has("mcp-registry-operator", "/edit/"));
    assert!(!has("mcp-registry-developer", "Switch off") && !has("mcp-registry-user", "Switch off"));
    for (group, status) in
        [("mcp-registry-operator", 403), ("mcp-registry-user", 403), ("mcp-registry-developer", 200)]
    {
        assert_eq!(page(group, "/register").status, status, "{group}");
    }
}

/// The same by signing in at the provider of the registry's own file, with the variables that its compose file sets.
#[test]
fn each_of_the_four_roles_signs_in_with_the_shipped_files() {
    let lab = SignInLab::with("", |settings, dir| {
        let issuer = settings.issuers[0].issuer.clone();
        lay_out(dir, SCOPES);
        // The laboratory's issuer is not Keycloak: its addresses are said by their variables, and the issuer in the entry.
        let realm = "/realms/${KEYCLOAK_REALM}/protocol/openid-connect";
        let providers = PROVIDERS.replace(realm, "").replacen(
            "    enabled:",
            &format!("    issuer: \"{issuer}\"\n    enabled:"),
            1,
        );
        let providers = providers.replace("/auth\"", "/authorize\"").replacen("keycloak:", "idp:", 1);
        std::fs::write(dir.join("oauth2_providers.yml"), providers).unwrap();
        let variables = format!(
            "AUTH_PROVIDER=idp\nKEYCLOAK_URL={issuer}\nKEYCLOAK_EXTERNAL_URL={issuer}\nKEYCLOAK_REALM=mcp\nKEYCLOAK_CLIENT_ID=face\n\
             KEYCLOAK_CLIENT_SECRET=s3cret\n"
        );
        std::fs::write(dir.join(VARIABLES), variables).unwrap();
    });
    let all = ["atlassian", "currenttime", "fininfo", "mcpgw", "realserverfaketools", "sre-gateway"];
    for (group, sees, [register, toggle, edit, refresh]) in [
        ("mcp-registry-admin", &all[..], [303, 303, 303, 303]),
        ("mcp-registry-user", &["mcpgw", "realserverfaketools"], [403, 403, 404, 303]),
        ("mcp-registry-operator", &["currenttime", "mcpgw", "realserverfaketools"], [403, 303, 403, 303]),
        ("mcp-registry-developer", &["currenttime", "mcpgw", "realserverfaketools"], [409, 403, 403, 303]),
    ] {
        let cookie = lab.signed_in(json!({"sub": group, "groups": [group]}));
        let list = lab.get("/api/servers", &cookie).status(200).json();
        assert_eq!(list["servers"].as_array().unwrap().iter().map(path).collect::<Vec<_>>(), sees, "{group}");
        let post = |path: &str, form: &str| {
            lab.send("POST", path, &[("Cookie", &cookie), ("Sec-Fetch-Site", "same-origin")], form).status
        };
        assert_eq!(post("/register", NEW), register, "{group}");
        assert_eq!(post("/toggle/realserverfaketools", "enabled=on"), toggle, "{group}");
        assert_eq!(post("/edit/currenttime", "description=Another"), edit, "{group}");
        assert_eq!(post("/refresh/mcpgw", ""), refresh, "{group}");
    }
}

/// The registry's files of a later version, in every form that they have.
#[test]
fn a_later_policy_of_the_registry_says_the_same_in_its_forms() {
    let face = registry(include_str!("../fixtures/registry/scopes.2026.yml"));
    let all = ["atlassian", "currenttime", "fininfo", "mcpgw", "realserverfaketools", "sre-gateway"];
    for (group, expected, [register, toggle, edit, refresh]) in [
        ("registry-users-lob1", &["currenttime", "mcpgw"][..], [403, 404, 403, 200]),
        ("public-mcp-users", &["fininfo"], [403, 404, 404, 404]),
        ("federation-service", &[], [403, 404, 404, 404]),
        ("registry-admins", &all, [201, 200, 200, 200]),
    ] {
        assert_eq!(sees(&face, group), expected, "{group}");
        assert_eq!(tries(&face, group), [register, toggle, edit, refresh], "{group}");
    }
    let seen = sees(&face, "4c46ec66-a4f7-4b62-9095-b7958662f4b6");
    assert_eq!(seen.len(), 7, "a group by its id: {seen:?}");
}

#[test]
fn server_scopes_alone_and_strangers_groups_show_nothing() {
    let face = registry(SCOPES);
    for group in [
        "mcp-servers-unrestricted",
        "mcp-servers-restricted",
        "MCP-REGISTRY-ADMIN",
        "mcp-registry-admin ",
        "admin",
        "",
    ] {
        let token = face.token(group);
        let list = face.get(&token, "/api/servers").status(200).json();
        assert_eq!(list["servers"], serde_json::json!([]), "{group:?}");
        let [register, toggle, edit, refresh] = tries(&face, group);
        assert_eq!([register, toggle, edit, refresh], [403, 404, 404, 404], "{group:?}");
        assert_eq!(face.get(&token, "/api/auth/me").status(200).json()["is_admin"], false, "{group:?}");
    }
}

/// Each permission alone gives what it says and nothing else.
#[test]
fn whatever_no_entry_allows_is_refused() {
    const ACTIONS: [&str; 5] =
        ["list_service", "register_service", "toggle_service", "modify_service", "health_check_service"];
    for given in ACTIONS {
        let list = if given == "list_service" { "" } else { "    list_service: [all]\n" };
        let policy = format!(
            "UI-Scopes:\n  role:\n{list}    {given}: [all]\ngroup_mappings:\n  role: [role, some]\n\
             some: [{{server: '*', methods: ['*'], tools: ['*']}}]\n"
        );
        let face = registry(&policy);
        let [register, toggle, edit, refresh] = tries(&face, "role");
        let expected = |action: &str, good: u16| if action == given { good } else { 403 };
        assert_eq!(
            [register, toggle, edit, refresh],
            [
                expected("register_service", 201),
                expected("toggle_service", 200),
                expected("modify_service", 200),
                expected("health_check_service", 200)
            ],
            "{given}"
        );
        assert_eq!(sees(&face, "role").len(), if given == "register_service" { 7 } else { 6 }, "{given}");
    }
}

#[test]
fn an_entry_means_a_servers_path_or_its_display_name() {
    for name in ["mcpgw", "/mcpgw", "/mcpgw/", "MCP Gateway Tools"] {
        let policy = format!(
            "UI-Scopes:\n  role: {{list_service: ['{name}']}}\ngroup_mappings: {{role: [role, some]}}\n\
             some: [{{server: '*', methods: ['*'], tools: ['*']}}]\n"
        );
        assert_eq!(sees(&registry(&policy), "role"), ["mcpgw"], "{name}");
    }
}

/// `gateway check` points at entries that match nothing, at scopes that nobody gets, and at groups that see nothing.
#[test]
fn check_names_permissions_that_lead_nowhere() {
    let mut user = User::new();
    let policy = SCOPES
        .replace(
            "    - realserverfaketools\n",
            "    - realserverfaketools\n    - no-such-server\n    - Current Time API\n",
        )
        .replace("group_mappings:\n", "  nobody-has-it:\n    list_service:\n    - all\ngroup_mappings:\n");
    user.file("scopes.yml", &policy);
    user.file("oauth2_providers.yml", include_str!("../fixtures/registry/oauth2_providers.yml"));
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/servers");
    for file in std::fs::read_dir(shipped).unwrap().map(Result::unwrap) {
        let text = std::fs::read_to_string(file.path()).unwrap();
        user.file(&format!("servers/{}", file.file_name().to_str().unwrap()), &text);
    }
    let gateway = "issuers: [{issuer: 'https://login.example.com/realms/r', kind: keycloak, clients: [agent]}]\n\
                   face: {providers: oauth2_providers.yml}\n";
    user.file("gateway.yaml", gateway);
    user.env("AUTH_PROVIDER", "keycloak").env("KEYCLOAK_URL", "https://login.example.com");
    user.env("KEYCLOAK_EXTERNAL_URL", "https://login.example.com").env("KEYCLOAK_REALM", "r");
    user.env("KEYCLOAK_CLIENT_ID", "pages");
    let check = |user: &User| {
        let ran = user.run(&["gateway", "check", "--config", "gateway.yaml"]);
        (ran.code, format!("{}{}", ran.stdout, ran.stderr))
    };
    let (code, said) = check(&user);
    assert!(
        code != Some(0) && said.contains("error: ") && said.contains("KEYCLOAK_CLIENT_SECRET is not set"),
        "{said}"
    );
    user.env("KEYCLOAK_CLIENT_SECRET", "its-own");
    let (_, said) = check(&user);
    assert!(!said.contains("error: "), "{said}");
    for words in [
        "mcp-registry-user has no-such-server in list_service, and no server is called that",
        "no group has nobody-has-it",
        "group mcp-servers-restricted has nothing of UI-Scopes",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    for name in ["realserverfaketools in", "mcpgw in", "Current Time API in", "no group has mcp-registry"] {
        assert!(!said.contains(name), "{name}: {said}");
    }
}
