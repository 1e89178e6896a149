//! The clients' own files in the states that occur in practice.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use mcpauth::render::{ClientSpec, Folders, Format, TARGETS};
use serde_json::Value;

use crate::support::{Ran, User, mode};

/// A user with a token for `notes`.
fn person() -> User {
    let user = User::new();
    user.file(
        ".oauth-tokens/notes-egress.json",
        r#"{"provider": "notes", "access_token": "E-notes", "expires_at": null}"#,
    );
    user
}

fn install(user: &User, client: &str, way: &str) -> Ran {
    user.run(&["config", "install", "--client", client, "--auth-mode", way])
}

/// The client's file on this system.
fn path(user: &User, target: &ClientSpec) -> PathBuf {
    let home = user.home();
    let [config, xdg] = [home.join(".config"), home.join(".config")];
    target.path(&Folders { home, config, xdg, windows: false }, &|_| None)
}

fn lay(user: &User, target: &ClientSpec, text: &str) -> PathBuf {
    let path = path(user, target);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn json() -> impl Iterator<Item = &'static ClientSpec> {
    TARGETS.iter().filter(|target| target.format == Format::Json)
}

/// The file's own keys around `inner`, which is what stands at the place of the servers.
fn at_root(target: &ClientSpec, inner: &str) -> String {
    let (last, outer) = target.root.split_last().unwrap();
    let innermost = format!("{{\"theme\": \"dark\", \"{last}\": {inner}}}");
    outer.iter().rev().fold(innermost, |text, key| format!("{{\"other\": [1, 2], \"{key}\": {text}}}"))
}

/// What a client reads: JSON with comments and trailing commas.
fn read(text: &str) -> Value {
    let text = text.trim_start_matches('\u{feff}');
    let root = jsonc_parser::cst::CstRootNode::parse(text, &jsonc_parser::ParseOptions::default()).unwrap();
    root.to_serde_value().unwrap()
}

fn has_entry(target: &ClientSpec, whole: &Value) -> bool {
    target.root.iter().fold(whole, |at, key| &at[*key])["notes"].is_object()
}

#[test]
fn nothing_null_and_blank_are_files_without_servers() {
    for target in json() {
        let way = target.best().name();
        let above = |empty: &str| {
            let first = target.root.first().unwrap();
            format!("{{\"theme\": \"dark\", \"{first}\": {empty}}}")
        };
        let states = [
            String::new(),
            " \n\t\r\n".into(),
            "// mine\n/* only */\n".into(),
            "\u{feff}".into(),
            "null".into(),
            "{}".into(),
            at_root(target, "null"),
            at_root(target, "null /* none yet */,").replace("},}", "}}"),
            // As languages without a difference between lists and maps write it.
            at_root(target, "[]"),
            at_root(target, "[ /* none */ ]"),
            at_root(target, "\"\""),
            at_root(target, "{}"),
            at_root(target, "{\"files\": {\"command\": \"npx\"},},"),
            above("null"),
            above("[]"),
            above("\"\""),
        ];
        for state in states {
            let user = person();
            let path = lay(&user, target, &state);
            install(&user, target.client, way).code(0);
            let after = text(&path);
            let whole = read(&after);
            assert!(has_entry(target, &whole), "{} {state:?}: {after}", target.client);
            assert_eq!(state.contains("dark"), after.contains("\"dark\""), "{state:?}: {after}");
            assert_eq!(state.contains("npx"), after.contains("npx"), "{state:?}: {after}");
            assert_eq!(state.contains("only"), after.contains("/* only */"), "{state:?}: {after}");
            assert_eq!(state.starts_with('\u{feff}'), after.starts_with('\u{feff}'), "{state:?}");
            let again = install(&user, target.client, way).code(0);
            assert_eq!(text(&path), after, "{state:?}: {}", again.stdout);
        }
    }
}

