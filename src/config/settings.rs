//! One look-up for every setting: flag, then process environment, then `.env` files, named or else found, then the
//! user's own. Every value keeps its origin. Not here: what follows from an origin (see `provenance`).

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::catalogue::{Role, is_secret, is_withheld, role};
use crate::config::provider_file::{self, ProviderFile};
use crate::config::{ConfigError, dotenv};
use crate::credential::{NamedValue, Origin};
use crate::secret::Secret;
use crate::sys::private_file::is_exposed;
use crate::sys::{env, found_file, paths, public_file};

/// Where `.env` files are looked for if none is named, the strongest last.
const PLACES: [&str; 3] = [AGENTCORE_ENV, "credentials-provider/oauth/.env", ".env"];
const AGENTCORE_ENV: &str = "credentials-provider/agentcore-auth/.env";
/// The user's own file, in their configuration folder.
const OWN: &str = ".env";
/// The largest file of settings that is read, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// All settings of one run. Its values are never printed: `Debug` shows only names. Cheap to clone.
#[derive(Clone, Default)]
pub struct Settings {
    known: Arc<LookedUp>,
    watch: Option<SettingsTrace>,
}

#[derive(Clone, Default)]
struct LookedUp {
    // Any value may be a secret, and is one from here on.
    flags: BTreeMap<String, Secret>,
    environment: BTreeMap<String, Secret>,
    /// The strongest last.
    files: Vec<EnvFile>,
    /// The folders whose found files are read.
    folders: Vec<PathBuf>,
    /// The scripts' provider files that were found.
    provider_files: Vec<ProviderFile>,
    /// What found files set but must not decide.
    unheeded: Vec<NamedValue>,
    notices: Vec<String>,
    /// The command line, for messages that show how to change it.
    typed: Vec<String>,
    /// Where the project's credentials are, if the folder that we are in does not say.
    project_tokens: Option<PathBuf>,
}

#[derive(Clone)]
struct EnvFile {
    path: PathBuf,
    whose: FileTrust,
    lines: Vec<dotenv::DotenvVariable>,
}

/// Whose choice a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileTrust {
    /// The user's, who named it.
    Named,
    /// The user's: it lies in their configuration folder.
    Own,
    /// Possibly someone else's: it is in the working directory.
    Found,
}

/// Records which settings were looked up and had a value.
#[derive(Clone, Debug, Default)]
pub(super) struct SettingsTrace(Arc<Mutex<Vec<NamedValue>>>);

impl SettingsTrace {
    /// What was looked up.
    pub(super) fn seen(&self) -> Vec<NamedValue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, given: NamedValue) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.contains(&given) {
            seen.push(given);
        }
    }
}

impl Settings {
    /// The process environment, the named files (a later one wins) or else those in the usual places, and the user's
    /// own. `found` are files that count as found wherever they are: mcpauth wrote them into its own command line.
    ///
    /// # Errors
    /// [`ConfigError::EnvFile`] for a named file that cannot be read. An unreadable found file is skipped.
    pub fn load(named: &[PathBuf], found: &[PathBuf]) -> Result<Self, ConfigError> {
        let mut settings = Self::environment();
        let usual = PLACES.map(PathBuf::from);
        let found = match (named, found) {
            ([], []) => usual.as_slice(),
            ([], found) => found,
            _ => &[],
        };
        for path in found {
            settings.read(path, FileTrust::Found)?;
        }
        for path in named {
            settings.read(path, FileTrust::Named)?;
        }
        settings.read_own()?;
        let mut folders: Vec<PathBuf> =
            found.iter().chain(named).map(|path| folder_of(&paths::absolute(path))).collect();
        folders.sort();
        folders.dedup();
        Arc::make_mut(&mut settings.known).folders = folders;
        settings.find_provider_files();
        Ok(settings)
    }

    /// Only the process environment.
    pub fn environment() -> Self {
        let known =
            LookedUp { environment: secrets(env::all()), typed: env::arguments(), ..LookedUp::default() };
        Self { known: Arc::new(known), watch: None }
    }

