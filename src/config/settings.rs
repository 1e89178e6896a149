//! One look-up for every setting: flag, then process environment, then `.env` files. It leaves defaults and meaning to
//! whoever asks.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::config::catalogue::{is_secret, is_withheld};
use crate::config::{ConfigError, dotenv};
use crate::secret::Secret;
use crate::sys::private_file::is_exposed;
use crate::sys::{env, paths};

/// Where `.env` files are looked for when none is named, the strongest last.
const PLACES: [&str; 3] = [AGENTCORE_ENV, "credentials-provider/oauth/.env", ".env"];
const AGENTCORE_ENV: &str = "credentials-provider/agentcore-auth/.env";

/// All settings of one run. Its values are never printed: `Debug` shows names alone.
#[derive(Clone, Default)]
pub struct Settings {
    flags: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
    files: Vec<EnvFile>,
}

#[derive(Clone)]
struct EnvFile {
    path: PathBuf,
    lines: Vec<dotenv::Line>,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flag,
    /// The process environment.
    Environment,
    /// A line of a file.
    File(PathBuf, usize),
}

impl Settings {
    /// The process environment, and the named files (a later one wins) or else those at the usual places.
    ///
    /// # Errors
    /// [`ConfigError::Line`] for a bad line, [`ConfigError::EnvFile`] for a named file that cannot be read.
    pub fn load(files: &[PathBuf]) -> Result<Self, ConfigError> {
        let mut settings = Self::environment();
        for path in files {
            settings.read(path)?;
        }
        if files.is_empty() {
            for place in PLACES.map(Path::new).into_iter().filter(|place| place.is_file()) {
                settings.read(place)?;
            }
        }
        Ok(settings)
    }

    /// The process environment alone.
    pub fn environment() -> Self {
        Self { environment: env::all(), ..Self::default() }
    }

    /// The variables of this process that no other program is to inherit: our clients' secrets, and tokens.
    pub fn withheld() -> Vec<String> {
        env::names().into_iter().filter(|name| is_withheld(name)).collect()
    }

    /// The same files read again, with the same flags and environment.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn again(&self) -> Result<Self, ConfigError> {
        let mut settings =
            Self { flags: self.flags.clone(), environment: self.environment.clone(), ..Self::default() };
        self.files().try_for_each(|path| settings.read(path))?;
        Ok(settings)
    }

    /// The `.env` files that were read, the strongest last, absolute.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|file| file.path.as_path())
    }

    /// Settings from nothing but these values, for `demo`.
    pub fn of(values: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { environment: values.into_iter().collect(), ..Self::default() }
    }

    /// Gives a setting on behalf of a flag; it wins over everything else.
    pub fn flag(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.flags.insert(name.into(), value.into());
    }

    /// A setting's value; an empty one counts as absent at every level.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.find(name).map(|(value, _)| value)
    }

    /// The first of several settings that has a value.
    pub fn first(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name))
    }

    /// A setting that is a secret.
    pub fn secret(&self, name: &str) -> Option<Secret> {
        self.get(name).map(Secret::new)
    }

    /// A switch: `1`, `true`, `yes` or `on`.
    pub fn on(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on"))
    }

    /// A setting's value and where it came from.
    pub fn find(&self, name: &str) -> Option<(&str, Origin)> {
        let full = |value: &&String| !value.is_empty();
        if let Some(value) = self.flags.get(name).filter(full) {
            return Some((value, Origin::Flag));
        }
        if let Some(value) = self.environment.get(name).filter(full) {
            return Some((value, Origin::Environment));
        }
        self.files.iter().rev().find_map(|file| {
            let line = file.lines.iter().rfind(|line| line.key == name && !line.value.is_empty())?;
            Some((line.value.as_str(), Origin::File(file.path.clone(), line.number)))
        })
    }

    /// The lines of files whose value is another one than that in force: a variable's name, and where the line is.
    pub fn overruled(&self) -> Vec<(&str, Origin)> {
        let lines = self.files.iter().flat_map(|file| file.lines.iter().map(move |line| (file, line)));
        lines
            .filter(|(_, line)| !line.value.is_empty() && self.get(&line.key) != Some(line.value.as_str()))
            .map(|(file, line)| (line.key.as_str(), Origin::File(file.path.clone(), line.number)))
            .collect()
    }

    /// The files with a secret in them that others can read.
    pub fn exposed(&self) -> impl Iterator<Item = &Path> {
        let secret =
            |file: &&EnvFile| file.lines.iter().any(|line| is_secret(&line.key) && !line.value.is_empty());
        self.files.iter().filter(secret).map(|file| file.path.as_path()).filter(|path| is_exposed(path))
    }

    /// Whether a value comes from the file that the reference keeps for AgentCore alone. Its identity provider may be
    /// another one, and must not be sent the ingress client's secret.
    pub(super) fn is_agentcores_own(&self, name: &str) -> bool {
        matches!(self.find(name), Some((_, Origin::File(path, _))) if path.ends_with(AGENTCORE_ENV))
    }

    /// Every name that has a value.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let files = self.files.iter().flat_map(|file| file.lines.iter().map(|line| line.key.as_str()));
        self.flags.keys().chain(self.environment.keys()).map(String::as_str).chain(files)
    }

    /// Adds a file; it wins over those before it.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn read(&mut self, path: &Path) -> Result<(), ConfigError> {
        let unreadable = |e: std::io::Error| ConfigError::EnvFile {
            path: path.display().to_string(),
            cause: e.to_string(),
        };
        let bytes = std::fs::read(path).map_err(unreadable)?;
        let text = String::from_utf8(bytes).map_err(|_| ConfigError::EnvFile {
            path: path.display().to_string(),
            cause: "not UTF-8 text".into(),
        })?;
        self.files.push(EnvFile { path: paths::absolute(path), lines: dotenv::parse(path, &text)? });
        Ok(())
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Environment => f.write_str("environment"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_beats_the_environment_beats_a_later_file_beats_an_earlier_one() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            crate::sys::private_file::write(&path, text).map(|()| path)
        };
        let mut settings =
            Settings::of([("A".to_owned(), "environment".to_owned()), ("E".to_owned(), String::new())]);
        settings.read(&file("one", "A=one\nB=one\nC=one\nE=one").unwrap()).unwrap();
        settings.read(&file("two", "B=two\nC=").unwrap()).unwrap();
        settings.flag("F", "flag");
        assert_eq!(settings.get("A"), Some("environment"));
        assert_eq!(settings.get("B"), Some("two"));
        assert_eq!(settings.get("C"), Some("one"), "an empty value does not hide one");
        assert_eq!(settings.get("E"), Some("one"));
        assert_eq!(settings.find("F"), Some(("flag", Origin::Flag)));
        assert_eq!(
            settings.find("B").unwrap().1.to_string(),
            format!("{}:1", dir.path().join("two").display())
        );
        assert_eq!(settings.get("D"), None);
        let overruled: Vec<_> = settings.overruled().into_iter().map(|(name, _)| name).collect();
        assert_eq!(overruled, ["A", "B"]);
        assert!(settings.files().map(|path| path.file_name().unwrap()).eq(["one", "two"]));
        assert!(!format!("{settings:?}").contains("environment"));
    }
}
