//! What replaces an entry: a key in the store and the bridge or the helper, a local server's secrets and `exec`, or a login of
//! mcp-remote's. Pure. Not here: storing and trying it (see `take`).

mod becomes;
mod direct;
mod remote;

use std::path::Path;

pub(crate) use self::becomes::Becomes;
use self::becomes::variable;
pub(super) use self::becomes::{GivenClient, KeyPlan, LocalPlan, LoginPlan, Trial};
use super::cut;
use super::find::{self, EntrySecret, SecretPlace};
use url::Url;

use crate::config::name_of;
use crate::credential::USUAL_HEADER;
use crate::render::{ClientSpec, EntryParts, InstallRecord, RemoteCommand};

/// What an entry becomes; `None` if there is nothing to do with it.
pub(super) fn plan(entry: EntryParts<'_>, secrets: &[EntrySecret]) -> Option<Becomes> {
    let words = entry.words();
    if let Some(command) = RemoteCommand::of(entry) {
        return Some(remote::plan(entry, command));
    }
    if secrets.is_empty() {
        return None;
    }
    if let Some(mixed) = secrets.iter().find(|secret| is_mixed(entry, &words, secret)) {
        return Some(Becomes::Left(format!(
            "{} mixes a secret with a variable of the client's",
            mixed.place()
        )));
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

/// Whether a secret has a reference in it, which nobody would fill in once it is stored.
fn is_mixed(entry: EntryParts<'_>, words: &[String], secret: &EntrySecret) -> bool {
    let has = |text: Option<&str>| text.is_some_and(|text| text.contains("${"));
    match &secret.place {
        SecretPlace::Header(name) => {
            has(entry.headers().into_iter().find(|(known, _)| known == name).map(|(_, value)| value))
        }
        SecretPlace::Variable(name) => {
            has(entry.variables().into_iter().find(|(known, _)| known == name).map(|(_, value)| value))
        }
        SecretPlace::Argument(argument) => {
            has(words.get(argument.word).and_then(|word| word.get(argument.range.clone())))
        }
        SecretPlace::Address => {
            find::in_address(entry.url()).into_iter().any(|(range, _)| has(entry.url().get(range)))
        }
        SecretPlace::Member(_) => false,
    }
}

/// What happens to an entry without a secret in it, by whose name secrets are stored.
pub(super) fn stored(entry: EntryParts<'_>) -> Option<Becomes> {
    let words = entry.words();
    let program = |word: &String| {
        word.rsplit(['/', '\\']).next().unwrap_or_default().trim_end_matches(".exe").to_owned()
    };
    let is_ours = words.iter().any(|word| program(word) == "mcpauth");
    (!words.is_empty() && !is_ours).then_some(Becomes::Stored(words))
}

/// What happens to an entry without a secret in it that sends headers of its own to a server that `is_known`.
pub(super) fn known(entry: EntryParts<'_>, is_known: impl FnOnce(&Url) -> bool) -> Option<Becomes> {
    let headers = entry.headers();
    let own = headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case(USUAL_HEADER));
    let own: Vec<String> =
        own.flat_map(|(name, value)| ["--header".into(), format!("{name}: {value}")]).collect();
    // What the client fills in would be sent as it is written, or stand in the arguments of the bridge.
    let url = Url::parse(entry.url()).ok().filter(|_| !own.is_empty() && !entry.is_completed())?;
    is_known(&url).then_some(Becomes::Known(url, own))
}

/// What happens to an entry that has secrets because mcpauth wrote them there: they are stored already.
pub(super) fn written_by_us(
    target: &'static ClientSpec,
    record: &InstallRecord,
    tokens_dir: &Path,
) -> Becomes {
    let way = target.ways.iter().find(|way| way.spawns_mcpauth());
    let is_of_other = record.is_of_other_project(tokens_dir);
    match way.filter(|_| record.auth_mode.embeds_tokens() && !is_of_other) {
        Some(way) => Becomes::Ours(target, *way),
        None => Becomes::Left(format!(
            "mcpauth keeps its tokens there; without them: mcpauth config install --client {} --auth-mode bridge",
            target.client
        )),
    }
}

fn local(entry: EntryParts<'_>, words: &[String], secrets: &[EntrySecret]) -> Result<Becomes, String> {
    let variables = entry.variables();
    let mut taken = cut::TakenVariables::new();
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

/// The name that something is stored under, before anything else has it.
pub(super) fn base_name(entry: &str, becomes: &Becomes) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '-' };
    let name: String = entry.chars().map(fit).take(60).collect();
    let name = name.trim_matches(['-', '.', '_']);
    match becomes {
        Becomes::Login(plan) => name_of(&plan.url),
        Becomes::Known(url, _) => name_of(url),
        Becomes::Stored(_) => entry.into(),
        _ if name.is_empty() => "server".into(),
        _ => name.into(),
    }
}
