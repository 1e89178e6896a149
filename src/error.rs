//! How a run can end: one variant per module's error, its exit code, and the next command. Not here: printing (see
//! `cli::out`).

use thiserror::Error;

use crate::client::ClientError;
use crate::config::ConfigError;
use crate::flow::FlowError;
use crate::oauth::ReplyError;
use crate::render::RenderError;
use crate::store::StoreError;
use crate::sys::http::HttpError;
use crate::sys::private_file::FileError;
use crate::sys::signal::Stop;
use crate::vault::VaultError;

/// How a run ended, for the shell: `docs/reference/exit-codes.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Success.
    Done = 0,
    /// Other errors.
    Other = 1,
    /// A bad flag, a missing variable, an unknown name.
    Usage = 2,
    /// Partly failed.
    Partial = 3,
    /// A login is needed, or was denied.
    Login = 4,
    /// Network, TLS, timeout, 5xx: try again.
    Network = 5,
    /// The MCP server answered with an error.
    Server = 6,
    /// A check failed.
    Found = 7,
    /// The command of `exec` was found and cannot be run.
    NotExecutable = 126,
    /// The command of `exec` was not found.
    NotFound = 127,
    /// Ctrl-C.
    Interrupted = 130,
    /// SIGTERM.
    Terminated = 143,
}

impl Exit {
    /// That of several, if they have one; 3 if they differ.
    pub fn of_all(mut exits: impl Iterator<Item = Self>) -> Self {
        let Some(first) = exits.next() else { return Self::Done };
        if exits.all(|exit| exit == first) { first } else { Self::Partial }
    }
}

impl From<Stop> for Exit {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Interrupt => Self::Interrupted,
            Stop::Terminate => Self::Terminated,
        }
    }
}

/// An error that ends a verb.
#[derive(Debug, Error)]
pub enum Error {
    /// Settings.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// Tokens.
    #[error("{0}")]
    Vault(#[from] VaultError),
    /// A token that the gateway does not make.
    #[error("{0}")]
    Exchange(FlowError),
    /// Client configurations.
    #[error("{0}")]
    Render(#[from] RenderError),
    /// Files.
    #[error("{0}")]
    File(#[from] FileError),
    /// An MCP server's error.
    #[error("{source}")]
    Mcp {
        /// The server's message.
        source: Box<ClientError>,
        /// The advice.
        hint: String,
    },
    /// An invalid command line.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// The advice.
        hint: String,
    },
    /// A question without a terminal to ask it on.
    #[error("{what} is needed, and there is no terminal to ask on")]
    NoTerminal {
        /// What is missing.
        what: &'static str,
        /// The flag that answers it.
        flag: &'static str,
    },
    /// A command that cannot be started.
    #[error("cannot start {program}: {source}")]
    Start {
        /// What was to run.
        program: String,
        /// The system's error.
        source: std::io::Error,
    },
    /// Another process is already doing it.
    #[error("{message}")]
    Running {
        /// What is running, and where.
        message: String,
        /// The advice.
        hint: String,
    },
    /// Output that was lost.
    #[error("output was lost: {cause}")]
    Lost {
        /// The system's error.
        cause: String,
    },
    /// Ctrl-C at a question.
    #[error("interrupted")]
    Interrupted,
    /// Something that the user was told already: a signal, or an error with a command of its own.
    #[error("interrupted")]
    Told(Exit),
    /// The system's error.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl Error {
    /// Whether a login by a person would mend it.
    pub fn needs_person(&self) -> bool {
        matches!(
            self,
            Self::Vault(
                VaultError::NeedsPerson { .. }
                    | VaultError::ClientForgotten { .. }
                    | VaultError::Refused { .. }
            )
        )
    }

    /// A stable identifier for `--json`.
    pub fn code(&self) -> &'static str {
        if let Self::Vault(VaultError::Flow(FlowError::Reply { reply, .. }))
        | Self::Exchange(FlowError::Reply { reply, .. }) = self
            && reply.is_no()
            && !matches!(reply, ReplyError::TokenType(_))
        {
            return "refused";
        }
        if let Self::Mcp { source, .. } = self
            && matches!(**source, ClientError::Forbidden(_))
        {
            return "refused";
        }
        match self.exit() {
            Exit::Usage => "configuration",
            Exit::Login => "login_required",
            Exit::Network => "network",
            Exit::Server => "server_error",
            Exit::Interrupted => "interrupted",
            _ => "other",
        }
    }

    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Config(_) | Self::Usage { .. } | Self::NoTerminal { .. } => Exit::Usage,
            Self::Vault(
                VaultError::NeedsPerson { .. }
                | VaultError::ClientForgotten { .. }
                | VaultError::Refused { .. }
                | VaultError::NeedsKey { .. }
                | VaultError::Command(_),
            ) => Exit::Login,
            Self::Vault(VaultError::Flow(error)) | Self::Exchange(error) => flow_exit(error),
            Self::Vault(VaultError::Store(error)) => store_exit(error),
            Self::File(error) => file_exit(error),
            Self::Render(RenderError::File(error)) => file_exit(error),
            Self::Render(RenderError::Header { .. })
            | Self::Running { .. }
            | Self::Io(_)
            | Self::Lost { .. } => Exit::Other,
            Self::Render(_) => Exit::Usage,
            Self::Mcp { source, .. } => mcp_exit(source),
            Self::Start { source, .. } if source.kind() == std::io::ErrorKind::NotFound => Exit::NotFound,
            Self::Start { .. } => Exit::NotExecutable,
            Self::Interrupted => Exit::Interrupted,
            Self::Told(exit) => *exit,
        }
    }

    /// The advice. `command` runs only the part that failed.
    pub fn hint(&self, command: &str) -> String {
        match self {
            Self::Config(error) => error.hint(),
            Self::Usage { hint, .. } | Self::Mcp { hint, .. } | Self::Running { hint, .. } => hint.clone(),
            Self::NoTerminal { flag, .. } => format!("give it with {flag}"),
            Self::Vault(VaultError::NeedsPerson { .. } | VaultError::ClientForgotten { .. }) => {
                format!("run: {command} --browser (or --no-browser, to open the address yourself)")
            }
            Self::Vault(VaultError::NeedsKey { .. }) => format!("run: {command}"),
            Self::Vault(VaultError::Command(_)) => {
                "run the command yourself to see why; mcpauth secret list, or status, shows which it is"
                    .into()
            }
            // Without it the login would reuse the token.
            Self::Vault(VaultError::Refused { .. }) => {
                let login =
                    format!("{command} --force --browser (or --no-browser, to open the address yourself)");
                format!("run: {login}{REJECTED_AGAIN}")
            }
            Self::Vault(VaultError::Flow(error)) => flow(error, command).1,
            Self::Exchange(error) => exchange_hint(error),
            Self::Vault(VaultError::Store(error)) => store_hint(error, command),
            Self::File(error) => error.hint(),
            Self::Render(error) => error.hint(),
            Self::Start { program, .. } => format!("check the command's name and mode: {program}"),
            Self::Lost { .. } => "make room for stdout, and run it again".into(),
            Self::Io(error) if is_full(error) => "make room on that disk, and run it again".into(),
            Self::Interrupted | Self::Told(_) | Self::Io(_) => format!("run it again: {command}"),
        }
    }
}

