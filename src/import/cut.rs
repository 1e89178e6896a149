//! A command line without the secrets in it: a variable in the place of each, given by the container's own flag, by `env`, or by a
//! shell. Pure. Not here: finding them (see `find`).

use std::ops::Range;

use super::find::SecretArgument;
use crate::secret::Secret;

/// Variables with their values.
pub(super) type TakenVariables = Vec<(String, Secret)>;

/// The command line with variables in the place of its secrets, which are added to `taken`; `None` if it cannot be cut safely.
pub(super) fn without(
    words: &[String],
    found: &[SecretArgument],
    taken: &mut TakenVariables,
) -> Option<Vec<String>> {
    if found.is_empty() {
        return Some(words.to_vec());
    }
    let mut new: Vec<Option<Vec<ShellPiece>>> = Vec::new();
    let mut needs_shell = false;
    for (at, word) in words.iter().enumerate() {
        let mut own: Vec<&SecretArgument> = found.iter().filter(|argument| argument.word == at).collect();
        own.sort_by_key(|argument| argument.range.start);
        let before = words.get(..at).unwrap_or_default();
        let pieces = if own.is_empty() {
            Some(vec![ShellPiece::Text(word.clone())])
        } else if let Some(flag) = container_variable(before, word) {
            let (name, value) = assignment(word.get(flag.len()..)?)?;
            put(name, value, taken)?;
            Some(vec![ShellPiece::Text(format!("{flag}{name}"))])
        } else if let Some((name, value)) = assignment(word).filter(|_| is_for_env(before) && !splits(before))
        {
            put(name, value, taken)?;
            None
        } else if is_script(before) {
            Some(vec![ShellPiece::Text(script(word, &own, taken)?)])
        } else {
            needs_shell = true;
            Some(pieces(word, &own, taken)?)
        };
        new.push(pieces);
    }
    let new: Vec<Vec<ShellPiece>> = new.into_iter().flatten().collect();
    if !needs_shell {
        return new.into_iter().map(|pieces| pieces.into_iter().next().map(ShellPiece::text)).collect();
    }
    let line: Vec<String> =
        new.iter().map(|pieces| pieces.iter().map(ShellPiece::quoted).collect()).collect();
    let line = line.join(" ");
    Some(if crate::sys::env::IS_WINDOWS {
        ["cmd", "/d", "/c", &line].map(str::to_owned).into()
    } else {
        ["sh", "-c", &format!("exec {line}")].map(str::to_owned).into()
    })
}

/// A text with `${VARIABLE}` in the place of each of these ranges, for what fills them in itself.
pub(in crate::import) fn filled_later(
    text: &str,
    found: &[(Range<usize>, String)],
    taken: &mut TakenVariables,
) -> Option<String> {
    let (mut new, mut from) = (String::new(), 0);
    for (range, name) in found {
        let name = variable(name, taken);
        taken.push((name.clone(), Secret::new(text.get(range.clone())?)));
        new.push_str(text.get(from..range.start)?);
        new.push_str(&format!("${{{name}}}"));
        from = range.end;
    }
    Some(new + text.get(from..)?)
}

/// A variable for a secret that no client and no server knows by this name.
pub(super) fn variable(name: &str, taken: &TakenVariables) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let base = format!(
        "MCPAUTH_ARG_{}",
        if name.is_empty() { "1".into() } else { name.chars().map(letter).collect::<String>() }
    );
    let is_free = |name: &String| taken.iter().all(|(known, _)| known != name);
    let mut names = std::iter::once(base.clone()).chain((2..100).map(|n| format!("{base}_{n}")));
    names.find(is_free).unwrap_or(base)
}

/// One variable has one value.
fn put(name: &str, value: &str, taken: &mut TakenVariables) -> Option<()> {
    let value = Secret::new(value);
    match taken.iter().find(|(known, _)| known == name) {
        Some((_, known)) => (*known == value).then_some(()),
        None => {
            taken.push((name.into(), value));
            Some(())
        }
    }
}

