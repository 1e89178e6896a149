//! A found file names where a secret of the user's would be sent: refused, for every variable, place and flow.

use super::{PLACES, SECRET, Scene, typed};

/// The user's secret, the found file's lines, and the verb.
struct Attack {
    /// Without the secret.
    users: &'static [&'static str],
    secret: &'static str,
    found: &'static [&'static str],
    verb: &'static [&'static str],
}

const INGRESS: &[&str] = &["INGRESS_OAUTH_USER_POOL_ID=us-east-1_A", "INGRESS_OAUTH_CLIENT_ID=agent"];
const KEYCLOAK: &[&str] =
    &["AUTH_PROVIDER=keycloak", "KEYCLOAK_URL={idp}", "KEYCLOAK_REALM=r", "KEYCLOAK_M2M_CLIENT_ID=agent"];
const AGENTCORE: &[&str] = &["AGENTCORE_CLIENT_ID_1=agent"];
const EGRESS: &[&str] = &[
    "EGRESS_PROVIDER_NAME_1=tenants",
    "EGRESS_OAUTH_CLIENT_ID_1=agent",
    "EGRESS_OAUTH_REDIRECT_URI_1=http://127.0.0.1:0/callback",
];
const TENANTS: &str = "display_name: Tenants\nauthorization_endpoint: '{{ house }}/a'\ntoken_endpoint: '{{ house }}/t'\n\
                       variables: [{name: house, setting: HOUSE, default: 'http://127.0.0.1:9'}]\n";

fn attacks() -> Vec<Attack> {
    let ingress =
        |found| Attack { users: INGRESS, secret: "INGRESS_OAUTH_CLIENT_SECRET", found, verb: &["ingress"] };
    let keycloak =
        |found| Attack { users: KEYCLOAK, secret: "KEYCLOAK_M2M_CLIENT_SECRET", found, verb: &["ingress"] };
    let agentcore =
        |found| Attack { users: AGENTCORE, secret: "AGENTCORE_CLIENT_SECRET_1", found, verb: &["agentcore"] };
    let egress = |found| Attack {
        users: EGRESS,
        secret: "EGRESS_OAUTH_CLIENT_SECRET_1",
        found,
        verb: &["egress", "--config-set", "1", "--no-browser"],
    };
    vec![
        ingress(&["INGRESS_OAUTH_TOKEN_URL={evil}/token"]),
        ingress(&["INGRESS_OAUTH_ISSUER={evil}"]),
        ingress(&["INGRESS_OAUTH_ISSUER={evil}", "AUTH_PROVIDER=oidc"]),
        ingress(&["export INGRESS_OAUTH_TOKEN_URL = '{evil}/token'"]),
        Attack {
            users: &["INGRESS_OAUTH_CLIENT_ID=agent"],
            ..ingress(&["INGRESS_OAUTH_USER_POOL_ID=us-east-1_Evil"])
        },
        Attack {
            users: &[],
            ..ingress(&["INGRESS_OAUTH_USER_POOL_ID=eu-west-1_E", "INGRESS_OAUTH_CLIENT_ID=e"])
        },
        Attack {
            users: &[
                "INGRESS_OAUTH_ISSUER={idp}",
                "INGRESS_OAUTH_USER_POOL_ID=A",
                "INGRESS_OAUTH_CLIENT_ID=agent",
            ],
            ..ingress(&["AWS_REGION=evil.test/"])
        },
        keycloak(&["KEYCLOAK_EXTERNAL_URL={evil}"]),
        keycloak(&["KEYCLOAK_ADMIN_URL={evil}"]),
        keycloak(&["INGRESS_OAUTH_TOKEN_URL={evil}"]),
        Attack {
            users: &["AUTH_PROVIDER=keycloak", "KEYCLOAK_REALM=r", "KEYCLOAK_M2M_CLIENT_ID=agent"],
            ..keycloak(&["KEYCLOAK_URL={evil}"])
        },
        Attack {
            users: &["AUTH_PROVIDER=keycloak", "KEYCLOAK_URL={idp}", "KEYCLOAK_M2M_CLIENT_ID=agent"],
            ..keycloak(&["KEYCLOAK_REALM=theirs"])
        },
        agentcore(&["COGNITO_DOMAIN={evil}"]),
        agentcore(&["COGNITO_DOMAIN_1={evil}"]),
        agentcore(&["OAUTH_DOMAIN={evil}"]),
        agentcore(&["OAUTH_DOMAIN_1={evil}", "AGENTCORE_TOKEN_REQUEST=json"]),
        agentcore(&["AGENTCORE_ISSUER={evil}"]),
        agentcore(&["AGENTCORE_ISSUER_1={evil}"]),
        agentcore(&["COGNITO_USER_POOL_ID=us-east-1_Evil"]),
        agentcore(&["COGNITO_USER_POOL_ID_1=us-east-1_Evil"]),
        Attack {
            users: &["AGENTCORE_CLIENT_ID_1=agent", "OAUTH_DOMAIN={idp}"],
            ..agentcore(&["AGENTCORE_SERVER_NAME_1=theirs"])
        },
        egress(&["HOUSE={evil}"]),
        Attack {
            users: &[
                "EGRESS_OAUTH_CLIENT_ID_1=agent",
                "EGRESS_OAUTH_REDIRECT_URI_1=http://127.0.0.1:0/callback",
            ],
            ..egress(&["EGRESS_PROVIDER_NAME_1=tenants"])
        },
        Attack {
            users: &["EGRESS_OAUTH_CLIENT_ID_1=agent", "EGRESS_PROVIDER_NAME_1=tenants"],
            ..egress(&["EGRESS_OAUTH_REDIRECT_URI_1={evil}/callback"])
        },
        egress(&["EGRESS_MCP_SERVER_NAME_1=theirs"]),
    ]
}

