//! Signing in at the pages, sessions, and what is held to come from the pages, against an issuer that says whatever a
//! test wants. Not here: what the pages show (see `registry_pages`); real issuers (see `real`).
#![expect(clippy::disallowed_methods, reason = "tests lay out the gateway's files")]

use std::path::Path;
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcpauth::gateway::settings::{Face, GatewaySettings};
use mcpauth::sys::{clock, private_file};
use serde_json::{Value, json};

use crate::support::lab::{Answer, Lab, exchange, request, until};
use crate::support::mint::{Key, Mint};
use crate::support::wire::parameter;

const POLICY: &str = "\
UI-Scopes:
  mcp-registry-admin: {list_service: [all], toggle_service: [all], modify_service: [all], register_service: [all]}
  user: {list_service: [alpha]}
group_mappings:
  admins: [mcp-registry-admin, all-servers]
  users: [user, all-servers]
all-servers: [{server: '*', methods: ['*'], tools: ['*']}]
";

/// A gateway with pages, and an issuer whose words the test chooses.
pub(crate) struct SignInLab {
    pub(crate) lab: Lab,
    issuer: String,
    key: Arc<Key>,
    /// What the next token answer has as ID token, and what the person's information is.
    says: Arc<Mutex<IssuerWords>>,
    mint: Mint,
}

#[derive(Default)]
struct IssuerWords {
    id_token: String,
    info: Value,
}

/// A browser that has left for the issuer.
struct Leaving {
    url: String,
    cookie: String,
    answer: Answer,
}

impl SignInLab {
    pub(crate) fn start() -> Self {
        Self::with("", |_, _| {})
    }

    /// With further members of the provider's entry, and settings changed.
    pub(crate) fn with(entry: &str, change: impl FnOnce(&mut GatewaySettings, &Path)) -> Self {
        let key = Arc::new(Key::new("k"));
        let says = Arc::new(Mutex::new(IssuerWords::default()));
        let words = says.clone();
        let base = Arc::new(Mutex::new(String::new()));
        let at = base.clone();
        let mint = Mint::with(&[&key], move |asked| {
            let words = words.lock().unwrap();
            let path = asked.head.split(' ').nth(1).unwrap().to_owned();
            let issuer = at.lock().unwrap().clone();
            match path.as_str() {
                "/token" => {
                    let answer = json!({"access_token": "at", "token_type": "Bearer", "expires_in": 60, "id_token": words.id_token});
                    // What nobody needs may be what no parser accepts.
                    (200, answer.to_string().replacen('{', r#"{"note":"\ud83d","#, 1))
                }
                "/info" => (200, words.info.to_string()),
                "/.well-known/openid-configuration" => {
                    let about = json!({
                        "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"), "token_endpoint": format!("{issuer}/token"),
                        "jwks_uri": format!("{issuer}/jwks"), "authorization_response_iss_parameter_supported": true,
                    });
                    (200, about.to_string())
                }
                _ => (404, String::new()),
            }
        });
        let issuer = mint.issuer().to_owned();
        *base.lock().unwrap() = issuer.clone();
        let lab = Lab::with(|settings, dir| {
            std::fs::write(dir.join("scopes.yml"), POLICY).unwrap();
            let usual = format!(
                "display_name: The IdP\n    client_id: face\n    client_secret: s3cret-of-the-face\n    auth_url: {issuer}/authorize\n    \
                 token_url: {issuer}/token\n    logout_url: {issuer}/logout\n    username_claim: preferred_username\n    \
                 groups_claim: groups\n    enabled: true\n"
            );
            let scopes = if entry.contains("scopes:") { "" } else { "    scopes: [openid, profile]\n" };
            let other = "  other: {client_id: x, auth_url: 'http://127.0.0.1:1/a', token_url: 'http://127.0.0.1:1/t', scopes: [x], enabled: true}\n";
            let text = format!("providers:\n  idp:\n    {usual}{scopes}{entry}{other}");
            std::fs::write(dir.join("oauth2_providers.yml"), text).unwrap();
            settings.issuers = vec![mint.settings()];
            let providers = dir.join("oauth2_providers.yml");
            settings.face = Some(Face { listen: ([127, 0, 0, 1], 0).into(), providers, ..Face::default() });
            change(settings, dir);
        });
        Self { lab, issuer, key, says, mint }
    }

    pub(crate) fn url(&self) -> String {
        self.lab.gateway.face().unwrap().1.to_owned()
    }

    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let (address, url) = self.lab.gateway.face().unwrap();
        let mut all = vec![("Content-Type", "application/x-www-form-urlencoded")];
        if !headers.iter().any(|(name, _)| *name == "Host") {
            all.push(("Host", url.split("://").nth(1).unwrap()));
        }
        all.extend(headers);
        exchange(address, &request(method, path, &all, body.as_bytes()))
    }

