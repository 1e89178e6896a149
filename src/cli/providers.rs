//! `mcpauth providers`: the outside services, what is known about each, and whether your own files are valid.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tracing::debug;

use crate::cli::columns::columns;
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::config::Config;
use crate::error::{Error, Exit};
use crate::provider::{Provider, SecretRule, built_in};
use crate::sys::address::web_url;

/// List, show and check the outside services you can log in to
#[derive(Args, Debug)]
pub(super) struct ProvidersArgs {
    #[command(subcommand)]
    what: ProvidersCommand,
}

#[derive(Subcommand, Debug)]
enum ProvidersCommand {
    /// Every provider, built in or your own
    List,
    /// One provider: endpoints, scopes, quirks, settings
    Show {
        /// Its name
        name: String,
    },
    /// Parse every provider file; exit code 7 if one is wrong
    Check,
    /// Print the JSON schema of provider files, for editors
    Schema,
}

pub(super) fn run(args: &ProvidersArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let config = &given.config(out)?;
    match &args.what {
        ProvidersCommand::List => list(config, out),
        ProvidersCommand::Show { name } => show(config, name, out),
        ProvidersCommand::Check => Ok(check(config, out)),
        ProvidersCommand::Schema => {
            out.object(&Provider::schema());
            Ok(Exit::Done)
        }
    }
}

fn list(config: &Config, out: &Out) -> Result<Exit, Error> {
    let mut rows = Vec::new();
    for name in config.provider_names() {
        let provider = config.raw_provider(&name)?;
        let origin = config.provider_origin(&name).to_string();
        rows.push([name, provider.display_name, origin]);
    }
    if out.json {
        let object = |[name, shown, origin]: &[String; 3]| json!({"name": name, "display_name": shown, "origin": origin});
        out.object(&json!({"version": 1, "providers": rows.iter().map(object).collect::<Vec<_>>()}));
    } else {
        out.data(&columns(["NAME", "SERVICE", "FROM"], &rows));
    }
    Ok(Exit::Done)
}

fn show(config: &Config, name: &str, out: &Out) -> Result<Exit, Error> {
    let provider = config.raw_provider(name)?;
    if out.json {
        out.object(&to_json(&provider));
    } else {
        out.data(text(&provider, out).trim_end());
    }
    Ok(Exit::Done)
}

fn to_json(provider: &Provider) -> Value {
    json!({
        "name": provider.name,
        "display_name": provider.display_name,
        "authorization_endpoint": provider.authorization_endpoint,
        "token_endpoint": provider.token_endpoint,
        "issuer": provider.issuer,
        "scopes": provider.scopes,
        "client_secret": secret_rule(provider.client_secret),
        "pkce": provider.pkce,
        "redirect_hosts": provider.redirect.hosts,
        "any_port": provider.redirect.any_port,
        "console_url": provider.console_url,
        "notes": provider.notes,
    })
}

fn secret_rule(rule: SecretRule) -> &'static str {
    match rule {
        SecretRule::Required => "required",
        SecretRule::Optional => "optional",
        SecretRule::Never => "never",
    }
}

fn text(provider: &Provider, out: &Out) -> String {
    let mut text = format!("{}\n", provider.display_name);
    let mut row = |name: &str, value: &str| text.push_str(&format!("  {name:12} {}\n", out.wrap(value, 15)));
    for (name, value) in [
        ("issuer", &provider.issuer),
        ("authorize", &provider.authorization_endpoint),
        ("token", &provider.token_endpoint),
        ("revoke", &provider.revocation_endpoint),
        ("device", &provider.device_authorization_endpoint),
        ("register at", &provider.console_url),
    ] {
        if let Some(value) = value {
            row(name, value);
        }
    }
    row("scopes", &provider.scopes.join(" "));
    row("secret", secret_rule(provider.client_secret));
    row("redirect", &redirect(provider));
    for variable in &provider.variables {
        row("variable", &format!("{} from {}", variable.name, variable.setting));
    }
    for note in &provider.notes {
        row("note", note);
    }
    text
}

fn redirect(provider: &Provider) -> String {
    let hosts = if provider.redirect.hosts.is_empty() {
        "any loopback host".into()
    } else {
        provider.redirect.hosts.join(" or ")
    };
    format!(
        "{hosts}, {}",
        if provider.redirect.any_port { "any port" } else { "exactly the registered port" }
    )
}

fn check(config: &Config, out: &Out) -> Exit {
    let mut problems = Vec::new();
    for name in config.provider_names() {
        let found = config.raw_provider(&name).map_err(|e| e.to_string()).and_then(endpoints);
        match found {
            Ok(()) => debug!("{name}: fine"),
            Err(problem) => problems.push(format!("{name}: {problem}")),
        }
    }
    if out.json {
        out.object(&json!({"version": 1, "ok": problems.is_empty(), "problems": problems}));
    } else if problems.is_empty() {
        out.result(&format!(
            "{} providers are fine ({} built in)",
            config.provider_names().len(),
            built_in().count()
        ));
    } else {
        out.data(&problems.join("\n"));
    }
    if problems.is_empty() { Exit::Done } else { Exit::Found }
}

/// Checks that every endpoint is https, or http on this machine, whatever its variables stand for.
fn endpoints(provider: Provider) -> Result<(), String> {
    let provider = provider.filled(&|_| Some("example".into())).map_err(|e| e.to_string())?;
    let all = [
        &provider.authorization_endpoint,
        &provider.token_endpoint,
        &provider.revocation_endpoint,
        &provider.issuer,
    ];
    for text in all.into_iter().flatten() {
        let url = web_url(text).map_err(|e| format!("{text}: {e}"))?;
        if url.scheme() != "https" && !crate::sys::http::is_loopback(&url) {
            return Err(format!("{text}: not https"));
        }
    }
    Ok(())
}
