//! What replaces an entry: a key in the store and the bridge or the helper, a local server's secrets and `exec`, or a login of
//! mcp-remote's. Pure. Not here: storing and trying it (see `take`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use url::Url;

use super::find::{self, EntrySecret, SecretArgument, SecretPlace};
use super::remote::RemoteCommand;
use crate::config::{name_of, usual_format};
use crate::credential::USUAL_HEADER;
use crate::render::EntryParts;
use crate::secret::Secret;

/// What an entry becomes.
#[derive(Clone, Debug)]
pub(crate) enum Becomes {
    /// A stored key that the bridge or the helper sends.
    Key(KeyPlan),
    /// A command with its secrets in its environment.
    Local(LocalPlan),
    /// The bridge, with the login that mcp-remote has, if it has one.
    Login(LoginPlan),
    /// It is left alone, and why.
    Left(String),
}

/// A key for a server.
#[derive(Clone, Debug)]
pub(crate) struct KeyPlan {
    pub(super) url: Url,
    pub(super) header: String,
    pub(super) format: String,
    pub(super) key: Secret,
    /// Words for the bridge after the server's name.
    pub(super) rest: Vec<String>,
    /// Variables of the entry that are no longer needed.
    pub(super) used: Vec<String>,
}

/// The secrets of a local server.
#[derive(Clone, Debug)]
pub(crate) struct LocalPlan {
    pub(super) secrets: Vec<(String, Secret)>,
    /// Its own command line without them.
    pub(super) words: Vec<String>,
}

/// A server that mcp-remote logged in to.
#[derive(Clone, Debug)]
pub(crate) struct LoginPlan {
    pub(super) url: Url,
    pub(super) command: RemoteCommand,
}

impl Becomes {
    /// What it is to be, for people.
    pub(crate) fn text(&self, name: &str) -> String {
        match self {
            Self::Key(plan) => format!("a stored key, sent as {} to {}", plan.header, host(&plan.url)),
            Self::Local(plan) => {
                let names: Vec<&str> = plan.secrets.iter().map(|(name, _)| name.as_str()).collect();
                format!("mcpauth exec {} -- ..., with {} stored", crate::text::word(name), names.join(", "))
            }
            Self::Login(plan) => format!("mcpauth bridge for {}, with mcp-remote's login", host(&plan.url)),
            Self::Left(why) => format!("left alone: {why}"),
        }
    }
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}

/// What an entry becomes; `None` if there is nothing to do with it.
pub(super) fn plan(entry: EntryParts<'_>, secrets: &[EntrySecret]) -> Option<Becomes> {
    let words = entry.words();
    if let Some(command) = RemoteCommand::parse(&words) {
        return Some(remote(entry, command));
    }
    if secrets.is_empty() {
        return None;
    }
    Some(if !entry.url().is_empty() {
        direct(entry, secrets)
    } else if words.is_empty() {
        Becomes::Left("it starts no program and names no address".into())
    } else {
        local(entry, &words, secrets)
    })
}

fn remote(entry: EntryParts<'_>, command: RemoteCommand) -> Becomes {
    let Ok(url) = Url::parse(&command.url) else { return Becomes::Left("its address is not a URL".into()) };
    if command.has_more_secrets() {
        return Becomes::Left("a secret is in its address, or among its other arguments".into());
    }
    let variables = entry.variables();
    let value = |text: &str| resolved(text, &variables);
    let (keys, others): (Vec<_>, Vec<_>) =
        command.headers.iter().partition(|(name, text)| find::is_secret(name, &value(text)));
    let mut rest = command.rest.clone();
    for (name, text) in others {
        rest.extend(["--header".into(), format!("{name}: {text}")]);
    }
    match keys.as_slice() {
        [] => Becomes::Login(LoginPlan { url, command: RemoteCommand { rest, ..command } }),
        [(name, text)] => {
            let used = variables.iter().map(|(name, _)| (*name).to_owned());
            let used = used.filter(|name| text.contains(&format!("${{{name}}}"))).collect();
            key(url, name, &value(text), rest, used)
        }
        _ => Becomes::Left("it sends more than one secret header".into()),
    }
}

/// As mcp-remote does: `${NAME}` is the entry's variable.
fn resolved(text: &str, variables: &[(&str, &str)]) -> String {
    variables.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${{{name}}}"), value))
}

fn key(url: Url, header: &str, value: &str, rest: Vec<String>, used: Vec<String>) -> Becomes {
    let (format, key) = match find::scheme(value) {
        Some((scheme, credential)) => (format!("{scheme} {{}}"), credential),
        None => ("{}".into(), value),
    };
    let is_usual =
        header.eq_ignore_ascii_case(USUAL_HEADER) && format.eq_ignore_ascii_case(usual_format(USUAL_HEADER));
    let format = if is_usual { usual_format(USUAL_HEADER).into() } else { format };
    Becomes::Key(KeyPlan { url, header: header.into(), format, key: Secret::new(key), rest, used })
}

