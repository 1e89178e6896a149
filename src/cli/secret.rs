//! `mcpauth secret`: the secrets that local servers want in their environment. Not here: storing them (see `store`);
//! handing them out (see `exec`).

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::args::FromCommandArgs;
use crate::cli::ask;
use crate::cli::columns::columns;
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::config::is_name;
use crate::error::{Error, Exit};
use crate::secret::Secret;
use crate::store::{ServerSecrets, Store, StoredSecret};
use crate::text::{clean, word};
use crate::vault::VaultError;

/// The longest name of a server, in characters: it becomes a file's name.
const LONGEST_NAME: usize = 60;
/// The longest `NAME=value` that Linux gives to a program, with the NUL at its end, in bytes (`MAX_ARG_STRLEN`).
const LONGEST_VARIABLE: usize = 128 << 10;

/// Keep the secrets that a local server wants in its environment
///
/// They are stored in your own store. mcpauth exec SERVER -- COMMAND starts a command with them in its environment, so
/// that a client's file has none of them.
#[derive(Args, Debug)]
pub(super) struct SecretArgs {
    #[command(subcommand)]
    what: SecretVerb,
}

#[derive(Subcommand, Debug)]
enum SecretVerb {
    /// Store a secret: from stdin, or from a hidden question on a terminal
    #[command(
        after_help = "Examples:\n  mcpauth secret set files API_KEY\n  pass show files | mcpauth secret set files API_KEY\n  \
                            mcpauth secret set files API_KEY --from-command 'op read op://Work/files/key'"
    )]
    Set {
        /// The server's name
        server: String,
        /// The variable of its environment
        variable: String,
        #[command(flatten)]
        from: FromCommandArgs,
    },
    /// List the servers, their variables and commands, but no values
    List {
        /// Only this server's
        server: Option<String>,
    },
    /// Remove a secret, or all of a server's
    Remove {
        /// The server's name
        server: String,
        /// The variable [default: all of them]
        variable: Option<String>,
    },
}

pub(super) fn run(args: &SecretArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let config = given.config(out)?;
    let store = out.context().vault(&config, None)?.store;
    match &args.what {
        SecretVerb::Set { server, variable, from } => set(&store, (server, variable), from, out),
        SecretVerb::List { server } => list(&store, server.as_deref(), out),
        SecretVerb::Remove { server, variable } => remove(&store, server, variable.as_deref(), out),
    }
}

fn set(
    store: &Store,
    (server, variable): (&str, &str),
    from: &FromCommandArgs,
    out: &Out,
) -> Result<Exit, Error> {
    check(server, variable)?;
    let secret = match from.command()? {
        Some(command) => StoredSecret::Command(command),
        None => {
            let value = ask::secret(&format!("{variable} for {server} (hidden)"))?;
            check_value(variable, &value)?;
            StoredSecret::Value(value)
        }
    };
    store.put_secret(server, variable, secret).map_err(VaultError::Store)?;
    let next = format!("mcpauth exec {} -- COMMAND", word(server));
    if out.json {
        out.object(&json!({"version": 1, "server": server, "variable": variable, "command": next}));
    } else {
        out.result(&format!("stored: {variable} of {server}\n  -> {next}"));
    }
    Ok(Exit::Done)
}

/// What no environment can have would only be noticed when the server is started.
fn check_value(variable: &str, value: &Secret) -> Result<(), Error> {
    let whole = variable.len() + value.expose().len() + "=\0".len();
    let why = match value.expose().contains('\0') {
        true => "the value has a NUL, which ends every variable",
        false if whole > LONGEST_VARIABLE => "the value is longer than the 128 KiB that a variable can have",
        false => return Ok(()),
    };
    let hint = "if its server can read a file, keep it in one with mode 0600";
    Err(Error::Usage { message: why.into(), hint: hint.into() })
}

/// A variable is a name, and a server's is shown to people and becomes a file's.
fn check(server: &str, variable: &str) -> Result<(), Error> {
    if !is_name(variable) {
        let message = format!("{:?} is not a variable's name", clean(variable, 40));
        let hint = "for example: mcpauth secret set files API_KEY; the value goes to stdin".into();
        return Err(Error::Usage { message, hint });
    }
    let is_plain = !server.trim().is_empty() && clean(server, LONGEST_NAME) == server;
    if !is_plain || server.contains("://") || server.starts_with('-') {
        let message = format!("{:?} is not a server's name", clean(server, 40));
        let hint = format!(
            "use up to {LONGEST_NAME} visible characters; for a server with an address there is mcpauth login URL --with-token"
        );
        return Err(Error::Usage { message, hint });
    }
    Ok(())
}

fn list(store: &Store, server: Option<&str>, out: &Out) -> Result<Exit, Error> {
    let names = match server {
        Some(name) => vec![name.to_owned()],
        None => store.secret_servers().map_err(VaultError::Store)?,
    };
    let mut all = Vec::new();
    for name in names {
        let secrets = store.secrets(&name).map_err(VaultError::Store)?;
        if secrets.is_empty() && server.is_some() {
            return Err(none(store, &name));
        }
        all.push((name, secrets));
    }
    if out.json {
        let servers: Vec<Value> = all.iter().map(to_json).collect();
        out.object(&json!({"version": 1, "servers": servers}));
        return Ok(Exit::Done);
    }
    if all.is_empty() {
        out.say("no secrets are stored; store one with: mcpauth secret set SERVER VARIABLE");
    }
    let mut rows = Vec::new();
    for (name, secrets) in &all {
        for (variable, secret) in secrets {
            let how = match secret {
                StoredSecret::Value(_) => "stored".to_owned(),
                StoredSecret::Command(command) => format!("printed by: {}", clean(&command.line, 200)),
            };
            rows.push([clean(name, LONGEST_NAME), clean(variable, 80), how]);
        }
    }
    if !rows.is_empty() {
        out.data(&columns(["SERVER", "VARIABLE", "VALUE"], &rows));
    }
    Ok(Exit::Done)
}

fn to_json((name, secrets): &(String, ServerSecrets)) -> Value {
    let variables: Vec<Value> = secrets
        .iter()
        .map(|(variable, secret)| match secret {
            StoredSecret::Value(_) => json!({"variable": variable, "command": null, "ttl_s": null}),
            StoredSecret::Command(command) => {
                json!({"variable": variable, "command": command.line, "ttl_s": command.ttl})
            }
        })
        .collect();
    json!({"server": name, "secrets": variables})
}

fn remove(store: &Store, server: &str, variable: Option<&str>, out: &Out) -> Result<Exit, Error> {
    if !store.remove_secret(server, variable).map_err(VaultError::Store)? {
        return Err(none(store, server));
    }
    let what = variable.map_or_else(|| "every secret".to_owned(), str::to_owned);
    if out.json {
        out.object(&json!({"version": 1, "server": server, "variable": variable}));
    } else {
        out.result(&format!("removed: {} of {}", clean(&what, 80), clean(server, LONGEST_NAME)));
    }
    Ok(Exit::Done)
}

/// What is not there, and what is.
fn none(store: &Store, server: &str) -> Error {
    let names = store.secret_servers().unwrap_or_default();
    let hint = match names.as_slice() {
        [] => "store one with: mcpauth secret set SERVER VARIABLE".into(),
        names => format!("there are secrets for: {}", names.join(", ")),
    };
    Error::Usage { message: format!("there is no such secret for {:?}", clean(server, LONGEST_NAME)), hint }
}