/// The exit code of a flow's failure.
pub(crate) fn flow_exit(error: &FlowError) -> Exit {
    flow(error, "").0
}

fn mcp_exit(error: &ClientError) -> Exit {
    match error {
        ClientError::Http(HttpError::Plain { .. } | HttpError::Forbidden { .. })
        | ClientError::NotFound { .. } => Exit::Usage,
        ClientError::Http(_) | ClientError::Unavailable { .. } | ClientError::Unfinished { .. } => {
            Exit::Network
        }
        ClientError::Unauthorized(_) | ClientError::Forbidden(_) => Exit::Login,
        ClientError::Rpc { .. }
        | ClientError::Tool(_)
        | ClientError::NotMcp { .. }
        | ClientError::Elsewhere { .. }
        | ClientError::Version(_)
        | ClientError::Input => Exit::Server,
    }
}

/// The exit code of a flow's failure, and the advice; `command` runs only what failed.
fn flow(error: &FlowError, command: &str) -> (Exit, String) {
    use Exit::{Login, Network, Usage};
    match error {
        FlowError::Http(HttpError::Plain { .. }) => (Usage, "use https, or allow plain http with --allow-http".into()),
        FlowError::Http(HttpError::Untrusted { .. }) => (Network, untrusted_hint(command)),
        FlowError::Http(HttpError::Certificate { remedy, .. }) => (Network, format!("{remedy}; then run: {command}")),
        FlowError::Http(HttpError::Redirect { to, .. }) => {
            (Usage, format!("if {to} is the right address, set it in place of the one that redirects (mcpauth config show --origin), then run: {command}"))
        }
        FlowError::Http(error) => {
            let exit = if matches!(error, HttpError::Forbidden { .. }) { Usage } else { Network };
            (exit, format!("check the address (mcpauth config show --origin) and the network, then run: {command}"))
        }
        FlowError::Reply { reply: reply @ ReplyError::Refused { error, .. }, .. } if reply.is_no() => {
            (Login, refused_hint(error, command))
        }
        FlowError::Reply { reply: ReplyError::TokenType(_), .. } => {
            (Login, format!("have the client registered for Bearer tokens, then run: {command}"))
        }
        // A refusal without an error code may not come from a token endpoint at all.
        FlowError::Reply { reply, .. } if reply.is_no() => {
            (Network, format!("check the token endpoint, client id and secret (mcpauth config show --origin), then run: {command}"))
        }
        FlowError::Reply { .. } => (Network, format!("try again later: {command}")),
        FlowError::Discovery(error) if error.is_network() => (Network, format!("try again later: {command}")),
        FlowError::Metadata { .. } | FlowError::NoEndpoint { .. } | FlowError::Discovery(_) => {
            (Usage, "correct the issuer: mcpauth config show --origin shows where it comes from; or set the token endpoint".into())
        }
        FlowError::ByAddress(error) => (if error.is_network() { Network } else { Usage }, error.hint(command)),
        FlowError::Address { .. } => (Usage, "correct it: mcpauth config show --origin, mcpauth providers check".into()),
        FlowError::Signing => (Usage, "use a P-256, Ed25519 or RSA key in PEM".into()),
        FlowError::PortBusy { .. } => {
            (Usage, "stop the program that uses the port, or register another redirect URI and set EGRESS_OAUTH_REDIRECT_URI_N".into())
        }
        FlowError::Unreachable(_) => (Usage, format!("run it on a terminal and paste the address the browser ends up at: {command} --no-browser")),
        FlowError::RedirectHost { .. } => (Usage, "change EGRESS_OAUTH_REDIRECT_URI_N, and the redirect URI registered with the provider".into()),
        FlowError::UnknownSite { .. } => (Usage, format!("name one of them: {command} --site NAME")),
        FlowError::NoDevice { .. } => (Usage, format!("open the login address in any browser: {command} --no-browser")),
        FlowError::CodeExpired => (Login, format!("get a new code: {command} --device")),
        FlowError::Denied { .. } | FlowError::TimedOut(_) => (Login, format!("log in again: {command}")),
        FlowError::WrongIssuer => (Login, format!("close the browser's other login pages and log in again: {command}")),
        FlowError::Sites { .. } => (Network, format!("the token is stored; try again with: {command}")),
    }
}