    /// The variables of this process that no other program may inherit: our clients' secrets, and tokens. `prefixes`
    /// begin the names of clients that are not in the catalogue.
    pub(super) fn withheld(prefixes: &[String]) -> Vec<String> {
        let of_a_client = |name: &str| {
            let mut rests = prefixes.iter().filter_map(|prefix| name.strip_prefix(prefix.as_str()));
            is_secret(name) && rests.any(|rest| rest.starts_with('_'))
        };
        env::names().into_iter().filter(|name| is_withheld(name) || of_a_client(name)).collect()
    }

    /// The same files read again, with the same flags and environment.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn again(&self) -> Result<Self, ConfigError> {
        let old = &self.known;
        let known = LookedUp {
            files: Vec::new(),
            provider_files: Vec::new(),
            unheeded: Vec::new(),
            notices: Vec::new(),
            ..LookedUp::clone(old)
        };
        let mut settings = Self { known: Arc::new(known), watch: None };
        old.files.iter().try_for_each(|file| settings.read(&file.path, file.whose))?;
        settings.find_provider_files();
        Ok(settings)
    }

    /// The `.env` files that were read, the strongest last, absolute.
    pub fn files(&self) -> impl Iterator<Item = (&Path, FileTrust)> {
        self.known.files.iter().map(|file| (file.path.as_path(), file.whose))
    }

    /// The scripts' provider files that were found with them.
    pub(super) fn provider_files(&self) -> &[ProviderFile] {
        &self.known.provider_files
    }

    /// Records another source that decides where secrets are sent.
    pub(super) fn note(&self, given: NamedValue) {
        if let Some(watch) = &self.watch {
            watch.note(given);
        }
    }

    /// Warnings about these files, one line each.
    pub fn notices(&self) -> &[String] {
        &self.known.notices
    }

    /// Where a found file sets something that it must not decide.
    pub fn unheeded(&self) -> &[NamedValue] {
        &self.known.unheeded
    }

    /// The command line without the program's name.
    pub(super) fn typed(&self) -> &[String] {
        &self.known.typed
    }

    /// Settings from only these values, for `demo`.
    pub fn of(values: impl IntoIterator<Item = (String, String)>) -> Self {
        let known = LookedUp { environment: secrets(values), ..LookedUp::default() };
        Self { known: Arc::new(known), watch: None }
    }

    /// The same settings; whatever is looked up in them is recorded.
    pub(super) fn watched(&self) -> (Self, SettingsTrace) {
        let watch = SettingsTrace::default();
        (Self { known: self.known.clone(), watch: Some(watch.clone()) }, watch)
    }

    /// Sets a setting on behalf of a flag; it takes precedence over everything else.
    pub fn flag(&mut self, name: impl Into<String>, value: impl Into<Secret>) {
        Arc::make_mut(&mut self.known).flags.insert(name.into(), value.into());
    }

    /// Says where the project's credentials are. Unlike `MCPAUTH_TOKENS_DIR`, this does not move the user's own, and
    /// it is no more trusted than the project.
    pub fn set_project_tokens(&mut self, dir: &Path) {
        Arc::make_mut(&mut self.known).project_tokens = Some(paths::absolute(dir));
    }

    /// Where the project's credentials are, if that was said.
    pub(super) fn project_tokens(&self) -> Option<&Path> {
        self.known.project_tokens.as_deref()
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
        self.look_up(name).map(|(value, _)| value.clone())
    }

    /// A switch: `1`, `true`, `yes` or `on`.
    pub fn on(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on"))
    }

    /// A setting's value and where it came from.
    pub fn find(&self, name: &str) -> Option<(&str, Origin)> {
        self.look_up(name).map(|(value, origin)| (value.expose(), origin))
    }

    fn look_up(&self, name: &str) -> Option<(&Secret, Origin)> {
        let found = self.known.find(name);
        if let (Some(watch), Some((_, origin))) = (&self.watch, &found) {
            watch.note(NamedValue::new(name, origin.clone()));
        }
        found
    }

    /// A setting by its name and origin, if it has a value.
    pub fn given(&self, name: &str) -> Option<NamedValue> {
        self.find(name).map(|(_, origin)| NamedValue::new(name, origin))
    }

    /// Lines in files that another source overrides: a variable's name, and where the line is.
    pub fn overruled(&self) -> Vec<(&str, Origin)> {
        let lines = self.known.files.iter().flat_map(|file| file.lines.iter().map(move |line| (file, line)));
        lines
            .filter(|(_, line)| !line.value.is_empty() && self.get(&line.key) != Some(line.value.expose()))
            .map(|(file, line)| (line.key.as_str(), file.origin(line.number)))
            .collect()
    }

    /// The files with secrets that others can read.
    pub fn exposed(&self) -> impl Iterator<Item = &Path> {
        let secret =
            |file: &&EnvFile| file.lines.iter().any(|line| is_secret(&line.key) && !line.value.is_empty());
        self.known.files.iter().filter(secret).map(|file| file.path.as_path()).filter(|path| is_exposed(path))
    }

    /// Whether a value comes from the registry's scripts' file for AgentCore. Its identity provider may be another
    /// one, and must not receive the ingress client's secret.
    pub(super) fn is_agentcores_own(&self, name: &str) -> bool {
        self.known
            .find(name)
            .is_some_and(|(_, from)| from.file().is_some_and(|path| path.ends_with(AGENTCORE_ENV)))
    }

    /// Every name that has a value.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let files = self.known.files.iter().flat_map(|file| file.lines.iter().map(|line| line.key.as_str()));
        self.known.flags.keys().chain(self.known.environment.keys()).map(String::as_str).chain(files)
    }

    /// Adds a file; it takes precedence over those before it.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn read(&mut self, path: &Path, whose: FileTrust) -> Result<(), ConfigError> {
        let bytes = match whose {
            FileTrust::Named => Some(public_file::read_named(path, MAX_FILE_BYTES).map_err(|error| {
                ConfigError::EnvFile { path: path.display().to_string(), cause: error.to_string() }
            })?),
            // A folder with this name is a Python environment and not meant for us.
            FileTrust::Own | FileTrust::Found if path.is_dir() || path.symlink_metadata().is_err() => None,
            FileTrust::Own | FileTrust::Found => self.fit(path, whose),
        };
        if let Some(bytes) = bytes {
            self.take(&paths::absolute(path), whose, bytes);
        }
        Ok(())
    }

    /// Reads the scripts' provider file in each folder. An unusable one is reported and skipped.
    fn find_provider_files(&mut self) {
        for folder in self.known.folders.clone() {
            let path = folder.join(provider_file::PLACE);
            if path.symlink_metadata().is_err() {
                continue;
            }
            let read = found_file::read(&path, Some(&folder), MAX_FILE_BYTES)
                .map_err(|unfit| format!("{unfit}; {}", unfit.hint(&path, "--providers-file")))
                .and_then(|bytes| ProviderFile::parse(&path, true, bytes));
            match read {
                Ok(file) => Arc::make_mut(&mut self.known).provider_files.push(file),
                Err(reason) => self.notice(format!("{} is ignored: {reason}", path.display())),
            }
        }
    }

    /// The user's own file is the weakest.
    fn read_own(&mut self) -> Result<(), ConfigError> {
        let named = self.get("MCPAUTH_CONFIG_DIR").map(|dir| paths::absolute(Path::new(dir)));
        let Some(path) = named.or_else(paths::config_dir).map(|dir| dir.join(OWN)) else { return Ok(()) };
        if self.files().any(|(known, whose)| known == path && whose == FileTrust::Named) {
            return Ok(());
        }
        self.read(&path, FileTrust::Own)?;
        let files = &mut Arc::make_mut(&mut self.known).files;
        // In the user's configuration folder, their own file is also the one that is found.
        files.retain(|file| file.whose == FileTrust::Own || file.path != path);
        if files.last().is_some_and(|file| file.whose == FileTrust::Own) {
            files.rotate_right(1);
        }
        Ok(())
    }

    /// The content of a found file, if it may be used.
    fn fit(&mut self, path: &Path, whose: FileTrust) -> Option<Vec<u8>> {
        let path = paths::absolute(path);
        let within = (whose == FileTrust::Found).then(|| folder_of(&path));
        match found_file::read(&path, within.as_deref(), MAX_FILE_BYTES) {
            Ok(bytes) => Some(bytes),
            Err(unfit) => {
                self.notice(format!(
                    "{} is ignored: {unfit}; {}",
                    path.display(),
                    unfit.hint(&path, "--env-file")
                ));
                None
            }
        }
    }

    fn take(&mut self, path: &Path, whose: FileTrust, bytes: Vec<u8>) {
        let dotenv::Parsed { mut lines, passed_over, is_damaged } = dotenv::parse(bytes);
        if !passed_over.is_empty() {
            let places: Vec<String> =
                passed_over.iter().map(|line| format!("{}:{line}", path.display())).collect();
            let text =
                if is_damaged { "KEY=VALUE in UTF-8 (the file is not UTF-8 text)" } else { "KEY=VALUE" };
            self.notice(format!("ignored, because it is not {text}: {}", places.join(", ")));
        }
        if whose == FileTrust::Found {
            let folder = folder_of(path);
            let (kept, withheld) = lines.into_iter().partition(|line| may_say(line, &folder));
            lines = kept;
            self.withhold(path, withheld);
        }
        Arc::make_mut(&mut self.known).files.push(EnvFile { path: path.into(), whose, lines });
    }

    /// Each name is reported once, for the line that would have applied.
    fn withhold(&mut self, path: &Path, lines: Vec<dotenv::DotenvVariable>) {
        let last: BTreeMap<String, usize> = lines.into_iter().map(|line| (line.key, line.number)).collect();
        for (name, number) in last {
            let given = NamedValue::new(name, Origin::Found(path.into(), number));
            self.notice(format!(
                "{} in {} is ignored: it is a setting of this machine, and that file was only found here; set it in the \
                 environment, or name the file: --env-file {}",
                given.name,
                given.origin,
                path.display()
            ));
            Arc::make_mut(&mut self.known).unheeded.push(given);
        }
    }

    fn notice(&mut self, text: String) {
        Arc::make_mut(&mut self.known).notices.push(text);
    }
}

