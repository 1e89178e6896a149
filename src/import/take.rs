//! Stores what an entry holds, tries it, and only then rewrites the client's file. Not here: what is taken (see `plan`); the way
//! back (see `record`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::plan::{Becomes, KeyPlan, LocalPlan, LoginPlan, base_name};
use super::record::{self, ImportedEntry};
use super::{Findings, FoundEntry};
use crate::clients::ClientFile;
use crate::clients::launch::users_command;
use crate::config::{Config, Registered, RegisteredEndpoints, Registration};
use crate::error::Error;
use crate::flow;
use crate::login::{KeyRequest, KeySource, keep_key};
use crate::oauth::{ClientAuth, TokenSet};
use crate::render::{self, AuthMode, ClientEntry, EntryParts, NewEntry};
use crate::secret::Secret;
use crate::store::StoredSecret;
use crate::sys::clock;
use crate::sys::private_file::{self, Keep};
use crate::vault::{Vault, VaultError};

/// How many names are tried for a server.
const NAMES: usize = 50;

/// An entry's place among the findings, the name it is stored under, and its new fields.
type NewFields = (usize, String, Map<String, Value>);

/// The result of one entry.
pub(crate) struct TakenEntry {
    /// Its place among the findings.
    pub(crate) entry: usize,
    /// The name that it is stored under, or why it stays.
    pub(crate) result: Result<String, Error>,
}

/// What an entry's client needs to reach the server.
struct Reach {
    name: String,
    url: String,
    /// The words after `mcpauth`.
    words: Vec<String>,
    /// Variables and headers that are no longer needed.
    used: Vec<String>,
    /// Whether the client may ask for headers instead of starting the bridge.
    may_help: bool,
}

/// Takes all of it, file by file.
pub(crate) async fn take(found: &Findings, config: &Config, vault: &Vault) -> Vec<TakenEntry> {
    let mut taken = Vec::new();
    let mut new: BTreeMap<usize, Vec<NewFields>> = BTreeMap::new();
    let mut used_up = Vec::new();
    for (at, entry) in found.entries.iter().enumerate() {
        let Some(file) = found.files.get(entry.file) else { continue };
        match store(entry, config, vault, &mut used_up).await {
            Ok(reach) => match after(file, entry, config, &reach) {
                Ok(fields) => new.entry(entry.file).or_default().push((at, reach.name, fields)),
                Err(error) => taken.push(TakenEntry { entry: at, result: Err(error) }),
            },
            Err(error) => taken.push(TakenEntry { entry: at, result: Err(error) }),
        }
    }
    let mut paths: Vec<&Path> =
        new.keys().filter_map(|at| Some(found.files.get(*at)?.path.as_path())).collect();
    paths.dedup();
    let mut is_all_written = true;
    for path in paths {
        // A file with several sets of entries is written once.
        let own: Vec<_> = new
            .iter()
            .filter(|(at, _)| found.files.get(**at).is_some_and(|file| file.path == path))
            .collect();
        let result = write(found, &own, config);
        is_all_written &= result.is_ok();
        let why = result.err().map(|error| (error.to_string(), error.hint("mcpauth import")));
        for (_, entries) in own {
            taken.extend(entries.iter().map(|(entry, name, _)| TakenEntry {
                entry: *entry,
                result: match &why {
                    None => Ok(name.clone()),
                    Some((message, hint)) => {
                        Err(Error::Usage { message: message.clone(), hint: hint.clone() })
                    }
                },
            }));
        }
    }
    // What mcp-remote kept is now ours: a refresh token must not be used by two.
    if is_all_written {
        used_up.iter().for_each(|path| drop(private_file::remove(path)));
    }
    taken.sort_by_key(|taken| taken.entry);
    taken
}

async fn store(
    entry: &FoundEntry,
    config: &Config,
    vault: &Vault,
    used_up: &mut Vec<PathBuf>,
) -> Result<Reach, Error> {
    let base = base_name(&entry.name, &entry.becomes);
    match &entry.becomes {
        Becomes::Key(plan) => store_key(&base, plan, config, vault).await,
        Becomes::Local(plan) => store_secrets(&base, plan, config, vault),
        Becomes::Login(plan) => store_login(&base, plan, config, vault, used_up).await,
        Becomes::Left(why) => Err(left(why)),
    }
}

fn left(why: &str) -> Error {
    Error::Usage {
        message: why.into(),
        hint: "take it out by hand; mcpauth doctor lists what is left".into(),
    }
}

fn names(base: &str) -> impl Iterator<Item = String> {
    std::iter::once(base.to_owned()).chain((2..NAMES).map(move |n| format!("{base}-{n}")))
}

