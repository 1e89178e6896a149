//! What was meant by a verb that there is not: those of other tools by what they do here, and mistyped ones by their letters.

use std::ffi::OsString;

use strsim::osa_distance;

use crate::sys::typed_url::typed_url;
use crate::text::word;

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
    ("auth print-access-token", "mcpauth token NAME"),
    ("auth print-identity-token", "mcpauth token NAME"),
    ("auth switch", "mcpauth status"),
    ("auth ls", "mcpauth status"),
    ("auth configure-docker", "mcpauth config install"),
    ("auth", "mcpauth login URL"),
    ("sts", "mcpauth status"),
    ("print-access-token", "mcpauth token NAME"),
    ("refresh-token", "mcpauth refresh --once"),
    ("mcp add", "mcpauth login URL"),
    ("mcp list", "mcpauth status"),
    ("mcp add-json", "mcpauth login URL"),
    ("mcp get", "mcpauth status"),
    ("mcp remove", "mcpauth logout NAME"),
    ("mcp rm", "mcpauth logout NAME"),
    ("mcp login", "mcpauth login URL"),
    ("mcp logout", "mcpauth logout NAME"),
    ("mcp auth", "mcpauth login URL"),
    ("mcp serve", "mcpauth bridge SERVER"),
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
    ("server list", "mcpauth status"),
    ("server ls", "mcpauth status"),
    ("server add", "mcpauth login URL"),
    ("server remove", "mcpauth logout NAME"),
    ("server rm", "mcpauth logout NAME"),
    ("server", "mcpauth gateway serve"),
    ("servers", "mcpauth status"),
    ("accounts", "mcpauth status"),
    ("ps", "mcpauth status"),
    ("provider", "mcpauth providers list"),
    ("curl", "mcpauth headers SERVER"),
    ("resources", "mcpauth probe SERVER"),
    ("prompts", "mcpauth probe SERVER"),
    ("search", "mcpauth list SERVER"),
    ("find", "mcpauth list SERVER"),
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
    ("invoke", "mcpauth call SERVER TOOL"),
    ("lint", "mcpauth gateway check"),
    ("completion", "mcpauth completions SHELL"),
];
/// The same for the verbs below a verb: the verb, what is typed after it, and what does it here.
const BELOW: &[(&str, &[&str], &str)] = &[
    ("gateway", &["start", "run", "up", "proxy", "listen"], "mcpauth gateway serve"),
    ("gateway", &["validate", "lint", "verify", "status", "config", "doctor"], "mcpauth gateway check"),
    ("gateway", &["why", "can", "can-i", "decide"], "mcpauth gateway explain SERVER --tool TOOL"),
    ("gateway", &["list", "ls", "servers"], "mcpauth gateway routes"),
    ("gateway", &["tokens"], "mcpauth gateway token list"),
    (
        "gateway token",
        &["create", "new", "issue", "mint", "get", "add"],
        "mcpauth gateway token --server SERVER --tool TOOL",
    ),
    ("gateway token", &["ls", "show"], "mcpauth gateway token list"),
    ("gateway token", &["rm", "remove", "delete"], "mcpauth gateway token revoke ID"),
    ("gateway token", &["keys", "rotate"], "mcpauth gateway token key"),
    ("config", &["list", "ls", "get", "view", "cat", "current"], "mcpauth config show"),
    ("config", &["set", "edit", "init", "new"], "mcpauth configure"),
    ("config", &["add", "write", "update", "sync", "apply"], "mcpauth config install"),
    ("config", &["remove", "rm", "delete", "clean"], "mcpauth config uninstall"),
    ("config", &["restore", "undo"], "mcpauth config uninstall --restore"),
    ("config", &["print", "export"], "mcpauth config render --client CLIENT"),
    ("secret", &["add", "put", "create", "store", "new"], "mcpauth secret set SERVER NAME"),
    ("secret", &["ls", "get", "show"], "mcpauth secret list"),
    ("secret", &["rm", "delete", "unset"], "mcpauth secret remove SERVER"),
    ("providers", &["ls"], "mcpauth providers list"),
    ("providers", &["get", "info", "describe"], "mcpauth providers show NAME"),
    ("providers", &["validate", "lint", "test"], "mcpauth providers check"),
];
/// Where nothing was meant that is known.
const NONE: &str = "see what there is with: mcpauth help";

