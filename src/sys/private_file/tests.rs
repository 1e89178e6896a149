//! Modes, links, owners: what a private file is, and what is rejected.
use super::remedy::{closing, is_closable};
use super::*;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).map_or(0, |about| about.permissions().mode() & 0o777)
}

#[test]
fn files_are_0600_and_folders_0700_and_a_wider_folder_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    let tokens = dir.path().join("a/b/.oauth-tokens");
    create_dir(&tokens).unwrap();
    write(&tokens.join("t.json"), "{}").unwrap();
    assert_eq!((mode(&tokens), mode(&tokens.join("t.json"))), (0o700, 0o600));
    fs::set_permissions(&tokens, fs::Permissions::from_mode(0o755)).unwrap();
    create_dir(&tokens).unwrap();
    assert_eq!(mode(&tokens), 0o700);
    assert_eq!(fs::read_dir(&tokens).unwrap().count(), 1, "nothing is left next to the file");
}

#[test]
fn what_others_can_read_or_redirect_is_refused_with_the_command_that_mends_it() {
    let dir = tempfile::tempdir().unwrap();
    let (file, link) = (dir.path().join("t.json"), dir.path().join("l.json"));
    write(&file, "secret").unwrap();
    assert_eq!(read(&file).unwrap().as_deref(), Some("secret"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let exposed = read(&file).unwrap_err();
    assert_eq!(exposed.to_string(), format!("{} can be read by others (mode 640)", file.display()));
    assert_eq!(exposed.hint(), format!("chmod 600 {}", file.display()));
    symlink(&file, &link).unwrap();
    assert!(matches!(read(&link), Err(FileError::Symlink(_))));
    assert!(matches!(write(&link, "x"), Err(FileError::Symlink(_))));
    assert!(matches!(open_lock(&link), Err(FileError::Symlink(_))));
    assert!(matches!(create_dir(&link), Err(FileError::Symlink(_))));
    assert!(matches!(read(dir.path()), Err(FileError::Strange { .. })));
    assert!(read(&dir.path().join("none")).unwrap().is_none());
}

/// Only root can give files away.
#[test]
fn what_another_user_made_is_refused_for_root_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let (file, folder) = (dir.path().join("t.json"), dir.path().join("d"));
    create_dir(&folder).unwrap();
    for path in [&file, &folder.join("x")] {
        write(path, "planted").unwrap();
    }
    let give = |path: &Path| std::os::unix::fs::chown(path, Some(12_345), None);
    if give(&file).is_err() {
        return;
    }
    give(&folder).unwrap();
    let foreign = |result: Result<(), FileError>| {
        let error = result.unwrap_err();
        assert!(matches!(error, FileError::Foreign { owner: 12_345, .. }), "{error}");
        assert!(error.hint().contains("chown"), "{}", error.hint());
    };
    foreign(read(&file).map(drop));
    foreign(write(&file, "x"));
    foreign(open_lock(&file).map(drop));
    foreign(create_dir(&folder));
    foreign(create_dir_ignored(&folder));
    foreign(check_dir(&folder));
    assert_eq!(fs::read_to_string(&file).unwrap(), "planted");
    assert!(check_dir(&dir.path().join("none")).is_ok() && check_dir(dir.path()).is_ok());
}

#[test]
fn a_new_folder_in_a_project_is_ignored_and_an_old_one_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (new, old) = (dir.path().join("a/new"), dir.path().join("old"));
    fs::create_dir(&old).unwrap();
    for _ in 0..2 {
        create_dir_ignored(&new).unwrap();
        create_dir_ignored(&old).unwrap();
        assert_eq!(fs::read_to_string(new.join(".gitignore")).unwrap(), "*\n");
        assert!(!old.join(".gitignore").exists());
    }
    write(&new.join(".gitignore"), "mine\n").unwrap();
    create_dir_ignored(&new).unwrap();
    assert_eq!(fs::read_to_string(new.join(".gitignore")).unwrap(), "mine\n");
}

#[cfg(target_os = "linux")]
#[test]
fn nobody_waits_for_a_pipe() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    assert!(matches!(read(&pipe), Err(FileError::Strange { .. })));
}

#[test]
fn closing_takes_others_rights_and_follows_no_link() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, file, link) = (dir.path().join("d"), dir.path().join("t.json"), dir.path().join("l.json"));
    fs::create_dir(&folder).unwrap();
    write(&file, "x").unwrap();
    symlink(&file, &link).unwrap();
    for (path, open) in [(&folder, 0o755), (&file, 0o644)] {
        fs::set_permissions(path, fs::Permissions::from_mode(open)).unwrap();
    }
    assert!(matches!(close(&link), Err(FileError::Symlink(_))));
    assert_eq!((super::mode(&file), super::mode(&link)), (Some(0o644), None));
    close(&folder).unwrap();
    close(&file).unwrap();
    assert_eq!((super::mode(&folder), super::mode(&file)), (Some(0o700), Some(0o600)));
    assert!(age(&file).is_some() && age(&dir.path().join("none")).is_none());
}