fn assignment(word: &str) -> Option<(&str, &str)> {
    word.split_once('=').filter(|(name, _)| crate::config::is_name(name))
}

fn program(word: &str) -> &str {
    word.rsplit(['/', '\\']).next().unwrap_or_default().trim_end_matches(".exe")
}

/// What stands in a word before a container's variable, if it is one: such a flag takes the value from the environment.
fn container_variable(before: &[String], word: &str) -> Option<&'static str> {
    let is_container =
        before.iter().take(3).any(|word| matches!(program(word), "docker" | "podman" | "nerdctl"));
    if !is_container {
        return None;
    }
    if before.last().is_some_and(|flag| matches!(flag.as_str(), "-e" | "--env")) {
        return Some("");
    }
    ["--env=", "-e"]
        .into_iter()
        .find(|flag| word.strip_prefix(flag).is_some_and(|rest| assignment(rest).is_some()))
}

/// Whether a word is one of the variables that `env` sets.
fn is_for_env(before: &[String]) -> bool {
    let at = before.iter().rposition(|word| program(word) == "env");
    let between = at.and_then(|at| before.get(at + 1..));
    at.is_some_and(|at| at < 3)
        && between.is_some_and(|words| words.iter().all(|word| word.contains('=') || word.starts_with('-')))
}

/// Whether a word is the text that `env -S` splits into words, of which a secret is a part.
fn splits(before: &[String]) -> bool {
    let is_flag = |flag: &String| {
        flag == "--split-string" || flag.starts_with('-') && !flag.starts_with("--") && flag.ends_with('S')
    };
    before.last().is_some_and(is_flag)
}

/// Whether a word is the text that a shell runs.
fn is_script(before: &[String]) -> bool {
    let is_flag = |word: &String| word.starts_with('-') && !word.starts_with("--") && word.ends_with('c');
    before.split_last().is_some_and(|(flag, rest)| {
        let is_shell = |word: &String| matches!(program(word), "sh" | "bash" | "dash" | "zsh" | "ksh");
        is_flag(flag) && rest.iter().any(is_shell)
    })
}

/// A shell's text with variables in the place of its secrets, each quoted as its place wants it.
fn script(text: &str, found: &[&SecretArgument], taken: &mut TakenVariables) -> Option<String> {
    let (mut new, mut from) = (String::new(), 0);
    for argument in found {
        let value = text.get(argument.range.clone())?;
        new.push_str(text.get(from..argument.range.start)?);
        let quotes = quotes_at(&new)?;
        // What the shell makes of it is not what stands there.
        if quotes != Some('\'') && value.contains(['\\', '$', '`', '"', '\'']) {
            return None;
        }
        let name = variable(&argument.name, taken);
        new.push_str(&match quotes {
            None => format!("\"${name}\""),
            Some('\'') => format!("'\"${name}\"'"),
            Some(_) => format!("${{{name}}}"),
        });
        taken.push((name, Secret::new(value)));
        from = argument.range.end;
    }
    Some(new + text.get(from..)?)
}

/// The quotes that are open at the end of a shell's text; `None` if it ends in an escape.
fn quotes_at(text: &str) -> Option<Option<char>> {
    let (mut open, mut is_escaped) = (None, false);
    for c in text.chars() {
        match (c, open) {
            _ if is_escaped => is_escaped = false,
            ('\\', None | Some('"')) => is_escaped = true,
            ('\'' | '"', None) => open = Some(c),
            (c, Some(quote)) if c == quote => open = None,
            _ => {}
        }
    }
    (!is_escaped).then_some(open)
}

