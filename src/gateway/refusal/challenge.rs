//! The `WWW-Authenticate` header of a refusal. Not here: which refusals have one (see `refusal`).

/// RFC 6750 section 3.1, with an error and its description, and the scope to ask for.
pub(super) fn challenge(
    error: Option<(&str, &str)>,
    scope: Option<&str>,
    resource_metadata: Option<&str>,
) -> String {
    let mut parts = Vec::new();
    if let Some((error, description)) = error {
        parts.push(format!("error=\"{error}\""));
        parts.push(format!("error_description={}", quoted(description)));
    }
    parts.extend(resource_metadata.map(|url| format!("resource_metadata={}", quoted(url))));
    parts.extend(scope.map(|scope| format!("scope={}", quoted(scope))));
    if parts.is_empty() { "Bearer".into() } else { format!("Bearer {}", parts.join(", ")) }
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