async fn store_key(base: &str, plan: &KeyPlan, config: &Config, vault: &Vault) -> Result<Reach, Error> {
    for name in names(base) {
        let is_same = match config.registered_as(&name)? {
            None if vault.store.secrets(&name).is_ok_and(|secrets| secrets.is_empty()) => false,
            Some(Registered::Key(kept))
                if kept.url == plan.url && kept.sent.header.eq_ignore_ascii_case(&plan.header) =>
            {
                let credential = config.key(&name, &kept).credential?;
                let stored = vault.kept(&credential).ok().flatten();
                if stored.is_none_or(|stored| stored.token.access_token != plan.key) {
                    continue;
                }
                true
            }
            _ => continue,
        };
        if !is_same {
            let request = KeyRequest {
                url: plan.url.clone(),
                name: name.clone(),
                header: plan.header.clone(),
                format: plan.format.clone(),
                key: KeySource::Entered(plan.key.clone()),
                expires_at: None,
            };
            keep_key(&request, config, vault).await?;
        }
        let words = ["bridge".to_owned(), name.clone()].into_iter().chain(plan.rest.clone()).collect();
        let used = plan.used.iter().cloned().chain([plan.header.clone()]).collect();
        return Ok(Reach { name, url: plan.url.to_string(), words, used, may_help: true });
    }
    Err(left("too many servers have this name"))
}

fn store_secrets(base: &str, plan: &LocalPlan, config: &Config, vault: &Vault) -> Result<Reach, Error> {
    for name in names(base) {
        if config.registered_as(&name)?.is_some() {
            continue;
        }
        let known = vault.store.secrets(&name).map_err(VaultError::Store)?;
        let differs = |(variable, value): &(String, Secret)| {
            known.get(variable).is_some_and(|known| *known != StoredSecret::Value(value.clone()))
        };
        // Another server's secrets must not get into this one's environment.
        let is_others = known.keys().any(|variable| !plan.secrets.iter().any(|(own, _)| own == variable));
        if is_others || plan.secrets.iter().any(differs) {
            continue;
        }
        for (variable, value) in &plan.secrets {
            let secret = StoredSecret::Value(value.clone());
            vault.store.put_secret(&name, variable, secret).map_err(VaultError::Store)?;
        }
        // Tried: what the command will get is what the file had.
        let stored = vault.store.secrets(&name).map_err(VaultError::Store)?;
        if plan
            .secrets
            .iter()
            .any(|(variable, value)| stored.get(variable) != Some(&StoredSecret::Value(value.clone())))
        {
            return Err(left("the store did not give back what was stored"));
        }
        let used = plan.secrets.iter().map(|(variable, _)| variable.clone()).collect();
        let words =
            ["exec".to_owned(), name.clone(), "--".into()].into_iter().chain(plan.words.clone()).collect();
        return Ok(Reach { name, url: String::new(), words, used, may_help: false });
    }
    Err(left("too many servers have this name"))
}

async fn store_login(
    base: &str,
    plan: &LoginPlan,
    config: &Config,
    vault: &Vault,
    used_up: &mut Vec<PathBuf>,
) -> Result<Reach, Error> {
    let words =
        std::iter::once("bridge".to_owned()).chain([plan.url.to_string()]).chain(plan.command.rest.clone());
    let reach = |name: &str| Reach {
        name: name.into(),
        url: plan.url.to_string(),
        words: words.clone().collect(),
        used: Vec::new(),
        may_help: false,
    };
    for name in names(base) {
        match config.registered_as(&name)? {
            Some(kept) if *kept.url() == plan.url => return Ok(reach(&name)),
            Some(_) => continue,
            None => {}
        }
        let home = config.home.clone().unwrap_or_default();
        let moved = config.of_environment("MCP_REMOTE_CONFIG_DIR");
        let read = |ending: &str| plan.command.read(&home, moved.as_deref(), ending);
        let Some((tokens, client)) = read("tokens.json").zip(read("client_info.json")) else {
            return Ok(reach(&name));
        };
        take_login(&name, plan, (&tokens, &client), config, vault).await?;
        for ending in ["tokens.json", "client_info.json"] {
            used_up.extend(plan.command.files(&home, moved.as_deref(), ending));
        }
        return Ok(reach(&name));
    }
    Err(left("too many servers have this name"))
}