/// Where the user's secret may come from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum From {
    Environment,
    Own,
    SecretFile,
}

/// A scene with the attack, and the verb with its flags.
fn laid_out(attack: &Attack, from: From, place: &str) -> (Scene, Vec<&'static str>) {
    let mut scene = Scene::new();
    scene.user.provider("tenants", TENANTS);
    scene.env(attack.users);
    scene.found(place, attack.found);
    let line = format!("{}={SECRET}", attack.secret);
    let mut verb = attack.verb.to_vec();
    match from {
        From::Environment => drop(scene.env(&[&line])),
        From::Own => drop(scene.own(&[&line])),
        From::SecretFile => {
            scene.user.file("secret", SECRET);
            verb.extend(["--client-secret-file", "secret"]);
        }
    }
    (scene, verb)
}

#[test]
fn a_secret_goes_nowhere_that_a_found_file_names() {
    for attack in attacks() {
        let takes_file = attack.verb.first() != Some(&"agentcore");
        for from in [From::Environment, From::Own, From::SecretFile] {
            if from == From::SecretFile && !takes_file {
                continue;
            }
            // In every place once, in the first in every way.
            let places = if from == From::Environment { &PLACES[..] } else { &PLACES[..1] };
            for place in places {
                // The ingress client's domain is not read from AgentCore's own file.
                let (scene, verb) = laid_out(&attack, from, place);
                let of = format!("{:?} {from:?} {place}", attack.found);
                let ran = scene.user.run(&verb).code(2);
                scene.assert_unheard(&of);
                let all = ran.all();
                let origin = match from {
                    From::Environment => "(environment)",
                    From::Own => "config/.env:1)",
                    From::SecretFile => "(flag)",
                };
                let variable =
                    attack.found[0].trim_start_matches("export ").split(['=', ' ']).next().unwrap();
                let named =
                    attack.found.iter().any(|line| all.contains(line.split('=').next().unwrap().trim()));
                assert!(all.contains(variable) || named, "{of}: {all}");
                for part in [attack.secret, origin, place, "--env-file"] {
                    assert!(all.contains(part), "{of}: {part}: {all}");
                }
                assert!(!all.contains(SECRET), "{of}: {all}");
            }
        }
    }
}

