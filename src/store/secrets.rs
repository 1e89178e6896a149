//! The secrets that local MCP servers want in their environment: one 0600 file per server in `.secrets` of the user's
//! own folder, its values in the file or in the keyring. A secret may be a command that prints it. Not here: running
//! that command (see `vault`); handing them out (see `servers`).

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::{Storage, Store, StoreError, format, keyring};
use crate::credential::{SecretCommand, StoreScope};
use crate::secret::Secret;
use crate::sys::private_file;

const FOLDER: &str = ".secrets";
const LOCK: &str = ".lock";
/// The member with the secrets themselves, by variable.
const VALUES: &str = "values";
/// The member with the commands, by variable.
const COMMANDS: &str = "commands";
/// The member with the server's name as it was typed.
const SERVER: &str = "server";

/// What is stored for one variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredSecret {
    /// The value.
    Value(Secret),
    /// The command that prints it.
    Command(SecretCommand),
}

/// One server's secrets, by variable.
pub type ServerSecrets = BTreeMap<String, StoredSecret>;

impl Store {
    /// A server's secrets; empty if it has none. Names are compared case-insensitively.
    pub fn secrets(&self, server: &str) -> Result<ServerSecrets, StoreError> {
        let path = self.secrets_file(server);
        let Some(mut object) = self.secrets_object(&path)? else { return Ok(ServerSecrets::new()) };
        let odd = |reason: &str| StoreError::Format { path: path.clone(), reason: reason.into() };
        if format::is_in_keyring(&object) && !keyring::fill(&path, &mut object)? {
            return Err(StoreError::Keyring(format!("it has no secrets for {}", path.display())));
        }
        let mut secrets = ServerSecrets::new();
        for (name, value) in members(&mut object, VALUES) {
            let Value::String(value) = value else { return Err(odd("a value is not text")) };
            secrets.insert(name, StoredSecret::Value(Secret::new(value)));
        }
        for (name, value) in members(&mut object, COMMANDS) {
            let command = serde_json::from_value(value).map_err(|_| odd("a command is incomplete"))?;
            secrets.insert(name, StoredSecret::Command(command));
        }
        Ok(secrets)
    }

    /// Stores a secret of a server, in the place of an earlier one.
    pub fn put_secret(&self, server: &str, variable: &str, secret: StoredSecret) -> Result<(), StoreError> {
        let _lock = self.lock_secrets()?;
        let mut secrets = self.secrets(server)?;
        secrets.insert(variable.into(), secret);
        self.write_secrets(server, &secrets)
    }

    /// Removes a server's secret, or with no `variable` all of them; `false` if there was none.
    pub fn remove_secret(&self, server: &str, variable: Option<&str>) -> Result<bool, StoreError> {
        let path = self.secrets_file(server);
        if path.symlink_metadata().is_err() {
            return Ok(false);
        }
        let _lock = self.lock_secrets()?;
        let Some(variable) = variable else { return self.remove(&path) };
        let mut secrets = self.secrets(server)?;
        if secrets.remove(variable).is_none() {
            return Ok(false);
        }
        if secrets.is_empty() {
            self.remove(&path)
        } else {
            self.write_secrets(server, &secrets).map(|()| true)
        }
    }

    /// The names of the servers with secrets, as they were typed.
    pub fn secret_servers(&self) -> Result<Vec<String>, StoreError> {
        let mut names = Vec::new();
        for path in super::files_in(&self.user.join(FOLDER)) {
            let Some(object) = self.secrets_object(&path)? else { continue };
            names.extend(object.get(SERVER).and_then(Value::as_str).map(str::to_owned));
        }
        names.sort();
        Ok(names)
    }

    /// The file's object, its values perhaps in the keyring.
    fn secrets_object(&self, path: &std::path::Path) -> Result<Option<Map<String, Value>>, StoreError> {
        private_file::check_dir(&self.user)?;
        private_file::check_dir(&self.user.join(FOLDER))?;
        let Some(text) = private_file::read(path)? else { return Ok(None) };
        let odd = |reason| StoreError::Format { path: path.into(), reason };
        format::parse(&text).map(Some).map_err(odd)
    }

