//! What was meant by a verb that there is not: those of other tools by what they do here, and mistyped ones by their letters.

use std::ffi::OsString;

use strsim::osa_distance;

/// What users of other tools type first, the words and what does it here.
const ELSEWHERE: &[(&str, &str)] = &[
    ("auth login", "mcpauth login URL"),
    ("auth logout", "mcpauth logout NAME"),
    ("auth status", "mcpauth status"),
    ("auth token", "mcpauth token NAME"),
    ("auth refresh", "mcpauth refresh"),
    ("auth setup-git", "mcpauth config install"),
    ("auth list", "mcpauth status"),
    ("auth revoke", "mcpauth logout NAME --revoke"),
    ("auth", "mcpauth login URL"),
    ("mcp add", "mcpauth login URL"),
    ("mcp list", "mcpauth status"),
    ("mcp remove", "mcpauth logout NAME"),
    ("mcp login", "mcpauth login URL"),
    ("mcp", "mcpauth list SERVER"),
    ("sso", "mcpauth login URL"),
    ("link", "mcpauth login URL"),
    ("signin", "mcpauth login URL"),
    ("sign-in", "mcpauth login URL"),
    ("authenticate", "mcpauth login URL"),
    ("authorize", "mcpauth login URL"),
    ("connect", "mcpauth login URL"),
    ("add", "mcpauth login URL"),
    ("signout", "mcpauth logout NAME"),
    ("sign-out", "mcpauth logout NAME"),
    ("revoke", "mcpauth logout NAME --revoke"),
    ("remove", "mcpauth logout NAME"),
    ("delete", "mcpauth logout NAME"),
    ("rm", "mcpauth logout NAME"),
    ("forget", "mcpauth logout NAME"),
    ("unlink", "mcpauth logout NAME"),
    ("disconnect", "mcpauth logout NAME"),
    ("setup", "mcpauth configure"),
    ("init", "mcpauth configure"),
    ("serve", "mcpauth gateway serve"),
    ("server", "mcpauth gateway serve"),
    ("start", "mcpauth gateway serve"),
    ("proxy", "mcpauth bridge SERVER"),
    ("up", "mcpauth gateway serve"),
    ("stdio", "mcpauth bridge SERVER"),
    ("connector", "mcpauth bridge SERVER"),
    ("mcp-remote", "mcpauth bridge URL"),
    ("daemon", "mcpauth refresh"),
    ("service", "mcpauth refresh"),
    ("watch", "mcpauth status --watch"),
    ("monitor", "mcpauth status --watch"),
    ("whoami", "mcpauth status"),
    ("info", "mcpauth status"),
    ("describe", "mcpauth status"),
    ("sessions", "mcpauth status"),
    ("who", "mcpauth status"),
    ("ls", "mcpauth status"),
    ("credentials", "mcpauth status"),
    ("tokens", "mcpauth status"),
    ("version", "mcpauth --version"),
    ("install", "mcpauth config install"),
    ("uninstall", "mcpauth config uninstall"),
    ("clients", "mcpauth config show --clients"),
    ("run", "mcpauth exec SERVER -- COMMAND"),
    ("get-token", "mcpauth token NAME"),
    ("print-token", "mcpauth token NAME"),
    ("access-token", "mcpauth token NAME"),
    ("get", "mcpauth generate"),
    ("fetch", "mcpauth generate"),
    ("renew", "mcpauth refresh --once"),
    ("update", "mcpauth refresh --once (mcpauth itself is updated the way it was installed)"),
    ("upgrade", "mcpauth refresh --once (mcpauth itself is updated the way it was installed)"),
    ("export", "mcpauth env SERVER"),
    ("keys", "mcpauth secret list"),
    ("secrets", "mcpauth secret list"),
    ("store", "mcpauth secret set SERVER NAME"),
    ("migrate", "mcpauth import"),
    ("restore", "mcpauth config uninstall --restore"),
    ("rotate", "mcpauth refresh --once"),
    ("decode", "mcpauth inspect NAME"),
    ("show", "mcpauth status"),
    ("get-config", "mcpauth config show"),
    ("settings", "mcpauth config show"),
    ("check", "mcpauth doctor"),
    ("diagnose", "mcpauth doctor"),
    ("validate", "mcpauth gateway check"),
    ("explain", "mcpauth gateway explain SERVER --tool TOOL"),
    ("routes", "mcpauth gateway routes"),
    ("test", "mcpauth gateway test"),
    ("tool", "mcpauth call SERVER TOOL"),
    ("tools", "mcpauth list SERVER"),
    ("invoke", "mcpauth call SERVER TOOL"),
    ("lint", "mcpauth gateway check"),
    ("completion", "mcpauth completions SHELL"),
];
/// The verbs whose own verbs are typed without them, or with the wrong one.
const NONE: &str = "see what there is with: mcpauth help";

