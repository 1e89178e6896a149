//! Modes, links, owners: what a private file is, and what is refused.
use super::*;
use std::os::unix::fs::{PermissionsExt, symlink};

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
    assert_eq!(fs::read_dir(&tokens).unwrap().count(), 1, "nothing is left beside the file");
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
