//! What went wrong in the registry that this one follows, hole by hole (U1 to U16), tried on the pages and the data. Those
//! of signing in (U2 to U5) are in `sign_in`, those of editing (U12, U13) also in `registry_pages`.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests lay out the gateway's files")]

use std::path::Path;

use mcpauth::gateway::settings::{Face, GatewaySettings};
use mcpauth::sys::private_file;
use serde_json::json;

use super::sign_in::SignInLab;
use crate::support::face::FaceLab;
use crate::support::lab::{Lab, exchange, request, until};
use crate::support::upstream::{Upstream, say};

/// Settings with pages and this session key.
fn keyed(key: &str) -> impl FnOnce(&mut GatewaySettings, &Path) + '_ {
    move |settings, dir| {
        std::fs::write(dir.join("oauth2_providers.yml"), "providers: {}\n").unwrap();
        let providers = dir.join("oauth2_providers.yml");
        settings.face = Some(Face { listen: ([127, 0, 0, 1], 0).into(), providers, ..Face::default() });
        private_file::write(&dir.join("session.key"), key).unwrap();
        settings.session_key = Some(dir.join("session.key"));
    }
}

#[test]
fn u1_no_key_that_stands_in_an_example_seals_sessions() {
    for key in [
        "your-secret-key-here-change-in-production",
        "YOUR_SUPER_SECURE_KEY_0123456789abcdef",
        "change-me-change-me-change-me-change-me",
        "replace-this-with-64-hex-digits-please!!",
        "insert_a_long_random_string_right_here!!",
        "0123456789abcdef0123456789abcdef",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "00000000000000000000000000000000",
        "abababababababababababababababababab",
        "default-session-key-of-this-registry-x",
    ] {
        let Err(error) = Lab::started(keyed(key)) else { panic!("{key} is taken") };
        let said = format!("{error} {error:?}");
        assert!(said.contains("placeholder"), "{key}: {said}");
    }
    for key in [
        "0f9d31a7c2e84b56b1d2c3f4a5968778",
        "q8Zt4vYw1nKc7LmPx0Rb5Hd9Js2Gf6Ta",
        "73915502846193775028461937350284",
    ] {
        assert!(Lab::started(keyed(key)).is_ok(), "{key}");
    }
    // Without a key file each gateway has a key of its own.
    let (one, other) = (SignInLab::start(), SignInLab::start());
    let value = one.signed_in(json!({})).split_once('=').unwrap().1.to_owned();
    let there = format!("mcpauth-{}={value}", other.url().rsplit(':').next().unwrap());
    assert_eq!(other.me(&there), 401);
}

/// Cookies that others can set: for a parent domain, another path, a neighbouring port, or in other letters.
#[test]
fn u2_no_tossed_cookie_chooses_whose_session_counts() {
    let lab = SignInLab::start();
    let (ann, bob) = (lab.signed_in(json!({})), lab.signed_in(json!({"sub": "bob-2", "groups": ["users"]})));
    let (name, value) = ann.split_once('=').unwrap();
    let bobs = bob.split_once('=').unwrap().1;
    assert_eq!(lab.me(&ann), 200);
    for cookies in [
        format!("{ann}; {bob}"),
        format!("{bob}; {ann}"),
        format!("{ann}; {name}=x"),
        format!("{ann}; {name}="),
        format!("{ann};{name}={bobs}"),
        format!("a=b; {bob}; c=d; {ann}"),
    ] {
        assert_eq!(lab.me(&cookies), 401, "{cookies}: two of one name are none");
    }
    for cookie in [
        format!("{}={value}", name.to_uppercase()),
        format!("{name}-sign-in={value}"),
        format!("mcpauth={value}"),
        format!("mcp_gateway_session={value}"),
        format!("__Secure-mcpauth={value}"),
        format!("__Host-mcpauth={value}"),
        format!("__host-mcpauth={value}"),
        format!("{name}=\"{value}\""),
        format!("{name}={value}%20"),
        format!("{name}={}", value.replace('.', "%2e")),
        format!("$Version=1; {name}2={value}"),
    ] {
        assert_eq!(lab.me(&cookie), 401, "{cookie}");
    }
    // What else comes is of no concern.
    assert_eq!(lab.me(&format!("{}={bobs}; {ann}; other=1", name.to_uppercase())), 200);
    // In two header lines as in one.
    let twice = [("Cookie", ann.as_str()), ("Cookie", bob.as_str())];
    assert_eq!(lab.send("GET", "/api/auth/me", &twice, "").status, 401);
}

