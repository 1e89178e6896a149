//! What becomes of an entry: a key in the store and the bridge or the helper, a local server's secrets and `exec`, or a login of
//! mcp-remote's. Pure. Not here: storing and trying it (see `take`).

mod direct;
mod remote;

use url::Url;

use super::cut;
use super::find::{self, EntrySecret, SecretPlace};
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
    /// A command whose secrets are stored already; its words.
    Stored(Vec<String>),
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
    /// Its own command line without them; of a bridge, what follows `mcpauth`.
    pub(super) words: Vec<String>,
    /// What the secrets open, if the command is to be a bridge.
    pub(super) bridge: Option<Trial>,
}

/// A server with a login.
#[derive(Clone, Debug)]
pub(crate) struct LoginPlan {
    pub(super) url: Url,
    /// How mcp-remote is started; `None` if the client itself logs in.
    pub(super) command: Option<RemoteCommand>,
    /// The client that was registered by hand, if there is one.
    pub(super) client: Option<GivenClient>,
    /// Words for the bridge after the address.
    pub(super) rest: Vec<String>,
    /// Variables of the entry that are no longer needed.
    pub(super) used: Vec<String>,
}

/// A registered client that an entry names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GivenClient {
    pub(super) id: String,
    pub(super) secret: Option<Secret>,
    pub(super) redirect_uri: Option<String>,
    /// How it authenticates, if that is said.
    pub(super) method: Option<String>,
}

/// A server that is asked once before anything changes.
#[derive(Clone, Debug)]
pub(crate) struct Trial {
    pub(super) url: Secret,
    pub(super) headers: Vec<(String, Secret)>,
}

impl Becomes {
    /// What it is to be, for people.
    pub(crate) fn text(&self, name: &str) -> String {
        match self {
            Self::Key(plan) => format!("a stored key, sent as {} to {}", plan.header, host(&plan.url)),
            Self::Local(plan) => {
                let names: Vec<&str> = plan.secrets.iter().map(|(name, _)| name.as_str()).collect();
                let what = if plan.bridge.is_some() { "mcpauth bridge ..." } else { "..." };
                format!(
                    "mcpauth exec {} -- {what}, with {} stored",
                    crate::text::word(name),
                    names.join(", ")
                )
            }
            Self::Login(LoginPlan { url, client: Some(_), .. }) => {
                format!("mcpauth bridge for {}, with its registered client", host(url))
            }
            Self::Login(plan) => format!("mcpauth bridge for {}, with mcp-remote's login", host(&plan.url)),
            Self::Stored(_) => {
                format!("mcpauth exec {} -- ..., with the secrets that are stored", crate::text::word(name))
            }
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
        return Some(remote::plan(entry, command));
    }
    if secrets.is_empty() {
        return None;
    }
    let planned = if !entry.url().is_empty() {
        direct::plan(entry, secrets)
    } else if words.is_empty() {
        Err("it starts no program and names no address".into())
    } else {
        local(entry, &words, secrets)
    };
    Some(planned.unwrap_or_else(Becomes::Left))
}

/// What becomes of an entry without a secret in it, by whose name secrets are stored.
pub(super) fn stored(entry: EntryParts<'_>) -> Option<Becomes> {
    let words = entry.words();
    let program = |word: &String| {
        word.rsplit(['/', '\\']).next().unwrap_or_default().trim_end_matches(".exe").to_owned()
    };
    let is_ours = words.iter().any(|word| program(word) == "mcpauth");
    (!words.is_empty() && !is_ours).then_some(Becomes::Stored(words))
}

/// What becomes of an entry that has secrets because mcpauth wrote them there.
pub(super) fn written_by_us(client: &str) -> Becomes {
    Becomes::Left(format!(
        "mcpauth keeps its tokens there; without them: mcpauth config install --client {client} --auth-mode bridge"
    ))
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

/// A bridge that gets its headers, and parts of its address, from its environment.
struct Bridge {
    address: String,
    headers: Vec<(String, String)>,
    rest: Vec<String>,
    /// Variables with secrets that it has already, and that its words refer to.
    taken: cut::Taken,
}

impl Bridge {
    fn plan(self) -> Result<Becomes, String> {
        let Self { address, headers, rest, mut taken } = self;
        let filled = |text: &str, taken: &cut::Taken| {
            taken.iter().fold(text.to_owned(), |text, (name, value)| {
                text.replace(&format!("${{{name}}}"), value.expose())
            })
        };
        let unsafe_cut = || "its secrets cannot be cut out safely".to_owned();
        let mut words = vec!["bridge".to_owned()];
        let mut trial = Trial { url: Secret::new(filled(&address, &taken)), headers: Vec::new() };
        words.push(
            cut::filled_later(&address, &find::in_address(&address), &mut taken).ok_or_else(unsafe_cut)?,
        );
        words.extend(rest);
        for (name, text) in headers {
            trial.headers.push((name.clone(), Secret::new(filled(&text, &taken))));
            let from = find::scheme(&text).map_or(0, |(_, credential)| text.len() - credential.len());
            let found = find::is_secret(&name, &text).then(|| (from..text.trim_end().len(), name.clone()));
            let text = cut::filled_later(&text, found.as_slice(), &mut taken).ok_or_else(unsafe_cut)?;
            words.extend(["--header".into(), format!("{name}: {text}")]);
        }
        Ok(Becomes::Local(LocalPlan { secrets: taken, words, bridge: Some(trial) }))
    }
}

fn local(entry: EntryParts<'_>, words: &[String], secrets: &[EntrySecret]) -> Result<Becomes, String> {
    let variables = entry.variables();
    let mut taken = cut::Taken::new();
    let mut arguments = Vec::new();
    for secret in secrets {
        match &secret.place {
            SecretPlace::Variable(name) => taken.push(variable(name, &variables)?),
            SecretPlace::Argument(argument) => arguments.push(argument.clone()),
            SecretPlace::Header(_) | SecretPlace::Address | SecretPlace::Member(_) => {
                return Err(format!("{} cannot be given by a variable", secret.place()));
            }
        }
    }
    let words = cut::without(words, &arguments, &mut taken).ok_or("its arguments cannot be cut safely")?;
    Ok(Becomes::Local(LocalPlan { secrets: taken, words, bridge: None }))
}

/// A variable of an entry with its value.
fn variable(name: &str, variables: &[(&str, &str)]) -> Result<(String, Secret), String> {
    let value = variables.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| *value);
    if value.contains("${") {
        return Err(format!(
            "{} mixes a secret with a variable of the client's",
            crate::text::clean(name, 60)
        ));
    }
    Ok((name.to_owned(), Secret::new(value)))
}

/// The name that something is stored under, before anything else has it.
pub(super) fn base_name(entry: &str, becomes: &Becomes) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '-' };
    let name: String = entry.chars().map(fit).take(60).collect();
    let name = name.trim_matches(['-', '.', '_']);
    match becomes {
        Becomes::Login(plan) => name_of(&plan.url),
        Becomes::Stored(_) => entry.into(),
        _ if name.is_empty() => "server".into(),
        _ => name.into(),
    }
}
