//! `mcpauth import`: shows what clients' files hold in plain text, and takes it into the user's store. Not here: finding and taking
//! it (see `import`).

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use crate::cli::args::client_names;
use crate::cli::ask;
use crate::cli::flows;
use crate::cli::given::Given;
use crate::cli::out::{Mark, Out, extend};
use crate::cli::paths::from_home;
use crate::error::{Error, Exit};
use crate::import::{self, Becomes, Findings, FoundEntry, ImportOutcome, TakenEntry};
use crate::servers;
use crate::sys::paths;
use crate::text::path_word;

/// Take the secrets out of the clients' files, and logins from mcp-remote
///
/// Looks at every known client's files, in your folders and in this one: keys in headers, addresses, variables and
/// arguments, and entries that start mcp-remote. Each is stored and tried first; then the entry asks mcpauth, and everything else
/// in the file stays. mcpauth config uninstall --restore undoes it.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  mcpauth import --dry-run\n  mcpauth import --client cursor --client claude-code\n  \
                        mcpauth import --yes"
)]
pub(super) struct ImportArgs {
    /// The clients [default: all]
    #[arg(long, value_parser = client_names())]
    client: Vec<String>,
    /// Only show what was found and what would replace it
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

pub(super) fn run(args: &ImportArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let config = given.config(out)?;
    let is_meant = |client: &str| args.client.is_empty() || args.client.iter().any(|name| name == client);
    let look = || import::look(&config, &paths::absolute(Path::new(".")), is_meant);
    let mut found = look();
    let is_changing = !args.dry_run && !found.is_empty();
    let lock = is_changing.then(|| import::lock(&servers::file_store(&config), out)).transpose()?;
    if lock.is_some() {
        // Another import may have taken it meanwhile.
        found = look();
    }
    for (path, error) in &found.unreadable {
        out.say(&format!("not read: {}: {error}", from_home(path)));
    }
    if !out.json || args.dry_run {
        found.entries.iter().for_each(|entry| show(&found, entry, out));
        for copy in &found.copies {
            out.row(
                Mark::Good,
                &format!("{:16} an old copy with secrets", copy.client),
                &from_home(&copy.path),
            );
            out.result("         -> moved into mcpauth's store");
        }
    }
    if args.dry_run || found.is_empty() {
        if out.json {
            let entries: Vec<Value> =
                found.entries.iter().map(|entry| object(&found, entry, "found", None, None)).collect();
            let copies: Vec<Value> =
                found.copies.iter().map(|copy| copied(&copy.path, "found", None)).collect();
            out.object(&json!({"version": 1, "entries": entries, "copies": copies}));
        } else if found.is_empty() {
            out.say("no client's file has a secret in plain text, or starts mcp-remote");
        }
        return Ok(Exit::Done);
    }
    if !args.yes && !confirm(&found)? {
        out.say("nothing was changed");
        return Ok(Exit::Interrupted);
    }
    let vault = out.context().vault(&config, None)?;
    let taken = flows::complete(out, async { Ok(import::take(&found, &config, &vault, out).await) })?;
    drop(lock);
    Ok(report(&found, &taken, out))
}

fn confirm(found: &Findings) -> Result<bool, Error> {
    let mut files: Vec<&Path> =
        found.entries.iter().filter_map(|entry| Some(found.files.get(entry.file)?.path.as_path())).collect();
    files.extend(found.copies.iter().map(|copy| copy.path.as_path()));
    files.sort_unstable();
    files.dedup();
    let prompt = format!("Store them, and change {} file(s)?", files.len());
    ask::confirm("whether to change the files", prompt, true)
}

fn place(found: &Findings, entry: &FoundEntry) -> (&'static str, String) {
    let file = found.files.get(entry.file);
    file.map_or(("", String::new()), |file| (file.target.client, from_home(&file.path)))
}

fn show(found: &Findings, entry: &FoundEntry, out: &Out) {
    let (client, path) = place(found, entry);
    let name = crate::text::clean(&entry.name, 80);
    let mark = if matches!(entry.becomes, Becomes::Left(_)) { Mark::Warn } else { Mark::Good };
    out.row(mark, &format!("{client:16} {name}"), &path);
    for secret in &entry.secrets {
        out.result(&format!("         {}: [redacted] ({})", secret.place(), secret.why));
    }
    out.result(&format!("         -> {}", entry.becomes.text(&name)));
}

fn report(found: &Findings, taken: &ImportOutcome, out: &Out) -> Exit {
    let failed = taken.entries.iter().filter(|taken| taken.result.is_err()).count()
        + taken.copies.iter().filter(|(_, result)| result.is_err()).count();
    let all = taken.entries.len() + taken.copies.len();
    let first = || taken.entries.iter().find_map(|taken| taken.result.as_ref().err());
    let exit = match failed {
        0 => Exit::Done,
        failed if failed == all => first().map_or(Exit::Other, Error::exit),
        _ => Exit::Partial,
    };
    let objects: Vec<Value> = taken.entries.iter().filter_map(|taken| say(found, taken, out)).collect();
    let copies: Vec<Value> = taken.copies.iter().map(|(path, result)| say_copy(path, result, out)).collect();
    for path in &taken.remaining {
        let remedy = format!("remove it if it is not needed: rm {}", path_word(path));
        out.row_with_remedy(
            Mark::Warn,
            &format!("a copy still has a secret: {}", from_home(path)),
            Some(&remedy),
        );
    }
    if out.json {
        let (ok, exit) = (failed == 0, exit as u8);
        out.object(&json!({"version": 1, "ok": ok, "exit_code": exit, "entries": objects, "copies": copies, "remaining": taken.remaining}));
    } else if failed < all {
        out.say("restart the clients; to undo it: mcpauth config uninstall --restore");
    }
    exit
}

/// The result of one entry.
fn say(found: &Findings, taken: &TakenEntry, out: &Out) -> Option<Value> {
    let entry = found.entries.get(taken.entry)?;
    let (client, path) = place(found, entry);
    let name = crate::text::clean(&entry.name, 80);
    let login = taken.login.as_ref().map(|command| format!("log in: {command}"));
    Some(match &taken.result {
        Ok(stored) => {
            let text = format!("{client:16} {name} now asks mcpauth ({stored})");
            match &login {
                Some(_) => out.row_with_remedy(Mark::Warn, &text, login.as_deref()),
                None => out.row(Mark::Good, &text, &path),
            }
            for (file, why) in &taken.staying {
                let remedy = format!("once it works here, remove it: rm {}", path_word(file));
                let text = format!("mcp-remote's file still holds the login: {}: {why}", from_home(file));
                out.row_with_remedy(Mark::Warn, &text, Some(&remedy));
            }
            let mut object = object(found, entry, "taken", None, login);
            let said = |(file, why): &(PathBuf, String)| json!({"path": file, "message": why});
            let staying: Vec<Value> = taken.staying.iter().map(said).collect();
            extend(&mut object, json!({"staying": staying}));
            object
        }
        Err(error) => {
            let hint = error.hint("mcpauth import");
            out.row_with_remedy(Mark::Bad, &format!("{client:16} {name} stays: {error}"), Some(&hint));
            object(found, entry, "left", Some(error), Some(hint))
        }
    })
}

fn say_copy(path: &Path, result: &Result<(), Error>, out: &Out) -> Value {
    match result {
        Ok(()) => {
            out.row(Mark::Good, "an old copy is now in mcpauth's store", &from_home(path));
            copied(path, "taken", None)
        }
        Err(error) => {
            let text = format!("{} stays: {error}", from_home(path));
            out.row_with_remedy(Mark::Bad, &text, Some(&error.hint("mcpauth import")));
            copied(path, "left", Some(error))
        }
    }
}

fn copied(path: &Path, status: &str, error: Option<&Error>) -> Value {
    json!({"path": path, "status": status, "message": error.map(ToString::to_string)})
}

fn object(
    found: &Findings,
    entry: &FoundEntry,
    status: &str,
    error: Option<&Error>,
    hint: Option<String>,
) -> Value {
    let file = found.files.get(entry.file);
    let secrets: Vec<Value> =
        entry.secrets.iter().map(|secret| json!({"place": secret.place(), "why": secret.why})).collect();
    json!({
        "client": file.map(|file| file.target.client),
        "path": file.map(|file| &file.path),
        "server": entry.name,
        "secrets": secrets,
        "becomes": entry.becomes.text(&entry.name),
        "status": status,
        "message": error.map(ToString::to_string),
        "hint": hint,
    })
}