/// What to do about a verb that is not there, in a command line with these words; `verbs` are those that are.
pub(super) fn hint(typed: &str, args: &[OsString], verbs: &[String]) -> String {
    let typed = typed.to_lowercase();
    let next = args.iter().skip_while(|arg| !arg.eq_ignore_ascii_case(typed.as_str())).nth(1);
    let both = next.map(|next| format!("{typed} {}", next.to_string_lossy().to_lowercase()));
    let elsewhere = |words: &str| ELSEWHERE.iter().find(|(known, _)| *known == words).map(|(_, here)| *here);
    if let Some(here) = both.as_deref().and_then(elsewhere).or_else(|| elsewhere(&typed)) {
        return format!("run: {here}");
    }
    let near = verbs.iter().map(|verb| (osa_distance(&typed, verb), verb)).min();
    match near {
        // A word in which every second letter is another one was not meant.
        Some((errors, verb)) if errors <= 2 && errors * 3 <= verb.len() => {
            format!("did you mean: mcpauth {verb}")
        }
        _ => NONE.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verbs() -> Vec<String> {
        crate::cli::command().get_subcommands().map(|verb| verb.get_name().to_owned()).collect()
    }

    fn suggested(line: &str) -> String {
        let args: Vec<OsString> = std::iter::once("mcpauth").chain(line.split(' ')).map(Into::into).collect();
        hint(line.split(' ').next().unwrap(), &args, &verbs())
    }

    #[test]
    fn the_verbs_of_other_tools_and_mistyped_ones_lead_somewhere() {
        for (line, expected) in [
            ("auth login", "run: mcpauth login URL"),
            ("auth status --json", "run: mcpauth status"),
            ("init", "run: mcpauth configure"),
            ("add https://a.test/mcp", "run: mcpauth login URL"),
            ("signin", "run: mcpauth login URL"),
            ("tokens", "run: mcpauth status"),
            ("proxy", "run: mcpauth bridge SERVER"),
            ("start", "run: mcpauth gateway serve"),
            ("show", "run: mcpauth status"),
            ("auth", "run: mcpauth login URL"),
            ("setup", "run: mcpauth configure"),
            ("serve", "run: mcpauth gateway serve"),
            ("whoami", "run: mcpauth status"),
            ("version", "run: mcpauth --version"),
            ("uninstall", "run: mcpauth config uninstall"),
            ("genrate", "did you mean: mcpauth generate"),
            ("Stauts", "did you mean: mcpauth status"),
            ("loign https://a.test", "did you mean: mcpauth login"),
            ("frobnicate", NONE),
            ("ba", NONE),
            ("zzzz", NONE),
        ] {
            assert_eq!(suggested(line), expected, "{line}");
        }
    }

    /// Every word of the table leads to a command, with whatever comes after it.
    #[test]
    fn every_word_of_another_tool_is_known_however_it_is_typed() {
        for (words, here) in ELSEWHERE {
            assert_eq!(suggested(words), format!("run: {here}"));
            assert_eq!(
                suggested(&format!("{} --json", words.to_uppercase())),
                format!("run: {here}"),
                "{words}"
            );
        }
    }

    /// What is suggested for a verb of another tool is a command here.
    #[test]
    fn whatever_is_suggested_is_there() {
        for (words, here) in ELSEWHERE {
            let (here, _) = here.split_once(" (").unwrap_or((here, ""));
            let named: Vec<&str> =
                here.split(' ').skip(1).take_while(|word| word.chars().all(|c| !c.is_uppercase())).collect();
            let mut command = crate::cli::command();
            for word in named.iter().filter(|word| !word.starts_with('-')) {
                command = command.find_subcommand(word).unwrap_or_else(|| panic!("{words}: {here}")).clone();
            }
            assert!(crate::cli::command().find_subcommand(words).is_none(), "{words} is a verb of ours");
        }
    }
}