fn secrets(values: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, Secret> {
    values.into_iter().map(|(name, value)| (name, Secret::new(value))).collect()
}

impl LookedUp {
    fn find(&self, name: &str) -> Option<(&Secret, Origin)> {
        let full = |value: &&Secret| !value.is_empty();
        if let Some(value) = self.flags.get(name).filter(full) {
            return Some((value, Origin::Flag));
        }
        if let Some(value) = self.environment.get(name).filter(full) {
            return Some((value, Origin::Environment));
        }
        self.files.iter().rev().find_map(|file| {
            let line = file.lines.iter().rfind(|line| line.key == name && !line.value.is_empty())?;
            Some((&line.value, file.origin(line.number)))
        })
    }
}

impl EnvFile {
    fn origin(&self, line: usize) -> Origin {
        match self.whose {
            FileTrust::Named => Origin::Named(self.path.clone(), line),
            FileTrust::Own => Origin::Own(self.path.clone(), line),
            FileTrust::Found => Origin::Found(self.path.clone(), line),
        }
    }
}

/// The folder that a found file belongs to: the one that contains its usual location.
pub(super) fn folder_of(path: &Path) -> PathBuf {
    let place = PLACES.iter().find(|place| path.ends_with(place));
    let depth = place.map_or(1, |place| Path::new(place).components().count());
    path.ancestors().nth(depth).unwrap_or(path).to_owned()
}

/// Whether a found file may set this.
fn may_say(line: &dotenv::DotenvVariable, folder: &Path) -> bool {
    match role(&line.key) {
        Role::Plain | Role::Place => true,
        Role::Inside => line.value.is_empty() || paths::is_inside(Path::new(line.value.expose()), folder),
        Role::Machine => line.value.is_empty(),
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests;
