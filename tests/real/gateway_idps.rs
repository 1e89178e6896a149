//! Tokens of a real Keycloak, a Cognito stand-in and a certified provider at one gateway that takes them all.
//! It leaves the rules' every corner to the unit tests beside them.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use mcpauth::demo::mcp::{Sample, SampleTool};
use serde_json::{Value, json};

use super::gateway::{Gateway, http, lay_out, settings, text, token, tokens};
use super::smoke::form;
use super::{Keycloak, Ministack, OidcProvider};
use crate::support::lab::{call, list};
use crate::support::{User, read_json};

/// Keycloak takes its time, so the tests share all three; they end with the test process.
static PROVIDERS: LazyLock<Providers> = LazyLock::new(Providers::start);

struct Providers {
    keycloak: Keycloak,
    cognito: Ministack,
    certified: OidcProvider,
}

/// A gateway in front of three servers with one tool each, `echo`.
struct Door {
    gateway: Gateway,
    user: User,
    _servers: [Sample; 3],
}

/// How the gateway tells tokens that are for it.
#[derive(Clone, Copy, PartialEq)]
enum Rule {
    /// Keycloak by `azp`, the certified provider by signature.
    Clients,
    /// Keycloak by its mapped audience, the certified provider by asking it.
    Audience,
}

const POLICY: &str = "\
group_mappings:
  mcp-servers-unrestricted: [worker]
  mcp-servers-restricted: [reader]
  mcp-admins: [worker]
  team/restricted: [by-path]
  restricted: [by-name]
reader: [{server: alpha, methods: [initialize, tools/list], tools: [echo]}]
worker: [{server: alpha, methods: ['*'], tools: ['*']}]
by-path: [{server: beta, methods: [tools/call], tools: [echo]}]
by-name: [{server: gamma, methods: [tools/call], tools: [echo]}]
mcp-servers-restricted/read: [{server: alpha, methods: [tools/list], tools: [echo]}]
mcp-servers-restricted/execute: [{server: alpha, methods: [tools/call], tools: [echo]}]
";

const ECHO: [SampleTool; 1] =
    [SampleTool { name: "echo", about: "Says it again", run: |arguments| arguments.to_string() }];

impl Providers {
    fn start() -> Self {
        let keycloak = std::thread::spawn(|| Keycloak::start("http://127.0.0.1:9/jwks.json"));
        let cognito = std::thread::spawn(Ministack::start);
        Self {
            certified: OidcProvider::start(),
            cognito: cognito.join().expect("ministack"),
            keycloak: keycloak.join().expect("Keycloak"),
        }
    }

    /// `gateway.yaml` with all three.
    fn issuers(&self, rule: Rule) -> Value {
        let Self { keycloak, cognito, certified } = self;
        let mut realm = json!({ "issuer": keycloak.base(), "kind": "keycloak" });
        let mut asked = json!({ "issuer": certified.base() });
        if rule == Rule::Clients {
            let clients = ["M2M", "AGENT", "AUDIENCE", "ACCOUNT", "BOTH", "PATHS", "FLAT"]
                .map(|kind| client_id(keycloak, kind));
            realm["clients"] = json!(clients);
            asked["audience"] = json!([certified.value("RESOURCE"), "https://es256.test"]);
        } else {
            realm["audience"] = json!([keycloak.value("AUDIENCE")]);
            asked["audience"] = json!([certified.value("OPAQUE_RESOURCE")]);
            asked["introspection"] =
                json!({ "client_id": certified.value("RS_CLIENT_ID"), "client_secret": "secret.txt" });
        }
        let clients = [cognito.value("M2M_CLIENT_ID"), cognito.value("CLI_CLIENT_ID")];
        let pool = json!({ "issuer": cognito.value("ISSUER"), "kind": "cognito", "clients": clients });
        json!({ "issuers": [realm, pool, asked] })
    }

    /// What Keycloak's token endpoint says to one of the machine clients.
    fn machine(&self, kind: &str) -> String {
        let (id, secret) =
            (client_id(&self.keycloak, kind), self.keycloak.value(&format!("{kind}_CLIENT_SECRET")));
        let fields = [("grant_type", "client_credentials"), ("client_id", &id), ("client_secret", secret)];
        token(&self.keycloak_endpoint(), &form(&fields))
    }

