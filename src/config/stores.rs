//! Where credentials are kept: the project's with the project, the user's own in their data folder, or all of them in
//! one folder that the user names. Not here: reading and writing them (see `store`).

use std::path::{Path, PathBuf};

use super::{Config, Settings};
use crate::credential::StoreScope;
use crate::sys::paths;

/// The project's folder.
const PROJECT: &str = ".oauth-tokens";
/// The user's own, in their data folder.
const USER: &str = "credentials";

impl Settings {
    /// The project's folder and the user's own. A file that was only found here cannot move the latter: what is in there is
    /// trusted.
    pub(super) fn token_folders(&self) -> (PathBuf, PathBuf) {
        let settings = self;
        let named = settings
            .find("MCPAUTH_TOKENS_DIR")
            .map(|(dir, origin)| (paths::absolute(Path::new(dir)), origin));
        let project = match named {
            Some((dir, origin)) if !origin.is_found() => return (dir.clone(), dir),
            Some((dir, _)) => Some(dir),
            None => None,
        };
        let said = settings.project_tokens().map(Path::to_owned);
        let project = said.or(project).unwrap_or_else(|| paths::absolute(Path::new(PROJECT)));
        let data = settings.get("MCPAUTH_DATA_DIR").map(|dir| paths::absolute(Path::new(dir)));
        let user = data.or_else(paths::data_dir).map_or_else(|| project.clone(), |dir| dir.join(USER));
        (project, user)
    }
}

impl Config {
    /// Whether all credentials are in one folder.
    pub fn is_one_store(&self) -> bool {
        self.tokens_dir == self.user_tokens_dir
    }

    /// The folder of a store.
    pub fn folder(&self, scope: StoreScope) -> &Path {
        match scope {
            StoreScope::Project => &self.tokens_dir,
            StoreScope::User => &self.user_tokens_dir,
        }
    }

    /// The store of what a person gets for themselves.
    pub fn own_scope(&self) -> StoreScope {
        if self.is_one_store() { StoreScope::Project } else { StoreScope::User }
    }

    /// The store of a file of credentials.
    pub fn scope_of(&self, path: &Path) -> StoreScope {
        let is_users = !self.is_one_store() && path.starts_with(&self.user_tokens_dir);
        if is_users { StoreScope::User } else { StoreScope::Project }
    }

    /// Whether commands in the user's own store count. They do not where that is a project's folder that nobody named.
    pub fn trusts_commands(&self) -> bool {
        let is_named = self.settings.find("MCPAUTH_TOKENS_DIR").is_some_and(|(_, origin)| !origin.is_found());
        is_named || !self.is_one_store()
    }

    /// The folders of both stores, without repeating one.
    pub fn folders(&self) -> Vec<&Path> {
        let mut folders = vec![self.tokens_dir.as_path(), self.user_tokens_dir.as_path()];
        folders.dedup();
        folders
    }

    /// Where the files of this machine's services are: with the project if it has credentials, else with the user's.
    pub fn service_dir(&self) -> &Path {
        if self.tokens_dir.is_dir() { &self.tokens_dir } else { &self.user_tokens_dir }
    }
}
