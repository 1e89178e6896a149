//! What a check found: how it stands, why, what to do about it, and whether `--fix` may. It leaves finding to the checks
//! and showing to `print`.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::error::Error;

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Ok,
    /// It works, or will by itself, and is hardly meant so.
    Warn,
    /// It does not work, or shows a secret.
    Problem,
    /// Nobody looked, and why.
    Skipped,
}

/// What `--fix` may do. Everything here concerns files of our own or entries of our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fix {
    /// Take from others what they may do with a file or folder.
    Close(PathBuf),
    /// Remove a file that a killed run left behind.
    Remove(PathBuf),
    /// Merge our entries into a client's file anew.
    Install(&'static str),
}

/// One finding. Nothing in it is a secret, and every text in it is one line.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    /// `GROUP.WHAT`, a promise to programs.
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

    /// What a verb would have failed with; `command` gets just the thing that failed.
    pub(crate) fn error(check: &'static str, error: &Error, command: &str) -> Self {
        Self::problem(check, error.to_string(), error.hint(command))
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
