//! A client's file: created, changed, made private, backed up, and left alone.
#![expect(clippy::disallowed_methods, reason = "tests write the user's file as another program would")]
use super::super::client_entry::{LaunchContext, client_entries};
use super::super::{ServerEntry, TARGETS, render};
use super::*;
use crate::secret::Secret;
use crate::tokens::Bearers;
use std::os::unix::fs::{PermissionsExt, symlink};

const ROO: &ClientSpec = &TARGETS[1];

fn mode(path: &Path) -> u32 {
    fs::metadata(path).map_or(0, |about| about.permissions().mode() & 0o777)
}

fn rendered(names: &[&str], token: &str) -> Result<Rendered, RenderError> {
    let entry = |name: &&str| ServerEntry {
        name: (*name).into(),
        url: format!("https://gw.test/{name}/mcp"),
        transport: "streamable-http".into(),
        headers: vec![("Authorization".into(), Secret::new(format!("Bearer {token}")))],
        bearers: Bearers::default(),
        place: Default::default(),
    };
    let entries: Vec<_> = names.iter().map(entry).collect();
    render(
        ROO,
        &client_entries(
            &entries,
            ROO,
            AuthMode::Inline,
            &LaunchContext { command: Vec::new(), users_command: Vec::new(), door: None },
        )?,
        None,
    )
}

fn put(
    path: &Path,
    rendered: &Rendered,
    state_dir: &Path,
    dry_run: DryRun,
) -> Result<Installed, RenderError> {
    let tokens_dir = Path::new("/p/tokens");
    install(
        &Destination {
            path,
            target: ROO,
            auth_mode: AuthMode::Inline,
            left_out: &BTreeSet::new(),
            addresses: &BTreeMap::new(),
            adopted: &BTreeSet::new(),
            users: &BTreeSet::new(),
            tokens_dir,
            state_dir,
        },
        rendered,
        dry_run,
    )
}

#[test]
fn a_new_file_is_made_with_its_folder_and_only_written_when_something_changed() {
    let dir = tempfile::tempdir().unwrap();
    let (file, state) = (dir.path().join("home/.roocode/mcp_servers.json"), dir.path().join("state"));
    let one = rendered(&["files"], "one").unwrap();
    let dry = put(&file, &one, &state, DryRun::Yes).unwrap();
    assert!(dry.changed && !file.exists() && !state.exists());
    let first = put(&file, &one, &state, DryRun::No).unwrap();
    assert!(first.changed && first.backup.is_none());
    assert_eq!((mode(&file), mode(&state.join("installed.json"))), (0o600, 0o600));
    let remembered = |entries: &str| {
        let file = file.display();
        format!(
            "{{\n  \"{file}\": {{\n    \"client\": \"roo\",\n    \"auth_mode\": \"inline\",\n    \"tokens_dir\": \"/p/tokens\",\n    \"entries\": {entries}\n  }}\n}}"
        )
    };
    let memory = || fs::read_to_string(state.join("installed.json")).unwrap();
    assert_eq!(memory(), remembered("[\n      \"files\"\n    ]"));
    assert!(!put(&file, &one, &state, DryRun::No).unwrap().changed);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(put(&file, &one, &state, DryRun::No).unwrap().changed);
    assert_eq!(mode(&file), 0o600);
    put(&file, &rendered(&[], "").unwrap(), &state, DryRun::No).unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "{\n  \"mcpServers\": {}\n}\n");
    assert_eq!(memory(), remembered("[]"), "a client stays known");
}

#[test]
fn nothing_to_say_makes_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mcp.json");
    let none = rendered(&[], "").unwrap();
    assert!(!put(&file, &none, &dir.path().join("state"), DryRun::No).unwrap().changed);
    assert!(!file.exists());
}

#[test]
fn the_first_state_is_backed_up_once_and_a_link_stays_a_link() {
    let dir = tempfile::tempdir().unwrap();
    let (real, link, state) =
        (dir.path().join("dotfiles.json"), dir.path().join("mcp.json"), dir.path().join("state"));
    let theirs = "{\n  // mine\n  \"mcpServers\": {}\n}\n";
    fs::write(&real, theirs).unwrap();
    symlink(&real, &link).unwrap();
    let first = put(&link, &rendered(&["files"], "one").unwrap(), &state, DryRun::No).unwrap();
    let backup = dir.path().join("mcp.json.mcpauth-backup");
    assert_eq!(first.backup.as_deref(), Some(backup.as_path()));
    let second = put(&link, &rendered(&["files"], "two").unwrap(), &state, DryRun::No).unwrap();
    assert!(second.changed && second.backup.is_none());
    assert_eq!((fs::read_to_string(&backup).unwrap().as_str(), mode(&backup)), (theirs, 0o600));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let text = fs::read_to_string(&real).unwrap();
    assert!(text.contains("// mine") && text.contains("Bearer two") && !text.contains("Bearer one"));
    assert_eq!(mode(&real), 0o600);
}

#[test]
fn a_file_that_does_not_parse_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let (file, state) = (dir.path().join("mcp.json"), dir.path().join("state"));
    fs::write(&file, "{ oops").unwrap();
    let error = put(&file, &rendered(&["files"], "one").unwrap(), &state, DryRun::No).unwrap_err();
    assert!(error.to_string().starts_with(&format!("{} is not JSON: ", file.display())), "{error}");
    assert!(error.hint().starts_with("nothing was written"), "{}", error.hint());
    assert_eq!(fs::read_to_string(&file).unwrap(), "{ oops");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "the file and the state folder");
}

#[test]
fn a_local_file_is_written_whole_when_it_differs_or_others_can_read_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(".oauth-tokens/mcp.json");
    let one = rendered(&["files"], "one").unwrap();
    assert!(write_local(&file, &one).unwrap().changed);
    assert!(!write_local(&file, &one).unwrap().changed);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(write_local(&file, &one).unwrap().changed);
    assert_eq!((mode(&file), fs::read_to_string(&file).unwrap().as_str()), (0o600, one.text.expose()));
}