    pub(crate) fn get(&self, path: &str, cookie: &str) -> Answer {
        self.send("GET", path, &[("Cookie", cookie)], "")
    }

    /// Leaves for the issuer.
    fn leave(&self, back: &str) -> Leaving {
        let query: String =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("return_to", back).finish();
        let answer = self.send("GET", &format!("/oauth2/login/idp?{query}"), &[], "").status(303);
        Leaving {
            url: answer.header("location").unwrap().to_owned(),
            cookie: pair(&set_cookies(&answer)[0]),
            answer,
        }
    }

    /// The claims of a good ID token for this browser.
    fn claims(&self, leaving: &Leaving, change: Value) -> Value {
        let now = clock::now();
        let mut claims = json!({
            "iss": self.issuer, "aud": "face", "sub": "ann-1", "preferred_username": "ann", "groups": ["admins"], "nonce": parameter(&leaving.url, "nonce"),
            "iat": now, "exp": now + 300,
        });
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        claims
    }

    /// What the issuer's user info is from here on.
    pub(crate) fn informs(&self, info: Value) {
        self.says.lock().unwrap().info = info;
    }

    /// The issuer says this, and the browser comes back.
    fn arrive(&self, leaving: &Leaving, id_token: String) -> Answer {
        self.says.lock().unwrap().id_token = id_token;
        self.get(&self.way_back(leaving), &leaving.cookie)
    }

    fn way_back(&self, leaving: &Leaving) -> String {
        let state = parameter(&leaving.url, "state").unwrap();
        format!("/oauth2/callback/idp?code=c0de&state={state}&iss={}", self.issuer)
    }

    fn good(&self, leaving: &Leaving, change: Value) -> String {
        self.key.sign(json!({"typ": "JWT"}), &self.claims(leaving, change))
    }

    /// The cookie of somebody with these claims.
    #[track_caller]
    pub(crate) fn signed_in(&self, change: Value) -> String {
        let leaving = self.leave("/");
        let answer = self.arrive(&leaving, self.good(&leaving, change)).status(303);
        session(&answer).unwrap_or_else(|| panic!("no session: {}", answer.head))
    }

    pub(crate) fn me(&self, cookie: &str) -> u16 {
        self.get("/api/auth/me", cookie).status
    }
}

fn set_cookies(answer: &Answer) -> Vec<String> {
    answer.head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")).map(str::to_owned).collect()
}

/// Name and value of a cookie.
fn pair(set: &str) -> String {
    set.split(';').next().unwrap().to_owned()
}

/// The session that an answer begins, if it does.
fn session(answer: &Answer) -> Option<String> {
    let all = set_cookies(answer);
    let begun = all.iter().find(|set| !set.contains("-sign-in=") && !set.contains("Max-Age=0"));
    begun.map(|set| pair(set))
}

#[test]
fn u3_signing_in_uses_pkce_state_nonce_and_this_address() {
    let lab = SignInLab::start();
    let leaving = lab.leave("/servers/alpha");
    let part = |name: &str| parameter(&leaving.url, name);
    assert!(leaving.url.starts_with(&format!("{}/authorize?", lab.issuer)), "{}", leaving.url);
    assert_eq!(part("redirect_uri"), Some(format!("{}/oauth2/callback/idp", lab.url())));
    assert_eq!(
        (part("code_challenge_method"), part("response_type")),
        (Some("S256".into()), Some("code".into()))
    );
    assert!(part("state").unwrap().len() >= 20 && part("nonce").unwrap().len() == 43);
    assert!(!leaving.url.contains("s3cret") && leaving.answer.header("cache-control") == Some("no-store"));
    let answer = lab.arrive(&leaving, lab.good(&leaving, json!({}))).status(303);
    assert_eq!(answer.header("location"), Some("/servers/alpha"));
    let set = set_cookies(&answer).into_iter().find(|set| !set.contains("Max-Age=0")).unwrap();
    // On plain http browsers keep no `__Host-` cookie.
    assert!(
        set.starts_with("mcpauth-") && set.ends_with("; Path=/; Max-Age=28800; HttpOnly; SameSite=Lax"),
        "{set}"
    );
    assert!(!set.contains("ann") && !set.contains("admins"), "it is sealed");
    let asked = lab.mint.server.asked();
    let token = asked.iter().find(|asked| asked.head.starts_with("POST /token")).unwrap();
    let verifier = token.field("code_verifier").unwrap();
    let hash = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
    assert_eq!(part("code_challenge"), Some(hash));
    assert_eq!(token.field("redirect_uri"), part("redirect_uri"));
    let me = lab.get("/api/auth/me", &pair(&set)).status(200).json();
    assert_eq!((&me["username"], &me["is_admin"]), (&json!("ann"), &json!(true)));
    for event in lab.lab.kept.events() {
        assert!(!event.contains("s3cret") && !event.contains("c0de"), "{event}");
    }
}