    /// Alice's tokens at Keycloak by a client that writes her groups as paths or by their bare names.
    fn alice(&self, kind: &str) -> Value {
        let id = client_id(&self.keycloak, kind);
        let (name, password) = (self.keycloak.value("USERNAME"), self.keycloak.value("PASSWORD"));
        let fields = [
            ("grant_type", "password"),
            ("client_id", &id),
            ("username", name),
            ("password", password),
            ("scope", "openid"),
        ];
        tokens(&self.keycloak_endpoint(), &form(&fields))
    }

    fn keycloak_endpoint(&self) -> String {
        format!("{}/protocol/openid-connect/token", self.keycloak.base())
    }

    /// A token of the certified provider's for a resource (RFC 8707).
    fn certified(&self, resource: &str) -> String {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", self.certified.value("POST_CLIENT_ID")),
            ("client_secret", self.certified.value("POST_CLIENT_SECRET")),
            ("resource", resource),
            ("scope", "mcp-servers-restricted/read mcp-servers-restricted/execute"),
        ];
        token(&format!("{}/token", self.certified.base()), &form(&fields))
    }
}

impl Door {
    fn open(rule: Rule) -> Self {
        let mut user = User::new();
        for (name, value) in PROVIDERS.cognito.amazon_env() {
            user.env(&name, value);
        }
        user.file("secret.txt", PROVIDERS.certified.value("RS_CLIENT_SECRET"));
        let servers = ["alpha", "beta", "gamma"].map(|name| Sample::start(name, &ECHO).expect("a server"));
        let rows: Vec<_> = ["alpha", "beta", "gamma"]
            .into_iter()
            .zip(&servers)
            .map(|(name, server)| (name, "none", server.base()))
            .collect();
        lay_out(&user, POLICY, &rows);
        settings(&user, PROVIDERS.issuers(rule));
        Self { gateway: Gateway::start(&user), user, _servers: servers }
    }

    /// What the three servers' `echo` say to a token.
    fn verdicts(&self, token: &str) -> [u16; 3] {
        ["alpha", "beta", "gamma"].map(|server| self.gateway.call(token, server))
    }
}

/// A token's header, as text.
fn header(token: &str) -> String {
    let part = token.split('.').next().expect("a part");
    let raw = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).expect("base64url");
    String::from_utf8(raw).expect("UTF-8")
}

/// The seed's way: variables, `./scopes.yml` and `./servers`. What the other half of the program writes is let in.
#[test]
#[ignore = "real parts: run .ci/run"]
fn a_realms_variables_are_all_the_settings_there_must_be() {
    let keycloak = &PROVIDERS.keycloak;
    let server = Sample::start("alpha", &ECHO).expect("a server");
    let mut user = User::new();
    lay_out(&user, POLICY, &[("alpha", "none", server.base())]);
    user.env("AUTH_PROVIDER", "keycloak")
        .env("KEYCLOAK_URL", keycloak.value("KEYCLOAK_URL"))
        .env("KEYCLOAK_REALM", keycloak.value("REALM"))
        .env("KEYCLOAK_M2M_CLIENT_ID", keycloak.value("M2M_CLIENT_ID"))
        .env("KEYCLOAK_M2M_CLIENT_SECRET", keycloak.value("M2M_CLIENT_SECRET"));
    let agent = json!({ "client_id": keycloak.value("AGENT_CLIENT_ID"), "client_secret": keycloak.value("AGENT_CLIENT_SECRET"),
        "keycloak_url": keycloak.value("KEYCLOAK_URL"), "keycloak_realm": keycloak.value("REALM") });
    user.file(".oauth-tokens/agent-one.json", &agent.to_string());
    user.run(&["keycloak", "--all-agents"]).code(0);
    let agent = text(&user.token("agent-one-token.json"), "access_token");
    for (more, listed) in [("", 401), (keycloak.value("AGENT_CLIENT_ID"), 200)] {
        user.env("MCPAUTH_GATEWAY_CLIENTS", more);
        let gateway = Gateway::start(&user);
        user.env("REGISTRY_URL", gateway.base()).run(&["generate", "--ingress-only"]).code(0);
        let entry = read_json(&user.home().join(".vscode/mcp.json"))["mcp"]["servers"]["alpha"].clone();
        let headers = entry["headers"].as_object().expect("headers");
        assert_eq!(headers["X-Keycloak-Realm"], keycloak.value("REALM"));
        let mut headers: Vec<_> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str().expect("text"))).collect();
        headers.extend([
            ("Content-Type", "application/json"),
            ("Accept", "application/json, text/event-stream"),
        ]);
        http("POST", &text(&entry, "url"), &headers, &call("echo").to_string()).status(200);
        assert_eq!(gateway.ask(&agent, "alpha", &list()).status, listed);
    }
    let last = server.arrived().pop().expect("a request");
    assert!(!format!("{last:?}").to_ascii_lowercase().contains("keycloak"), "{last:?}");
}