#[test]
fn halves_of_characters_stay_as_they_are() {
    // claude-code 4 KB cuts of a prompt's text; the pair and the escaped backslash are not halves.
    let history = r#"{"numStartups": 3, "history": ["cut \ud83d", "\uDE80 cut", "\uD83d\uDe80", "\\ud83d", "\ud83d\u0041", "\uFFFD", "\ud83d\ud83d\ude80"]"#;
    for target in json() {
        for (more, end) in [("", "\n"), (", \"private\": \"\\ue83d\"", "\r\n")] {
            let user = person();
            let servers = at_root(target, "{\"files\": {\"command\": \"npx \\udfff\"}}");
            let before = format!("{history}{more},{end}{}", servers.strip_prefix('{').unwrap());
            let path = lay(&user, target, &before);
            install(&user, target.client, target.best().name()).code(0);
            let after = text(&path);
            let first = before.find("npx").unwrap() + "npx \\udfff".len();
            assert_eq!(
                after.get(..before.find("\"files\"").unwrap() - 1),
                before.get(..before.find("\"files\"").unwrap() - 1),
                "{after}"
            );
            assert!(first > 0 && after.contains("npx \\udfff\"") && after.contains("\"notes\""), "{after}");
            assert_eq!(after.matches("\\ue83d").count(), more.matches("\\ue83d").count(), "{after}");
            let backup = path
                .with_file_name(format!("{}.mcpauth-backup", path.file_name().unwrap().to_str().unwrap()));
            assert_eq!(text(&backup), before);
            user.run(&["config", "install", "--client", target.client]).code(0);
        }
    }
    let user = person();
    let target = ClientSpec::find("cursor").unwrap();
    let both = r#"{"a": "\ud83d \ue83d \uf900 \ua900 \ub900 \uc900", "mcpServers": {}}"#;
    let path = lay(&user, target, both);
    let ran = install(&user, "cursor", "bridge");
    assert_ne!(ran.code, Some(0));
    assert_eq!(text(&path), both, "what cannot be changed with certainty is left alone");
}

#[test]
fn mode_owner_and_link_are_those_of_the_file() {
    for target in TARGETS {
        let way = target.ways.iter().find(|way| !way.are_in_the_file()).copied();
        for bits in [0o664, 0o640, 0o604, 0o600, 0o444] {
            for (way, expected) in way
                .map(|way| (way, bits))
                .into_iter()
                .chain(target.ways.iter().filter(|way| way.are_in_the_file()).map(|way| (*way, bits & 0o700)))
            {
                let user = person();
                let path = lay(&user, target, "");
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(bits)).unwrap();
                install(&user, target.client, way.name()).code(0);
                assert!(text(&path).contains("notes"), "{} {way}", target.client);
                assert_eq!(mode(&path), expected, "{} {way} {bits:o}", target.client);
            }
        }
    }
    let target = ClientSpec::find("cursor").unwrap();
    let user = person();
    let path = lay(&user, target, "{}\r\n");
    let real = path.with_file_name("dotfiles.json");
    std::fs::rename(&path, &real).unwrap();
    symlink("dotfiles.json", &path).unwrap();
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o664)).unwrap();
    let is_root = chown(&real, Some(12_345), Some(54_321)).is_ok();
    install(&user, "cursor", "bridge").code(0);
    assert_eq!(std::fs::read_link(&path).unwrap(), Path::new("dotfiles.json"));
    assert_eq!(mode(&real), 0o664);
    let text = text(&real);
    assert!(text.contains("notes") && text.matches("\r\n").count() == text.matches('\n').count(), "{text}");
    let about = std::fs::metadata(&real).unwrap();
    assert!(!is_root || (about.uid(), about.gid()) == (12_345, 54_321), "{}:{}", about.uid(), about.gid());
    // A link to a file that is not there yet.
    for first in ["dotfiles.json", "other.json"] {
        let user = person();
        let path = lay(&user, target, "");
        std::fs::remove_file(&path).unwrap();
        symlink(first, &path).unwrap();
        if first == "other.json" {
            symlink("dotfiles.json", path.with_file_name(first)).unwrap();
        }
        install(&user, "cursor", "bridge").code(0);
        assert_eq!(std::fs::read_link(&path).unwrap(), Path::new(first));
        let real = path.with_file_name("dotfiles.json");
        assert!(std::fs::symlink_metadata(&real).unwrap().is_file() && self::text(&real).contains("notes"));
    }
}

