//! A client that mcpauth registered and its issuer no longer knows, and a server whose metadata is about another
//! address. A login fixes the former once, automatically; other verbs name the command that does.
#![cfg(test)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::by_address::{METADATA, NAME, PRM, REGISTRATION, TOKEN, form, log_in, path, play, to, user};
use crate::support::User;
use crate::support::upstream::{Upstream, say};
use crate::support::wire::{callback, get, parameter};

/// An issuer that forgets its clients once `forgets` is set: each registration creates another client, and the others
/// are rejected where `says` decides.
struct Forgetful {
    server: Upstream,
    forgets: Arc<AtomicBool>,
}

/// Where an issuer says that it does not know a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    /// At the token endpoint, to a refresh.
    Refresh(u16),
    /// At the token endpoint, to a code.
    Code,
    /// To the browser, without a redirect.
    Page(u16),
    /// At the token endpoint, to a refresh, in these words.
    Words(&'static str),
    /// On a page of the issuer's own, to which the browser is redirected.
    Led,
}

impl Forgetful {
    fn start(says: Says) -> Self {
        let (forgets, registered) = (Arc::new(AtomicBool::new(false)), AtomicUsize::new(0));
        let forgotten = forgets.clone();
        let server = Upstream::start(move |seen, stream| {
            let base = format!("http://{}", seen.header("host").unwrap());
            let gone = forgotten.load(Ordering::SeqCst);
            let (id, grant) = (form(seen).get("client_id").cloned(), form(seen).get("grant_type").cloned());
            let unknown = |id: Option<&str>| gone && id == Some("c-1");
            let refused = json!({"error": "invalid_client", "error_description": "unknown client"});
            let (status, body) = match path(seen) {
                "/register" => {
                    let n = registered.fetch_add(1, Ordering::SeqCst) + 1;
                    (201, json!({"client_id": format!("c-{n}")}))
                }
                "/token" if unknown(id.as_deref()) => match (says, grant.as_deref()) {
                    (Says::Refresh(status), Some("refresh_token")) => (status, refused),
                    (Says::Code, Some("authorization_code")) => (401, refused),
                    (Says::Words(error), Some("refresh_token")) => (400, json!({"error": error})),
                    (Says::Code | Says::Page(_) | Says::Led, Some("refresh_token")) => {
                        (400, json!({"error": "invalid_grant"}))
                    }
                    _ => (400, json!({"error": "invalid_request"})),
                },
                // The first client's tokens end at once.
                "/token" => {
                    let life = if id.as_deref() == Some("c-1") { 0 } else { 3_600 };
                    (
                        200,
                        json!({"access_token": format!("for-{}", id.unwrap()), "refresh_token": "r", "expires_in": life}),
                    )
                }
                at if at.starts_with("/authorize?") => {
                    let id = parameter(&format!("{base}{at}"), "client_id");
                    match says {
                        Says::Page(status) if unknown(id.as_deref()) => (status, json!("unknown client")),
                        Says::Led if unknown(id.as_deref()) => (302, Value::Null),
                        _ => (200, json!("log in")),
                    }
                }
                METADATA => (
                    200,
                    json!({
                        "issuer": base, "authorization_endpoint": format!("{base}/authorize"),
                        "token_endpoint": format!("{base}/token"),
                        "registration_endpoint": format!("{base}/register"),
                        "code_challenge_methods_supported": ["S256"],
                        "token_endpoint_auth_methods_supported": ["none"],
                        "authorization_response_iss_parameter_supported": true,
                    }),
                ),
                PRM => (200, json!({"resource": format!("{base}/mcp"), "authorization_servers": [base]})),
                "/mcp" => (401, Value::Null),
                _ => (404, Value::Null),
            };
            let challenge = format!("WWW-Authenticate: Bearer resource_metadata=\"{base}{PRM}\"");
            let to = if status == 302 { "\r\nlocation: /oops?error=invalid_client&error_hint=x" } else { "" };
            say(
                stream,
                &format!("{status} X\r\ncontent-type: application/json\r\n{challenge}{to}"),
                body.to_string().as_bytes(),
            );
        });
        Self { server, forgets }
    }

    fn forget(&self) {
        self.forgets.store(true, Ordering::SeqCst);
    }

    fn registrations(&self) -> usize {
        to(&self.server.seen(), "/register").len()
    }
}