fn direct(entry: EntryParts<'_>, secrets: &[EntrySecret]) -> Becomes {
    let left = |why: &str| Becomes::Left(why.into());
    let Ok(mut url) = Url::parse(entry.url()) else { return left("its address is not a URL") };
    match secrets {
        [EntrySecret { place: SecretPlace::Header(name), .. }] => {
            let headers = entry.headers();
            let value = headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| *value);
            let others = headers.iter().filter(|(known, _)| known != name);
            let rest = others
                .flat_map(|(name, value)| ["--header".to_owned(), format!("{name}: {value}")])
                .collect();
            key(url, name, value, rest, Vec::new())
        }
        [EntrySecret { place: SecretPlace::Address, .. }] if url.password().is_some() => {
            let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
            let pair = format!("{}:{}", decoded(url.username()), decoded(url.password().unwrap_or_default()));
            // These fail only for addresses without a host.
            let _ = url.set_password(None);
            let _ = url.set_username("");
            if !find::in_address(url.as_str()).is_empty() {
                return left("a secret is in its address");
            }
            key(url, USUAL_HEADER, &format!("Basic {}", STANDARD.encode(pair)), Vec::new(), Vec::new())
        }
        [EntrySecret { place: SecretPlace::Address, .. }] => left(
            "the secret is a part of its address; ask the server's makers for a header, and use mcpauth login URL --with-token",
        ),
        [EntrySecret { place: SecretPlace::Member(path), .. }] => Becomes::Left(format!(
            "{} is a client's secret; use mcpauth login URL --client-id ID --client-secret-file -",
            crate::text::clean(path, 60)
        )),
        _ => left("it has more than one secret"),
    }
}

fn local(entry: EntryParts<'_>, words: &[String], secrets: &[EntrySecret]) -> Becomes {
    let variables = entry.variables();
    let mut taken: Vec<(String, Secret)> = Vec::new();
    let mut arguments = Vec::new();
    for secret in secrets {
        match &secret.place {
            SecretPlace::Variable(name) => {
                let value = variables.iter().find(|(known, _)| known == name).map_or("", |(_, value)| *value);
                if value.contains("${") {
                    return Becomes::Left(format!("{name} mixes a secret with a variable of the client's"));
                }
                taken.push((name.clone(), Secret::new(value)));
            }
            SecretPlace::Argument(argument) => arguments.push(argument.clone()),
            SecretPlace::Header(_) | SecretPlace::Address | SecretPlace::Member(_) => {
                return Becomes::Left(format!("{} cannot be given by a variable", secret.place()));
            }
        }
    }
    let Some(words) = without(words, &arguments, &mut taken) else {
        return Becomes::Left("its arguments cannot be cut safely".into());
    };
    Becomes::Local(LocalPlan { secrets: taken, words })
}

/// The command line with variables in the place of its secrets: by the container's own flag, or else by a shell.
fn without(
    words: &[String],
    found: &[SecretArgument],
    taken: &mut Vec<(String, Secret)>,
) -> Option<Vec<String>> {
    if found.is_empty() {
        return Some(words.to_vec());
    }
    let is_container = words.iter().take(3).any(|word| {
        matches!(
            word.rsplit(['/', '\\']).next().unwrap_or_default().trim_end_matches(".exe"),
            "docker" | "podman" | "nerdctl"
        )
    });
    let mut new: Vec<Vec<ShellPiece>> =
        words.iter().map(|word| vec![ShellPiece::Text(word.clone())]).collect();
    let mut needs_shell = false;
    for (at, word) in words.iter().enumerate() {
        let mut own: Vec<&SecretArgument> = found.iter().filter(|argument| argument.word == at).collect();
        own.sort_by_key(|argument| argument.range.start);
        if own.is_empty() {
            continue;
        }
        let flag = at.checked_sub(1).and_then(|before| words.get(before)).map_or("", String::as_str);
        if is_container && matches!(flag, "-e" | "--env") {
            let (name, value) = word.split_once('=')?;
            taken.push((name.into(), Secret::new(value)));
            *new.get_mut(at)? = vec![ShellPiece::Text(name.into())];
            continue;
        }
        needs_shell = true;
        let (mut pieces, mut from) = (Vec::new(), 0);
        for argument in own {
            let value = word.get(argument.range.clone())?;
            let name = variable(&argument.name, taken);
            pieces.push(ShellPiece::Text(word.get(from..argument.range.start)?.into()));
            pieces.push(ShellPiece::Variable(name.clone()));
            taken.push((name, Secret::new(value)));
            from = argument.range.end;
        }
        pieces.push(ShellPiece::Text(word.get(from..)?.into()));
        *new.get_mut(at)? = pieces;
    }
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

/// A variable for an argument that no client and no server knows by this name.
fn variable(name: &str, taken: &[(String, Secret)]) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let base = format!(
        "MCPAUTH_ARG_{}",
        if name.is_empty() { "1".into() } else { name.chars().map(letter).collect::<String>() }
    );
    let is_free = |name: &String| taken.iter().all(|(known, _)| known != name);
    let mut names = std::iter::once(base.clone()).chain((2..100).map(|n| format!("{base}_{n}")));
    names.find(is_free).unwrap_or(base)
}

/// The name that something is stored under, before anything else has it.
pub(super) fn base_name(entry: &str, becomes: &Becomes) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '-' };
    let name: String = entry.chars().map(fit).take(60).collect();
    let name = name.trim_matches(['-', '.', '_']);
    match becomes {
        Becomes::Login(plan) => name_of(&plan.url),
        _ if name.is_empty() => "server".into(),
        _ => name.into(),
    }
}