#[test]
fn u3_an_id_token_that_is_not_for_this_sign_in_signs_nobody_in() {
    let lab = SignInLab::start();
    let refused = |token: &dyn Fn(&Leaving) -> String, about: &str, why: &str| {
        let leaving = lab.leave("/");
        let before = lab.lab.kept.events().len();
        let answer = lab.arrive(&leaving, token(&leaving)).status(502);
        assert_eq!(session(&answer), None, "{about}");
        let said = lab.lab.kept.events().split_off(before);
        assert!(said.iter().any(|event| event.contains(why)), "{about}: {said:?}");
    };
    let now = clock::now();
    for fine in [
        json!({"aud": ["face"]}),
        json!({"aud": ["face", "other"], "azp": "face"}),
        json!({"typ": "ID"}),
        json!({"token_use": "id"}),
        json!({"exp": now - 30}),
        json!({"iat": now + 30}),
    ] {
        lab.signed_in(fine);
    }
    for (change, why) in [
        (json!({"iss": format!("{}/", lab.issuer)}), "is of another issuer"),
        (json!({"iss": "https://other.test"}), "is of another issuer"),
        (json!({"aud": "other"}), "is for another client"),
        (json!({"aud": ["face", "other"]}), "is for another client"),
        (json!({"aud": null}), "is for another client"),
        (json!({"azp": "other"}), "is for another client"),
        (json!({"azp": 5}), "is for another client"),
        (json!({"nonce": "another"}), "is for another sign-in"),
        (json!({"nonce": null}), "is for another sign-in"),
        (json!({"exp": 1000}), "is not valid now"),
        (json!({"exp": now - 61}), "is not valid now"),
        (json!({"exp": null}), "is not valid now"),
        (json!({"exp": (now + 300).to_string()}), "is not valid now"),
        (json!({"iat": now + 600}), "is not valid now"),
        (json!({"iat": null}), "is not valid now"),
        (json!({"nbf": now + 600}), "is not valid now"),
        (json!({"typ": "Bearer"}), "is not an ID token"),
        (json!({"typ": "Logout"}), "is not an ID token"),
        (json!({"token_use": "access"}), "is not an ID token"),
        (json!({"events": {}}), "is not an ID token"),
        (json!({"sub": ""}), "has no subject"),
        (json!({"sub": 5.5}), "has no subject"),
    ] {
        refused(&|leaving| lab.good(leaving, change.clone()), &change.to_string(), why);
    }
    let other = Key::new("k");
    refused(
        &|leaving| other.sign(json!({"typ": "JWT"}), &lab.claims(leaving, json!({}))),
        "another key",
        "ID token: ",
    );
    refused(
        &|leaving| lab.key.sign(json!({"typ": "at+jwt"}), &lab.claims(leaving, json!({}))),
        "an access token",
        "is not an ID token",
    );
    for (name, secret) in lab.key.secrets() {
        refused(&|leaving| lab.key.confuse(&lab.claims(leaving, json!({})), &secret), name, "ID token: ");
    }
    let none = |leaving: &Leaving| {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", part(json!({"alg": "none"})), part(lab.claims(leaving, json!({}))))
    };
    refused(&none, "alg none", "ID token: ");
    refused(&|_| "x".into(), "no token", "ID token: ");
}

#[test]
fn u3_only_the_browser_that_left_comes_back_and_once() {
    let lab = SignInLab::start();
    let stays_out = |path: &str, cookie: &str, about: &str| {
        let leaving = lab.leave("/");
        lab.says.lock().unwrap().id_token = lab.good(&leaving, json!({}));
        let state = parameter(&leaving.url, "state").unwrap();
        let path = path.replace("STATE", &state).replace("ISS", &lab.issuer);
        let answer = lab.get(&path, &cookie.replace("COOKIE", &leaving.cookie));
        assert!(matches!(answer.status, 400 | 403), "{about}: {}", answer.head);
        assert_eq!(session(&answer), None, "{about}");
    };
    let at = "/oauth2/callback/idp";
    // Someone else's answer, put into this browser (login CSRF).
    stays_out(&format!("{at}?code=c&state=STATE&iss=ISS"), "", "no cookie");
    let others = lab.leave("/").cookie;
    stays_out(&format!("{at}?code=c&state=STATE&iss=ISS"), &others, "another browser's cookie");
    stays_out(&format!("{at}?code=c&state=STATE&iss=ISS"), &format!("COOKIE; {others}"), "two cookies");
    stays_out(&format!("{at}?code=c&state=x&iss=ISS"), "COOKIE", "another state");
    stays_out(&format!("{at}?code=c&iss=ISS"), "COOKIE", "no state");
    stays_out(&format!("{at}?code=c&state=STATE&state=STATE&iss=ISS"), "COOKIE", "two states");
    stays_out(&format!("{at}?code=c&code=d&state=STATE&iss=ISS"), "COOKIE", "two codes");
    stays_out(&format!("{at}?code=c&state=STATE&iss=https://evil.test"), "COOKIE", "another issuer");
    stays_out(&format!("{at}?code=c&state=STATE"), "COOKIE", "a promised issuer that is missing");
    stays_out(&format!("{at}?error=access_denied&state=STATE&iss=ISS"), "COOKIE", "a no");
    stays_out("/oauth2/callback/other?code=c&state=STATE&iss=ISS", "COOKIE", "another provider's address");
    let leaving = lab.leave("/");
    let token = lab.good(&leaving, json!({}));
    assert!(session(&lab.arrive(&leaving, token.clone())).is_some());
    assert_eq!(session(&lab.arrive(&leaving, token)), None, "a second time");
}

