//! Questions to the user, each only on a terminal and each with a flag that answers it. Not here: what is asked (see the
//! verbs).

use std::path::Path;

use dialoguer::{Confirm, Input, Password, Select};

use crate::error::Error;
use crate::given::secret_from;
use crate::secret::Secret;
use crate::sys::terminal;

/// Fails if nobody can answer: `flag` does.
pub(super) fn need_terminal(what: &'static str, flag: &'static str) -> Result<(), Error> {
    if terminal::interactive() { Ok(()) } else { Err(Error::NoTerminal { what, flag }) }
}

pub(super) fn choose(prompt: &'static str, items: &[String], flag: &'static str) -> Result<String, Error> {
    need_terminal(prompt, flag)?;
    let at = Select::new().with_prompt(prompt).items(items).default(0).interact().map_err(asked)?;
    Ok(items.get(at).cloned().unwrap_or_default())
}

pub(super) fn text(given: Option<&String>, prompt: &str, flag: &'static str) -> Result<String, Error> {
    if let Some(value) = given {
        return Ok(value.clone());
    }
    need_terminal("a value", flag)?;
    Input::<String>::new().with_prompt(prompt).interact_text().map_err(asked)
}

/// A value with a sensible default, which is used without asking if there is no terminal.
pub(super) fn or_default(given: Option<&String>, prompt: &str, default: &str) -> Result<String, Error> {
    match given {
        Some(value) => Ok(value.clone()),
        None if !terminal::interactive() => Ok(default.into()),
        None => {
            Input::<String>::new().with_prompt(prompt).default(default.into()).interact_text().map_err(asked)
        }
    }
}

/// A secret that is typed without being shown.
pub(super) fn hidden(prompt: &str) -> Result<Secret, Error> {
    Password::new().with_prompt(prompt).interact().map(|text| Secret::new(text.trim())).map_err(asked)
}

/// A secret from stdin, or on a terminal from a hidden question.
pub(super) fn secret(prompt: &str) -> Result<Secret, Error> {
    if terminal::interactive() {
        return hidden(prompt);
    }
    if terminal::stdin_is_terminal() {
        return Err(Error::NoTerminal { what: "a secret", flag: "stdin (pipe it in)" });
    }
    secret_from(Path::new("-"))
}

/// A yes or a no, which `--yes` says as well; `what` is missing without a terminal.
pub(super) fn confirm(what: &'static str, prompt: String, default: bool) -> Result<bool, Error> {
    need_terminal(what, "--yes")?;
    Confirm::new().with_prompt(prompt).default(default).interact().map_err(asked)
}

/// Ctrl-C at a question is not an I/O error.
fn asked(error: dialoguer::Error) -> Error {
    let dialoguer::Error::IO(error) = error;
    if error.kind() == std::io::ErrorKind::Interrupted { Error::Interrupted } else { error.into() }
}