#[test]
fn u4_nothing_that_a_request_says_chooses_where_people_are_sent() {
    let lab = SignInLab::start();
    let cookie = lab.signed_in(json!({}));
    for more in [
        ("X-Forwarded-Host", "evil.test"),
        ("X-Forwarded-Proto", "https"),
        ("Forwarded", "host=evil.test;proto=https"),
        ("X-Original-Host", "evil.test"),
        ("Referer", "https://evil.test/"),
    ] {
        let answer = lab.send(
            "GET",
            "/oauth2/login/idp?redirect_uri=https://evil.test/&return_to=//evil.test",
            &[more],
            "",
        );
        let location = answer.status(303).header("location").unwrap().to_owned();
        assert!(!location.contains("evil.test"), "{more:?}: {location}");
        let same = [("Cookie", cookie.as_str()), ("Sec-Fetch-Site", "same-origin"), more];
        let fresh = lab.signed_in(json!({}));
        let same = [("Cookie", fresh.as_str()), same[1], same[2]];
        let page = lab.send(
            "POST",
            "/logout?redirect_uri=https://evil.test/",
            &same,
            "post_logout_redirect_uri=https://evil.test/",
        );
        assert!(!page.status(200).text().contains("evil.test"), "{more:?}");
    }
    for host in ["evil.test", "evil.test:80", "127.0.0.1@evil.test", ""] {
        let answer = lab.send("GET", "/oauth2/login/idp", &[("Host", host)], "");
        assert!(matches!(answer.status, 400 | 421), "{host:?}: {}", answer.head);
        assert!(answer.header("location").is_none() && answer.header("set-cookie").is_none(), "{host:?}");
    }
}

#[test]
fn u6_there_is_no_password_to_guess() {
    let lab = SignInLab::start();
    for path in ["/login", "/api/auth/login", "/oauth2/login/idp", "/auth/login"] {
        for form in ["username=admin&password=password", "username=admin&password=admin"] {
            let answer = lab.send("POST", path, &[("Sec-Fetch-Site", "same-origin")], form);
            assert!(matches!(answer.status, 404 | 405), "{path}: {}", answer.status);
            assert!(answer.header("set-cookie").is_none(), "{path}");
        }
    }
    let page = lab.send("GET", "/login", &[], "").status(200).text();
    assert!(!page.contains("type=\"password\"") && !page.contains("<input"), "{page}");
}

#[test]
fn u8_nobody_makes_tokens_for_others_or_without_being_known() {
    let face = FaceLab::start();
    let body = json!({"user_context": {"username": "admin", "scopes": ["everything"], "groups": ["admins"]}, "requested_scopes": ["everything"]});
    let gateway = face.lab.gateway.address();
    for path in [
        "/internal/tokens",
        "/api/internal/tokens",
        "/internal/reload-scopes",
        "/api/tokens/generate",
        "/tokens",
        "/api/admin/tokens",
    ] {
        let headers = [("Content-Type", "application/json"), ("Sec-Fetch-Site", "same-origin")];
        let answer = face.send("POST", path, &headers, &body.to_string());
        assert!(matches!(answer.status, 401 | 404 | 405), "{path}: {}", answer.head);
        assert!(!answer.text().contains("eyJ"), "{path}");
        let host = gateway.to_string();
        let at_gateway = [("Host", host.as_str()), ("Content-Type", "application/json")];
        let answer = exchange(gateway, &request("POST", path, &at_gateway, body.to_string().as_bytes()));
        assert!(
            matches!(answer.status, 400..=405) && !answer.text().contains("eyJ"),
            "{path}: {}",
            answer.head
        );
    }
}

#[test]
fn u9_whoever_is_not_signed_in_learns_of_no_server() {
    let face = FaceLab::start();
    let inner: Vec<String> = [&face.lab.alpha, &face.lab.beta, &face.lab.gamma]
        .map(|server| server.base().trim_start_matches("http://").to_owned())
        .into();
    let secret = |text: &str| {
        ["alpha", "beta", "Gamma", "echo", "delete_all"].iter().any(|name| text.contains(name))
            || inner.iter().any(|place| text.contains(place))
    };
    for path in [
        "/",
        "/servers/alpha",
        "/servers/alpha/",
        "/find?q=echo",
        "/register",
        "/edit/alpha",
        "/me",
        "/explain?server=alpha&tool=echo",
        "/tokens",
        "/decisions",
        "/changes",
        "/api/servers",
        "/api/servers?query=a",
        "/api/server_details/alpha",
        "/api/server_details/all",
        "/api/tools/alpha",
        "/api/tools/all",
        "/api/health/ws/health_status",
        "/api/auth/me",
        "/api/auth/providers",
        "/api/tokens",
        "/ws/stats",
        "/api/health/ws/stats",
        "/v0.1/servers",
        "/v0.1/servers?search=alpha",
        "/v0.1/servers/127.0.0.1%2Falpha/versions",
        "/v0.1/servers/127.0.0.1%2Falpha/versions/latest",
        "/.well-known/mcp-servers",
        "/.well-known/oauth-protected-resource/v0.1/servers",
        "/login",
        "/login?return_to=/x",
        "/style.css",
        "/metrics",
        "/healthz",
        "/servers.json",
        "/openapi.json",
        "/docs",
        "/robots.txt",
        "/favicon.ico",
    ] {
        for headers in [
            &[][..],
            &[("Cookie", "mcp_gateway_session=x; mcpauth=x")],
            &[("X-User", "admin"), ("X-Scopes", "everything")],
        ] {
            let answer = face.send("GET", path, headers, "");
            let said = format!(
                "{}{}",
                answer
                    .head
                    .replace("return_to=%2Fservers%2Falpha", "")
                    .replace("return_to=%2Fedit%2Falpha", ""),
                answer.text()
            );
            let said = said.replace("server%3Dalpha%26tool%3Decho", "").replace("q%3Decho", "");
            assert!(!secret(&said), "{path}: {said}");
        }
    }
}

