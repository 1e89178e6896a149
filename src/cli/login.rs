//! `mcpauth login`: logs in to any MCP server by its address. Not here: the work (see `login`).

mod args;

pub(super) use self::args::LoginArgs;
use crate::cli::flows::{self, FlowResult, FlowResults};
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::cli::report::RunReport;
use url::Url;

use crate::config::{Config, ConfigError, CredentialPlan, address_id, login_command, name_of};
use crate::credential::CredentialKind;
use crate::error::{Error, Exit};
use crate::login::{KeyRequest, keep_key, log_in};
use crate::vault::VaultError;

pub(super) fn run(args: &LoginArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let config = given.config(out)?;
    if let Some(request) = args.key_request()? {
        return key(&request, args.force, &config, out);
    }
    let request = args.request()?;
    is_free(&request.name, &request.url, request.force, &config)?;
    let vault = out.context().vault(&config, flows::browser(&args.browser, &config))?;
    let known = FlowResults::default();
    let get = async |planned: CredentialPlan, force: bool| {
        let row = flows::run(&vault, vec![planned], force, out, &known).await.pop();
        row.map_or_else(|| Err(VaultError::NeedsPerson { why: None }.into()), |row| row.result)
    };
    let work = async {
        let result = log_in(&request, &config, &vault, get, out).await;
        let id = address_id(&request.name, config.registration_scope(&request.name)?);
        let (name, command) = (id.to_string(), request.command(&result));
        Ok(RunReport::new(
            &[],
            vec![FlowResult { kind: CredentialKind::Egress, name, command, result }],
            Vec::new(),
        ))
    };
    Ok(flows::until_signal(out, work, |exit| RunReport::interrupted(exit, &known))?.report(out))
}

/// Keeps a key instead.
fn key(request: &KeyRequest, force: bool, config: &Config, out: &Out) -> Result<Exit, Error> {
    let KeyRequest { name, url, .. } = request;
    is_free(name, url, force, config)?;
    let vault = out.context().vault(config, None)?;
    let id = address_id(name, config.own_scope());
    let command = format!("{} --with-token", login_command(url, name));
    let work = async {
        let result = keep_key(request, config, &vault).await;
        let row = FlowResult { kind: CredentialKind::Egress, name: id.to_string(), command, result };
        Ok(RunReport::new(&[], vec![row], Vec::new()))
    };
    let known = FlowResults::default();
    Ok(flows::until_signal(out, work, |exit| RunReport::interrupted(exit, &known))?.report(out))
}

/// Whether the name is free, or this server's.
fn is_free(name: &str, url: &Url, force: bool, config: &Config) -> Result<(), Error> {
    let kept = match config.registered_as(name) {
        Err(ConfigError::File(..)) if force => None,
        other => other?,
    };
    let Some(other) = kept.filter(|kept| kept.url() != url && !force) else { return Ok(()) };
    let command = login_command(url, &name_of(url));
    Err(Error::Usage {
        message: format!("{name} is already the name of {}", other.url()),
        hint: format!("choose another name: {command} --server-name NAME"),
    })
}