fn pieces(word: &str, found: &[&SecretArgument], taken: &mut TakenVariables) -> Option<Vec<ShellPiece>> {
    let (mut pieces, mut from) = (Vec::new(), 0);
    for argument in found {
        let value = word.get(argument.range.clone())?;
        let name = variable(&argument.name, taken);
        pieces.push(ShellPiece::Text(word.get(from..argument.range.start)?.into()));
        pieces.push(ShellPiece::Variable(name.clone()));
        taken.push((name, Secret::new(value)));
        from = argument.range.end;
    }
    pieces.push(ShellPiece::Text(word.get(from..)?.into()));
    Some(pieces)
}

/// A part of a word for a shell.
enum ShellPiece {
    Text(String),
    Variable(String),
}

impl ShellPiece {
    fn text(self) -> String {
        match self {
            Self::Text(text) | Self::Variable(text) => text,
        }
    }

    fn quoted(&self) -> String {
        match self {
            Self::Text(text) if text.is_empty() => String::new(),
            Self::Text(text) => crate::render::shell_line(std::slice::from_ref(text)),
            Self::Variable(name) if crate::sys::env::IS_WINDOWS => format!("%{name}%"),
            Self::Variable(name) => format!("\"${name}\""),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::super::find;
    use super::*;

    const KEY: &str = "kJ8xQ2mV7bN4cZ1pL9sD";

    /// What is left of a command line, and the variables of it.
    fn cut(words: &[&str]) -> (Vec<String>, Vec<String>) {
        let words: Vec<String> = words.iter().map(|word| word.replace("@@", KEY)).collect();
        let mut taken = TakenVariables::new();
        let left = without(&words, &find::in_command(&words), &mut taken).unwrap_or_default();
        let line = left.join("|");
        assert!(!line.contains(KEY), "{line}");
        assert!(taken.iter().all(|(_, value)| value.expose().ends_with(KEY)), "{words:?}");
        (left, taken.into_iter().map(|(name, _)| name).collect())
    }

    #[test]
    fn each_kind_of_command_line_is_cut_in_its_own_way() {
        for (words, expected, variables) in [
            (
                &["docker", "run", "-e", "API_KEY=@@", "image"][..],
                "docker|run|-e|API_KEY|image",
                &["API_KEY"][..],
            ),
            (&["docker", "run", "--env=API_KEY=@@", "image"], "docker|run|--env=API_KEY|image", &["API_KEY"]),
            (&["podman", "run", "-eAPI_KEY=@@", "image"], "podman|run|-eAPI_KEY|image", &["API_KEY"]),
            (&["env", "API_KEY=@@", "LOG=1", "npx", "server"], "env|LOG=1|npx|server", &["API_KEY"]),
            (&["env", "URL=postgres://h/db?password=@@", "npx", "server"], "env|npx|server", &["URL"]),
            (
                &["npx", "server", "--api-key", "@@"],
                "sh|-c|exec npx server --api-key \"$MCPAUTH_ARG_API_KEY\"",
                &["MCPAUTH_ARG_API_KEY"],
            ),
            (&["npx", "server", "--header", "Authorization: Bearer @@"], "", &["MCPAUTH_ARG_AUTHORIZATION"]),
            (
                &["sh", "-c", "API_KEY=@@ exec npx server"],
                "sh|-c|API_KEY=\"$MCPAUTH_ARG_API_KEY\" exec npx server",
                &["MCPAUTH_ARG_API_KEY"],
            ),
            (
                &["bash", "-lc", "npx server --token '@@'"],
                "bash|-lc|npx server --token ''\"$MCPAUTH_ARG_TOKEN\"''",
                &["MCPAUTH_ARG_TOKEN"],
            ),
            (
                &["sh", "-c", "npx server --token \"@@\""],
                "sh|-c|npx server --token \"${MCPAUTH_ARG_TOKEN}\"",
                &["MCPAUTH_ARG_TOKEN"],
            ),
        ] {
            let (left, taken) = cut(words);
            assert_eq!(taken, variables, "{words:?}");
            assert!(expected.is_empty() || left.join("|") == expected, "{words:?}: {}", left.join("|"));
        }
    }
}