/// Every spelling of an address that no server has: link-local ones, the clouds' metadata services, and what stands for
/// them.
const FORBIDDEN: [&str; 33] = [
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.169.254:80/",
    "https://169.254.1.1/",
    "http://169.254.169.254./",
    "http://2852039166/",
    "http://0xA9FEA9FE/",
    "http://025177524776/",
    "http://0251.0376.0251.0376/",
    "http://0xa9.0xfe.0xa9.0xfe/",
    "http://169.254.43518/",
    "http://169.16689662/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[0:0:0:0:0:ffff:a9fe:a9fe]/",
    "http://[::a9fe:a9fe]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[fe80::1]/",
    "http://[FE80::1]:8000/mcp",
    "http://[febf::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fd00:0ec2:0:0:0:0:0:0254]/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://METADATA.Google.Internal./",
    "http://instance-data.ec2.internal/",
    "http://100.100.100.200/",
    "http://192.0.0.192/",
    "http://168.63.129.16/",
    "http://0.0.0.0:8000/",
    "http://[::]/",
    "http://224.0.0.1/",
    "http://[ff02::1]/",
    "http://255.255.255.255/",
];

/// What is not an address of a server at all.
const NOT_ADDRESSES: [&str; 18] = [
    "file:///etc/passwd",
    "gopher://127.0.0.1/",
    "ftp://h/",
    "javascript:alert(1)",
    "http://user:pass@h/",
    "http://user@h/",
    "http://h/#fragment",
    "http://h/\r\nX-Injected: 1",
    "http://h/ x",
    "http://h/;}location /{proxy_pass http://evil.test",
    "http://h/\"x",
    "//h/",
    "h:8000",
    "",
    "http://",
    "http:///x",
    "http:x",
    "http:/x",
];

#[test]
fn u11_no_address_of_a_metadata_service_is_taken_however_it_is_spelt() {
    let face = FaceLab::start();
    let (developer, admin) = (face.token("developers"), face.token("admins"));
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let before = face.file("alpha");
    for address in FORBIDDEN.iter().chain(&NOT_ADDRESSES) {
        let form = format!("name=X&path=%2Fx&proxy_pass_url={}", encode(address));
        assert_eq!(face.post(&developer, "/register", &form).status, 400, "{address:?}");
        assert_eq!(face.post(&developer, "/api/register", &form).status, 400, "{address:?}");
        let body = json!({"name": "X", "path": "/x", "proxy_pass_url": address}).to_string();
        let bearer = format!("Bearer {developer}");
        let json = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        assert_eq!(face.send("POST", "/api/register", &json, &body).status, 400, "{address:?}");
        for path in ["/edit/alpha", "/api/edit/alpha"] {
            let answer = face.post(&admin, path, &format!("proxy_pass_url={}", encode(address)));
            // An address with the server's own headers goes nowhere at all but by its operator.
            assert!(matches!(answer.status, 400 | 403), "{path} {address:?}: {}", answer.head);
        }
        assert!(!face.lab.path("servers/x.json").exists(), "{address:?}");
    }
    assert_eq!(face.file("alpha"), before);
}

#[test]
fn u11_no_path_leads_out_of_the_folder_or_into_a_configuration() {
    let face = FaceLab::start();
    let developer = face.token("developers");
    let count = || std::fs::read_dir(face.lab.path("servers")).unwrap().count();
    let before = count();
    for path in [
        "",
        "/",
        "..",
        "/../x",
        "/a/../b",
        "/a//b",
        "/a%2fb",
        "/a\\b",
        "/a b",
        "/a;}location /{",
        "/a\nb",
        "/a{b}",
        "/\u{e4}",
        "/.well-known",
        "/server_state",
        "/alpha",
        "/ALPHA/../alpha",
        "/x/mcp",
        "/x/sse",
        "/<script>",
        "/a?b",
        "/a#b",
        "/$x",
    ] {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("name", "X")
            .append_pair("path", path)
            .append_pair("proxy_pass_url", "http://127.0.0.1:9/")
            .finish();
        let answer = face.post(&developer, "/api/register", &form);
        assert!(matches!(answer.status, 400 | 403 | 409), "{path:?}: {}", answer.head);
        assert_eq!(count(), before, "{path:?}");
    }
}