#[test]
fn generate_and_refresh_hold_to_it_as_well() {
    for attack in attacks() {
        let (scene, _) = laid_out(&attack, From::Environment, ".env");
        for verb in [&["generate", "--no-install"][..], &["refresh", "--once"], &["doctor"]] {
            let code = scene.user.run(verb).code;
            assert!(matches!(code, Some(2 | 3 | 7)), "{:?} {verb:?}: {code:?}", attack.found);
            scene.assert_unheard(&format!("{:?} {verb:?}", attack.found));
        }
    }
}

#[test]
fn the_command_that_the_refusal_names_works() {
    let attack = &attacks()[0];
    for place in PLACES {
        let (scene, verb) = laid_out(attack, From::Environment, place);
        let remedy = scene.user.run(&verb).code(2).remedy();
        assert!(remedy.starts_with("mcpauth --env-file /") && remedy.ends_with(" ingress"), "{remedy}");
        typed(&scene.user, &remedy).code(0);
        let asked = scene.evil.asked();
        assert!(asked.len() == 1 && asked[0].body.contains("client_credentials"), "{remedy}");
    }
    // So it does by saying the same in the environment.
    let (mut scene, verb) = laid_out(attack, From::Environment, ".env");
    scene.env(&["INGRESS_OAUTH_TOKEN_URL={evil}/token"]);
    scene.user.run(&verb).code(0);
}

#[test]
fn every_found_file_is_named_where_several_are() {
    let (scene, verb) = laid_out(&attacks()[0], From::Environment, ".env");
    let other = scene.found(PLACES[1], &["INGRESS_OAUTH_SCOPE=read"]);
    let remedy = scene.user.run(&verb).code(2).remedy();
    assert_eq!(remedy.matches("--env-file").count(), 2, "{remedy}");
    assert!(remedy.contains(&other.display().to_string()), "{remedy}");
    typed(&scene.user, &remedy).code(0);
}

