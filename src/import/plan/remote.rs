//! What happens to an entry that starts mcp-remote. Pure.

use serde_json::Value;
use url::Url;

use super::becomes::{Becomes, Bridge, GivenClient, LoginPlan, key, variable};
use crate::import::{cut, find};
use crate::render::{EntryParts, RemoteCommand};
use crate::secret::Secret;

/// The flag with a registered client.
const CLIENT: &str = "--static-oauth-client-info";
/// Flags that change what is sent to the server or asked of its issuer in a way that nothing here does.
const OTHERWISE: [(&str, &str); 3] = [
    ("--use-id-token", "it sends the ID token, and mcpauth sends only access tokens"),
    ("--client-credentials", "it has no login; use mcpauth login URL --client-id ID --client-credentials"),
    ("--disable-resource-parameter", "its issuer wants no resource parameter; use mcpauth login URL"),
];

pub(super) fn plan(entry: EntryParts<'_>, command: RemoteCommand) -> Becomes {
    planned(entry, command).unwrap_or_else(Becomes::Left)
}

fn planned(entry: EntryParts<'_>, command: RemoteCommand) -> Result<Becomes, String> {
    let url = Url::parse(&command.url).map_err(|_| "its address is not a URL")?;
    let variables = entry.variables();
    let value = |text: &str| resolved(text, &variables);
    let has_secret = |(name, text): &&(String, String)| find::is_secret(name, &value(text));
    let keys: Vec<&(String, String)> = command.headers.iter().filter(has_secret).collect();
    // What no header refers to is nobody's key.
    let is_referred = |name: &str, text: &str| text.contains(&format!("${{{name}}}"));
    let is_key = |name: &str| keys.iter().any(|(_, text)| is_referred(name, text));
    let info = after(&command.rest, CLIENT).unwrap_or_default();
    let is_clients = |name: &str| is_referred(name, info);
    let others: Vec<&str> = variables
        .iter()
        .filter(|(name, value)| find::is_secret(name, value) && !is_key(name) && !is_clients(name))
        .map(|(name, _)| *name)
        .collect();
    let in_words = find::in_command(&command.rest);
    let is_plain = find::in_address(&command.url).is_empty() && others.is_empty();
    let (client, rest) = client(&command, &variables)?;
    let headers = |with: &dyn Fn(&str, &str) -> bool| -> Vec<String> {
        let meant = command.headers.iter().filter(|(name, text)| with(name, text));
        meant.flat_map(|(name, text)| ["--header".into(), format!("{name}: {text}")]).collect()
    };
    match keys.as_slice() {
        [] if is_plain && find::in_command(&rest).is_empty() => {
            let otherwise = OTHERWISE.iter().find(|(flag, _)| rest.iter().any(|word| word == flag));
            if let Some((flag, why)) = otherwise {
                return Err(format!("{flag}: {why}"));
            }
            let rest = [rest, headers(&|_, _| true)].concat();
            let used = variables.iter().map(|(name, _)| (*name).to_owned()).filter(|name| is_clients(name));
            let used = used.filter(|_| client.is_some()).collect();
            Ok(Becomes::Login(LoginPlan { url, command: Some(command), client, rest, used }))
        }
        [(name, text)] if is_plain && in_words.is_empty() => {
            let used = variables.iter().map(|(name, _)| (*name).to_owned());
            let used = used.filter(|name| is_referred(name, text)).collect();
            let more = headers(&|other, _| other != name);
            Ok(key(url, name, &value(text), [command.rest.clone(), more].concat(), used))
        }
        _ => {
            let mut taken = cut::TakenVariables::new();
            let is_taken = |name: &str| is_key(name) || is_clients(name) || others.contains(&name);
            for (name, _) in variables.iter().filter(|(name, _)| is_taken(name)) {
                taken.push(variable(name, &variables)?);
            }
            let rest = words(&command.rest, &in_words, &mut taken)?;
            let (address, headers) = (command.url.clone(), command.headers.clone());
            Bridge { address, headers, rest, taken }.plan()
        }
    }
}

/// As mcp-remote does: `${NAME}` is the entry's variable.
fn resolved(text: &str, variables: &[(&str, &str)]) -> String {
    variables.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${{{name}}}"), value))
}

/// The word after a flag.
fn after<'a>(words: &'a [String], flag: &str) -> Option<&'a str> {
    let at = words.iter().position(|word| word == flag)?;
    words.get(at + 1).map(String::as_str)
}

/// The registered client that the words name, and the words without it.
fn client(
    command: &RemoteCommand,
    variables: &[(&str, &str)],
) -> Result<(Option<GivenClient>, Vec<String>), String> {
    let rest = &command.rest;
    let at = rest.iter().position(|word| word == CLIENT);
    let Some((at, text)) = at.and_then(|at| Some((at, rest.get(at + 1)?))) else {
        return Ok((None, rest.clone()));
    };
    // Its file stays where it is, and the bridge reads it.
    if text.starts_with('@') {
        return Ok((None, rest.clone()));
    }
    let info: Value = serde_json::from_str(&resolved(text, variables))
        .map_err(|_| format!("the value of {CLIENT} is not JSON"))?;
    let said = |name: &str| info.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let member = |name: &str| said(name).map(str::to_owned);
    let id = member("client_id").ok_or_else(|| format!("{CLIENT} has no client_id"))?;
    let secret = member("client_secret").map(Secret::new);
    let method = member("token_endpoint_auth_method");
    let client = GivenClient { id, secret, redirect_uri: Some(command.redirect_uri()), method };
    let without = rest.iter().enumerate().filter(|(place, _)| *place != at && *place != at + 1);
    Ok((Some(client), without.map(|(_, word)| word.clone()).collect()))
}

/// The words with `${VARIABLE}` for each secret, where the bridge fills one in.
fn words(
    rest: &[String],
    found: &[find::SecretArgument],
    taken: &mut cut::TakenVariables,
) -> Result<Vec<String>, String> {
    let mut new = rest.to_vec();
    for argument in found {
        let flag = argument.word.checked_sub(1).and_then(|at| rest.get(at)).map_or("", String::as_str);
        let word = new.get_mut(argument.word).filter(|_| flag == CLIENT);
        let word = word.ok_or("a secret is among its arguments")?;
        let whole = (0..word.len(), "client info".to_owned());
        *word = cut::filled_later(word, &[whole], taken).ok_or("its arguments cannot be cut safely")?;
    }
    Ok(new)
}