#[test]
fn the_file_that_the_client_reads_is_the_one_that_is_written() {
    let folder = |user: &User| user.home().join(".config/opencode");
    for (there, written) in [
        (&[][..], "opencode.json"),
        (&["opencode.json"], "opencode.json"),
        (&["opencode.jsonc"], "opencode.jsonc"),
        (&["opencode.json", "opencode.jsonc"], "opencode.jsonc"),
    ] {
        let user = person();
        std::fs::create_dir_all(folder(&user)).unwrap();
        let before = "{\n  // mine\n  \"model\": \"x/y\",\n}\n";
        for name in there {
            std::fs::write(folder(&user).join(name), before).unwrap();
        }
        let listed = user.run(&["config", "show", "--clients", "--json"]).code(0).json();
        let rows = listed["clients"].as_array().unwrap().clone();
        let row = rows.iter().find(|row| row["client"] == "opencode").unwrap();
        assert!(row["path"].as_str().unwrap().ends_with(&format!("/{written}")), "{row}");
        install(&user, "opencode", "bridge").code(0);
        for name in ["opencode.json", "opencode.jsonc"] {
            let text = std::fs::read_to_string(folder(&user).join(name)).unwrap_or_default();
            let is_ours = text.contains("\"notes\"");
            assert_eq!(is_ours, name == written, "{there:?} {name}: {text}");
            assert_eq!(text.contains("// mine"), there.contains(&name), "{there:?} {name}: {text}");
        }
    }
}

#[test]
fn what_is_there_twice_is_left_alone_where_it_is_ours_and_kept_where_it_is_not() {
    for target in json() {
        let user = person();
        let twice = at_root(target, "{}").replacen(
            "\"theme\": \"dark\"",
            "\"theme\": \"dark\", \"theme\": \"light\"",
            1,
        );
        let path = lay(&user, target, &twice);
        install(&user, target.client, target.best().name()).code(0);
        let after = text(&path);
        assert!(after.contains("\"theme\": \"dark\"") && after.contains("\"theme\": \"light\""), "{after}");
        assert!(has_entry(target, &read(&after)));
        let user = person();
        let ours = at_root(target, "{}");
        let last = target.root.last().unwrap();
        let ours = ours.replacen(
            &format!("\"{last}\": {{}}"),
            &format!("\"{last}\": {{}}, \"{last}\": {{\"files\": {{}}}}"),
            1,
        );
        let path = lay(&user, target, &ours);
        let ran = install(&user, target.client, target.best().name());
        assert!(
            ran.code != Some(0)
                && (ran.stdout + &ran.stderr).contains(&format!("has the key \"{last}\" twice"))
        );
        assert_eq!(text(&path), ours);
    }
}

/// Continue reads `config.json` until there is a `config.yaml`, which then hides the user's models and all else.
#[test]
fn an_older_file_that_a_new_one_would_hide_is_left_in_force() {
    let user = person();
    let target = ClientSpec::find("continue").unwrap();
    let newer = path(&user, target);
    let older = newer.with_file_name("config.json");
    lay(&user, target, "");
    std::fs::remove_file(&newer).unwrap();
    std::fs::write(&older, r#"{"models": [{"title": "mine"}]}"#).unwrap();
    let ran = install(&user, "continue", "bridge").code(2);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(said.contains("config.json is what the client reads") && said.contains("mv "), "{said}");
    assert!(!newer.exists());
    // With both there, the newer one is read, and written; and so it is where there is none.
    std::fs::write(&newer, "name: mine\n").unwrap();
    install(&user, "continue", "bridge").code(0);
    assert!(text(&newer).contains("notes") && text(&older).contains("mine"));
    std::fs::remove_file(&newer).unwrap();
    std::fs::rename(&older, older.with_file_name("config.json.old")).unwrap();
    install(&user, "continue", "bridge").code(0);
    assert!(text(&newer).contains("notes"));
}

#[test]
fn the_file_that_a_clients_variable_names_is_the_one_that_is_written() {
    for (client, variable) in [("opencode", "OPENCODE_CONFIG"), ("cline", "CLINE_MCP_SETTINGS_PATH")] {
        let mut user = person();
        let target = ClientSpec::find(client).unwrap();
        let usual = lay(&user, target, "{}");
        let preferred = usual.with_file_name("opencode.jsonc");
        std::fs::write(&preferred, "{}").unwrap();
        let named = user.home().join("elsewhere/own.json");
        std::fs::create_dir_all(named.parent().unwrap()).unwrap();
        std::fs::write(&named, r#"{"theme": "mine"}"#).unwrap();
        user.env(variable, named.display().to_string());
        install(&user, client, "bridge").code(0);
        assert!(text(&named).contains("notes") && text(&named).contains("mine"), "{client}");
        assert_eq!((text(&usual).as_str(), text(&preferred).as_str()), ("{}", "{}"), "{client}");
    }
}
