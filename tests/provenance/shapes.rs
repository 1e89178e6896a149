//! The same attacks in other shapes: how a found file is written and where it lies, a work tree, and the verbs that keep
//! what a person got for themselves.

use std::os::unix::fs::symlink;
use std::path::Path;

use super::{SECRET, Scene};
use crate::support::User;

const LINE: &str = "INGRESS_OAUTH_TOKEN_URL={evil}/token";
const KEY: &str = "sk-of-the-user-0123456789";

/// A scene in which everything but the destination is the user's.
fn scene() -> Scene {
    let mut scene = Scene::new();
    scene.with_ingress();
    scene
}

#[track_caller]
fn refused(scene: &Scene, of: &str) {
    let ran = scene.user.run(&["ingress"]).code(2);
    scene.assert_unheard(of);
    assert!(
        ran.stderr.contains("INGRESS_OAUTH_TOKEN_URL") && !ran.all().contains(SECRET),
        "{of}: {}",
        ran.all()
    );
}

#[test]
fn no_spelling_of_a_line_makes_it_the_users() {
    let spellings = [
        "{line}\r\n",
        "\u{feff}{line}\n",
        "\u{feff}{line}\r\n",
        "export {line}\n",
        "export\t{line}\r\n",
        "  {line}  \n",
        "NOTE='two\nlines'\n{line}\n",
        "not a line\n{line} # and a comment\n",
        "INGRESS_OAUTH_TOKEN_URL={idp}/token\n{line}\n",
        "{line}",
    ];
    for spelling in spellings {
        let scene = scene();
        scene.user.file(".env", &scene.filled(&spelling.replace("{line}", LINE)));
        refused(&scene, spelling);
    }
    for quote in ['"', '\'', '`'] {
        let scene = scene();
        let line = format!("INGRESS_OAUTH_TOKEN_URL = {quote}{{evil}}/token{quote}\r");
        scene.found(".env", &[&line]);
        assert_ne!(scene.user.run(&["ingress"]).code, Some(0), "{line}");
        scene.assert_unheard(&line);
    }
}

#[test]
fn nor_does_the_place_where_it_lies() {
    // By a link within the folder, and through a linked folder.
    let linked = scene();
    linked.found("settings/dev.env", &[LINE]);
    symlink("settings/dev.env", linked.user.project().join(".env")).unwrap();
    refused(&linked, "a link");
    let folder = scene();
    folder.found("elsewhere/oauth/.env", &[LINE]);
    symlink("elsewhere", folder.user.project().join("credentials-provider")).unwrap();
    refused(&folder, "a linked folder");
    // In a work tree of git's, and in a folder with a repository around it.
    let tree = scene();
    tree.user.file(".git", "gitdir: /tmp/elsewhere/.git/worktrees/x\n");
    tree.found(".env", &[LINE]);
    refused(&tree, "a work tree");
}

/// A parent's files are not the folder's: none is read, by no verb.
#[test]
fn a_file_in_a_parent_folder_says_nothing() {
    let scene = scene();
    let parent = scene.user.project().parent().unwrap().to_owned();
    for place in super::PLACES {
        let path = parent.join(place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = scene.filled(&format!("{LINE}\nREGISTRY_URL={{evil}}\nINGRESS_OAUTH_ISSUER={{evil}}\n"));
        mcpauth::sys::private_file::write(&path, &text).unwrap();
    }
    std::fs::write(parent.join("gateway.yaml"), "nonsense: [").unwrap();
    scene.user.run(&["ingress"]).code(0);
    let shown = scene.user.run(&["config", "show", "--origin"]).code(0).all();
    assert!(!shown.contains(&scene.evil.base), "{shown}");
    scene.assert_unheard("a parent's");
}

/// What found files say of the machine does not move what a person keeps for themselves.
#[test]
fn the_users_own_store_is_where_it_was() {
    let scene = Scene::new();
    scene.found(
        ".env",
        &[
            "MCPAUTH_DATA_DIR=evil",
            "MCPAUTH_TOKENS_DIR=evil",
            "MCPAUTH_STORAGE=keyring",
            "REGISTRY_URL={evil}",
            "XDG_DATA_HOME=evil",
            "HOME=evil",
        ],
    );
    scene.user.run_with(&["secret", "set", "files", "API_KEY"], KEY).code(0);
    let address = format!("{}/mcp", scene.evil.base);
    // It is the user who names this address, and so it gets what they give for it.
    scene.user.run_with(&["login", &address, "--with-token", "--json"], KEY);
    assert!(!holds(&scene.user.project(), KEY), "a key lies in the project");
    assert!(holds(&scene.user.own_store(), KEY), "no key in the user's store");
    let client = scene.user.home().join(".cursor");
    std::fs::create_dir_all(&client).unwrap();
    let entry = r#"{"mcpServers": {"desk": {"command": "npx", "args": ["-y", "desk"], "env": {"API_KEY": "sk-imported-0123456789abcdef"}}}}"#;
    std::fs::write(client.join("mcp.json"), entry).unwrap();
    scene.user.run(&["import", "--client", "cursor", "--yes"]).code(0);
    assert!(!holds(&scene.user.project(), "sk-imported"), "an imported key lies in the project");
    assert!(holds(&scene.user.own_store(), "sk-imported"), "the imported key is lost");
}

/// A command in a file of the folder's is another's: nothing runs it.
#[test]
fn a_command_in_the_folders_own_files_is_not_run() {
    let mark = "ran-for-the-folder";
    let maker = User::new();
    let line = format!("sh -c 'touch {mark}; echo key'");
    maker.run_with(&["secret", "set", "files", "API_KEY", "--from-command", &line], "").code(0);
    let mut scene = scene();
    scene.env(&["INGRESS_OAUTH_TOKEN_URL={idp}/token"]);
    for folder in ["", ".secrets/"] {
        for entry in std::fs::read_dir(maker.own_store().join(folder)).unwrap() {
            let file = entry.unwrap().path();
            if let Ok(text) = std::fs::read_to_string(&file) {
                let name = file.file_name().unwrap().to_string_lossy().into_owned();
                scene.user.file(&format!(".oauth-tokens/{folder}{name}"), &text);
            }
        }
    }
    assert!(holds(&scene.user.project(), "API_KEY"), "the attack is laid out");
    let _ = std::fs::remove_file(scene.user.project().join(mark));
    scene.found(".env", &["MCPAUTH_TOKENS_DIR=.oauth-tokens"]);
    for verb in [
        &["exec", "files", "--", "true"][..],
        &["exec", "--from-command", "files", "--", "true"],
        &["env", "files"],
        &["headers", "files"],
        &["token", "files"],
        &["secret", "list"],
        &["status", "--check"],
        &["doctor", "--offline"],
        &["generate", "--no-install"],
        &["refresh", "--once", "--force"],
    ] {
        scene.user.run(verb);
        assert!(!scene.user.project().join(mark).exists(), "{verb:?}");
    }
}

/// Whether a file in this folder has this text in it.
fn holds(dir: &Path, text: &str) -> bool {
    let Ok(entries) = std::fs::read_dir(dir) else { return false };
    entries.map(|entry| entry.unwrap().path()).any(|path| match path.is_dir() {
        true => holds(&path, text),
        false => std::fs::read(&path).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(text)),
    })
}
