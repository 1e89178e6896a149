//! What the policy would need so that somebody may use a server: lines for `scopes.yml`, to be looked at and pasted by
//! the person who maintains it. Nothing here writes them.

/// An entry of a scope about a server, as YAML.
pub(super) fn entry<'t>(server: &str, tools: impl Iterator<Item = &'t str>) -> String {
    let tools: Vec<String> = tools.take(MOST).map(word).collect();
    let tools = if tools.is_empty() { "'*'".to_owned() } else { tools.join(", ") };
    let server = word(server);
    format!(
        "  - server: {server}\n    methods: [initialize, notifications/initialized, ping, tools/list, tools/call]\n    tools: [{tools}]\n"
    )
}

/// How many tools are named.
const MOST: usize = 100;

/// A word as YAML reads it as that text.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/' | '.');
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let meant = ["true", "false", "yes", "no", "on", "off", "null", "y", "n", "all"];
    if starts && text.chars().all(plain) && !meant.contains(&text.to_lowercase().as_str()) {
        return text.to_owned();
    }
    // JSON's strings are YAML's (YAML 1.2.2 section 1.3).
    crate::text::visible_json(&serde_json::Value::from(text).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Call, Policy, Principal, decide};

    #[test]
    fn the_lines_give_what_they_name_and_nothing_else() {
        let odd = ["plain", "a b", "no", "1", "x\"y", "\u{202e}", "a: b", "#", "null"];
        let text = format!("group_mappings: {{g: [s]}}\ns:\n{}", entry("x/y", odd.into_iter()));
        let policy = Policy::parse(&text).unwrap();
        let grants = policy.grants(&Principal { groups: vec!["g".into()], ..Principal::default() });
        let may =
            |name| decide(&grants, "x/y", &Call::Message { method: "tools/call", name: Some(name) }).is_ok();
        assert!(odd.into_iter().all(may), "{text}");
        assert!(!may("other") && !may("a"));
        assert!(entry("x", std::iter::empty()).contains("tools: ['*']"));
    }
}
