//! Provenance: which source may decide where a secret is sent. A file that was found only because of the working
//! directory may be someone else's: it may say where its own secrets go, and nothing about others. Not here: where
//! values come from (see `settings`).

use std::path::Path;

use crate::config::catalogue::{Role, is_secret, role};
use crate::config::settings::folder_of;
use crate::config::{Config, ConfigError, FileTrust, NamedValue, Origin, Settings};
use crate::credential::Credential;
use crate::sys::paths;
use crate::text::{path_word, word};

impl Config {
    /// A credential, if every source that decides where its secret is sent may do so. Every setting looked up while
    /// it is made counts: a destination is as trustworthy as the least trustworthy of its sources.
    ///
    /// # Errors
    /// [`ConfigError::Provenance`], and the errors of `make`.
    pub(super) fn vouched(
        &self,
        make: impl FnOnce(&Self) -> Result<Credential, ConfigError>,
    ) -> Result<Credential, ConfigError> {
        let (settings, watch) = self.settings.watched();
        let made = make(&Self { settings, ..self.clone() })?;
        let seen = watch.seen();
        let owner = self.owner(&made, &seen);
        if let Some(place) = seen.iter().find(|given| is_found_place(given)) {
            self.may_go(&owner, place)?;
        }
        Ok(Credential { owner, ..made })
    }

    /// Whether a secret may be sent where `place` says.
    ///
    /// # Errors
    /// [`ConfigError::Provenance`].
    pub fn may_go(&self, secret: &NamedValue, place: &NamedValue) -> Result<(), ConfigError> {
        self.may_go_by(secret, place, None)
    }

    /// The same for a source other than an `.env` file: `naming` are the flags that name it, after `command`.
    ///
    /// # Errors
    /// [`ConfigError::Provenance`].
    pub fn may_go_by(
        &self,
        secret: &NamedValue,
        place: &NamedValue,
        naming: Option<String>,
    ) -> Result<(), ConfigError> {
        if secret.origin.is_found() || !place.origin.is_found() {
            return Ok(());
        }
        let command = naming.unwrap_or_else(|| naming_files(&self.settings, self.typed()));
        Err(ConfigError::Provenance {
            secret: Box::new(secret.clone()),
            place: Box::new(place.clone()),
            command,
        })
    }

    /// The command line as typed, quoted for a shell, without the program's name.
    pub fn typed(&self) -> Vec<String> {
        self.settings.typed().iter().map(|typed| word(typed)).collect()
    }

    /// The provenance of a stored token. Its file records where the secret came from that it was obtained with; `by`
    /// applies if the file does not say.
    pub fn owner_of_token(
        &self,
        path: &Path,
        remembered: Option<&str>,
        by: Option<&NamedValue>,
    ) -> NamedValue {
        let name = path
            .file_name()
            .map_or_else(String::new, |name| format!("the token in {}", name.to_string_lossy()));
        let found = |word: &str| {
            let mut files = self.settings.files();
            files.any(|(file, whose)| whose == FileTrust::Found && file == Path::new(word))
        };
        let origin = match (remembered, by) {
            (Some(word), _) if found(word) => Origin::Found(word.into(), 0),
            (None, Some(owner)) if lies_with(path, &owner.origin) => owner.origin.clone(),
            _ => Origin::Kept(path.into()),
        };
        NamedValue::new(name, origin)
    }

    /// The user's secret if one was looked up; for a client without a secret, its id.
    fn owner(&self, made: &Credential, seen: &[NamedValue]) -> NamedValue {
        let secrets: Vec<NamedValue> = seen.iter().filter_map(|given| self.secret(given)).collect();
        let own = (!made.owner.name.is_empty()).then(|| made.owner.clone());
        let id = || seen.iter().find(|given| given.name.contains("CLIENT_ID")).cloned();
        let users = secrets.iter().find(|given| !given.origin.is_found()).or(secrets.first()).cloned();
        own.or(users).or_else(id).unwrap_or_default()
    }

    /// A setting that is a secret, or names a file with one: a file outside the folder does not belong to that
    /// folder.
    fn secret(&self, given: &NamedValue) -> Option<NamedValue> {
        if is_secret(&given.name) {
            return Some(given.clone());
        }
        if !given.name.contains("PRIVATE_KEY_FILE") {
            return None;
        }
        let Origin::Found(file, _) = &given.origin else { return Some(given.clone()) };
        let key = paths::absolute(Path::new(self.settings.get(&given.name)?));
        let inside = paths::is_inside(&key, &folder_of(file));
        Some(if inside { given.clone() } else { NamedValue::new(&given.name, Origin::Kept(key)) })
    }
}

/// Whether a token can come from an origin: a token made from a found file is stored in that file's folder.
fn lies_with(path: &Path, origin: &Origin) -> bool {
    let Origin::Found(file, _) = origin else { return true };
    paths::is_inside(path, &folder_of(file))
}

fn is_found_place(given: &NamedValue) -> bool {
    given.origin.is_found() && role(&given.name) == Role::Place
}

/// The command as typed, with every found file named: all of them, because naming one excludes the others.
fn naming_files(settings: &Settings, typed: Vec<String>) -> String {
    let found = settings.files().filter(|(_, whose)| *whose == FileTrust::Found);
    let files = found.flat_map(|(path, _)| ["--env-file".to_owned(), path_word(path)]);
    let providers = settings
        .provider_files()
        .iter()
        .flat_map(|file| ["--providers-file".to_owned(), path_word(&file.path)]);
    let files = files.chain(providers);
    let words: Vec<String> = std::iter::once("mcpauth".to_owned()).chain(files).chain(typed).collect();
    words.join(" ")
}
