//! The `WWW-Authenticate` header of a refusal. Not here: which refusals have one (see `refusal`).

use std::sync::Arc;

/// RFC 6750 section 3.1.
pub(super) struct ChallengeHeader<'a> {
    pub(super) error: Option<(&'static str, &'static str)>,
    pub(super) scope: Option<&'a Arc<str>>,
}

impl ChallengeHeader<'_> {
    pub(super) fn text(&self, resource_metadata: Option<&str>) -> String {
        let mut parts = Vec::new();
        if let Some((error, description)) = self.error {
            parts.push(format!("error=\"{error}\""));
            parts.push(format!("error_description={}", quoted(description)));
        }
        if let Some(url) = resource_metadata {
            parts.push(format!("resource_metadata={}", quoted(url)));
        }
        if let Some(scope) = self.scope {
            parts.push(format!("scope={}", quoted(scope)));
        }
        if parts.is_empty() { "Bearer".into() } else { format!("Bearer {}", parts.join(", ")) }
    }
}

/// RFC 9110 section 5.6.4.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars().filter(|c| !c.is_control()) {
        if c == '"' || c == '\\' {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}
