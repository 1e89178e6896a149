//! The guides to the registry's pages: their settings are taken, their commands run, and their lines give what they say.

use serde_json::json;

use super::Book;
use super::examples::typed;
use crate::support::User;

const PROVIDERS: &str = include_str!("../fixtures/registry/oauth2_providers.yml");

/// The commands of a block, without what is said of them.
fn commands(book: &Book, marker: &str) -> Vec<String> {
    let text = book.marked(marker).concat();
    let lines = text.lines().filter_map(|line| line.strip_prefix("$ "));
    lines.map(|line| line.split("    #").next().unwrap().to_owned()).collect()
}

#[test]
fn a_page_for_your_team_is_set_up_as_its_guide_says() {
    let (book, mut user) = (Book::open(), User::new());
    let policy = "UI-Scopes: {team: {list_service: [all]}}\ngroup_mappings: {team: [team]}\n\
                  team: [{server: my-server, methods: [tools/list], tools: ['*']}]\n";
    user.file("scopes.yml", policy);
    let server =
        json!({"server_name": "Mine", "path": "/my-server", "proxy_pass_url": "http://127.0.0.1:9/"});
    user.file("servers/my-server.json", &server.to_string());
    user.file("oauth2_providers.yml", PROVIDERS);
    let issuer =
        "issuers: [{issuer: 'https://login.example.com/realms/team', kind: keycloak, clients: [agent]}]\n";
    user.file("gateway.yaml", &format!("{}{issuer}", book.marked("pages settings").concat()));
    let keycloak = "https://login.example.com";
    for (name, value) in [
        ("AUTH_PROVIDER", "keycloak"),
        ("KEYCLOAK_URL", keycloak),
        ("KEYCLOAK_EXTERNAL_URL", keycloak),
        ("KEYCLOAK_REALM", "team"),
        ("KEYCLOAK_CLIENT_ID", "pages"),
        ("KEYCLOAK_CLIENT_SECRET", "its-own"),
    ] {
        user.env(name, value);
    }
    let commands = commands(&book, "pages commands");
    assert_eq!(commands.len(), 2, "{commands:?}");
    for line in &commands {
        let ran = typed(&user, line);
        assert_eq!(ran.code, Some(0), "{line}: {}{}", ran.stdout, ran.stderr);
    }
    assert_eq!(std::fs::read(user.project().join("session.key")).unwrap().len(), 32);
}

#[test]
fn the_lines_for_a_new_server_give_what_their_guide_says() {
    let (book, user) = (Book::open(), User::new());
    let entry = book.marked("rights entry").concat();
    user.file("scopes.yml", &format!("group_mappings: {{}}\nteam:\n{entry}"));
    let [fine, refused] = commands(&book, "rights commands").try_into().unwrap();
    let ran = typed(&user, &fine);
    assert!(ran.stdout.starts_with("allowed"), "{}{}", ran.stdout, ran.stderr);
    let ran = typed(&user, &refused);
    assert!(ran.stdout.starts_with("denied"), "{}{}", ran.stdout, ran.stderr);
}
