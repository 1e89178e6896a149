//! The files that settings name: whether each is there, private where it must be, and of any use.
//! It leaves policy and servers to those who read them, and certificates to the TLS library.

use std::fs;
use std::path::Path;

use super::Settings;
use crate::problem::Problem;
use crate::sys::private_file::is_exposed;

/// The fewest bytes of a session key.
const LEAST_KEY: u64 = 32;

impl Settings {
    /// What is wrong with the files that are named, apart from policy and servers.
    pub fn validate_files(&self) -> Vec<Problem> {
        let mut found = Vec::new();
        if let Some(key) = &self.session_key {
            let remedy = format!("make one: (umask 077; head -c 32 /dev/urandom > {})", key.display());
            match size("session_key", key, &remedy) {
                Err(problem) => found.push(problem),
                Ok(size) if size < LEAST_KEY => {
                    let what = format!("{} has {size} bytes; a key has at least {LEAST_KEY}", key.display());
                    found.push(Problem::error("session_key", what, remedy));
                }
                Ok(_) => found.extend(exposed("session_key", key)),
            }
        }
        if let Some(file) = &self.revoked {
            found.extend(size("revoked", file, "make the file, even an empty one").err());
        }
        if let Some(tls) = &self.tls {
            found.extend(size("tls.certificate", &tls.certificate, "name the chain, PEM").err());
            found.extend(private("tls.key", &tls.key, "name the key, PEM"));
        }
        for (place, issuer) in self.issuers.iter().enumerate() {
            if let Some(introspection) = &issuer.introspection {
                let at = format!("issuers[{place}].introspection.client_secret");
                let remedy = "name a file with the client's secret in it";
                found.extend(private(&at, &introspection.client_secret, remedy));
            }
        }
        found
    }
}

fn private(at: &str, path: &Path, remedy: &str) -> Option<Problem> {
    size(at, path, remedy).err().or_else(|| exposed(at, path))
}

fn size(at: &str, path: &Path, remedy: &str) -> Result<u64, Problem> {
    let problem = |what: String| Problem::error(at, format!("{}: {what}", path.display()), remedy);
    let about = fs::metadata(path).map_err(|e| problem(e.to_string()))?;
    if about.is_file() { Ok(about.len()) } else { Err(problem("not a file".into())) }
}

fn exposed(at: &str, path: &Path) -> Option<Problem> {
    let what = || format!("{} can be read by others", path.display());
    is_exposed(path).then(|| Problem::error(at, what(), format!("chmod 600 {}", path.display())))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn files_are_there_private_and_long_enough() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text, mode) in [
            ("key", "k".repeat(32), 0o600),
            ("short", "k".repeat(31), 0o600),
            ("open", "k".repeat(32), 0o644),
            ("empty", String::new(), 0o644),
        ] {
            let path = dir.path().join(name);
            crate::sys::private_file::write(&path, &text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        }
        let cases: &[(&str, &[&str])] = &[
            ("session_key: key", &[]),
            ("session_key: short", &["session_key: short has 31 bytes; a key has at least 32"]),
            ("session_key: open", &["session_key: open can be read by others"]),
            ("session_key: none", &["session_key: none: No such file or directory (os error 2)"]),
            ("session_key: .", &["session_key: .: not a file"]),
            ("revoked: empty", &[]),
            ("revoked: none", &["revoked: none: No such file or directory (os error 2)"]),
            ("tls: {certificate: open, key: key}", &[]),
            ("tls: {certificate: open, key: open}", &["tls.key: open can be read by others"]),
            (
                "issuers: [{issuer: i, introspection: {client_id: c, client_secret: open}}]",
                &["issuers[0].introspection.client_secret: open can be read by others"],
            ),
        ];
        for (yaml, expected) in cases {
            let file = dir.path().join("gateway.yaml");
            crate::sys::private_file::write(&file, yaml).unwrap();
            let found = Settings::read(&file).unwrap().validate_files();
            let here = format!("{}/", dir.path().display());
            let shown: Vec<_> = found.iter().map(|problem| problem.to_string().replace(&here, "")).collect();
            assert_eq!(shown, *expected, "{yaml}");
        }
    }
}