/// What to do about a verb that is not there, in a command line with these words; `verbs` are those that are.
pub(super) fn hint(typed: &str, args: &[OsString], verbs: &[String]) -> String {
    let (as_typed, typed) = (typed, typed.to_lowercase());
    let next = args.iter().skip_while(|arg| !arg.eq_ignore_ascii_case(typed.as_str())).nth(1);
    let both = next.map(|next| format!("{typed} {}", next.to_string_lossy().to_lowercase()));
    let elsewhere = |words: &str| ELSEWHERE.iter().find(|(known, _)| *known == words).map(|(_, here)| *here);
    if let Some(here) = both.as_deref().and_then(elsewhere).or_else(|| elsewhere(&typed)) {
        return format!("run: {here}");
    }
    if let Ok(url) = typed_url(as_typed) {
        return format!("run: mcpauth login {}", word(url.as_str()));
    }
    near(&typed, verbs).map_or_else(|| NONE.into(), |verb| format!("did you mean: mcpauth {verb}"))
}

/// Where the verbs below those of `path` are listed.
pub(super) fn verbs_of(path: &str) -> String {
    match path {
        "" => NONE.into(),
        path => format!("see what there is with: mcpauth {path} --help"),
    }
}

/// What to do about a verb that is not there below the verbs of `path`; `verbs` are those that are.
pub(super) fn hint_below(path: &str, typed: &str, verbs: &[String]) -> String {
    let typed = typed.to_lowercase();
    let mut rows = BELOW.iter().filter(|(above, ..)| *above == path);
    if let Some((_, _, here)) = rows.find(|(_, words, _)| words.contains(&typed.as_str())) {
        return format!("run: {here}");
    }
    near(&typed, verbs).map_or_else(|| verbs_of(path), |verb| format!("did you mean: mcpauth {path} {verb}"))
}

/// The verb that was mistyped.
fn near<'v>(typed: &str, verbs: &'v [String]) -> Option<&'v str> {
    let (errors, verb) = verbs.iter().map(|verb| (osa_distance(typed, verb), verb)).min()?;
    // A word in which every second letter is another one was not meant.
    (errors <= 2 && errors * 3 <= verb.len()).then_some(verb)
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
            ("https://a.test/mcp", "run: mcpauth login https://a.test/mcp"),
            ("a.test:8443/mcp", "run: mcpauth login https://a.test:8443/mcp"),
            ("localhost:8000", "run: mcpauth login http://localhost:8000/"),
            ("mcp logout things", "run: mcpauth logout NAME"),
            ("server list", "run: mcpauth status"),
            ("https://u:p@a.test/mcp", NONE),
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

    #[test]
    fn below_a_verb_its_own_verbs_are_suggested() {
        let verbs = |path: &str| -> Vec<String> {
            let mut command = crate::cli::command();
            for word in path.split(' ') {
                command = command.find_subcommand(word).unwrap().clone();
            }
            command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect()
        };
        for (path, typed, expected) in [
            ("gateway", "start", "run: mcpauth gateway serve"),
            ("gateway", "Sreve", "did you mean: mcpauth gateway serve"),
            ("gateway", "srve", "did you mean: mcpauth gateway serve"),
            ("gateway", "chekc", "did you mean: mcpauth gateway check"),
            ("gateway token", "create", "run: mcpauth gateway token --server SERVER --tool TOOL"),
            ("gateway token", "revok", "did you mean: mcpauth gateway token revoke"),
            ("config", "list", "run: mcpauth config show"),
            ("config", "instal", "did you mean: mcpauth config install"),
            ("secret", "ADD", "run: mcpauth secret set SERVER NAME"),
            ("secret", "zzz", "see what there is with: mcpauth secret --help"),
        ] {
            assert_eq!(hint_below(path, typed, &verbs(path)), expected, "{path} {typed}");
        }
        for (path, words, here) in BELOW {
            assert!(verbs(path).iter().all(|verb| !words.contains(&verb.as_str())), "{path}: {words:?}");
            is_there(here);
        }
    }

    #[track_caller]
    fn is_there(here: &str) {
        let (here, _) = here.split_once(" (").unwrap_or((here, ""));
        let words = here.split(' ').skip(1).take_while(|word| word.chars().all(|c| !c.is_uppercase()));
        let mut command = crate::cli::command();
        for word in words.filter(|word| !word.starts_with('-')) {
            command = command.find_subcommand(word).unwrap_or_else(|| panic!("{here}")).clone();
        }
    }

    /// What is suggested for a verb of another tool is a command here.
    #[test]
    fn whatever_is_suggested_is_there() {
        for (words, here) in ELSEWHERE {
            is_there(here);
            assert!(crate::cli::command().find_subcommand(words).is_none(), "{words} is a verb of ours");
        }
    }
}
