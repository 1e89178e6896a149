//! `mcpauth refresh --once`: one pass over everything due, for cron. Not here: the summary (see `report`).

use crate::cli::flows::{self, FlowResult, FlowResults};
use crate::cli::out::Out;
use crate::cli::refresh::args::RefreshArgs;
use crate::cli::report::{ConfigRow, RunReport};
use crate::config::Config;
use crate::credential::{Credential, CredentialKind};
use crate::error::{Error, Exit};
use crate::refresh::{Rules, Turns, renew, rewrite};
use crate::vault::TokenOutcome;

pub(super) fn run(args: &RefreshArgs, rules: Rules, config: &Config, out: &Out) -> Result<Exit, Error> {
    let known = FlowResults::default();
    let work = pass(args, rules, config, out, &known);
    Ok(flows::until_signal(out, work, |exit| RunReport::interrupted(exit, &known))?.report(out))
}

async fn pass(
    args: &RefreshArgs,
    rules: Rules,
    config: &Config,
    out: &Out,
    known: &FlowResults,
) -> Result<RunReport, Error> {
    let (vault, turns) = (out.context().vault(config, None)?, Turns::default());
    let get = async |credential: &Credential| {
        let turns = turns.of(credential);
        let _turn = turns.acquire().await;
        renew(&vault, credential, rules.buffer, args.force).await
    };
    let rows = flows::run_each(config.plan(&CredentialKind::ALL, None), out, known, get).await;
    let came =
        |row: &FlowResult| row.result.as_ref().is_ok_and(|fresh| fresh.outcome != TokenOutcome::Reused);
    let configs = if rows.iter().any(came) {
        rewrite(config, &vault.store, !args.no_install, out)
            .unwrap_or_else(|error| vec![ConfigRow::none(config, error)])
    } else {
        Vec::new()
    };
    Ok(RunReport::new(&CredentialKind::ALL, rows, configs))
}
