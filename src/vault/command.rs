//! Secrets that a command of the user's prints, such as a password manager's: run when one is needed, and remembered
//! for a while in memory. Not here: running a command (see `sys::hook`); which commands count (see `config`).

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::credential::SecretCommand;
use crate::secret::Secret;
use crate::sys::hook::{self, CommandFailure};

/// How long a command may take.
const LIMIT: Duration = Duration::from_secs(10);

/// The commands' results of this process.
pub struct Commands {
    /// The variables that no command inherits.
    without: Box<dyn Fn() -> Vec<String> + Send + Sync>,
    /// By the commands' lines. Held while a command runs: two would both ask the user to unlock the same safe.
    remembered: Mutex<BTreeMap<String, RememberedSecret>>,
}

struct RememberedSecret {
    secret: Secret,
    since: Instant,
}

/// Why a command did not bring a secret. Never what it printed.
#[derive(Debug, Error)]
pub enum CommandError {
    /// It did not start.
    #[error("the command that prints the secret does not start: {0}")]
    Start(std::io::Error),
    /// It took too long.
    #[error("the command that prints the secret did not end within {} s", .0.as_secs())]
    Late(Duration),
    /// It printed more than any secret has.
    #[error("the command that prints the secret printed more than {} KiB", .0 >> 10)]
    Long(u64),
    /// It failed.
    #[error("the command that prints the secret failed: {0}")]
    Failed(std::process::ExitStatus),
    /// It printed nothing, or something else than text.
    #[error("the command that prints the secret printed no text")]
    Nothing,
}

impl Commands {
    /// None has run yet. `without` names the variables that no command inherits.
    pub fn new(without: impl Fn() -> Vec<String> + Send + Sync + 'static) -> Self {
        Self { without: Box::new(without), remembered: Mutex::default() }
    }

    /// The secret that a command prints; with `refused`, another one than that if there is one.
    pub async fn secret(
        &self,
        command: &SecretCommand,
        refused: Option<&Secret>,
    ) -> Result<Secret, CommandError> {
        let mut remembered = self.remembered.lock().await;
        let is_good = |known: &&RememberedSecret| {
            known.since.elapsed() < Duration::from_secs(command.ttl) && refused != Some(&known.secret)
        };
        if let Some(known) = remembered.get(&command.line).filter(is_good) {
            return Ok(known.secret.clone());
        }
        let secret = printed(hook::output(command.line.clone(), (self.without)(), LIMIT).await)?;
        let known = RememberedSecret { secret: secret.clone(), since: Instant::now() };
        remembered.insert(command.line.clone(), known);
        Ok(secret)
    }
}

fn printed(output: Result<Vec<u8>, CommandFailure>) -> Result<Secret, CommandError> {
    let bytes = Zeroizing::new(output.map_err(|failure| match failure {
        CommandFailure::Start(error) => CommandError::Start(error),
        CommandFailure::Late(limit) => CommandError::Late(limit),
        CommandFailure::Long(most) => CommandError::Long(most),
        CommandFailure::Failed(status) => CommandError::Failed(status),
    })?);
    let text = std::str::from_utf8(&bytes).map(str::trim).unwrap_or_default();
    if text.is_empty() || text.contains('\0') {
        return Err(CommandError::Nothing);
    }
    Ok(Secret::new(text))
}

impl fmt::Debug for Commands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Commands")
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_command_runs_when_it_is_needed_and_no_more_often() {
        let dir = tempfile::tempdir().unwrap();
        let count = dir.path().join("count");
        let line = format!("echo x >> '{0}'; echo \" key-$(wc -l < '{0}') \"", count.display());
        let commands = Commands::new(Vec::new);
        let command = |ttl| SecretCommand { line: line.clone(), ttl };
        let first = commands.secret(&command(600), None).await.unwrap();
        let text = |secret: &Secret| secret.expose().split_whitespace().collect::<String>();
        assert_eq!(text(&first), "key-1");
        assert_eq!(commands.secret(&command(600), None).await.unwrap(), first);
        assert_eq!(text(&commands.secret(&command(600), Some(&first)).await.unwrap()), "key-2");
        assert_eq!(text(&commands.secret(&command(0), None).await.unwrap()), "key-3");
    }

    #[tokio::test]
    async fn what_a_failed_command_printed_is_not_repeated() {
        let commands = Commands::new(Vec::new);
        for line in ["echo hunter2; exit 1", "true", "printf 'hunter2\\377'", "/no/such/hunter3-program"] {
            let command = SecretCommand { line: line.into(), ttl: 60 };
            let error = commands.secret(&command, None).await.unwrap_err().to_string();
            assert!(!error.contains("hunter"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_part_of_what_is_printed_is_no_secret() {
        let commands = Commands::new(Vec::new);
        for line in ["head -c 70000 /dev/zero | tr '\\0' a; true", "trap '' PIPE; yes hunter2 2>&1; true"] {
            let command = SecretCommand { line: line.into(), ttl: 60 };
            let error = commands.secret(&command, None).await.unwrap_err();
            assert!(matches!(error, CommandError::Long(_)), "{line}: {error}");
        }
        let most = SecretCommand { line: "head -c 65536 /dev/zero | tr '\\0' a".into(), ttl: 60 };
        assert_eq!(commands.secret(&most, None).await.unwrap().expose().len(), 65_536);
    }
}