/// Logs in again: every page that is shown gets its answer. Another client's token is stored.
#[track_caller]
fn works(user: &User, issuer: &Forgetful, pages: usize) {
    let base = &issuer.server.base;
    let mut running = user.start(&["login", &format!("{base}/mcp"), "--no-browser"]);
    for _ in 0..pages {
        let shown = running.url();
        assert_eq!(get(&callback(&shown, &format!("code=the-code&iss={base}"))).status, 200);
    }
    running.end().code(0);
    assert_eq!(user.token(REGISTRATION)["client_id"], "c-2");
    assert_eq!(user.run(&["token", NAME]).code(0).stdout, "for-c-2\n");
    assert_eq!(issuer.registrations(), 2, "once");
}

#[test]
fn a_client_that_its_issuer_forgot_is_registered_again_by_login() {
    for (says, pages) in [
        (Says::Refresh(401), 1),
        (Says::Refresh(400), 1),
        (Says::Code, 2),
        (Says::Page(400), 1),
        (Says::Page(401), 1),
        (Says::Words("INVALID_CLIENT"), 1),
        (Says::Words("invalidClient"), 1),
        (Says::Words("unauthorized_client"), 1),
        (Says::Led, 1),
    ] {
        let (issuer, user) = (Forgetful::start(says), user());
        log_in(&user, &issuer.server, &[]);
        issuer.forget();
        if matches!(says, Says::Words(_)) {
            let ran = user.run(&["token", NAME]).code(4);
            assert!(ran.stderr.contains("no longer has the client"), "{says:?}: {}", ran.stderr);
        }
        works(&user, &issuer, pages);
    }
}

/// An issuer that lost its clients lost their refresh tokens too, and says only that. A login that was told so by another verb knows
/// it from the store, and another one finds it out on its way.
#[test]
fn a_refused_refresh_token_leads_to_no_page_that_refuses_the_client() {
    for says in [Says::Page(400), Says::Page(401), Says::Led] {
        for told in [true, false] {
            let (issuer, user) = (Forgetful::start(says), user());
            log_in(&user, &issuer.server, &[]);
            issuer.forget();
            if told {
                user.run(&["token", NAME]).code(4);
            }
            works(&user, &issuer, 1);
        }
    }
}

#[test]
fn other_verbs_name_the_login_that_fixes_it_and_status_says_so() {
    for args in [&["token", NAME][..], &["headers", NAME], &["refresh", "--once", "--no-install"]] {
        let (issuer, user) = (Forgetful::start(Says::Refresh(401)), user());
        log_in(&user, &issuer.server, &[]);
        issuer.forget();
        let ran = user.run(args).code(4);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        let command = format!("mcpauth login {}/mcp", issuer.server.base);
        assert!(said.contains("no longer has the client") && said.contains(&command), "{args:?}: {said}");
        assert!(user.token(TOKEN)["refresh_token"].is_null());
        let rows = user.run(&["status", "--json"]).json()["credentials"].clone();
        let row = rows.as_array().unwrap().iter().find(|row| row["kind"] == "egress").unwrap();
        assert_eq!((&row["status"], &row["command"]), (&json!("needs_login"), &json!(command)));
        // That is remembered, whatever else the issuer says.
        works(&user, &issuer, 1);
    }
}

#[test]
fn a_persons_own_client_is_left_to_that_person() {
    let (issuer, user) = (Forgetful::start(Says::Refresh(401)), user());
    log_in(&user, &issuer.server, &["--client-id", "c-1", "--redirect-uri", "http://127.0.0.1:0/callback"]);
    issuer.forget();
    let before = user.token(TOKEN);
    let ran = user.run(&["login", &format!("{}/mcp", issuer.server.base), "--no-browser"]).code(4);
    assert!(ran.stdout.contains("check client id and secret"), "{}", ran.stdout);
    assert_eq!((user.token(TOKEN), issuer.registrations()), (before, 0));
}

#[test]
fn a_port_that_another_program_has_taken_is_registered_anew() {
    for has_refresh_token in [false, true] {
        let (issuer, user) = (Forgetful::start(Says::Code), user());
        log_in(&user, &issuer.server, &[]);
        if has_refresh_token {
            // It is refused, and then there is a login.
            issuer.forget();
        } else {
            user.plant(TOKEN, &[("refresh_token", Value::Null)]);
        }
        let uri = user.token(REGISTRATION)["redirect_uri"].as_str().unwrap().to_owned();
        let taken = url::Url::parse(&uri).unwrap().port().unwrap();
        let _other = std::net::TcpListener::bind(("127.0.0.1", taken)).unwrap();
        works(&user, &issuer, 1);
        let seen = issuer.server.seen();
        let registered = to(&seen, "/register")[1].message()["redirect_uris"][0].clone();
        assert_eq!(user.token(REGISTRATION)["redirect_uri"], registered);
        assert_ne!(registered, uri);
    }
}

