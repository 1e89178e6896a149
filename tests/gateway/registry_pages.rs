//! The registry's pages as a browser gets them: what each shows to whom, what it never shows, and what its forms do. Not
//! here: signing in; the same as data (see `registry_data`).
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "tests lay out the gateway's files")]

use std::sync::atomic::{AtomicBool, Ordering};

use mcpauth::sys::clock;
use serde_json::{Value, json};

use crate::gateway::vending::{p256, vends};
use crate::support::face::{FaceLab, MARKUP};
use crate::support::lab::until;

/// Every page that there is for a person who may do everything.
const PAGES: [&str; 12] = [
    "/",
    "/?q=alpha&state=unknown&again=1",
    "/?q=nothing-like-it",
    "/servers/alpha",
    "/find?q=echo",
    "/find?q=",
    "/register",
    "/edit/alpha",
    "/me",
    "/explain?server=alpha&tool=echo",
    "/explain",
    "/decisions",
];

/// How a slash of others' text is written in a page.
const SLASH: &str = "&#x2f;";

/// The text of a page as people read it.
fn text(page: &str) -> String {
    let mut text = String::new();
    let mut is_tag = false;
    for c in page.chars() {
        match c {
            '<' => is_tag = true,
            '>' => {
                is_tag = false;
                text.push(' ');
            }
            c if !is_tag => text.push(c),
            _ => {}
        }
    }
    text.replace(SLASH, "/").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn shows(page: &str, words: &[&str]) {
    let text = text(page);
    for word in words {
        assert!(text.contains(word), "{word:?} is not in: {text}");
    }
}

#[track_caller]
fn lacks(page: &str, words: &[&str]) {
    let page = page.replace(SLASH, "/");
    for word in words {
        assert!(!page.contains(word), "{word:?} is in: {page}");
    }
}

#[test]
fn markup_of_others_is_text_on_every_page_and_nothing_inner_is_shown() {
    let face = FaceLab::with(|settings, dir| {
        vends(settings, dir, &p256());
        settings.audit = dir.join("audit.jsonl").display().to_string();
        let line = json!({"time": "2026-11-27T08:00:00Z", "user": MARKUP, "server": MARKUP, "method": MARKUP, "name": MARKUP,
            "verdict": MARKUP, "reason": MARKUP, "rule": MARKUP, "change": MARKUP, "members": [MARKUP]});
        let mut refused = line.clone();
        refused.as_object_mut().unwrap().remove("change");
        let mut other = refused.clone();
        other["verdict"] = json!("refused");
        std::fs::write(dir.join("audit.jsonl"), format!("{line}\n{refused}\n{other}\n")).unwrap();
    });
    let token = face.token_of(json!({"groups": ["admins", MARKUP], "sub": format!("s{MARKUP}")}));
    let encoded: String = url::form_urlencoded::byte_serialize(MARKUP.as_bytes()).collect();
    let made =
        face.post(&token, "/tokens", &format!("description={encoded}&agent={encoded}&scope=everything"));
    lacks(&made.status(201).text(), &["<script", "<img"]);
    // What is typed comes back with what is wrong about it.
    for (path, form) in [
        (
            "/register",
            format!(
                "server_name={encoded}&path={encoded}&proxy_pass_url={encoded}&tags={encoded}&license={encoded}&auth_type={encoded}&supported_transports={encoded}&description={encoded}"
            ),
        ),
        (
            "/edit/alpha",
            format!(
                "server_name={encoded}&proxy_pass_url={encoded}&seen={encoded}&auth_type={encoded}&description={encoded}"
            ),
        ),
        ("/tokens", format!("scope={encoded}&server={encoded}&tools={encoded}&expires_in_hours={encoded}")),
        ("/tokens/revoke", format!("jti={encoded}")),
    ] {
        let answer = face.post(&token, path, &form);
        assert!((400..500).contains(&answer.status), "{path}: {}", answer.head);
        lacks(&answer.text(), &["<script", "<img", "onerror=alert(1)>"]);
    }
    let inner = face.lab.alpha.base().to_owned();
    for path in PAGES.into_iter().chain([
        "/tokens",
        "/changes",
        "/decisions?q=%3Cscript%3E",
        "/?q=%22%3E%3Cscript%3E",
        "/find?q=%3Cscript%3E&tags=%22%3E%3Cimg%20src%3Dx%3E",
        "/explain?server=%3Cscript%3E&tool=%3Cscript%3E&method=%3Cscript%3E&groups=%3Cscript%3E",
        "/?state=%22%3E%3Cscript%3E&page=%3Cscript%3E&again=%3Cscript%3E&done=%3Cscript%3E",
        "/changes?q=%22%3E%3Cscript%3E",
    ]) {
        let answer = face.get(&token, path).status(200);
        let page = answer.text();
        lacks(&page, &["<script", "<img", "onerror=alert(1)>", "k3y-of-the-server"]);
        assert!(page.starts_with("<!doctype html>") && page.contains("<h1>"), "{path}: {page}");
        assert_eq!(page.matches("<h1>").count(), 1, "{path}");
        assert!(page.contains("lang=\"en\"") && page.contains("class=\"skip\""), "{path}");
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        // Where a server runs stands on its own pages, for those who may edit it.
        assert_eq!(page.contains(inner.trim_start_matches("http://")), path.ends_with("/alpha"), "{path}");
    }
    let user = face.token("users");
    lacks(&face.get(&user, "/servers/alpha").status(200).text(), &[inner.trim_start_matches("http://")]);
}

#[test]
fn a_server_that_is_hidden_from_somebody_is_nowhere_for_them() {
    let face = FaceLab::start();
    let (user, admin) = (face.token("users"), face.token("admins"));
    shows(&face.get(&admin, "/").status(200).text(), &["Gamma Server", "beta"]);
    // `users` may list beta and gamma, and use neither.
    for path in ["/", "/?q=gamma", "/?q=beta", "/find?q=echo+beta", "/explain", "/find?tags=demo"] {
        let page = face.get(&user, path).status(200).text();
        lacks(&page, &["/servers/gamma", "/servers/beta", "Gamma Server"]);
    }
    let never = face.get(&user, "/servers/never-there").status(404).text();
    for name in ["gamma", "beta"] {
        for path in ["servers", "edit"] {
            let page = face.get(&user, &format!("/{path}/{name}")).status(404).text();
            assert_eq!(page, never, "{path} {name}");
        }
        for path in ["toggle", "refresh", "edit"] {
            face.post(&user, &format!("/{path}/{name}"), "enabled=off").status(404);
        }
    }
    // The policy's answer about it is the same as about one that is not there.
    let about = |name: &str| {
        let page = face.get(&user, &format!("/explain?server={name}&tool=echo")).status(200).text();
        text(&page).replace(name, "NAME")
    };
    assert_eq!(about("gamma"), about("never-there"));
    shows(&face.get(&user, "/explain?server=gamma&tool=echo").status(200).text(), &["Refused"]);
}

#[test]
fn a_server_that_is_left_out_is_shown_with_the_cause_to_whoever_may_list_it() {
    let face = FaceLab::with(|_, dir| {
        for (name, headers, url) in [
            ("left", json!([{"X-Key": format!("$SECRET{MARKUP}")}]), json!("http://127.0.0.1:9/")),
            ("where", json!([]), Value::Null),
            ("partly", json!([{"Host": "k3y"}, {"X-Fine": "fine"}]), json!("http://127.0.0.1:9/")),
        ] {
            let file = json!({"server_name": format!("The {name} one"), "path": format!("/{name}"), "proxy_pass_url": url,
                "headers": headers, "description": MARKUP});
            std::fs::write(dir.join(format!("servers/{name}.json")), file.to_string()).unwrap();
        }
    });
    let page = face.get(&face.token("admins"), "/").status(200).text().replace(SLASH, "/");
    shows(
        &page,
        &[
            "The left one",
            "Left out",
            "header &quot;X-Key&quot; asks for the variable SECRET, which header_variables does not name",
            "proxy_pass_url is missing or not a URL",
            "header &quot;Host&quot; belongs to the connection, not to a server; left out",
        ],
    );
    assert!(!page.contains("href=\"/servers/left\"") && page.contains("href=\"/servers/partly\""));
    lacks(&page, &["k3y"]);
    let order: Vec<_> =
        ["/alpha", "/left", "/partly", "/where"].map(|path| page.find(&format!(">{path}<"))).into();
    assert!(order.is_sorted() && order.iter().all(Option::is_some), "{order:?}");
    shows(
        &face.get(&face.token("admins"), "/servers/partly").status(200).text(),
        &["header &quot;Host&quot; belongs"],
    );
    for (query, shown) in [
        ("?q=LEFT", true),
        ("?state=left-out", true),
        ("?state=unhealthy", false),
        ("?state=healthy", false),
        ("?q=alpha", false),
    ] {
        let page = face.get(&face.token("admins"), &format!("/{query}")).status(200).text();
        assert_eq!(page.contains("The left one"), shown, "{query}");
    }
    for group in ["users", "nobody"] {
        lacks(&face.get(&face.token(group), "/").status(200).text(), &["The left one", "SECRET"]);
    }
    // Once its file is mended, it is served.
    face.lab.reload("servers/left.json", &face.file("left").replace("$SECRET", "k3y"), "are in force");
    let page = face.get(&face.token("admins"), "/?q=left").status(200).text().replace(SLASH, "/");
    lacks(&page, &["asks for the variable"]);
    assert!(page.contains("href=\"/servers/left\""));
}

#[test]
fn each_tool_says_whether_it_may_be_called_and_by_which_rule() {
    let face = FaceLab::start();
    let page = face.get(&face.token("users"), "/servers/alpha").status(200).text();
    shows(
        &page,
        &[
            "You may call 1 of the 2 tools that you see",
            "use-alpha[2], line 20",
            "Your entries with tools/call do not name it.",
        ],
    );
    shows(&page, &["mcpauth login", "claude-code", "codex", "opencode"]);
    let address = format!("{}/alpha/mcp", face.lab.gateway.public_url());
    assert!(page.replace(SLASH, "/").matches(&address).count() > 17, "every client has it");
    lacks(&page, &["Switch off", "Check now", "Edit</a>", "eyJ"]);
    let page = face.get(&face.token("operators"), "/servers/alpha").status(200).text();
    shows(&page, &["Switch off", "Check now", "You may call 3 of the 3 tools"]);
    lacks(&page, &["/edit/alpha"]);
}

#[test]
fn a_person_sees_what_each_group_and_scope_gives() {
    let face = FaceLab::start();
    let token = face.token_of(json!({"groups": ["users", "strangers"]}));
    let page = face.get(&token, "/me").status(200).text();
    shows(&page, &["users Known", "strangers Not known", "use-alpha", "list_service", "alpha, beta"]);
    shows(&page, &["use-alpha[2] (line 20) alpha: "]);
    let nobody = face.get(&face.token("nobody"), "/").status(200).text();
    shows(&nobody, &["There is nothing for you to see yet"]);
    lacks(&nobody, &["/servers/", "href=\"/register\""]);
}

#[test]
fn the_policy_explains_itself_about_oneself_and_to_administrators_about_others() {
    let face = FaceLab::start();
    let (user, admin) = (face.token("users"), face.token("admins"));
    let page = face.get(&user, "/explain?server=alpha&tool=echo").status(200).text();
    shows(&page, &["Allowed", "The entry use-alpha[2] allows it.", "group users grants use-alpha"]);
    let page = face.get(&user, "/explain?server=alpha&tool=delete_all").status(200).text();
    shows(&page, &["Refused", "has tools/call, but not for delete_all"]);
    let page = face.get(&user, "/explain?server=alpha&tool=echo&groups=admins").status(403).text();
    shows(&page, &["You may not do this", "administrators may"]);
    lacks(&face.get(&user, "/explain").status(200).text(), &["name=\"groups\""]);
    let page = face.get(&admin, "/explain?server=alpha&tool=delete_all&groups=users").status(200).text();
    shows(&page, &["Refused", "for members of these groups"]);
    let page = face.get(&admin, "/explain?groups=users,operators").status(200).text();
    shows(&page, &["Everything that the policy lets members of these groups do", "everything[1]"]);
}

#[test]
fn a_tool_is_found_by_what_it_does_for_whoever_sees_it() {
    let face = FaceLab::start();
    let page = face.get(&face.token("users"), "/find?q=delete_all").status(200).text();
    shows(&page, &["delete_all", "No", "matched:"]);
    assert_eq!(
        page.replace(SLASH, "/").matches("/servers/alpha").count(),
        1,
        "once, although three servers have it"
    );
    let page = face.get(&face.token("nobody"), "/find?q=echo").status(200).text();
    shows(&page, &["You may see no tool of any server that fits"]);
    let long = format!("/find?q={}", "a".repeat(10_001));
    shows(&face.get(&face.token("users"), &long).status(200).text(), &["query is too long"]);
}

#[test]
fn u12_a_server_is_registered_switched_on_edited_and_nobody_gets_anything_by_it() {
    let face = FaceLab::start();
    let (developer, operator, admin) =
        (face.token("developers"), face.token("operators"), face.token("admins"));
    let form =
        "server_name=New+One&path=%2Fnew&proxy_pass_url=http%3A%2F%2F127.0.0.1%3A9%2F&tags=a,b&description=d";
    face.post(&operator, "/register", form).status(403);
    face.get(&operator, "/register").status(403);
    shows(
        &face.get(&developer, "/register").status(200).text(),
        &["Nobody can use it yet", "methods: [initialize"],
    );
    let answer = face.post(&developer, "/register", form).status(303);
    assert_eq!(answer.header("location"), Some("/servers/new?done=added"));
    let before = std::fs::read_to_string(face.lab.path("scopes.yml")).unwrap();
    let page = face.get(&developer, "/servers/new?done=added").status(200).text();
    shows(&page, &["The server is registered.", "Off"]);
    // One that is there, one without an address, and one that no server has.
    let again = face.post(&developer, "/register", form).status(409).text();
    shows(&again, &["Nothing was changed.", "is there already"]);
    assert!(
        again.contains("aria-invalid=\"true\"") && again.contains("value=\"New One\""),
        "what was typed stays"
    );
    for (address, words) in [
        ("", "missing or not a URL"),
        ("http%3A%2F%2F169.254.169.254%2Flatest", "link-local, metadata or multicast"),
        ("http%3A%2F%2F%5Bfd00%3Aec2%3A%3A254%5D%2F", "link-local, metadata or multicast"),
        ("file%3A%2F%2F%2Fetc%2Fpasswd", "not an http or https URL"),
        ("http%3A%2F%2Fu%3Ap%40h%2F", ""),
        ("http%3A%2F%2Fh%3A0%2F", "has no port"),
    ] {
        let page = face
            .post(&developer, "/register", &format!("server_name=X&path=x&proxy_pass_url={address}"))
            .status(400);
        shows(&page.text(), &["Nothing was changed.", words]);
        assert!(!face.lab.path("servers/x.json").exists());
    }
    face.post(&developer, "/toggle/new", "enabled=on").status(403);
    let answer = face.post(&operator, "/toggle/new", "enabled=on").status(303);
    assert_eq!(answer.header("location"), Some("/servers/new?done=on"));
    let state: Value =
        serde_json::from_str(&std::fs::read_to_string(face.lab.path("servers/server_state.json")).unwrap())
            .unwrap();
    assert_eq!(state["/new"], true);
    face.post(&operator, "/refresh/new", "").status(303);
    face.post(&face.token("users"), "/refresh/alpha", "").status(403);
    face.get(&operator, "/edit/new").status(403);
    let page = face.get(&admin, "/edit/new").status(200).text();
    let seen = page.split("name=\"seen\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let edit = |title: &str| {
        format!(
            "server_name={title}&proxy_pass_url=http%3A%2F%2F127.0.0.1%3A9%2F&description=d&tags=a,b&license=&auth_type=none\
                 &supported_transports=streamable-http&seen={seen}"
        )
    };
    let answer = face.post(&admin, "/edit/new", &edit("Newer")).status(303);
    assert_eq!(answer.header("location"), Some("/servers/new?done=saved"));
    // Another editor had the file open meanwhile.
    let page = face.post(&admin, "/edit/new", &edit("Newest")).status(409).text();
    shows(&page, &["Nothing was changed.", "changed since you opened it", "Open it again as it is now"]);
    assert!(face.file("new").contains("Newer") && !face.file("new").contains("Newest"));
    assert_eq!(std::fs::read_to_string(face.lab.path("scopes.yml")).unwrap(), before, "no right was given");
}

/// A user of the keyboard is taken to the field that is wrong, which is read out with its fault.
#[test]
fn a_field_that_is_wrong_says_so_and_the_rest_stays_as_it_was_typed() {
    let face = FaceLab::start();
    let developer = face.token("developers");
    let form = |path: &str, address: &str| {
        format!(
            "server_name=Typed&path={path}&proxy_pass_url={address}&description=Words&tags=a,b&license=MIT&auth_type=oauth&supported_transports=sse"
        )
    };
    for (path, address, field, words) in [
        ("%2Fa+b", "http%3A%2F%2Fh%2F", "path", "Its path has characters other"),
        ("%2F", "http%3A%2F%2Fh%2F", "path", "It names no path"),
        ("%2Falpha", "http%3A%2F%2Fh%2F", "path", "is there already"),
        (&"p".repeat(300), "http%3A%2F%2Fh%2F", "path", "more than 200 characters"),
        ("x", "", "proxy_pass_url", "The address is missing or not a URL."),
        ("x", "ftp%3A%2F%2Fh%2F", "proxy_pass_url", "The address is not an http or https URL."),
        ("x", "http%3A%2F%2F169.254.169.254%2F", "proxy_pass_url", "The address points at a link-local"),
    ] {
        let page = face.post(&developer, "/register", &form(path, address)).text();
        let input = page.lines().find(|line| line.contains(&format!("<input id=\"{field}\""))).unwrap();
        let described = format!("aria-describedby=\"{field}-hint {field}-fault\"");
        let marks = [described.as_str(), "aria-invalid=\"true\"", " autofocus"];
        assert!(marks.iter().all(|mark| input.contains(mark)), "{words}: {input}");
        assert_eq!(
            (page.matches("aria-invalid").count(), page.matches(" autofocus").count()),
            (1, 1),
            "{words}"
        );
        let fault = page.split(&format!("id=\"{field}-fault\">")).nth(1).unwrap().split('<').next().unwrap();
        shows(fault, &[words]);
        for typed in ["value=\"Typed\"", ">Words</textarea>", "value=\"a,b\"", "value=\"MIT\""] {
            assert!(page.contains(typed), "{typed}: {page}");
        }
        let chosen: Vec<&str> = page.lines().filter(|line| line.contains(" selected>")).collect();
        assert!(chosen.len() == 2 && chosen[0].contains("oauth") && chosen[1].contains("sse"), "{chosen:?}");
    }
}

#[test]
fn a_file_that_was_broken_meanwhile_is_not_overwritten_and_named() {
    let face = FaceLab::start();
    let admin = face.token("admins");
    let page = face.get(&admin, "/edit/alpha").status(200).text();
    let seen = page.split("name=\"seen\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    for broken in ["{\"server_name\": ", "[]", ""] {
        std::fs::write(face.lab.path("servers/alpha.json"), broken).unwrap();
        let page = face.post(&admin, "/edit/alpha", &format!("description=x&seen={seen}"));
        assert!(page.status >= 400, "{}", page.head);
        shows(&page.text(), &["alpha.json is not a JSON object", "must correct it first"]);
        lacks(&page.text(), &["aria-invalid", "EOF", "line 1"]);
        assert_eq!(face.file("alpha"), broken);
        shows(&face.get(&admin, "/edit/alpha").text(), &["alpha.json is not a JSON object"]);
    }
    std::fs::write(face.lab.path("servers/server_state.json"), "[]").unwrap();
    let page = face.post(&admin, "/toggle/beta", "enabled=off").status(500).text();
    shows(&page, &["server_state.json is not a JSON object", "Nothing was changed."]);
    lacks(&page, &[face.lab.path("").to_str().unwrap(), "Try again"]);
}

/// What would not show, or would turn the text around it, is made visible on every page; a form has the file's own text.
#[test]
fn nothing_that_others_write_hides_or_turns_round_a_page() {
    const ODD: &str = "Ab\u{202e}lave\u{202c}\u{200b}\u{1b}[31m\u{7}z";
    let face = FaceLab::start();
    let path = face.lab.path("servers/alpha.json");
    let mut file: Value = serde_json::from_str(&face.file("alpha")).unwrap();
    file["server_name"] = ODD.into();
    file["description"] = ODD.into();
    file["tags"] = json!([ODD]);
    file["tool_list"] = json!([{"name": ODD, "parsed_description": {"main": ODD}, "schema": {}}]);
    face.lab.reload("servers/alpha.json", &format!("{file:#}"), "in force");
    assert!(path.exists());
    let admin = face.token_of(json!({"groups": ["admins", ODD], "preferred_username": ODD, "name": ODD}));
    let encoded: String = url::form_urlencoded::byte_serialize(ODD.as_bytes()).collect();
    for at in [
        "/".to_owned(),
        "/servers/alpha".into(),
        format!("/find?q={encoded}"),
        "/me".into(),
        format!("/explain?server=alpha&tool={encoded}"),
        format!("/explain?server={encoded}"),
        format!("/decisions?q={encoded}"),
        "/tokens".into(),
    ] {
        let page = face.get(&admin, &at).text();
        lacks(&page, &["\u{202e}", "\u{202c}", "\u{200b}", "\u{1b}", "\u{7}"]);
    }
    shows(&face.get(&admin, "/").text(), &["Ab\\u{202e}lave"]);
    let form = face.get(&admin, "/edit/alpha").text();
    assert!(form.contains(ODD), "{form}");
    let title = form.split("<h1>").nth(1).unwrap().split("</h1>").next().unwrap();
    lacks(title, &["\u{202e}", "\u{1b}"]);
}

/// One failure is not an outage yet, and the gateway goes on; but nobody is told that it answered.
#[test]
fn a_server_that_did_not_answer_just_now_is_not_said_to_answer() {
    let face = FaceLab::start();
    let operator = face.token("operators");
    let mut file: Value = serde_json::from_str(&face.file("beta")).unwrap();
    let good = file["proxy_pass_url"].clone();
    file["proxy_pass_url"] = "http://127.0.0.1:1/".into();
    face.lab.reload("servers/beta.json", &format!("{file:#}"), "in force");
    shows(&face.get(&operator, "/servers/beta").text(), &["Not checked yet"]);
    let answer = face.post(&operator, "/api/refresh/beta", "").status(200).json();
    assert_eq!(answer["status"], "unhealthy: endpoint check failed");
    shows(&face.get(&operator, "/servers/beta").text(), &["Does not answer"]);
    file["proxy_pass_url"] = good;
    face.lab.reload("servers/beta.json", &format!("{file:#}"), "in force");
    assert_eq!(face.post(&operator, "/api/refresh/beta", "").status(200).json()["status"], "healthy");
    shows(&face.get(&operator, "/servers/beta").text(), &["Answers"]);
}

#[test]
fn u13_an_edit_keeps_what_the_form_does_not_show() {
    let face = FaceLab::start();
    let admin = face.token("admins");
    let before = face.file("alpha");
    let page = face.get(&admin, "/edit/alpha").status(200).text();
    let seen = page.split("name=\"seen\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    face.post(
        &admin,
        "/edit/alpha",
        &format!("description=Changed&seen={seen}&headers=x&unknown_member=&path=%2Fbeta"),
    )
    .status(303);
    let (before, after): (Value, Value) =
        (serde_json::from_str(&before).unwrap(), serde_json::from_str(&face.file("alpha")).unwrap());
    let mut expected = before;
    expected["description"] = json!("Changed");
    assert_eq!(after, expected);
}

/// Callers go on while a server is switched and the policy is written again and again.
#[test]
fn switching_under_load_leaves_no_half_file_and_gives_no_wrong_verdict() {
    let face = FaceLab::start();
    let (user, admin) = (face.token("users"), face.token("admins"));
    let scopes = std::fs::read_to_string(face.lab.path("scopes.yml")).unwrap();
    let is_over = AtomicBool::new(false);
    let loaded = |token: &str, server: &str, tool: &str, statuses: &[u16]| {
        let mut calls = 0;
        while !is_over.load(Ordering::Relaxed) || calls < 10 {
            let status = face.lab.call(token, server, tool).status;
            assert!(statuses.contains(&status), "{tool} on {server}: {status}");
            calls += 1;
        }
    };
    let mut answers = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| loaded(&user, "alpha", "echo", &[200]));
        scope.spawn(|| loaded(&user, "alpha", "delete_all", &[403]));
        // One that is off is off for everybody.
        scope.spawn(|| loaded(&user, "beta", "echo", &[403, 503]));
        scope.spawn(|| loaded(&admin, "beta", "echo", &[200, 503]));
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                for file in std::fs::read_dir(face.lab.path("servers")).unwrap().map(Result::unwrap) {
                    let is_read = file.path().extension().is_some_and(|extension| extension == "json");
                    let Ok(text) = std::fs::read_to_string(file.path()) else { continue };
                    let is_whole = serde_json::from_str::<Value>(&text).is_ok();
                    assert!(is_whole || !is_read, "{}: {text}", file.path().display());
                }
            }
        });
        for turn in 0..12 {
            let form = if turn % 2 == 0 { "" } else { "enabled=on" };
            answers.push(face.post(&admin, "/api/toggle/beta", form).status);
            answers.push(face.post(&admin, "/api/edit/beta", &format!("description=turn+{turn}")).status);
            let policy = format!("{scopes}# {turn}\n");
            mcpauth::sys::public_file::write(&face.lab.path("scopes.yml"), policy.as_bytes()).unwrap();
            face.lab.gateway.reload();
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert_eq!(answers, [200; 24]);
    let file: Value = serde_json::from_str(&face.file("beta")).unwrap();
    assert_eq!((&file["description"], &file["unknown_member"]["kept"]), (&json!("turn 11"), &json!(true)));
    until("it is on", || face.lab.call(&admin, "beta", "echo").status == 200);
}

