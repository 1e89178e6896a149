//! What is in the tokens directory stays private: no repository includes it, and files of another user are not used.
#![cfg(test)]

use super::{INGRESS, user};
use crate::support::User;
use crate::support::wire::Scripted;

fn machine(server: &Scripted) -> User {
    let mut user = User::new();
    user.oidc(&server.base, "c", "s").env("INGRESS_OAUTH_TOKEN_URL", format!("{}/token", server.base));
    user
}

#[test]
fn a_new_tokens_directory_is_ignored_by_git() {
    let server = Scripted::start(|_| (200, r#"{"access_token":"t","expires_in":3600}"#.into()));
    for (line, dir) in [
        ("ingress", ".oauth-tokens"),
        ("generate", ".oauth-tokens"),
        ("generate --no-install --tokens-dir deep/tokens", "deep/tokens"),
        ("config render --client vscode --auth-mode proxy", ".oauth-tokens"),
    ] {
        let user = machine(&server);
        user.run(&line.split(' ').collect::<Vec<_>>());
        let read =
            || std::fs::read_to_string(user.project().join(dir).join(".gitignore")).unwrap_or_default();
        if user.project().join(dir).exists() {
            assert_eq!(read(), "*\n", "{line}");
            user.file(&format!("{dir}/.gitignore"), "# mine\n");
            user.run(&["ingress", "--force", "--tokens-dir", dir]).code(0);
            assert_eq!(read(), "# mine\n", "{line}");
        } else {
            assert!(line.starts_with("config"), "{line} made nothing");
        }
    }
    // A folder that the user created stays as it is.
    let user = machine(&server);
    std::fs::create_dir(user.project().join(".oauth-tokens")).unwrap();
    user.run(&["ingress"]).code(0);
    assert!(!user.project().join(".oauth-tokens/.gitignore").exists());
}

/// Only root can give files away, and only root could read them then.
#[cfg(unix)]
#[test]
fn what_another_user_planted_is_not_used() {
    let give = |user: &User, name: &str, to: u32| {
        std::os::unix::fs::chown(user.project().join(name), Some(to), None).is_ok()
    };
    for planted in [".oauth-tokens/ingress.json", ".oauth-tokens"] {
        let user = user();
        if !give(&user, planted, 12_345) {
            return;
        }
        for line in ["token ingress", "headers notes", "logout ingress", "env notes", "ping --server notes"] {
            // A file that is in the way may be removed; in another user's folder nothing is touched.
            if line.starts_with("logout") && planted.ends_with("json") {
                continue;
            }
            let ran = user.run(&line.split(' ').collect::<Vec<_>>());
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert_ne!(ran.code, Some(0), "{line}, {planted}: {said}");
            assert!(said.contains("another user (uid 12345)") && said.contains("chown"), "{line}: {said}");
            assert!(!said.contains(INGRESS), "{line}: {said}");
        }
        assert!(give(&user, planted, 0) || give(&user, planted, u32::MAX));
    }
}

/// A repository may bring a link along.
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "tests lay out files as an attacker would")]
#[test]
fn a_link_leads_to_no_other_folders_tokens() {
    use std::os::unix::fs::symlink;
    for linked in [".oauth-tokens", ".oauth-tokens/ingress.json", ".oauth-tokens/.registrations"] {
        let user = user();
        let (here, there) = (user.project().join(linked), user.home().join("theirs"));
        if linked.ends_with(".registrations") {
            let kept = serde_json::json!({"url": "https://far.test/mcp", "resource": "https://far.test", "issuer": "https://as.test",
                "client_id": "c", "token_endpoint_auth_method": "none", "redirect_uri": "http://127.0.0.1:1/callback", "scopes": []});
            user.file(&format!("{linked}/far.json"), &kept.to_string());
        }
        std::fs::rename(&here, &there).unwrap();
        symlink(&there, &here).unwrap();
        let lines: &[&str] = match linked.ends_with(".registrations") {
            true => &["token mcp-far", "egress", "generate"],
            false => &[
                "token ingress",
                "headers notes",
                "env notes",
                "ping --server notes",
                "config render --client roo --auth-mode inline",
            ],
        };
        for line in lines {
            let ran = user.run(&line.split(' ').collect::<Vec<_>>());
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(!said.contains(INGRESS) && !said.contains("as.test"), "{linked} {line}: {said}");
            assert!(ran.code != Some(0) || said.contains("symbolic link"), "{linked} {line}: {said}");
        }
    }
}
