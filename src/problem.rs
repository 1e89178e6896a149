//! Problems of settings or of files that others provide: what, where, and the remedy.

use std::fmt;

use serde::Serialize;

/// One problem: what, where, and the remedy. It never contains a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Whether the gateway starts nevertheless.
    pub severity: Severity,
    /// The key of `gateway.yaml`, or the file.
    pub at: String,
    /// What is wrong.
    pub what: String,
    /// The remedy.
    pub remedy: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The gateway does not start.
    Error,
    /// It starts, but probably does not do everything that is intended.
    Remark,
}

impl Problem {
    /// A problem that keeps the gateway from starting.
    pub fn error(at: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { severity: Severity::Error, at: at.into(), what: what.into(), remedy: remedy.into() }
    }

    /// A problem that does not.
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