#[test]
fn another_programs_file_keeps_its_link() {
    let dir = tempfile::tempdir().unwrap();
    let (file, link) = (dir.path().join("real.json"), dir.path().join("link.json"));
    write(&file, "old").unwrap();
    symlink(&file, &link).unwrap();
    write_through(&link, "new", Keep::Closed).unwrap();
    assert!(is_symlink(&link));
    assert_eq!(fs::read_to_string(&file).unwrap(), "new");
}

/// A Secret as Kubernetes mounts it: the name is a link, through a link that is switched when the Secret changes.
fn mounted(dir: &Path, text: &str, mode: u32) -> PathBuf {
    let data = dir.join("..2026_11_27");
    let laid_out = || {
        fs::create_dir_all(&data)?;
        write(&data.join("key"), text).map_err(io::Error::other)?;
        fs::set_permissions(data.join("key"), fs::Permissions::from_mode(mode))?;
        symlink("..2026_11_27", dir.join("..data"))?;
        symlink("..data/key", dir.join("key"))
    };
    assert!(laid_out().is_ok());
    dir.join("key")
}

#[test]
fn a_file_that_is_given_is_judged_by_what_its_links_lead_to() {
    for mode in [0o400, 0o440, 0o600, 0o640] {
        let dir = tempfile::tempdir().unwrap();
        let link = mounted(dir.path(), "secret", mode);
        for path in [&link, &dir.path().join("..data/key"), &dir.path().join("..2026_11_27/key")] {
            assert_eq!(
                read_given_text(path).unwrap().as_deref(),
                Some("secret"),
                "{mode:o} {}",
                path.display()
            );
        }
        assert!(matches!(read(&link), Err(FileError::Symlink(_))), "our own files are never links");
    }
    for mode in [0o444, 0o644, 0o604, 0o460, 0o660, 0o602, 0o620, 0o601, 0o450, 0o666] {
        let dir = tempfile::tempdir().unwrap();
        let link = mounted(dir.path(), "secret", mode);
        let error = read_given(&link).unwrap_err();
        assert!(
            matches!(error, FileError::Exposed { mode: found, .. } if found == mode),
            "{mode:o}: {error}"
        );
        assert!(
            error.hint().contains("defaultMode: 0440") && error.hint().contains("chmod 600"),
            "{}",
            error.hint()
        );
        let plain = read_given(&dir.path().join("..data/key")).unwrap_err();
        assert_eq!(plain.hint(), format!("chmod 600 {}", dir.path().join("..data/key").display()));
    }
    let dir = tempfile::tempdir().unwrap();
    symlink("nowhere", dir.path().join("key")).unwrap();
    assert!(read_given(&dir.path().join("key")).unwrap().is_none());
    symlink(dir.path(), dir.path().join("folder")).unwrap();
    assert!(matches!(read_given(&dir.path().join("folder")), Err(FileError::Strange { .. })));
}

/// A Docker secret is root's and 0444 unless the service says otherwise, and nobody in the container can change that.
#[test]
fn nobody_is_told_to_change_the_mode_of_a_file_that_is_not_theirs_to_change() {
    let path = Path::new("/run/secrets/key");
    assert_eq!(closing(path, true, false), "chmod 600 /run/secrets/key");
    for is_link in [false, true] {
        let hint = closing(path, false, is_link);
        assert!(!hint.contains("chmod"), "{hint}");
        for word in ["/run/secrets/key", "mode: 0400", "uid: ", "defaultMode: 0440", "fsGroup"] {
            assert!(hint.contains(word), "{word}: {hint}");
        }
    }
    // One that is root's.
    let root = rustix::process::geteuid().is_root();
    assert_eq!(is_closable(Path::new("/etc/passwd")), root && !is_read_only("/etc"));
    let own = tempfile::NamedTempFile::new().unwrap();
    assert!(is_closable(own.path()));
}

fn is_read_only(path: &str) -> bool {
    let mount = rustix::fs::statvfs(path);
    mount.is_ok_and(|mount| mount.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY))
}

/// Only root can give files away.
#[test]
fn a_file_that_is_given_is_of_root_or_us_and_for_no_strange_group() {
    let dir = tempfile::tempdir().unwrap();
    let link = mounted(dir.path(), "secret", 0o440);
    let target = fs::canonicalize(&link).unwrap();
    if std::os::unix::fs::chown(&target, None, Some(12_345)).is_err() {
        return;
    }
    assert!(matches!(read_given(&link), Err(FileError::Exposed { mode: 0o440, .. })));
    fs::set_permissions(&target, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(read_given(&link).unwrap().is_some());
    std::os::unix::fs::chown(&target, Some(12_345), None).unwrap();
    assert!(matches!(read_given(&link), Err(FileError::Foreign { owner: 12_345, .. })));
}

/// What systemd makes for `LoadCredential=` belongs to root and its group, and an access list lets the service read
/// it.
#[test]
fn a_group_is_trusted_if_it_is_ours_or_roots() {
    for (group, ours, expected) in [
        (7, &[7][..], true),
        (7, &[1, 7], true),
        (7, &[1], false),
        (7, &[0], false),
        (0, &[1], true),
        (0, &[], true),
    ] {
        let gids = ours.iter().map(|gid| rustix::process::Gid::from_raw(*gid));
        assert_eq!(is_trusted(group, gids), expected, "{group} {ours:?}");
    }
}
