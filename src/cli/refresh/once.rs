//! `mcpauth refresh --once`: one pass over everything that is due, for cron. It leaves the summary to `report`.

use futures_util::future::join_all;

use crate::cli::flows::{self, Row};
use crate::cli::out::{Mark, Out};
use crate::cli::refresh::renew::{self, Turns};
use crate::cli::refresh::{EVERY_KIND, RefreshArgs, Rules};
use crate::cli::report::{self, ConfigRow, Skipped};
use crate::config::{Config, Planned};
use crate::credential::Credential;
use crate::error::{Error, Exit};
use crate::vault::{Fresh, Outcome, Vault};

/// What a pass did.
struct Done {
    /// Set if a signal ended it.
    exit: Option<Exit>,
    rows: Vec<Row>,
    configs: Vec<ConfigRow>,
}

pub(super) fn run(args: &RefreshArgs, rules: Rules, config: &Config, out: &Out) -> Result<Exit, Error> {
    let interrupted = |exit| Done { exit: Some(exit), rows: Vec::new(), configs: Vec::new() };
    let done = flows::until_signal(out, pass(args, rules, config, out), interrupted)?;
    Ok(done.exit.unwrap_or_else(|| report::report(out, &done.rows, &skipped(&done.rows), &done.configs)))
}

async fn pass(args: &RefreshArgs, rules: Rules, config: &Config, out: &Out) -> Result<Done, Error> {
    let pass = Pass { vault: flows::vault(config, None, out)?, turns: Turns::default(), rules, out };
    let planned = config.plan(&EVERY_KIND, None);
    let rows = join_all(planned.into_iter().map(|flow| pass.one(flow, args.force))).await;
    out.settle();
    let came = |row: &Row| row.result.as_ref().is_ok_and(|fresh| fresh.outcome != Outcome::Reused);
    let configs = if rows.iter().any(came) {
        super::rewrite(config, &pass.vault.store, !args.no_install, out)
            .unwrap_or_else(|error| vec![ConfigRow::none(config, error)])
    } else {
        Vec::new()
    };
    Ok(Done { exit: None, rows, configs })
}

struct Pass<'a> {
    vault: Vault,
    turns: Turns,
    rules: Rules,
    out: &'a Out,
}

impl Pass<'_> {
    async fn one(&self, flow: Planned, anew: bool) -> Row {
        let Planned { kind, name, credential, .. } = flow;
        let line = self.out.line(&name);
        let (command, result) = match credential {
            Err(error) => (format!("mcpauth {}", kind.name()), Err(error.into())),
            Ok(credential) => (credential.command.clone(), self.renew(&credential, anew).await),
        };
        match &result {
            Ok(fresh) => line.end(Mark::Good, &flows::said(fresh), &flows::said(fresh)),
            Err(error) => {
                let brief = format!("failed: {}", error.code().replace('_', " "));
                line.end(Mark::Bad, &brief, &error.to_string());
            }
        }
        Row { kind, name, command, result }
    }

    async fn renew(&self, credential: &Credential, anew: bool) -> Result<Fresh, Error> {
        let turns = self.turns.of(credential);
        let _turn = turns.acquire().await;
        renew::renew(&self.vault, credential, self.rules.buffer, anew).await
    }
}

fn skipped(rows: &[Row]) -> Vec<Skipped> {
    let configured = |kind| rows.iter().any(|row| row.kind == kind);
    EVERY_KIND.into_iter().filter(|kind| !configured(*kind)).map(Skipped::not_configured).collect()
}
