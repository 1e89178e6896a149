//! Which value counts, where it came from, and what a file may say that was only found.

use super::*;

fn settings(values: &[(&str, &str)]) -> Settings {
    Settings::of(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

#[test]
fn a_flag_beats_the_environment_beats_a_later_file_beats_an_earlier_one() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        crate::sys::private_file::write(&path, text).map(|()| path)
    };
    let mut settings = settings(&[("A", "environment"), ("E", "")]);
    settings.read(&file("one", "A=one\nB=one\nC=one\nE=one").unwrap(), FileTrust::Named).unwrap();
    settings.read(&file("two", "B=two\nC=").unwrap(), FileTrust::Named).unwrap();
    settings.flag("F", "flag");
    assert_eq!(settings.get("A"), Some("environment"));
    assert_eq!(settings.get("B"), Some("two"));
    assert_eq!(settings.get("C"), Some("one"), "an empty value does not hide one");
    assert_eq!(settings.get("E"), Some("one"));
    assert_eq!(settings.find("F"), Some(("flag", Origin::Flag)));
    assert_eq!(settings.find("B").unwrap().1.to_string(), format!("{}:1", dir.path().join("two").display()));
    assert_eq!(settings.get("D"), None);
    let overruled: Vec<_> = settings.overruled().into_iter().map(|(name, _)| name).collect();
    assert_eq!(overruled, ["A", "B"]);
    assert!(settings.files().map(|(path, _)| path.file_name().unwrap()).eq(["one", "two"]));
    assert!(!format!("{settings:?}").contains("environment"));
}

#[test]
fn the_users_own_file_is_the_weakest_and_has_a_say_in_everything() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        crate::sys::private_file::write(&path, text).map(|()| path)
    };
    write(".env", "A=own\nB=own\nMCPAUTH_ALLOW_HTTP=1\n").unwrap();
    let found =
        write("x.env", "B=found\nMCPAUTH_ALLOW_HTTP=0\nMCPAUTH_TOKENS_DIR=..\nhttps_proxy=p\n").unwrap();
    let mut settings = settings(&[("MCPAUTH_CONFIG_DIR", dir.path().to_str().unwrap())]);
    settings.read(&found, FileTrust::Found).unwrap();
    settings.read_own().unwrap();
    assert_eq!((settings.get("A"), settings.get("B")), (Some("own"), Some("found")));
    assert!(settings.on("MCPAUTH_ALLOW_HTTP"));
    let withheld: Vec<&str> = settings.unheeded().iter().map(|given| given.name.as_str()).collect();
    assert_eq!(withheld, ["MCPAUTH_ALLOW_HTTP", "MCPAUTH_TOKENS_DIR", "https_proxy"]);
    assert_eq!(settings.notices().len(), 3);
    assert!(settings.find("B").unwrap().1.is_found() && !settings.find("A").unwrap().1.is_found());
    let again = settings.again().unwrap();
    assert_eq!((again.get("A"), again.get("B")), (Some("own"), Some("found")));
}

#[test]
fn what_is_looked_up_is_remembered_with_its_origin() {
    let (watched, watch) = settings(&[("A", "1"), ("B", "2")]).watched();
    assert_eq!((watched.get("A"), watched.get("C")), (Some("1"), None));
    assert_eq!(watched.get("A"), Some("1"));
    assert_eq!(watch.seen(), [NamedValue::new("A", Origin::Environment)]);
}

#[test]
fn a_found_file_is_about_the_folder_of_its_place() {
    for (path, folder) in
        [("/p/.env", "/p"), ("/p/credentials-provider/oauth/.env", "/p"), ("/p/other.env", "/p")]
    {
        assert_eq!(folder_of(Path::new(path)), Path::new(folder), "{path}");
    }
}