#[test]
fn u2_a_session_is_new_each_time_and_nothing_else_passes_for_one() {
    let lab = SignInLab::start();
    let first = lab.signed_in(json!({}));
    // A session that a browser was given before is replaced (fixation).
    let leaving = lab.leave("/");
    lab.says.lock().unwrap().id_token = lab.good(&leaving, json!({"sub": "bob-2", "groups": ["users"]}));
    let both = format!("{}; {first}", leaving.cookie);
    let second = session(&lab.get(&lab.way_back(&leaving), &both)).unwrap();
    assert_ne!(first, second);
    let admin = |cookie: &str| lab.get("/api/auth/me", cookie).status(200).json()["is_admin"].clone();
    assert_eq!((admin(&first), admin(&second)), (json!(true), json!(false)));
    let (name, value) = first.split_once('=').unwrap();
    let away = lab.leave("/").cookie;
    let away = away.split_once('=').unwrap().1;
    let forged = URL_SAFE_NO_PAD.encode(json!({"username": "admin"}).to_string());
    let cut = value.get(..value.len() - 1).unwrap();
    for (cookie, about) in [
        (format!("{name}={away}"), "what is sealed for signing in"),
        (format!("{name}={forged}"), "a name alone"),
        (format!("{name}={forged}.{forged}.{forged}"), "a signed name"),
        (format!("{name}={cut}"), "a cut one"),
        (format!("{name}={value}x"), "a longer one"),
        (format!("{name}="), "nothing"),
        (format!("__Host-mcpauth={value}"), "another name"),
        (format!("{first}; {second}"), "two (cookie tossing)"),
        (format!("{first}; {first}"), "one twice"),
    ] {
        assert_eq!(lab.me(&cookie), 401, "{about}");
    }
    // A session is not a sign-in either.
    let leaving = lab.leave("/");
    lab.says.lock().unwrap().id_token = lab.good(&leaving, json!({}));
    let swapped = format!("{}={value}", leaving.cookie.split_once('=').unwrap().0);
    assert_eq!(session(&lab.get(&lab.way_back(&leaving), &swapped)), None);
    // Another gateway's key opens none of it.
    assert_eq!(SignInLab::start().me(&first), 401);
}

#[test]
fn u4_no_spelling_of_a_return_leads_away() {
    let lab = SignInLab::start();
    for back in [
        "//evil.test",
        "/\\evil.test",
        "/%5cevil.test",
        "/%2Fevil.test",
        "https:evil.test",
        "https://evil.test",
        "HTTPS://evil.test",
        "///evil.test",
        "////evil.test",
        "/\\/evil.test",
        "\\/evil.test",
        "/%2f%2fevil.test",
        "%2f%2fevil.test",
        "/%09/evil.test",
        "/%0d%0aLocation:%20//evil.test",
        "/\r\nLocation: //evil.test",
        "\t//evil.test",
        " //evil.test",
        "/ /evil.test",
        "/\u{a0}/evil.test",
        "/\u{2028}/evil.test",
        "/\u{ff0f}evil.test",
        "JavaScript:alert(1)",
        "java\tscript:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "@evil.test",
        ".evil.test",
        "?//evil.test",
        "#//evil.test",
        "\\\\evil.test",
        "/\t/evil.test",
        "\u{1}//evil.test",
        "javascript:alert(1)",
        "evil.test",
        "\\\\/evil.test",
        "http:/evil.test",
        "/%5Cevil.test",
        "/%00",
        "/\u{0}x",
        "/ä",
        "",
    ] {
        let leaving = lab.leave(back);
        let answer = lab.arrive(&leaving, lab.good(&leaving, json!({}))).status(303);
        assert_eq!(answer.header("location"), Some("/"), "{back:?}");
        assert_eq!(
            leaving.answer.header("location").unwrap().split('?').next(),
            Some(format!("{}/authorize", lab.issuer).as_str())
        );
    }
    let asked = lab.send("GET", "/find?q=a%20b", &[], "").status(303);
    assert_eq!(asked.header("location"), Some("/login?return_to=%2Ffind%3Fq%3Da%2520b"));
}