    fn write_secrets(&self, server: &str, secrets: &ServerSecrets) -> Result<(), StoreError> {
        let path = self.secrets_file(server);
        let (mut values, mut commands) = (Map::new(), Map::new());
        for (name, secret) in secrets {
            match secret {
                StoredSecret::Value(value) => drop(values.insert(name.clone(), value.expose().into())),
                StoredSecret::Command(command) => {
                    let command = serde_json::to_value(command).unwrap_or_default();
                    commands.insert(name.clone(), command);
                }
            }
        }
        let mut object = Map::new();
        object.insert(SERVER.into(), server.into());
        object.insert(VALUES.into(), values.into());
        object.insert(COMMANDS.into(), commands.into());
        if self.storage == Storage::Keyring {
            keyring::take(&path, &mut object, &[VALUES])?;
        }
        Ok(private_file::write(&path, &format::print(&object))?)
    }

    /// One process at a time changes secrets: each change writes all of a server's.
    fn lock_secrets(&self) -> Result<File, StoreError> {
        let folder = self.make_folder(self.scope_of(&self.user.join(LOCK)))?.join(FOLDER);
        private_file::create_dir(&folder)?;
        let path = folder.join(LOCK);
        let lock = private_file::open_lock(&path)?;
        lock.lock().map_err(|error| StoreError::Lock { path, reason: error.to_string() })?;
        Ok(lock)
    }

    /// Any name has a file: what a file system could read otherwise is escaped.
    fn secrets_file(&self, server: &str) -> PathBuf {
        let mut name = String::new();
        for byte in server.to_lowercase().bytes() {
            let plain =
                byte.is_ascii_alphanumeric() || b"-_".contains(&byte) || (byte == b'.' && !name.is_empty());
            name.push_str(&if plain { char::from(byte).to_string() } else { format!("%{byte:02x}") });
        }
        self.folder(StoreScope::User).join(FOLDER).join(format!("{name}.json"))
    }
}

fn members(object: &mut Map<String, Value>, name: &str) -> Map<String, Value> {
    match object.remove(name) {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_servers_secrets_are_its_own_whatever_it_is_called() {
        let dir = tempfile::tempdir().unwrap();
        let (project, user) = (dir.path().join("project"), dir.path().join("user"));
        let store = Store::new(&project, &user, Storage::File);
        let value = |text: &str| StoredSecret::Value(Secret::new(text));
        let command = StoredSecret::Command(SecretCommand { line: "pass show x".into(), ttl: 60 });
        let names = ["files", "My Server", "com.example.me/files", "../files", ".hidden", "ü"];
        for name in names {
            store.put_secret(name, "KEY", value(name)).unwrap();
            store.put_secret(name, "OTHER", command.clone()).unwrap();
        }
        for name in names {
            let all = store.secrets(name).unwrap();
            assert_eq!(all.get("KEY"), Some(&value(name)), "{name}");
            assert_eq!(all.get("OTHER"), Some(&command), "{name}");
        }
        assert_eq!(store.secrets("MY SERVER").unwrap().len(), 2, "names have no case");
        let mut sorted = names.map(str::to_owned);
        sorted.sort();
        assert_eq!(store.secret_servers().unwrap(), sorted);
        assert!(!project.exists() && !dir.path().join("files.json").exists());

        assert!(store.remove_secret("files", Some("KEY")).unwrap());
        assert!(!store.remove_secret("files", Some("KEY")).unwrap());
        assert!(store.remove_secret("files", Some("OTHER")).unwrap(), "the last one takes the file with it");
        assert!(store.remove_secret("My Server", None).unwrap());
        assert_eq!(store.secret_servers().unwrap().len(), 4);
        assert!(store.secrets("files").unwrap().is_empty());
    }

    #[test]
    fn what_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path(), &dir.path().join("user"), Storage::File);
        store.put_secret("s", "KEY", StoredSecret::Value(Secret::new("hunter2"))).unwrap();
        let path = store.secrets_file("s");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(store.secrets("s").is_err());
    }
}