/// The client that mcp-remote registered, and its token, which is tried.
async fn take_login(
    name: &str,
    plan: &LoginPlan,
    (tokens, client): (&Map<String, Value>, &Map<String, Value>),
    config: &Config,
    vault: &Vault,
) -> Result<(), Error> {
    let text =
        |object: &Map<String, Value>, name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
    let issuer = text(tokens, "issuer").or_else(|| text(client, "issuer"));
    let found = flow::discover(&vault.http, &plan.url, issuer.as_deref(), |_| true)
        .await
        .map_err(VaultError::Flow)?;
    let secret = text(client, "client_secret").map(Secret::new);
    let method = text(client, "token_endpoint_auth_method")
        .unwrap_or_else(|| if secret.is_some() { "client_secret_post".into() } else { "none".to_owned() });
    let scope = text(tokens, "requested_scope").or_else(|| text(tokens, "scope"));
    let scopes: Vec<String> = scope.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let uris = client.get("redirect_uris").and_then(Value::as_array);
    let redirect_uri = uris.and_then(|uris| uris.first()).and_then(Value::as_str).map(str::to_owned);
    let both = found.issuer.authorization_endpoint.clone().zip(found.issuer.token_endpoint.clone());
    let kept = Registration {
        url: plan.url.clone(),
        resource: found.resource.clone(),
        issuer: found.issuer.issuer.clone(),
        client_id: text(client, "client_id")
            .ok_or_else(|| left("mcp-remote's registration has no client_id"))?,
        client_secret: secret.filter(|_| method != ClientAuth::None.name()),
        registered: true,
        private_key: None,
        token_endpoint_auth_method: method,
        redirect_uri: redirect_uri.unwrap_or_else(|| flow::usual_redirect_uri(&found.issuer)),
        scopes: scopes.clone(),
        for_itself: false,
        endpoints: both
            .filter(|_| !found.is_published)
            .map(|(authorization, token)| RegisteredEndpoints { authorization, token }),
        scope: config.own_scope(),
    };
    let milliseconds = tokens.get("expires_at").and_then(Value::as_f64);
    let token = TokenSet {
        access_token: Secret::new(
            text(tokens, "access_token").ok_or_else(|| left("mcp-remote's file has no token"))?,
        ),
        refresh_token: text(tokens, "refresh_token").map(Secret::new),
        token_type: "Bearer".into(),
        scopes,
        issued_at: Some(clock::now()),
        expires_at: milliseconds.map(|at| (at / 1000.) as i64),
    };
    let credential = config.by_address(name, &kept).credential?;
    vault.keep_token(&credential, token).await?;
    config.keep_registration(name, None, &kept)?;
    // Tried: one that has expired is refreshed now, while mcp-remote's file is still there.
    match vault.fresh(&credential, false).await {
        Ok(_) => Ok(()),
        Err(VaultError::NeedsPerson { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The entry's fields afterwards, in its client's own words.
fn after(
    file: &ClientFile,
    entry: &FoundEntry,
    config: &Config,
    reach: &Reach,
) -> Result<Map<String, Value>, Error> {
    let Some((_, parts)) = file.entries().find(|(name, _)| *name == entry.name) else {
        return Err(left("it is gone"));
    };
    let is_helped = reach.may_help && file.target.best() == AuthMode::Helper && !parts.url().is_empty();
    let mut command = users_command(config)?;
    let helper = is_helped.then(|| {
        let words: Vec<String> =
            command.iter().cloned().chain(["headers".into(), reach.name.clone()]).collect();
        render::shell_line(&words)
    });
    command.extend(reach.words.iter().cloned());
    let is_sse = parts.0.get("type").and_then(Value::as_str) == Some("sse");
    let told = ClientEntry {
        name: entry.name.clone(),
        url: if is_helped { reach.url.clone() } else { String::new() },
        transport: if is_sse { "sse".into() } else { "streamable-http".into() },
        headers: Vec::new(),
        variables: Vec::new(),
        command: if is_helped { Vec::new() } else { command },
        helper,
    };
    let templates = config.config_dir.as_ref().map(|dir| dir.join("templates"));
    let rendered = render::render(file.target, &[told], templates.as_deref())?;
    let fields = file.target.entries(&rendered.json).and_then(|entries| Some(entries.first()?.1.clone()));
    let fields = fields.unwrap_or_default();
    let is_used = |name: &str| reach.used.iter().any(|used| used.eq_ignore_ascii_case(name));
    let without = parts.with_variables(|name| !is_used(name));
    let was = EntryParts(&without);
    let kept = if is_helped { was.with_headers(|name| !is_used(name)) } else { without.clone() };
    Ok(render::overlaid(file.target, kept, &fields, is_helped))
}

/// Writes a file with all its new entries; what it was is recorded before.
fn write(found: &Findings, new: &[(&usize, &Vec<NewFields>)], config: &Config) -> Result<(), Error> {
    let Some(first) = new.first().and_then(|(at, _)| found.files.get(**at)) else { return Ok(()) };
    // Its client may have written it meanwhile.
    if render::read_file(&first.path)?.as_deref() != Some(first.text.as_str()) {
        return Err(left("the file was changed meanwhile"));
    }
    let (mut text, mut entries) = (first.text.clone(), Vec::new());
    for (at, changes) in new {
        let Some(file) = found.files.get(**at) else { continue };
        for (entry, _, fields) in *changes {
            let Some(name) = found.entries.get(*entry).map(|entry| entry.name.clone()) else { continue };
            let before = file.entries().find(|(known, _)| *known == name).map(|(_, parts)| parts.0.clone());
            let change = NewEntry { name: name.clone(), fields: Some(fields.clone()) };
            text = file
                .with_layout(|layout| render::rewrite(&text, layout, &[change]))
                .map_err(|source| render::RenderError::Merge { path: file.path.clone(), source })?;
            entries.push(ImportedEntry {
                root: file.root.clone(),
                name,
                before: before.unwrap_or_default(),
                after: fields.clone(),
            });
        }
    }
    record::remember(&config.user_tokens_dir, first, &text, entries)?;
    Ok(private_file::write_through(&first.path, &text, Keep::Mode)?)
}
