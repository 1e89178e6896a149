//! The registry's pages in a real browser: axe-core finds nothing on any of them, and each reads without JavaScript.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::gateway::sign_in::SignInLab;
use crate::gateway::vending::{p256, vends};
use crate::support::face::FaceLab;

/// Every page, and which group looks at it.
const VISITS: [(&str, &str); 20] = [
    ("admins", "/"),
    ("admins", "/?q=nothing-like-it"),
    ("nobody", "/"),
    ("admins", "/servers/alpha"),
    ("users", "/servers/alpha"),
    ("admins", "/find?q=echo"),
    ("nobody", "/find?q=echo"),
    ("developers", "/register"),
    ("admins", "/edit/alpha"),
    ("users", "/me"),
    ("nobody", "/me"),
    ("admins", "/explain?server=alpha&tool=echo"),
    ("users", "/explain"),
    ("users", "/tokens"),
    ("admins", "/decisions"),
    ("admins", "/changes"),
    ("users", "/register"),
    ("admins", "/servers/long"),
    ("admins", "/edit/long"),
    ("users", "/explain?server=alpha&tool=a_name_without_a_break_that_is_longer_than_a_telephone_is_wide"),
];

/// What a script of this folder saw in Chromium.
pub(super) fn browse(name: &str, asked: &Value, env: &[(String, String)]) -> Value {
    let mut child = Command::new("node")
        .arg(super::script(name))
        .env("MCPAUTH_REAL_PARTS", super::parts())
        .envs(env.iter().cloned())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node");
    child.stdin.take().expect("its input").write_all(asked.to_string().as_bytes()).expect("its input");
    let ran = child.wait_with_output().expect("its output");
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
}

#[test]
#[ignore = "real parts: run .ci/run"]
fn no_page_keeps_anybody_out() {
    let face = FaceLab::with(|settings, dir| {
        vends(settings, dir, &p256());
        settings.audit = dir.join("audit.jsonl").display().to_string();
        let line = |verdict: &str, reason: &str| {
            json!({"time": "2026-11-27T08:00:00Z", "user": "ann", "server": "alpha",
            "method": "tools/call", "verdict": verdict, "reason": reason})
        };
        let mut change = line("changed", "");
        change["change"] = json!("edited");
        let lines = [line("allowed", ""), line("refused", "no_scopes"), change];
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(dir.join("audit.jsonl"), text).expect("an audit");
        lay_out_long(dir);
    });
    face.post(&face.token("users"), "/tokens", "description=ci").status(201);
    let mut visits: Vec<Value> =
        VISITS.iter().map(|(group, path)| json!({"token": face.token(group), "path": path})).collect();
    visits.extend([
        json!({"token": null, "path": "/login"}),
        json!({"token": face.token("users"), "path": "/no-such-page"}),
    ]);
    let found = browse("face.mjs", &json!({"url": face.url(), "visits": visits}), &[]);
    assert_eq!(found["findings"], json!([]));
    assert!(found["checked"].as_u64().is_some_and(|checked| checked > 1000), "{found}");
}

/// Every page, its groups and forms, by the keyboard alone.
#[test]
#[ignore = "real parts: run .ci/run"]
fn the_keyboard_alone_is_enough() {
    let face = FaceLab::with(|settings, dir| {
        vends(settings, dir, &p256());
        settings.audit = dir.join("audit.jsonl").display().to_string();
        lay_out_long(dir);
    });
    face.post(&face.token("users"), "/tokens", "description=ci").status(201);
    let mut visits: Vec<Value> =
        VISITS.iter().map(|(group, path)| json!({"token": face.token(group), "path": path})).collect();
    visits.push(json!({"token": null, "path": "/login"}));
    let form = json!({"token": face.token("developers"), "path": "/register"});
    let found = browse("face_keys.mjs", &json!({"url": face.url(), "visits": visits, "form": form}), &[]);
    assert_eq!(found["findings"], json!([]));
    assert!(found["reached"].as_u64().is_some_and(|reached| reached > 500), "{found}");
    assert_eq!(found["refused"]["id"], "path", "{found}");
    assert!(
        found["refused"]["about"][1].as_str().is_some_and(|fault| fault.contains("Its path has")),
        "{found}"
    );
    let page = found["kept"].as_str().unwrap_or_default();
    for words in ["The server is registered.", "By keyboard", "Words"] {
        assert!(page.contains(words), "{words}: {page}");
    }
}

/// A server all of whose texts are too long for a line.
fn lay_out_long(dir: &Path) {
    let word = |letter: &str| letter.repeat(150);
    let tool = json!({"name": word("t"), "parsed_description": {"main": word("D")}, "schema": {}});
    let file = json!({"server_name": word("W"), "path": "/long", "proxy_pass_url": "http://127.0.0.1:9/", "auth_type": "none",
        "description": word("D"), "tags": [word("g"), "short"], "license": word("L"), "tool_list": [tool]});
    std::fs::write(dir.join("servers/long.json"), file.to_string()).expect("a server");
}

/// Every form of the pages, sent by pages of another site and of another port of this host, in the browser of an
/// administrator who is signed in.
#[test]
#[ignore = "real parts: run .ci/run"]
fn u5_no_page_of_another_site_makes_any_form_do_anything() {
    let lab = SignInLab::with("", |settings, dir| vends(settings, dir, &p256()));
    let cookie = lab.signed_in(json!({}));
    let (name, value) = cookie.split_once('=').expect("a cookie");
    let same = [("Cookie", cookie.as_str()), ("Sec-Fetch-Site", "same-origin")];
    lab.send("POST", "/tokens", &same, "description=ci").status(201);
    let files = || {
        ["alpha", "beta", "gamma", "server_state"]
            .map(|name| std::fs::read(lab.lab.path(&format!("servers/{name}.json"))).ok())
    };
    let tokens = || lab.get("/api/tokens", &cookie).status(200).json();
    let before = (files(), tokens());
    let pages = [
        "/",
        "/servers/alpha",
        "/servers/beta",
        "/register",
        "/edit/alpha",
        "/tokens",
        "/me",
        "/explain",
        "/find",
        "/decisions",
        "/changes",
    ];
    let asked = json!({"url": lab.url(), "cookie": {"name": name, "value": value}, "pages": pages});
    let seen = browse("face_csrf.mjs", &asked, &[]);
    let forms: Vec<&str> =
        seen["forms"].as_array().expect("forms").iter().filter_map(Value::as_str).collect();
    for form in
        ["/logout", "/toggle/alpha", "/toggle/beta", "/register", "/edit/alpha", "/tokens", "/tokens/revoke"]
    {
        assert!(forms.iter().any(|one| one.split(' ').next() == Some(form)), "{form} is not among {forms:?}");
    }
    let results = seen["results"].as_array().expect("results");
    assert_eq!(results.len(), 2 * (forms.len() * 8 + 1));
    for one in results {
        match one.get("status") {
            Some(status) => assert!(*status == 403 || status == "kept from the page", "{one}"),
            None => assert_eq!((&one["framed"], &one["read"]), (&json!(""), &json!("")), "{one}"),
        }
    }
    assert_eq!((files(), tokens()), before, "nothing was changed");
    assert_eq!(lab.me(&cookie), 200, "and the session goes on");
}
