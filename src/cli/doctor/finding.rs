//! What a check found: how it stands, why, what to do about it, and whether `--fix` may. It leaves finding to the checks
//! and showing to `print`.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::error::Error;

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
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
pub(super) enum Fix {
    /// Take from others what they may do with a file or folder.
    Close(PathBuf),
    /// Remove a file that a killed run left behind.
    Remove(PathBuf),
    /// Merge our entries into a client's file anew.
    Install(&'static str),
}

/// One finding. Nothing in it is a secret, and every text in it is one line.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    /// `GROUP.WHAT`, a promise to programs.
    pub(super) check: &'static str,
    pub(super) status: Status,
    pub(super) found: String,
    pub(super) cause: Option<String>,
    pub(super) remedy: Option<String>,
    pub(super) fix: Option<Fix>,
}

impl Status {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Problem => "problem",
            Self::Skipped => "skipped",
        }
    }
}

impl Finding {
    pub(super) fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, status: Status::Ok, found: found.into(), cause: None, remedy: None, fix: None }
    }

    pub(super) fn warn(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { status: Status::Warn, remedy: Some(remedy.into()), ..Self::ok(check, found) }
    }

    pub(super) fn problem(check: &'static str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { status: Status::Problem, remedy: Some(remedy.into()), ..Self::ok(check, found) }
    }

    pub(super) fn skipped(check: &'static str, found: impl Into<String>) -> Self {
        Self { status: Status::Skipped, ..Self::ok(check, found) }
    }

    /// What a verb would have failed with; `command` gets just the thing that failed.
    pub(super) fn error(check: &'static str, error: &Error, command: &str) -> Self {
        Self::problem(check, error.to_string(), error.hint(command))
    }

    pub(super) fn because(self, cause: impl Into<String>) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }

    pub(super) fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }

    pub(super) fn fixed_by(self, fix: Fix) -> Self {
        Self { fix: Some(fix), ..self }
    }

    /// What the check is about, for people.
    pub(super) fn group(&self) -> &'static str {
        self.check.split('.').next().unwrap_or_default()
    }

    pub(super) fn object(&self) -> Value {
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
