//! What entries become, as values. Pure. Not here: deciding it (see `plan`).

use url::Url;

use crate::config::usual_format;
use crate::credential::USUAL_HEADER;
use crate::import::cut;
use crate::import::find;
use crate::render::{AuthMode, ClientSpec, RemoteCommand};
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
    /// The bridge to a server whose credential is stored already, and the words after its address.
    Known(Url, Vec<String>),
    /// An entry of mcpauth's own, without its token: that is stored already.
    Ours(&'static ClientSpec, AuthMode),
    /// It is left alone, and why.
    Left(String),
}

/// A key for a server.
#[derive(Clone, Debug)]
pub(crate) struct KeyPlan {
    pub(in crate::import) url: Url,
    pub(in crate::import) header: String,
    pub(in crate::import) format: String,
    pub(in crate::import) key: Secret,
    /// Words for the bridge after the server's name.
    pub(in crate::import) rest: Vec<String>,
    /// Variables of the entry that are no longer needed.
    pub(in crate::import) used: Vec<String>,
}

/// The secrets of a local server.
#[derive(Clone, Debug)]
pub(crate) struct LocalPlan {
    pub(in crate::import) secrets: Vec<(String, Secret)>,
    /// Its own command line without them; of a bridge, what follows `mcpauth`.
    pub(in crate::import) words: Vec<String>,
    /// What the secrets open, if the command is to be a bridge.
    pub(in crate::import) bridge: Option<Trial>,
}

/// A server with a login.
#[derive(Clone, Debug)]
pub(crate) struct LoginPlan {
    pub(in crate::import) url: Url,
    /// How mcp-remote is started; `None` if the client itself logs in.
    pub(in crate::import) command: Option<RemoteCommand>,
    /// The client that was registered by hand, if there is one.
    pub(in crate::import) client: Option<GivenClient>,
    /// Words for the bridge after the address.
    pub(in crate::import) rest: Vec<String>,
    /// Variables of the entry that are no longer needed.
    pub(in crate::import) used: Vec<String>,
}

/// A registered client that an entry names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GivenClient {
    pub(in crate::import) id: String,
    pub(in crate::import) secret: Option<Secret>,
    pub(in crate::import) redirect_uri: Option<String>,
    /// How it authenticates, if that is said.
    pub(in crate::import) method: Option<String>,
}

/// A server that is asked once before anything changes.
#[derive(Clone, Debug)]
pub(crate) struct Trial {
    pub(in crate::import) url: Secret,
    pub(in crate::import) headers: Vec<(String, Secret)>,
}

impl Becomes {
    /// The secrets that are taken.
    pub(in crate::import) fn secrets(&self) -> Vec<&Secret> {
        match self {
            Self::Key(plan) => vec![&plan.key],
            Self::Local(plan) => plan.secrets.iter().map(|(_, secret)| secret).collect(),
            Self::Login(plan) => plan.client.iter().filter_map(|client| client.secret.as_ref()).collect(),
            Self::Stored(_) | Self::Known(..) | Self::Ours(..) | Self::Left(_) => Vec::new(),
        }
    }

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
            Self::Known(url, _) => {
                format!(
                    "mcpauth bridge for {}, with the credential that is stored and its headers",
                    host(url)
                )
            }
            Self::Ours(target, way) => {
                let client = target.client;
                format!("what mcpauth config install --client {client} --auth-mode {way} writes")
            }
            Self::Left(why) => format!("left alone: {why}"),
        }
    }
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}

/// A stored key for a header with this value.
pub(super) fn key(url: Url, header: &str, value: &str, rest: Vec<String>, used: Vec<String>) -> Becomes {
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
pub(super) struct Bridge {
    pub(super) address: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) rest: Vec<String>,
    /// Variables with secrets that it has already, and that its words refer to.
    pub(super) taken: cut::TakenVariables,
}

impl Bridge {
    pub(super) fn plan(self) -> Result<Becomes, String> {
        let Self { address, headers, rest, mut taken } = self;
        let filled = |text: &str, taken: &cut::TakenVariables| {
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

/// A variable of an entry with its value.
pub(super) fn variable(name: &str, variables: &[(&str, &str)]) -> Result<(String, Secret), String> {
    let value = variables.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| *value);
    if value.contains("${") {
        return Err(format!(
            "{} mixes a secret with a variable of the client's",
            crate::text::clean(name, 60)
        ));
    }
    Ok((name.to_owned(), Secret::new(value)))
}
