//! Turns credentials into an MCP client's configuration, and puts it where the client looks. Not here: getting and
//! storing credentials (see `flow` and `store`): they are written as given.

mod auth_mode;
pub mod client_entry;
pub mod entries;
pub mod install;
pub mod layout;
pub mod merge;
pub mod ownership;
pub mod parts;
pub mod places;
pub mod remote;
mod shell;
pub mod targets;
pub mod template;

use std::path::{Path, PathBuf};

use thiserror::Error;

pub use auth_mode::AuthMode;
pub use client_entry::{ClientEntry, LaunchContext, LocalProxy, client_entries};
pub use entries::{
    CredentialPlace, EgressToken, GatewayIdentity, PlainHttp, ServerEntry, behind_gateway, entries, entry_at,
    variable,
};
pub use install::{Destination, DryRun, Installed, backup_of, forget, install, lock, read_file, write_local};
pub use layout::Layout;
pub use merge::{
    Change, ChangeKind, EntryClaims, InputDefault, MergeError, NewEntry, ReachedAddress, defaults, entry_in,
    meaning, overlaid, rewrite, with_defaults,
};
pub use ownership::{InstallRecord, records};
pub use parts::EntryParts;
pub use places::Folders;
pub use remote::RemoteCommand;
pub(crate) use shell::line as shell_line;
pub use targets::{ClientSpec, Format, Shape, TARGETS};
pub use template::{Rendered, render};

use crate::sys::private_file::FileError;

/// Why there is no configuration.
#[derive(Debug, Error)]
pub enum RenderError {
    /// An invalid header. The value is not shown.
    #[error("server {server}: header {header} {reason}")]
    Header {
        /// The server's name.
        server: String,
        /// The header's name.
        header: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A token would cross the network unencrypted.
    #[error("server {server} would be sent tokens over plain http to {host}")]
    Plain {
        /// The server's name.
        server: String,
        /// The gateway's host.
        host: String,
    },
    /// Not an address that a client could use.
    #[error("server {server}: its URL cannot be used: {reason}")]
    Url {
        /// The server's name.
        server: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Two headers would use one variable.
    #[error("server {server}: another server has the variable {variable}")]
    SameVariable {
        /// The later server's name.
        server: String,
        /// The variable.
        variable: String,
    },
    /// The client would not read what the user has any more.
    #[error("{} is what the client reads; a new {} would take precedence", older.display(), path.display())]
    Hides {
        /// The file that would be new.
        path: PathBuf,
        /// The older one next to it.
        older: PathBuf,
    },
    /// A file that a setting names.
    #[error("{path}: {reason}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        reason: String,
    },
    /// A template that fails.
    #[error("{file}:{line}: {reason}")]
    Template {
        /// The template's file, or the built-in's name.
        file: String,
        /// The line in it.
        line: usize,
        /// The cause.
        reason: String,
    },
    /// A template whose output is not a configuration.
    #[error("{file}: the rendered text {reason}")]
    Shape {
        /// The template's file, or the built-in's name.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The client's file, which stays unchanged.
    #[error("{path} {source}", path = path.display())]
    Merge {
        /// The client's file.
        path: PathBuf,
        /// The cause.
        source: MergeError,
    },
    /// A file of ours.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The headers of every [`GatewayIdentity`].
const IDENTITY: [&str; 6] =
    ["X-Authorization", "X-User-Pool-Id", "X-Client-Id", "X-Region", "X-Keycloak-Realm", "X-Keycloak-URL"];

impl RenderError {
    /// The remedy.
    pub fn hint(&self) -> String {
        match self {
            Self::Hides { path, older } => format!(
                "convert it to {} first (https://docs.continue.dev/reference/yaml-migration); or, if you no longer need it: mv {older} \
                 {older}.old",
                path.display(),
                older = older.display()
            ),
            Self::Header { header, .. } if IDENTITY.contains(&header.as_str()) => {
                "get the gateway's token again: mcpauth ingress --force".into()
            }
            Self::Header { .. } => {
                "log in to the server again: mcpauth login URL --force, or behind a gateway: mcpauth egress --force".into()
            }
            Self::Plain { .. } => {
                "use an https gateway address, or allow plain http with --allow-http".into()
            }
            Self::Url { .. } => "check REGISTRY_URL and the server's name".into(),
            Self::SameVariable { .. } => "rename one of the servers, or use --auth-mode bridge".into(),
            Self::Unreadable { path, .. } => format!("correct {}, or move it away", path.display()),
            Self::Template { file, .. } | Self::Shape { file, .. } => {
                format!("correct {file}; without it the built-in template is used")
            }
            Self::Merge { path, source } => source.hint(path),
            Self::File(e) => e.hint(),
        }
    }
}

fn unreadable(path: &Path, reason: &dyn ToString) -> RenderError {
    RenderError::Unreadable { path: path.into(), reason: reason.to_string() }
}
