//! A found `gateway.yaml`, server files and a policy get nothing of the user's, and write nothing elsewhere.

use std::os::unix::fs::symlink;

use serde_json::json;

use super::{SECRET, Scene, typed};
use crate::support::Ran;

const ISSUERS: &str = "issuers:\n- {issuer: '{idp}', audience: [a]}\n";

fn scene(yaml: &str, server: &str) -> Scene {
    let scene = Scene::new();
    scene.user.file("gateway.yaml", &scene.filled(&format!("{ISSUERS}{yaml}")));
    scene.user.file("scopes.yml", "group_mappings: {}\n");
    scene.user.file("servers/time.json", &scene.filled(server));
    scene
}

const POLICY: &str = "group_mappings: {}\nr:\n- server: time\n  methods: [all]\n  tools: [all]\n";
const SERVER: &str =
    r#"{"server_name": "T", "path": "/time", "auth_type": "oauth", "proxy_pass_url": "{evil}/"}"#;
const SERVE: [&str; 4] = ["gateway", "serve", "--listen", "127.0.0.1:0"];

/// Refused, with both origins and the command that confirms it; which then fails for another reason.
#[track_caller]
fn refused(scene: &Scene, parts: &[&str]) {
    let ran = scene.user.run(&SERVE).code(2);
    scene.assert_unheard("gateway serve");
    let all = ran.all();
    for part in parts.iter().chain(&["gateway.yaml", "mcpauth gateway serve --listen 127.0.0.1:0 --config "])
    {
        assert!(all.contains(part), "{part}: {all}");
    }
    let checked = scene.user.run(&["gateway", "check"]);
    assert!(matches!(checked.code, Some(2 | 7)), "{checked:?}");
    assert_confirmed(scene, &checked);
}

/// The command that the refusal names is the one that was typed, and gets further.
#[track_caller]
fn assert_confirmed(scene: &Scene, refused: &Ran) {
    let said = typed(&scene.user, &refused.remedy()).all();
    assert!(!said.contains("only found") && !said.contains("unexpected argument"), "{said}");
}

#[test]
fn a_stored_credential_goes_to_no_found_server() {
    let mut scene = scene("upstreams: {time: {egress: stored, credential: acme}}\n", SERVER);
    scene.user.provider(
        "acme",
        "display_name: A\nauthorization_endpoint: https://a.test/a\ntoken_endpoint: https://a.test/t\n",
    );
    let secret = format!("EGRESS_OAUTH_CLIENT_SECRET_1={SECRET}");
    scene.env(&[
        "EGRESS_PROVIDER_NAME_1=acme",
        "EGRESS_OAUTH_CLIENT_ID_1=c",
        "EGRESS_OAUTH_REDIRECT_URI_1=http://127.0.0.1:0/c",
        &secret,
    ]);
    refused(&scene, &["EGRESS_OAUTH_CLIENT_SECRET_1 (environment)"]);
}

/// Whatever a found file names, to be read, written or sent: it lies in the folder, by any spelling.
#[test]
fn no_path_of_a_found_file_leads_out_of_its_folder() {
    let paths = [
        ("policy", "policy: {path}\n"),
        ("shadow", "shadow: {path}\n"),
        ("servers", "servers: {path}\n"),
        ("session_key", "session_key: {path}\n"),
        ("revocation_list", "revocation_list: {path}\n"),
        ("audit", "audit: {path}\n"),
        ("vending.key", "vending: {issuer: 'https://g.test', key: {path}}\n"),
        ("vending.ledger", "vending: {issuer: 'https://g.test', key: k.pem, ledger: {path}}\n"),
        ("search.embeddings.vectors", "search: {embeddings: {url: '{evil}/e', model: m, vectors: {path}}}\n"),
        (
            "search.embeddings.key_file",
            "search: {embeddings: {url: '{evil}/e', model: m, key_file: {path}}}\n",
        ),
        ("face.providers", "face: {providers: {path}}\n"),
        ("tls.certificate", "tls: {certificate: {path}, key: k.pem}\n"),
        ("tls.key", "tls: {certificate: c.pem, key: {path}}\n"),
        (
            "introspection.client_secret",
            "- {issuer: 'https://i.test', audience: [a], introspection: {endpoint: '{evil}/i', client_id: c, client_secret: {path}}}\n",
        ),
    ];
    let scene = scene("", SERVER);
    let home = scene.user.home();
    symlink(&home, scene.user.project().join("link")).unwrap();
    for there in ["../home/there", "link/there", "sub/../link/there", home.join("there").to_str().unwrap()] {
        for exists in [true, false] {
            if exists {
                mcpauth::sys::private_file::write(&home.join("there"), SECRET).unwrap();
            }
            for (key, yaml) in paths {
                let yaml = format!("{ISSUERS}{}", yaml.replace("{path}", there));
                scene.user.file("gateway.yaml", &scene.filled(&yaml));
                refused(&scene, &[key, "there", "out of the folder"]);
            }
            let _ = std::fs::remove_file(home.join("there"));
        }
    }
}