/// A server that redirects: the health check follows it nowhere else.
#[test]
fn u11_a_check_follows_no_redirect_to_another_place() {
    let canary = Upstream::answering("200 OK\r\nContent-Type: application/json", "{}");
    for target in
        ["http://169.254.169.254/latest/", &format!("{}/inner", canary.base), "http://[fd00:ec2::254]/"]
    {
        for status in ["307 Temporary Redirect", "308 Permanent Redirect", "302 Found"] {
            let head = format!("{status}\r\nLocation: {target}");
            let guide = Upstream::start(move |_, stream| say(stream, &head, b""));
            let face = FaceLab::start();
            let (developer, operator) = (face.token("developers"), face.token("operators"));
            let address: String = url::form_urlencoded::byte_serialize(guide.base.as_bytes()).collect();
            let form = format!("name=N&path=new&proxy_pass_url={address}");
            face.post(&developer, "/api/register", &form).status(201);
            assert_eq!(guide.seen().len(), 0, "one that is off is not asked");
            face.post(&operator, "/api/toggle/new", "enabled=on").status(200);
            face.post(&operator, "/api/refresh/new", "").status(200);
            assert!(!guide.seen().is_empty(), "it was asked");
            assert_eq!(canary.seen().len(), 0, "{target} {status}");
        }
    }
}

#[test]
fn u12_registering_gives_nobody_a_right_not_even_the_one_who_did_it() {
    let face = FaceLab::start();
    let files = || ["scopes.yml", "revoked"].map(|name| std::fs::read(face.lab.path(name)).ok());
    let before = files();
    let (developer, user) = (face.token("developers"), face.token("users"));
    let address: String = url::form_urlencoded::byte_serialize(face.lab.gamma.base().as_bytes()).collect();
    // What the registry's own route took to give rights at once.
    let form = format!(
        "name=New&path=%2Fnew&proxy_pass_url={address}&enabled=on&is_enabled=true&overwrite=true&groups=users&scopes=everything&group_names=users"
    );
    let said = face.post(&developer, "/api/register", &form).status(201).json();
    assert!(said["service"].get("enabled").is_none(), "{said}");
    assert_eq!(files(), before, "no right was written down");
    let file: serde_json::Value = serde_json::from_str(&face.file("new")).unwrap();
    assert!(
        ["enabled", "groups", "scopes", "overwrite"].iter().all(|name| file.get(name).is_none()),
        "{file}"
    );
    // Off, for those whom the policy lets use every server too; on, for them alone.
    assert_eq!(face.lab.call(&developer, "new", "echo").status, 503);
    face.post(&face.token("operators"), "/api/toggle/new", "enabled=on").status(200);
    until("it is on", || face.lab.call(&developer, "new", "echo").status == 200);
    face.lab.call(&user, "new", "echo").status(403);
    assert!(!face.get(&user, "/").text().contains("/servers/new"));
}

#[test]
fn u16_servers_and_pages_have_nothing_of_each_others_address() {
    let face = FaceLab::start();
    let token = face.token("admins");
    let (address, _) = face.lab.gateway.face().unwrap();
    let gateway = face.lab.gateway.address();
    assert_ne!(address, gateway);
    // No page at the servers' address, and no server at the pages'.
    let host = gateway.to_string();
    for path in [
        "/",
        "/login",
        "/me",
        "/servers/alpha",
        "/style.css",
        "/oauth2/login/keycloak",
        "/api/servers",
        "/v0.1/servers",
    ] {
        let bearer = format!("Bearer {token}");
        let answer =
            exchange(gateway, &request("GET", path, &[("Host", &host), ("X-Authorization", &bearer)], b""));
        assert!(matches!(answer.status, 400..=405), "{path}: {}", answer.head);
        assert!(answer.header("set-cookie").is_none() && !answer.text().contains("<html"), "{path}");
    }
    let before = face.lab.arrived();
    let call = crate::support::lab::call("echo").to_string();
    for path in ["/alpha/mcp", "/alpha/", "/alpha", "/servers/alpha/mcp"] {
        assert!(matches!(face.post(&token, path, &call).status, 404 | 405), "{path}");
    }
    assert_eq!(face.lab.arrived(), before, "nothing reached a server");
}