#[test]
fn a_token_is_shown_once_and_can_be_taken_back_by_its_owner_alone() {
    let face = FaceLab::with(|settings, dir| vends(settings, dir, &p256()));
    let user = face.token("users");
    let form =
        "description=ci+job&agent=Claude&expires_in_hours=0.25&scope=use-alpha&server=alpha&tools=echo";
    let page = face.post(&user, "/tokens", form).status(201).text();
    let token =
        page.split("class=\"token\"").nth(1).unwrap().split('>').nth(1).unwrap().split('<').next().unwrap();
    assert_eq!(token.split('.').count(), 3, "{token}");
    face.lab.call(token, "alpha", "echo").status(200);
    face.lab.call(token, "alpha", "delete_all").status(403);
    let list = face.get(&user, "/tokens").status(200).text();
    lacks(&list, &[token, "eyJ"]);
    shows(&list, &["ci job", "for Claude", "echo on alpha", "scopes use-alpha"]);
    let jti = list.split("name=\"jti\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let other = face.token_of(json!({"groups": ["users"], "sub": "bob"}));
    lacks(&face.get(&other, "/tokens").status(200).text(), &[&jti, "ci job"]);
    face.post(&other, "/tokens/revoke", &format!("jti={jti}")).status(404);
    let answer = face.post(&user, "/tokens/revoke", &format!("jti={jti}")).status(303);
    assert_eq!(answer.header("location"), Some("/tokens?done=revoked"));
    until("revoked", || face.lab.call(token, "alpha", "echo").status == 401);
    shows(
        &face.get(&user, "/tokens?done=revoked").status(200).text(),
        &["Revoked", "every gateway rejects it within a second"],
    );
    // More than the owner has is refused, and says what is missing.
    let page = face.post(&user, "/tokens", "scope=everything").status(400).text();
    shows(&page, &["No token was made.", "you do not have: everything"]);
    face.post(&user, "/tokens", "tools=echo").status(400);
    // A token that was made here makes no further one, and is not a person.
    let page = face.post(&user, "/tokens", "").status(201).text();
    let made =
        page.split("class=\"token\"").nth(1).unwrap().split('>').nth(1).unwrap().split('<').next().unwrap();
    shows(&face.post(made, "/tokens", "").status(400).text(), &["cannot be used to get another"]);
}

#[test]
fn decisions_and_changes_are_ones_own_and_administrators_see_all() {
    let face = FaceLab::with(|settings, dir| settings.audit = dir.join("audit.jsonl").display().to_string());
    let line = |n: i64, subject: &str, verdict: &str, reason: &str| {
        let issuer = face.token("x");
        let issuer = crate::gateway::vending::claims(&issuer)["iss"].clone();
        json!({"time": clock::rfc3339(n), "issuer": issuer, "subject": subject, "server": format!("srv-{subject}"),
            "method": "tools/call", "verdict": verdict, "reason": reason})
    };
    let mut lines = vec![line(1, "alice", "allowed", ""), line(2, "bob", "refused", "name_not_allowed")];
    lines.push(line(3, "bob", "refused", "name_not_allowed"));
    lines.push(line(4, "alice", "refused", "no_scopes"));
    let mut change = line(5, "bob", "changed", "");
    change["change"] = json!("edited");
    change["members"] = json!(["tags"]);
    lines.push(change);
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(face.lab.path("audit.jsonl"), text).unwrap();
    let (admin, user) = (face.token("admins"), face.token("users"));
    let page = face.get(&admin, "/decisions").status(200).text();
    let (newest, oldest) =
        (page.find("1970-01-01 00:00:04").unwrap(), page.find("1970-01-01 00:00:01").unwrap());
    assert!(newest < oldest, "the newest comes first");
    shows(&page, &["name not allowed 2", "no scopes 1", "The newest 4 of 4 decisions"]);
    assert!(page.contains("<svg") && page.contains("width=\"100\"") && page.contains("width=\"50\""));
    shows(
        &face.get(&admin, "/decisions?q=SRV-BOB&verdict=refused").status(200).text(),
        &["The newest 2 of 2 decisions"],
    );
    let page = face.get(&admin, "/changes").status(200).text();
    shows(&page, &["edited", "srv-bob", "fields: tags"]);
    let page = face.get(&user, "/decisions").status(200).text();
    lacks(&page, &["srv-bob"]);
    shows(&page, &["srv-alice", "You see your own"]);
    lacks(&face.get(&user, "/changes").status(200).text(), &["srv-bob"]);
}

#[test]
fn what_goes_wrong_is_a_page_in_the_same_look() {
    let face = FaceLab::start();
    let user = face.token("users");
    for (path, status, words) in [
        ("/no-such-page", 404, "Nothing is here for you"),
        ("/servers/never", 404, "both look the same"),
        ("/register", 403, "the policy gives you no register_service"),
        ("/toggle/alpha", 405, "Nothing is here for you"),
    ] {
        let answer = face.get(&user, path).status(status);
        shows(&answer.text().to_lowercase(), &[&words.to_lowercase()]);
        assert!(answer.text().contains("/style.css"), "{path}");
        assert!(answer.header("content-security-policy").is_some());
    }
    let answer = face.ask("GET", "/servers/alpha?x=1", None, None).status(303);
    assert_eq!(answer.header("location"), Some("/login?return_to=%2Fservers%2Falpha%3Fx%3D1"));
    let style = face.ask("GET", "/style.css", None, None).status(200);
    assert_eq!(style.header("content-type"), Some("text/css; charset=utf-8"));
    lacks(&style.text(), &["url(", "@import", "http:"]);
    assert_eq!(
        face.ask("GET", "/icon.svg", None, None).status(200).header("content-type"),
        Some("image/svg+xml")
    );
}