/// What to do where the gateway makes no token (RFC 8693 section 2.2.2).
fn exchange_hint(error: &FlowError) -> String {
    const VERB: &str = "mcpauth gateway token --server SERVER --tool TOOL";
    const NOT_VENDING: &str = "this gateway issues no tokens of its own; its operator enables that with vending in its gateway.yaml";
    match error {
        FlowError::Reply { reply: ReplyError::Refused { error, .. }, .. } => match error.as_str() {
            "invalid_scope" | "invalid_authorization_details" | "invalid_target" => {
                "ask for what you may do yourself; the tools are listed by: mcpauth list --server SERVER"
                    .into()
            }
            "invalid_request" => {
                "correct the request; if it is about your own token, get another: mcpauth ingress --force"
                    .into()
            }
            "slow_down" | "temporarily_unavailable" => format!("try again later: {VERB}"),
            _ => NOT_VENDING.into(),
        },
        FlowError::Reply { reply: ReplyError::Unreadable { .. }, .. } => NOT_VENDING.into(),
        other => flow(other, VERB).1,
    }
}

/// What follows a command that gets a new token: it would be no remedy a second time.
pub(crate) const REJECTED_AGAIN: &str = "; if the server rejects the new token as well, ask its operator why";

/// The advice for a certificate that is signed by no trusted authority.
pub(crate) fn untrusted_hint(command: &str) -> String {
    format!("if it is your own CA, name its certificate: {command} --ca-cert FILE (or set MCPAUTH_CA_CERT)")
}

/// RFC 6749 section 5.2, by its codes.
fn refused_hint(error: &str, command: &str) -> String {
    match error {
        "invalid_client" | "unauthorized_client" => {
            format!("check client id and secret (mcpauth config show --origin), then run: {command}")
        }
        "invalid_scope" => format!("ask for scopes that this client is allowed, then run: {command}"),
        "redirect_uri_mismatch" => {
            format!("register the redirect URI exactly as configured, then run: {command}")
        }
        _ => format!("log in again: {command} --force"),
    }
}

fn store_exit(error: &StoreError) -> Exit {
    match error {
        StoreError::File(error) => file_exit(error),
        StoreError::Keyring(_) | StoreError::Lock { .. } => Exit::Other,
        StoreError::Format { .. } => Exit::Usage,
    }
}

fn store_hint(error: &StoreError, command: &str) -> String {
    match error {
        StoreError::File(error) => error.hint(),
        StoreError::Format { path, .. } => format!("move {} away, then run: {command}", path.display()),
        StoreError::Keyring(_) => "keep tokens in 0600 files instead: --storage file".into(),
        StoreError::Lock { .. } => {
            format!("use a tokens directory on a file system with locks, then run: {command}")
        }
    }
}

fn is_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
}

fn file_exit(error: &FileError) -> Exit {
    match error {
        FileError::Io { .. } => Exit::Other,
        FileError::Symlink(_)
        | FileError::Exposed { .. }
        | FileError::Foreign { .. }
        | FileError::Strange { .. } => Exit::Usage,
    }
}
