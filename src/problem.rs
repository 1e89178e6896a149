//! What is wrong with settings or with files that others lay out, where, and what to do.

use std::fmt;

use serde::Serialize;

/// One thing that is wrong, where, and what to do about it. It never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Whether the gateway starts nevertheless.
    pub severity: Severity,
    /// The key of `gateway.yaml`, or the file.
    pub at: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The gateway does not start.
    Error,
    /// It starts, and does not do all that seems to be meant.
    Remark,
}

impl Problem {
    /// What the gateway does not start with.
    pub fn error(at: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { severity: Severity::Error, at: at.into(), what: what.into(), remedy: remedy.into() }
    }

    /// What stops nothing.
    pub fn remark(at: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { severity: Severity::Remark, ..Self::error(at, what, remedy) }
    }

    /// Whether it keeps the gateway from starting.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.what)
    }
}
