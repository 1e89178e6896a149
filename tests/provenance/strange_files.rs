//! A found `.env` that must not be read: reported in one line with the remedy, and it never blocks.

use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use super::{PLACES, Scene};

const MARK: &str = "AWS_REGION=by-the-found-file";

#[track_caller]
fn unread(scene: &Scene, path: &Path, reason: &str) {
    let ran = scene.user.run(&["config", "show"]).code(0);
    let said: Vec<&str> = ran.stderr.lines().collect();
    assert!(!ran.stdout.contains("by-the-found-file"), "{reason}: {}", ran.stdout);
    assert_eq!(said.len(), 1, "{reason}: {}", ran.stderr);
    let shown = path.display().to_string();
    assert!(said[0].contains(&shown) && said[0].contains(reason), "{reason}: {}", ran.stderr);
}

#[test]
fn a_file_that_others_can_write_is_not_read() {
    for place in PLACES {
        for mode in [0o664, 0o646, 0o622, 0o602] {
            let scene = Scene::new();
            let path = scene.found(place, &[MARK]);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            unread(&scene, &path, "others can write to it");
            let ran = scene.user.run(&["config", "show"]).code(0);
            let remedy = ran.stderr.trim().rsplit("; ").next().unwrap().to_owned();
            super::typed(&scene.user, &remedy).code(0);
            assert!(
                scene.user.run(&["config", "show"]).code(0).stdout.contains("by-the-found-file"),
                "{remedy}"
            );
        }
    }
}

#[test]
fn a_file_of_another_user_is_not_read() {
    let scene = Scene::new();
    let path = scene.found(".env", &[MARK]);
    if std::os::unix::fs::chown(&path, Some(12_345), None).is_err() {
        return writeln!(std::io::stderr(), "skipped: only root can give a file to another user").unwrap();
    }
    unread(&scene, &path, "another user owns it");
    let remedy = scene.user.run(&["config", "show"]).code(0).stderr;
    let remedy = remedy.trim().rsplit("if you trust it: ").next().unwrap().to_owned();
    super::typed(&scene.user, &remedy).code(0);
    assert!(scene.user.run(&["config", "show"]).code(0).stdout.contains("by-the-found-file"), "{remedy}");
}

#[test]
fn a_link_out_of_the_folder_is_not_followed() {
    let scene = Scene::new();
    let outside = scene.user.home().join("other.env");
    mcpauth::sys::private_file::write(&outside, &format!("{MARK}\n")).unwrap();
    let path = scene.user.project().join(".env");
    symlink(&outside, &path).unwrap();
    unread(&scene, &path, "points outside this folder");
    std::fs::remove_file(&path).unwrap();
    symlink("../home/other.env", &path).unwrap();
    unread(&scene, &path, "points outside this folder");
    std::fs::remove_file(&path).unwrap();
    // A linked folder.
    std::fs::create_dir_all(scene.user.home().join("oauth")).unwrap();
    mcpauth::sys::private_file::write(&scene.user.home().join("oauth/.env"), &format!("{MARK}\n")).unwrap();
    symlink(scene.user.home(), scene.user.project().join("credentials-provider")).unwrap();
    unread(&scene, &scene.user.project().join(PLACES[1]), "points outside this folder");
    std::fs::remove_file(scene.user.project().join("credentials-provider")).unwrap();
    // A link that stays inside is as good as a file.
    scene.found("real.env", &[MARK]);
    symlink("real.env", &path).unwrap();
    assert!(scene.user.run(&["config", "show"]).code(0).stdout.contains("by-the-found-file"));
}

#[test]
fn what_is_no_file_or_has_no_end_is_not_read() {
    let scene = Scene::new();
    let path = scene.user.project().join(".env");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    unread(&scene, &path, "not a regular file");
    std::fs::remove_file(&path).unwrap();
    let _listening = std::os::unix::net::UnixListener::bind(&path).unwrap();
    unread(&scene, &path, "not a regular file");
    std::fs::remove_file(&path).unwrap();
    for device in ["/dev/zero", "/dev/stdin", "/dev/tty"] {
        symlink(device, &path).unwrap();
        let ran = scene.user.run(&["config", "show"]).code(0);
        assert_eq!(ran.stderr.lines().count(), 1, "{device}: {}", ran.stderr);
        std::fs::remove_file(&path).unwrap();
    }
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(1 << 30).unwrap();
    file.set_permissions(std::fs::Permissions::from_mode(0o600)).unwrap();
    unread(&scene, &path, "larger than");
    std::fs::write(&path, b"A=\xff\xfe\n").unwrap();
    unread(&scene, &path, "not UTF-8");
    // A Python environment with this name is not meant for us.
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert_eq!(scene.user.run(&["config", "show"]).code(0).stderr, "");
}

#[test]
fn every_verb_survives_it() {
    let scene = Scene::new();
    let path = scene.user.project().join(".env");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    for verb in [
        &["generate"][..],
        &["status"],
        &["doctor", "--offline"],
        &["complete", "mcpauth", "headers", "="],
        &["refresh", "--once"],
        &["gateway", "check"],
        &["providers", "list"],
    ] {
        scene.user.run(verb);
    }
}