#[test]
fn an_agents_account_goes_to_no_found_keycloak() {
    let scene = Scene::new();
    scene.user.file(
        ".oauth-tokens/agent-x.json",
        &format!(r#"{{"client_id": "agent", "client_secret": "{SECRET}"}}"#),
    );
    for line in ["KEYCLOAK_URL={evil}", "KEYCLOAK_EXTERNAL_URL={evil}", "KEYCLOAK_ADMIN_URL={evil}"] {
        scene.found(".env", &[line]);
        let ran = scene.user.run(&["keycloak"]).code(2);
        assert!(ran.all().contains("client_secret of agent-x"), "{}", ran.all());
        scene.assert_unheard(line);
    }
}

#[test]
fn a_key_outside_the_folder_is_not_the_folders() {
    let mut scene = Scene::new();
    let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let outside = scene.user.home().join("key.pem");
    mcpauth::sys::private_file::write(&outside, &key).unwrap();
    std::os::unix::fs::symlink(scene.user.home(), scene.user.project().join("link")).unwrap();
    scene.user.file("own.pem", &key);
    scene.env(&[]);
    for path in [outside.display().to_string(), "../home/key.pem".into(), "link/key.pem".into()] {
        let key = format!("INGRESS_OAUTH_PRIVATE_KEY_FILE={path}");
        scene.found(
            ".env",
            &["AUTH_PROVIDER=oidc", "INGRESS_OAUTH_ISSUER={evil}", "INGRESS_OAUTH_CLIENT_ID=c", &key],
        );
        let all = scene.user.run(&["ingress"]).code(2).all();
        assert!(all.contains("INGRESS_OAUTH_PRIVATE_KEY_FILE") && all.contains("name it"), "{path}: {all}");
        scene.assert_unheard(&path);
    }
    let own = "INGRESS_OAUTH_PRIVATE_KEY_FILE=own.pem";
    scene.found(
        ".env",
        &[
            "INGRESS_OAUTH_TOKEN_URL={evil}/t",
            "AUTH_PROVIDER=oidc",
            "INGRESS_OAUTH_ISSUER={evil}",
            "INGRESS_OAUTH_CLIENT_ID=c",
            own,
        ],
    );
    scene.user.run(&["ingress"]).code(0);
    assert!(!scene.evil.asked().is_empty(), "its own key goes where its own file says");
}

#[test]
fn a_folder_that_is_complete_in_itself_works() {
    for place in PLACES {
        let scene = Scene::new();
        let secret = format!("INGRESS_OAUTH_CLIENT_SECRET={SECRET}");
        scene.found(
            place,
            &[
                "INGRESS_OAUTH_ISSUER={idp}",
                "INGRESS_OAUTH_USER_POOL_ID=us-east-1_A",
                "INGRESS_OAUTH_CLIENT_ID=agent",
                &secret,
                "REGISTRY_URL=https://gw.test",
            ],
        );
        scene.user.file("servers/time.json", r#"{"server_name": "T", "path": "/time", "auth_type": "none"}"#);
        scene.user.run(&["generate", "--no-install"]).code(0);
        let headers = scene.user.run(&["headers", "time"]).code(0).json();
        assert!(headers["X-Authorization"].as_str().unwrap().starts_with("Bearer "), "{headers}");
        scene.user.run(&["generate", "--no-install", "--force"]).code(0);
    }
}

#[test]
fn everything_in_the_environment_works_beside_a_file_that_says_otherwise() {
    let mut scene = Scene::new();
    scene.with_ingress().env(&[
        "REGISTRY_URL=https://gw.test",
        "AUTH_PROVIDER=cognito",
        "INGRESS_OAUTH_TOKEN_URL={idp}/token",
    ]);
    scene.found(
        ".env",
        &[
            "REGISTRY_URL={evil}",
            "INGRESS_OAUTH_ISSUER={evil}",
            "INGRESS_OAUTH_TOKEN_URL={evil}",
            "INGRESS_OAUTH_SCOPE=read",
        ],
    );
    scene.user.file("servers/time.json", r#"{"server_name": "T", "path": "/time", "auth_type": "none"}"#);
    scene.user.run(&["generate", "--no-install"]).code(0);
    scene.user.run(&["headers", "time"]).code(0);
    scene.assert_unheard("the environment wins");
}

#[test]
fn origins_and_their_trust_are_shown() {
    let mut scene = Scene::new();
    scene.env(&["INGRESS_OAUTH_CLIENT_ID=agent"]);
    let own = scene.own(&["INGRESS_OAUTH_SCOPE=read", "REGISTRY_URL=https://own.test"]);
    let found = scene.found(".env", &["REGISTRY_URL={evil}"]);
    let shown = scene.user.run(&["config", "show", "--origin", "--json"]).code(0).json()["settings"].clone();
    let is = |name: &str, origin: String, trust: &str| {
        assert_eq!(
            (shown[name]["origin"].as_str(), shown[name]["trust"].as_str()),
            (Some(origin.as_str()), Some(trust)),
            "{name}"
        );
    };
    is("REGISTRY_URL", format!("{}:1", found.display()), "found");
    is("INGRESS_OAUTH_SCOPE", format!("{}:1", own.display()), "yours");
    is("INGRESS_OAUTH_CLIENT_ID", "environment".into(), "yours");
    let text = scene.user.run(&["config", "show", "--origin"]).code(0).stdout;
    assert!(text.contains(&format!("({}:1, found)", found.display())), "{text}");
    let doctor = scene.user.run(&["doctor", "--offline", "-v"]).all();
    assert!(doctor.contains(".env (found here)") && doctor.contains(".env (yours)"), "{doctor}");
}