#[test]
fn a_thousand_groups_fit_and_too_many_known_ones_are_refused_in_words() {
    let known: Vec<String> = (0..400).map(|n| format!("team-{n:03}-of-the-company")).collect();
    let lines: String = known.iter().map(|group| format!("  {group}: [user]\n")).collect();
    let policy = POLICY.replace("group_mappings:\n", &format!("group_mappings:\n{lines}"));
    let lab = SignInLab::with("", |_, dir| std::fs::write(dir.join("scopes.yml"), &policy).unwrap());
    let mut groups: Vec<String> = (0..1000).map(|n| format!("/some/other/group/{n}")).collect();
    groups.push("admins".into());
    let cookie = lab.signed_in(json!({"groups": groups}));
    assert!(cookie.len() < 4096, "{}", cookie.len());
    assert_eq!(lab.get("/api/auth/me", &cookie).status(200).json()["is_admin"], true);
    let leaving = lab.leave("/");
    let answer = lab.arrive(&leaving, lab.good(&leaving, json!({"groups": known}))).status(403);
    assert!(
        session(&answer).is_none() && answer.text().contains("You are in 400 groups"),
        "{}",
        answer.text()
    );
}

#[test]
fn a_session_ends_when_it_is_signed_out_or_revoked() {
    let lab = SignInLab::start();
    let cookie = lab.signed_in(json!({}));
    let same = [("Cookie", cookie.as_str()), ("Sec-Fetch-Site", "same-origin")];
    assert_eq!(lab.get("/logout", &cookie).status, 405, "by POST alone");
    assert_eq!(lab.me(&cookie), 200);
    let answer = lab.send("POST", "/logout", &same, "").status(200);
    assert!(set_cookies(&answer)[0].contains("=; Path=/; Max-Age=0"));
    let back: String =
        url::form_urlencoded::byte_serialize(format!("{}/login", lab.url()).as_bytes()).collect();
    let there = format!("{}/logout?client_id=face&amp;post_logout_redirect_uri={back}", lab.issuer);
    assert!(answer.text().replace("&#x2f;", "/").contains(&there), "{}", answer.text());
    assert_eq!(lab.me(&cookie), 401, "a copy of the cookie is not a session either");
    let cookie = lab.signed_in(json!({}));
    lab.lab.reload("revoked", "sub: another-person\nsid: 00\n", "are in force");
    assert_eq!(lab.me(&cookie), 200);
    lab.lab.reload("revoked", "sub: ann-1\n", "are in force");
    assert_eq!(lab.me(&cookie), 401);
    let leaving = lab.leave("/");
    assert_eq!(lab.arrive(&leaving, lab.good(&leaving, json!({}))).status, 403, "nor is there another one");
    lab.lab.reload("revoked", "", "are in force");
    assert_eq!(lab.me(&cookie), 200);
    // Rights are those of the policy now.
    lab.lab.reload("scopes.yml", &POLICY.replace("admins:", "others:"), "are in force");
    assert_eq!(lab.get("/api/auth/me", &cookie).status(200).json()["is_admin"], false);
}

/// The list is read without a reload, within a second of being written.
#[test]
fn a_revoked_session_ends_without_anybody_asking_for_it() {
    let lab = SignInLab::start();
    let (one, other) = (lab.signed_in(json!({})), lab.signed_in(json!({})));
    let page = lab.get("/me", &one).status(200).text();
    let sid = page.split("<dt>Session</dt><dd><code>").nth(1).unwrap().split('<').next().unwrap();
    assert!(sid.len() == 32 && sid.bytes().all(|b| b.is_ascii_hexdigit()), "{sid}");
    assert!(
        lab.lab.kept.events().iter().any(|event| event.contains(sid)),
        "the operator can read it in the log"
    );
    std::fs::write(lab.lab.path("revoked"), format!("sid: {sid}\n")).unwrap();
    until("the session is over", || lab.me(&one) == 401);
    assert_eq!(lab.me(&other), 200, "another session of the same person goes on");
    std::fs::write(lab.lab.path("revoked"), "sub: ann-1\n").unwrap();
    until("every session of the person is over", || lab.me(&other) == 401);
}

