//! `mcpauth login`: logs in to any MCP server by its address. Not here: the work (see `login`).

mod args;

pub(super) use self::args::LoginArgs;
use crate::cli::flows::{self, FlowResult, FlowResults};
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::cli::report::RunReport;
use crate::config::{Config, ConfigError, CredentialPlan, address_id, login_command, name_of};
use crate::credential::CredentialKind;
use crate::error::{Error, Exit};
use crate::login::{LoginRequest, log_in};
use crate::vault::VaultError;

pub(super) fn run(args: &LoginArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let request = args.request()?;
    let config = given.config(out)?;
    is_free(&request, &config)?;
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

/// Whether the name is free, or this server's.
fn is_free(request: &LoginRequest, config: &Config) -> Result<(), Error> {
    let LoginRequest { name, url, .. } = request;
    let kept = match config.registered_as(name) {
        Err(ConfigError::File(..)) if request.force => None,
        other => other?,
    };
    let Some(other) = kept.filter(|kept| kept.url() != url && !request.force) else { return Ok(()) };
    let command = login_command(url, &name_of(url));
    Err(Error::Usage {
        message: format!("{name} is already the name of {}", other.url()),
        hint: format!("choose another name: {command} --server-name NAME"),
    })
}
