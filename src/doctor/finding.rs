//! The result of a check: severity, cause, remedy, and what `--fix` may do. Not here: the checks; printing (see
//! `print`).

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::error::Error;
use crate::problem::Problem;

/// The severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Ok,
    /// It works, or will without help, but is probably not intended.
    Warn,
    /// It does not work, or exposes a secret.
    Problem,
    /// Not checked, and why.
    Skipped,
}

/// What `--fix` may do. It only concerns mcpauth's own files and entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fix {
    /// Remove other users' access to a file or folder.
    Close(PathBuf),
    /// Remove a file left by an interrupted run.
    Remove(PathBuf),
    /// Merge mcpauth's entries into a client's file again.
    Install(&'static str),
}

/// One finding. It contains no secret, and each of its texts is one line.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// `GROUP.WHAT`, a stable name for programs.
    pub(crate) check: &'static str,
    pub(crate) status: Status,
    pub(crate) found: String,
    pub(crate) cause: Option<String>,
    pub(crate) remedy: Option<String>,
    pub(crate) fix: Option<Fix>,
}

impl Status {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Problem => "problem",
            Self::Skipped => "skipped",
        }
    }
}

impl Finding {
    pub(crate) fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, status: Status::Ok, found: found.into(), cause: None, remedy: None, fix: None }
    }

    pub(crate) fn warn(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { status: Status::Warn, remedy: Some(remedy.into()), ..Self::ok(check, found) }
    }

    pub(crate) fn problem(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { status: Status::Problem, remedy: Some(remedy.into()), ..Self::ok(check, found) }
    }

    pub(crate) fn skipped(check: &'static str, found: impl Into<String>) -> Self {
        Self { status: Status::Skipped, ..Self::ok(check, found) }
    }

    /// The error that a verb would have failed with; `command` is the one that runs just the failed part.
    pub(crate) fn error(check: &'static str, error: &Error, command: &str) -> Self {
        Self::problem(check, error.to_string(), error.hint(command))
    }

    /// A problem of settings or of other people's files: a finding also has a stable name, a cause and a fix, and a check may
    /// pass, so that the two stay two.
    pub(crate) fn of(check: &'static str, problem: &Problem) -> Self {
        let status = if problem.is_error() { Status::Problem } else { Status::Warn };
        Self { status, ..Self::warn(check, problem.to_string(), problem.remedy.clone()) }
    }

    pub(crate) fn because(self, cause: impl Into<String>) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }

    pub(crate) fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }

    pub(crate) fn fixed_by(self, fix: Fix) -> Self {
        Self { fix: Some(fix), ..self }
    }

    /// What the check is about, for people.
    pub(crate) fn group(&self) -> &'static str {
        self.check.split('.').next().unwrap_or_default()
    }

    pub(crate) fn object(&self) -> Value {
        json!({
            "check": self.check,
            "status": self.status.word(),
            "found": self.found,
            "cause": self.cause,
            "remedy": self.remedy,
            "fixable": self.fix.is_some(),
        })
    }
}