/// What comes back from the provider, and what the person is called, is text on every page.
#[test]
fn markup_of_a_provider_is_text() {
    use crate::support::face::MARKUP;
    let lab = SignInLab::start();
    let encoded: String = url::form_urlencoded::byte_serialize(MARKUP.as_bytes()).collect();
    let is_text = |answer: &Answer| {
        let text = answer.text();
        for part in ["<script", "<img", "onerror=alert(1)>"] {
            assert!(!text.contains(part), "{part}: {text}");
        }
    };
    for error in ["access_denied", &encoded] {
        let leaving = lab.leave("/");
        let state = parameter(&leaving.url, "state").unwrap();
        let path = format!(
            "/oauth2/callback/idp?error={error}&error_description={encoded}&error_uri=javascript%3Aalert(1)&state={state}&iss={}",
            lab.issuer
        );
        let answer = lab.get(&path, &leaving.cookie);
        assert!(matches!(answer.status, 400 | 403), "{}", answer.head);
        is_text(&answer);
        assert!(!answer.text().contains("javascript:"), "{}", answer.text());
    }
    is_text(&lab.send(
        "GET",
        &format!("/login?return_to=%2F{encoded}&error={encoded}&details={encoded}"),
        &[],
        "",
    ));
    is_text(&lab.send("GET", &format!("/oauth2/login/{encoded}"), &[], ""));
    let claims =
        json!({"preferred_username": MARKUP, "sub": MARKUP, "name": MARKUP, "groups": ["admins", MARKUP]});
    let cookie = lab.signed_in(claims);
    for path in ["/", "/me", "/explain", "/tokens", "/changes", "/no-such"] {
        is_text(&lab.get(path, &cookie));
    }
    assert_eq!(lab.get("/api/auth/me", &cookie).status(200).json()["groups"], json!(["admins", MARKUP]));
}

/// Providers with a way out of their own: Cognito, Auth0's two, Okta's two, which take an ID token alone, and the page that an
/// operator may name instead.
#[test]
fn each_provider_is_left_in_its_own_way() {
    for (auth, logout, expected) in [
        ("/oauth2/authorize", "/logout", Some("logout_uri")),
        ("/authorize", "/oidc/logout", Some("post_logout_redirect_uri")),
        ("/authorize", "/v2/logout", Some("returnTo")),
        ("/authorize", "/oauth2/v1/logout", None),
        ("/authorize", "/oauth2/default/v1/logout", None),
        ("/authorize", "/login/signout", Some("post_logout_redirect_uri")),
    ] {
        let lab = SignInLab::with("    issuer: ISSUER\n", |settings, dir| {
            let path = dir.join("oauth2_providers.yml");
            let text = std::fs::read_to_string(&path).unwrap();
            let issuer = settings.issuers[0].issuer.clone();
            let text = text.replace("/authorize", auth).replace("/logout", logout).replace("ISSUER", &issuer);
            std::fs::write(&path, text).unwrap();
        });
        let answer = lab.send("GET", "/oauth2/login/idp", &[], "").status(303);
        let leaving = Leaving {
            url: answer.header("location").unwrap().into(),
            cookie: pair(&set_cookies(&answer)[0]),
            answer,
        };
        let cookie = session(&lab.arrive(&leaving, lab.good(&leaving, json!({})))).unwrap();
        let same = [("Cookie", cookie.as_str()), ("Sec-Fetch-Site", "same-origin")];
        let page = lab.send("POST", "/logout", &same, "").status(200).text().replace("&#x2f;", "/");
        let there = expected.map(|name| format!("{logout}?client_id=face&amp;{name}=http"));
        assert_eq!(page.contains("Sign out at The IdP too"), there.is_some(), "{logout}");
        assert!(there.is_none_or(|there| page.contains(&there)), "{logout}: {page}");
        assert!(page.contains("You stay signed in at the identity provider"), "{logout}");
    }
}