/// RFC 9728 section 3.3: the metadata must be about the requested address, or a parent of it.
#[test]
fn a_document_about_another_address_of_the_server_is_named_with_the_command_that_works() {
    for (asked, about, good) in [
        ("/a", "/a/mcp", false),
        ("/a/sse", "/a/mcp", false),
        ("/a", "/a;b", false),
        ("/a/mcp", "/b/mcp", false),
        ("/a/mcp", "/a/mc", false),
        ("/A/mcp", "/a/mcp", false),
        ("/a/mcp", "/a/mcp", true),
        ("/a/mcp/", "/a/mcp", true),
        ("/a/mcp", "/a", true),
        ("/a/mcp", "", true),
    ] {
        let server = play(move |path, status, body| {
            if path.starts_with(asked) {
                *status = 401;
            }
            if path == PRM {
                *status = 200;
                let resource = body["resource"].as_str().unwrap().replace("/mcp", about);
                body["resource"] = json!(resource);
            }
        });
        let (base, user) = (&server.base, user());
        let mut running = user.start(&["login", &format!("{base}{asked}"), "--no-browser"]);
        if good {
            let back = callback(&running.url(), &format!("code=c&iss={base}"));
            assert_eq!(get(&back).status, 200);
            running.end().code(0);
            continue;
        }
        let said = running.end().code(2).stdout;
        assert!(said.contains(&format!("the metadata of {base}{asked} is")), "{said}");
        assert!(said.contains(&format!("is about {base}{about},")), "{said}");
        let command = match about.contains(';') {
            true => format!("mcpauth login '{base}{about}'"),
            false => format!("mcpauth login {base}{about}"),
        };
        assert!(said.contains(&command), "{said}");
        assert!(to(&server.seen(), "/register").is_empty());
    }
}

/// What is here by one name is here by the other.
#[test]
fn a_document_about_another_name_of_this_machine_is_named_with_the_command_that_works() {
    let server = play(|path, _, body| {
        if path == PRM {
            body["resource"] = json!(body["resource"].as_str().unwrap().replace("127.0.0.1", "localhost"));
        }
    });
    let address = format!("{}/mcp", server.base);
    let said = user().run(&["login", &address, "--no-browser"]).code(2).stdout;
    let other = address.replace("127.0.0.1", "localhost");
    assert!(said.contains(&format!("mcpauth login {other}")), "{said}");
    assert!(to(&server.seen(), "/register").is_empty());
    let mut running = user().start(&["login", &other, "--no-browser"]);
    assert!(running.url().contains("localhost"), "what is named works");
}

/// What a challenge says next to a byte that is not text still leads to the login.
#[test]
fn a_challenge_with_a_strange_byte_still_leads_to_the_document() {
    for odd in [&b"\xe4"[..], b"\xff\xfe", "\u{e4}".as_bytes()] {
        let server = Upstream::start(move |seen, stream| {
            let base = format!("http://{}", seen.header("host").unwrap());
            let document =
                json!({"resource": format!("{base}/mcp"), "authorization_servers": ["http://127.0.0.1:9"]});
            let (status, body) = match path(seen) {
                "/mcp" => (401, String::new()),
                PRM => (200, document.to_string()),
                _ => (404, String::new()),
            };
            let mut head =
                format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
            head.push_str("WWW-Authenticate: Bearer error_description=\"abgelaufen ");
            let rest = format!("\", resource_metadata=\"{base}{PRM}\", scope=\"read\"\r\n\r\n{body}");
            crate::support::upstream::push(stream, &[head.as_bytes(), odd, rest.as_bytes()].concat());
        });
        let address = format!("{}/mcp", server.base);
        // Its issuer does not exist, so the login ends here.
        user().run(&["login", &address, "--no-browser"]).code(5);
        assert_eq!(to(&server.seen(), PRM).len(), 1, "{odd:?}");
        let ran = user().run(&["list", "--url", &address]).code(4);
        assert!(ran.stderr.contains("read"), "the scope it wants: {}", ran.stderr);
    }
}