/// What stands in the folder under the name of a file that would be written may be a link.
#[test]
fn a_link_at_a_default_path_is_not_written_through() {
    let vending = "vending: {issuer: 'https://g.test', key: k.pem}\n";
    let verbs: [&[&str]; 4] = [
        &["gateway", "check"],
        &["gateway", "token", "list"],
        &["gateway", "token", "revoke", "--all"],
        &["gateway", "token", "key"],
    ];
    for name in ["revoked", "vended.jsonl", "k.pem", "servers"] {
        let scene = scene(vending, SERVER);
        let (at, target) = (scene.user.project().join(name), scene.user.home().join(".bashrc"));
        if name == "servers" {
            std::fs::remove_dir_all(&at).unwrap();
        }
        symlink(&target, &at).unwrap();
        for verb in verbs {
            let ran = scene.user.run(verb).code(2);
            assert!(ran.all().contains("out of the folder"), "{name} {verb:?}: {}", ran.all());
            assert_confirmed(&scene, &ran);
            assert!(!target.exists(), "{name} {verb:?}");
        }
    }
}

/// Without `gateway.yaml` the policy's path is a setting of its own; the servers' folder is found.
#[test]
fn servers_that_lie_elsewhere_are_named() {
    let mut scene = Scene::new();
    scene.with_ingress();
    let elsewhere = scene.user.home().join("registry");
    std::fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, scene.user.project().join("servers")).unwrap();
    let policy = scene.user.home().join("scopes.yml");
    mcpauth::sys::private_file::write(&policy, POLICY).unwrap();
    scene.user.env("MCPAUTH_SCOPES", policy.to_str().unwrap());
    let ran = scene.user.run(&["gateway", "check"]).code(2);
    assert!(ran.all().contains("servers leads to "), "{}", ran.all());
    let confirmed = typed(&scene.user, &ran.remedy()).code(7);
    assert!(confirmed.stdout.contains("there is no server \"time\""), "{}", confirmed.all());
}

#[test]
fn a_header_gets_no_variable_of_the_users() {
    let server = SERVER.replace("\"path\"", r#""headers": [{"X-Key": "$AWS_SECRET_ACCESS_KEY"}], "path""#);
    let mut scene = scene("", &server);
    scene.env(&["AWS_SECRET_ACCESS_KEY=hunter2"]);
    let all = scene.user.run(&["gateway", "check"]).code(7).all();
    assert!(all.contains("AWS_SECRET_ACCESS_KEY") && !all.contains("hunter2"), "{all}");
}

/// Where people sign in is a found file's to say; with whose secret is not.
#[test]
fn a_provider_of_the_pages_gets_no_variable_of_the_users() {
    let mut scene = scene("face: {providers: p.yml, public_url: 'https://evil.test'}\n", SERVER);
    let secret = format!("INGRESS_OAUTH_CLIENT_SECRET={SECRET}");
    scene.env(&["AWS_SECRET_ACCESS_KEY=hunter2", &secret]);
    for (member, variable) in [
        ("client_secret", "${AWS_SECRET_ACCESS_KEY}"),
        ("client_secret", "$INGRESS_OAUTH_CLIENT_SECRET"),
        ("client_id", "x${AWS_SECRET_ACCESS_KEY:-}"),
        ("auth_url", "{evil}/a?${INGRESS_OAUTH_CLIENT_SECRET}"),
        ("display_name", "${HOME}"),
    ] {
        let mut members = json!({
            "enabled": true, "client_id": "c", "client_secret": "s", "auth_url": "{evil}/a", "token_url": "{evil}/t",
            "user_info_url": "{evil}/u",
        });
        members[member] = variable.into();
        let file = json!({"providers": {"acme": members}}).to_string();
        scene.user.file("p.yml", &scene.filled(&file));
        let all = scene.user.run(&["gateway", "check"]).code(7).all();
        let is_named = all.contains(" is not set") || variable.contains(":-");
        assert!(is_named && !all.contains("hunter2"), "{variable}: {all}");
        scene.assert_unheard(variable);
    }
}