#[test]
fn somebody_whose_provider_has_no_id_tokens_is_in_no_group() {
    let lab = SignInLab::with("    scopes: ['read:user']\n    user_info_url: INFO\n", |settings, dir| {
        let path = dir.join("oauth2_providers.yml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("INFO", &format!("{}/info", settings.issuers[0].issuer))).unwrap();
    });
    lab.says.lock().unwrap().info = json!({"id": 4711, "preferred_username": "octo", "groups": ["admins"]});
    let leaving = lab.leave("/");
    let answer = lab.arrive(&leaving, String::new()).status(303);
    let me = lab.get("/api/auth/me", &session(&answer).unwrap()).status(200).json();
    assert_eq!(
        (&me["username"], &me["groups"], &me["is_admin"]),
        (&json!("octo"), &json!([]), &json!(false))
    );
}

#[test]
fn u5_what_changes_something_comes_from_these_pages() {
    let lab = SignInLab::start();
    let cookie = lab.signed_in(json!({}));
    let own = lab.url();
    let port = own.rsplit(':').next().unwrap().to_owned();
    let sibling = format!("http://localhost:{port}");
    for path in [
        "/toggle/alpha",
        "/refresh/alpha",
        "/register",
        "/edit/alpha",
        "/logout",
        "/tokens",
        "/tokens/revoke",
        "/api/toggle/alpha",
        "/api/register",
        "/api/refresh/alpha",
    ] {
        for headers in [
            &[][..],
            &[("Sec-Fetch-Site", "cross-site")],
            &[("Sec-Fetch-Site", "same-site")],
            &[("Sec-Fetch-Site", "Same-Origin")],
            &[("Sec-Fetch-Site", "cross-site"), ("Origin", own.as_str())],
            &[("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")],
            &[("Origin", "https://evil.test")],
            &[("Origin", "null")],
            &[("Origin", sibling.as_str())],
            &[("Origin", own.as_str()), ("Origin", "https://evil.test")],
            &[("Referer", own.as_str())],
        ] {
            let mut all = vec![("Cookie", cookie.as_str())];
            all.extend(headers);
            let answer = lab.send("POST", path, &all, "enabled=on");
            assert_eq!(answer.status, 403, "{path} {headers:?}: {}", answer.head);
        }
    }
    assert_eq!(lab.me(&cookie), 200);
    for headers in [("Sec-Fetch-Site", "same-origin"), ("Origin", own.as_str())] {
        let answer = lab.send("POST", "/api/toggle/alpha", &[("Cookie", &cookie), headers], "enabled=on");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

#[test]
fn every_answer_leaves_with_the_same_headers_and_for_this_host_alone() {
    let lab = SignInLab::start();
    let cookie = lab.signed_in(json!({}));
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/login"),
        ("GET", "/none"),
        ("GET", "/style.css"),
        ("POST", "/logout"),
        ("GET", "/api/servers"),
        ("GET", "/oauth2/login/idp"),
        ("PUT", "/"),
    ] {
        for cookie in ["", &cookie] {
            let answer = lab.send(method, path, &[("Cookie", cookie)], "");
            let header =
                |name: &str| answer.header(name).unwrap_or_else(|| panic!("{method} {path}: no {name}"));
            let policy = header("content-security-policy");
            assert!(
                policy.starts_with("default-src 'none';")
                    && policy.contains("frame-ancestors 'none'")
                    && policy.contains("form-action 'self'")
            );
            assert!(!policy.contains("script") && !policy.contains("unsafe"));
            assert_eq!(
                (header("x-content-type-options"), header("referrer-policy"), header("x-frame-options")),
                ("nosniff", "no-referrer", "DENY")
            );
            assert_eq!(header("cross-origin-opener-policy"), "same-origin");
            if path != "/style.css" {
                assert_eq!(header("cache-control"), "no-store", "{method} {path}");
            }
            assert_eq!(answer.header("access-control-allow-origin"), None);
        }
    }
    for host in ["evil.test", "localhost", "127.0.0.1", "127.0.0.1:1"] {
        let answer = lab.send("GET", "/login", &[("Host", host)], "").status(421);
        assert!(!answer.text().contains(host) || host == "127.0.0.1", "{}", answer.text());
    }
}

#[test]
fn u6_u7_headers_and_passwords_make_nobody_anybody() {
    let lab = SignInLab::start();
    for headers in [
        &[("X-User", "admin"), ("X-Scopes", "mcp-registry-admin"), ("X-Username", "admin")][..],
        &[("Authorization", "Basic YWRtaW46cGFzc3dvcmQ=")],
        &[("X-Forwarded-User", "admin"), ("X-Groups", "admins")],
    ] {
        for path in [
            "/api/auth/me",
            "/api/servers",
            "/api/health/ws/health_status",
            "/v0.1/servers",
            "/api/server_details/alpha",
        ] {
            let answer = lab.send("GET", path, headers, "");
            assert_eq!(answer.status, 401, "{path} {headers:?}");
            assert!(!answer.text().contains("alpha"), "{path}");
        }
    }
    for path in ["/api/auth/login", "/internal/tokens", "/api/internal/register", "/.well-known/mcp-servers"]
    {
        let form = "username=admin&password=password";
        let answer = lab.send("POST", path, &[("Sec-Fetch-Site", "same-origin")], form);
        assert!(matches!(answer.status, 401 | 404 | 405), "{path}: {}", answer.status);
    }
}

#[test]
fn u13_two_editors_do_not_overwrite_each_other_and_what_was_written_by_hand_stays() {
    let hand = "{\n    \"server_name\" : \"Alpha\",   \"path\": \"/alpha\",\n    \"my_own\":  [1,2 ,3],\n\"auth_type\": \"oauth\", \"proxy_pass_url\": \"http://127.0.0.1:1/\",\n  \"description\": \"old\"\n}\n";
    let lab = SignInLab::with("", |_, dir| std::fs::write(dir.join("servers/alpha.json"), hand).unwrap());
    let cookie = lab.signed_in(json!({}));
    let form = lab.get("/edit/alpha", &cookie).status(200).text();
    let version = form.split("name=\"seen\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let save = |words: &str| {
        let form = format!(
            "seen={version}&path=%2Falpha&server_name=Alpha&description={words}&proxy_pass_url=http%3A%2F%2F127.0.0.1%3A1%2F&auth_type=oauth"
        );
        lab.send("POST", "/edit/alpha", &[("Cookie", &cookie), ("Sec-Fetch-Site", "same-origin")], &form)
    };
    assert_eq!(save("first").status, 303);
    let file = || std::fs::read_to_string(lab.lab.path("servers/alpha.json")).unwrap();
    assert!(file().starts_with(hand.split_once("\"description\"").unwrap().0), "{}", file());
    assert_eq!(save("second").status, 409);
    let kept: Value = serde_json::from_str(&file()).unwrap();
    assert_eq!(
        (&kept["description"], &kept["my_own"], &kept["auth_type"]),
        (&json!("first"), &json!([1, 2, 3]), &json!("oauth"))
    );
    let said = || lab.lab.kept.lines().into_iter().find(|line| line["verdict"] == "changed");
    until("the record", || said().is_some());
    let line = said().unwrap();
    assert_eq!(
        (&line["subject"], &line["server"], &line["change"]),
        (&json!("ann-1"), &json!("alpha"), &json!("edited"))
    );
    assert!(
        line["members"].as_array().unwrap().contains(&json!("description"))
            && !line.to_string().contains("first")
    );
}

/// Two gateways behind one address, with one key, one list of revocations and the first one's provider.
fn two_gateways() -> (SignInLab, SignInLab) {
    let key = |settings: &mut GatewaySettings, dir: &Path| {
        private_file::write(&dir.join("session.key"), "0f9d31a7c2e84b56b1d2c3f4a5968778").unwrap();
        settings.session_key = Some(dir.join("session.key"));
    };
    let one = SignInLab::with("", key);
    let providers = std::fs::read_to_string(one.lab.path("oauth2_providers.yml")).unwrap();
    private_file::write(&one.lab.path("revoked"), "").unwrap();
    let other = SignInLab::with("", |settings, dir| {
        key(settings, dir);
        std::fs::write(dir.join("oauth2_providers.yml"), providers).unwrap();
        settings.revocation_list = Some(one.lab.path("revoked"));
        settings.face.as_mut().unwrap().public_url = Some(one.url());
    });
    (one, other)
}

#[test]
fn a_session_key_is_shared_between_gateways() {
    let (one, other) = two_gateways();
    assert_eq!(other.me(&one.signed_in(json!({}))), 200);
}

/// Nobody has signed in at the other one yet, as after a restart.
#[test]
fn somebody_may_come_back_at_another_gateway() {
    let (one, other) = two_gateways();
    let leaving = one.leave("/me");
    one.says.lock().unwrap().id_token = one.good(&leaving, json!({}));
    let answer = other.get(&one.way_back(&leaving), &leaving.cookie).status(303);
    assert_eq!(answer.header("location"), Some("/me"));
    assert_eq!(one.me(&session(&answer).unwrap()), 200);
}

#[test]
fn a_session_that_was_signed_out_is_over_at_every_gateway_and_after_a_restart() {
    let (one, other) = two_gateways();
    let (cookie, kept) = (one.signed_in(json!({})), one.signed_in(json!({"sub": "bob"})));
    assert_eq!((other.me(&cookie), other.me(&kept)), (200, 200));
    one.send("POST", "/logout", &[("Cookie", &cookie), ("Sec-Fetch-Site", "same-origin")], "").status(200);
    assert_eq!(one.me(&cookie), 401);
    until("the other gateway knows", || other.me(&cookie) == 401);
    assert_eq!((one.me(&kept), other.me(&kept)), (200, 200));
    let list = std::fs::read_to_string(one.lab.path("revoked")).unwrap();
    let [entry, until] = list.lines().collect::<Vec<_>>()[..] else { panic!("{list}") };
    assert!(entry.starts_with("sid: ") && until.starts_with(&format!("# {entry} until ")), "{list}");
}

#[test]
fn switching_while_the_gateway_reloads_leaves_no_half_file() {
    let lab = SignInLab::start();
    let cookie = lab.signed_in(json!({}));
    std::thread::scope(|scope| {
        for server in ["alpha", "beta", "gamma"] {
            let (lab, cookie) = (&lab, &cookie);
            scope.spawn(move || {
                for on in [false, true, false, true] {
                    let form = if on { "enabled=on" } else { "" };
                    let headers = [("Cookie", cookie.as_str()), ("Sec-Fetch-Site", "same-origin")];
                    let answer = lab.send("POST", &format!("/api/toggle/{server}"), &headers, form);
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    lab.lab.gateway.reload();
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..200 {
                let path = lab.lab.path("servers/server_state.json");
                if let Ok(text) = std::fs::read_to_string(path) {
                    assert!(serde_json::from_str::<Value>(&text).is_ok(), "{text}");
                }
            }
        });
    });
    let state = std::fs::read_to_string(lab.lab.path("servers/server_state.json")).unwrap();
    let state: Value = serde_json::from_str(&state).unwrap();
    assert!(["/alpha", "/beta", "/gamma"].iter().all(|path| state[path] == true), "{state}");
}