fn client_id(keycloak: &Keycloak, kind: &str) -> String {
    keycloak.value(&format!("{kind}_CLIENT_ID")).to_owned()
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn keycloaks_tokens_are_for_the_gateway_by_client_or_by_audience() {
    let certs = format!("{}/protocol/openid-connect/certs", PROVIDERS.keycloak.base());
    let keys = http("GET", &certs, &[], "").status(200).json();
    let uses = keys["keys"].as_array().expect("keys").iter().map(|key| key["use"].as_str());
    assert_eq!(uses.filter(|key| *key == Some("enc")).count(), 1, "{keys}");

    // No audience, `account` alone, ours, ours beside `account`. Group mcp-servers-restricted may list, not call.
    let cases = [
        ("M2M", 200, 401),
        ("AGENT", 403, 401),
        ("ACCOUNT", 403, 401),
        ("AUDIENCE", 401, 403),
        ("BOTH", 401, 403),
    ];
    let doors = [Door::open(Rule::Clients), Door::open(Rule::Audience)];
    for (kind, by_client, by_audience) in cases {
        let token = PROVIDERS.machine(kind);
        let got = doors.each_ref().map(|door| door.gateway.call(&token, "alpha"));
        assert_eq!(got, [by_client, by_audience], "{kind}");
        for (door, verdict) in doors.iter().zip(got) {
            let listed = door.gateway.ask(&token, "alpha", &list());
            assert_eq!(listed.status == 200, verdict != 401, "{kind}");
        }
    }
    let [by_client, by_audience] = doors;
    let audit = by_client.gateway.end(&by_client.user);
    let reasons = |kind: &str| audit.iter().filter(|line| line["reason"] == kind).count();
    assert_eq!(audit.len(), 10, "{audit:?}");
    assert_eq!(reasons("audience"), 4, "{audit:?}");
    drop(by_audience);
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn keycloaks_groups_decide_by_path_and_never_by_their_last_part() {
    let door = Door::open(Rule::Clients);
    let (paths, flat) = (PROVIDERS.alice("PATHS"), PROVIDERS.alice("FLAT"));
    assert_eq!(door.verdicts(&text(&paths, "access_token")), [200, 200, 403]);
    assert_eq!(door.verdicts(&text(&flat, "access_token")), [200, 403, 200]);
    for kind in ["id_token", "refresh_token"] {
        assert_eq!(door.verdicts(&text(&paths, kind)), [401; 3], "{kind}");
    }
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn keycloaks_keys_rotate_without_a_refused_request() {
    let door = Door::open(Rule::Clients);
    let before = PROVIDERS.machine("M2M");
    assert_eq!(door.gateway.call(&before, "alpha"), 200);
    rotate(&door, &|| PROVIDERS.machine("M2M"), &|step| PROVIDERS.keycloak.rotate(step));
    // The realm has forgotten the old key; a gateway that starts now never knew it.
    let later = Door::open(Rule::Clients);
    assert_eq!(later.gateway.call(&before, "alpha"), 401);
    assert_eq!(later.gateway.call(&PROVIDERS.machine("M2M"), "alpha"), 200);
}

/// Calls without a pause, each with a new token, while the keys change.
fn rotate(door: &Door, token: &(dyn Fn() -> String + Sync), step: &dyn Fn(&str)) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let calls = scope.spawn(|| {
            let mut answers = Vec::new();
            while !done.load(Ordering::Relaxed) {
                answers.push(door.gateway.call(&token(), "alpha"));
            }
            answers
        });
        let old = token();
        for name in ["publish", "switch", "drop"] {
            step(name);
            assert_eq!(door.gateway.call(&token(), "alpha"), 200, "{name}");
            assert_eq!(door.gateway.call(&old, "alpha"), 200, "{name}");
        }
        assert_ne!(header(&token()), header(&old), "another key signs");
        done.store(true, Ordering::Relaxed);
        let answers = calls.join().expect("answers");
        assert!(!answers.is_empty() && answers.iter().all(|status| *status == 200), "{answers:?}");
    });
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn cognitos_tokens_decide_by_scope_and_by_group() {
    let (mut door, cognito) = (Door::open(Rule::Clients), &PROVIDERS.cognito);
    door.user
        .env("INGRESS_OAUTH_USER_POOL_ID", cognito.value("POOL_ID"))
        .env("INGRESS_OAUTH_CLIENT_ID", cognito.value("M2M_CLIENT_ID"))
        .env("INGRESS_OAUTH_CLIENT_SECRET", cognito.value("M2M_CLIENT_SECRET"));
    door.user.run(&["ingress"]).code(0);
    let machine = text(&door.user.token("ingress.json"), "access_token");
    assert_eq!(door.verdicts(&machine), [200, 403, 403]);

    let alice = log_in(cognito, cognito.value("CLI_CLIENT_ID"));
    assert_eq!(door.verdicts(&text(&alice, "AccessToken")), [200, 403, 403]);
    for kind in ["IdToken", "RefreshToken"] {
        assert_eq!(door.verdicts(&text(&alice, kind)), [401; 3], "{kind}");
    }
    let others = log_in(cognito, cognito.value("WEB_CLIENT_ID"));
    assert_eq!(door.verdicts(&text(&others, "AccessToken")), [401; 3], "a client that was not named");
    // Reading without executing: the scope of that name alone.
    door.user.env("INGRESS_OAUTH_SCOPE", "mcp-servers-restricted/read");
    door.user.run(&["ingress", "--force"]).code(0);
    let reader = text(&door.user.token("ingress.json"), "access_token");
    assert_eq!(
        (door.gateway.call(&reader, "alpha"), door.gateway.ask(&reader, "alpha", &list()).status),
        (403, 200)
    );

    let audit = door.gateway.end(&door.user);
    assert!(audit.iter().any(|line| line["user"] == "alice" && line["verdict"] == "allowed"), "{audit:?}");
}

/// Cognito's own login by password.
fn log_in(cognito: &Ministack, client: &str) -> Value {
    let headers = [
        ("X-Amz-Target", "AWSCognitoIdentityProviderService.InitiateAuth"),
        ("Content-Type", "application/x-amz-json-1.1"),
    ];
    let login = json!({ "USERNAME": cognito.value("USERNAME"), "PASSWORD": cognito.value("PASSWORD") });
    let asked = json!({ "AuthFlow": "USER_PASSWORD_AUTH", "ClientId": client, "AuthParameters": login });
    let answer = http("POST", &format!("{}/", cognito.base()), &headers, &asked.to_string());
    answer.status(200).json()["AuthenticationResult"].clone()
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn the_certified_providers_tokens_are_for_a_resource_and_its_keys_rotate() {
    let (door, certified) = (Door::open(Rule::Clients), &PROVIDERS.certified);
    let cases = [
        (certified.value("RESOURCE"), 200),
        ("https://es256.test", 200),
        ("https://other.test", 401),
        ("https://gateway.test.evil", 401),
        // Not a JWT, and nobody there is asked about such.
        (certified.value("OPAQUE_RESOURCE"), 401),
    ];
    for (resource, status) in cases {
        let token = PROVIDERS.certified(resource);
        assert_eq!(door.gateway.call(&token, "alpha"), status, "{resource}");
    }
    let es256 = PROVIDERS.certified("https://es256.test");
    assert!(header(&es256).contains("ES256"), "{}", header(&es256));
    rotate(&door, &|| PROVIDERS.certified(certified.value("RESOURCE")), &|step| certified.rotate(step));
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn opaque_tokens_are_asked_about() {
    let (door, certified) = (Door::open(Rule::Audience), &PROVIDERS.certified);
    let opaque = PROVIDERS.certified(certified.value("OPAQUE_RESOURCE"));
    assert!(!opaque.contains('.'));
    assert_eq!(door.verdicts(&opaque), [200, 403, 403]);
    for other in [PROVIDERS.certified("https://other.opaque.test"), format!("{opaque}x"), "nothing".into()] {
        assert_eq!(door.verdicts(&other), [401; 3]);
    }
    // The other issuers' tokens are told apart by what they say of themselves.
    assert_eq!(door.gateway.call(&PROVIDERS.machine("AUDIENCE"), "alpha"), 403);
}
