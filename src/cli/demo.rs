//! `mcpauth demo`: everything the program does, for real, without an account or a network. It runs the same code as
//! `mcpauth generate` and `mcpauth gateway serve`. Not here: the environment and the gateway's part (see `demo`).

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde_json::{Value, json};
use url::Url;

use crate::cli::config::uninstall;
use crate::cli::flows::{self, FlowResults};
use crate::cli::generate::{self, GenerateArgs};
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::cli::report::RunReport;
use crate::clients;
use crate::config::Config;
use crate::demo::acts::{Stage, Step, play};
use crate::error::{Error, Exit};
use crate::render::DryRun;
use crate::sys::browser::Browser;
use crate::sys::http::Http;
use crate::sys::private_file;
use crate::vault::TokenOutcome;

/// Run everything on this machine: a development identity provider, every flow, and the gateway
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  mcpauth demo\n  mcpauth demo --keep       leave it running, with commands to try\n  \
                        mcpauth demo --browser    click through the login pages yourself"
)]
pub(super) struct DemoArgs {
    /// Keep it running and print commands to try
    #[arg(long)]
    keep: bool,
    /// Log in yourself, in the browser
    #[arg(long)]
    browser: bool,
}

/// The steps shown so far.
struct DemoProgress<'o> {
    out: &'o Out,
    steps: Vec<Step>,
}

pub(super) fn run(args: &DemoArgs, _: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let folder = tempfile::Builder::new().prefix("mcpauth-demo-").tempdir()?;
    let kept = OnceCell::new();
    let exit = flows::until_signal(out, demo(args, folder.path(), &kept, out), |exit| exit)?;
    if let Some(config) = kept.get() {
        take_back(config, folder.path(), out);
    }
    Ok(exit)
}

/// What a person installed to clients of their own while all of it ran leads nowhere from now on.
fn take_back(config: &Config, folder: &Path, out: &Out) {
    match clients::uninstall(config, |_| true, DryRun::No) {
        Ok(rows) => {
            rows.iter()
                .filter(|row| !Path::new(&row.path).starts_with(folder))
                .for_each(|row| uninstall::say(row, out));
        }
        Err(error) => {
            out.must_say(&format!("entries of the demonstration may be left in clients' files: {error}"))
        }
    }
}

async fn demo(args: &DemoArgs, folder: &Path, kept: &OnceCell<Config>, out: &Out) -> Result<Exit, Error> {
    let began = Instant::now();
    let stage = Stage::set(folder, args.browser, &out.tasks).await?;
    if args.keep {
        kept.get_or_init(|| stage.config.clone());
    }
    let mut shown = DemoProgress { out, steps: Vec::new() };
    shown.step("identity-provider", true, format!("for development only, at {}", stage.idp.issuer()));
    let is_complete = credentials(args, &stage, &mut shown).await?;
    shown.step(
        "gateway",
        true,
        format!("{} in front of {} servers", stage.gateway.public_url(), stage.servers.len()),
    );
    if is_complete {
        play(&stage, |step| shown.show(step)).await?;
    } else {
        let text = "skipped: the agent needs every credential; allow each login: mcpauth demo --browser";
        shown.step("agent", false, text.into());
    }
    let after = if args.keep { "it runs until Ctrl-C" } else { "nothing is left behind" };
    out.result(&format!("done in {} ms; {after}", began.elapsed().as_millis()));
    let exit = shown.end();
    if args.keep {
        out.result(&to_try(folder, &stage));
        let pages = stage.gateway.face().and_then(|(_, url)| Url::parse(url).ok());
        if let Some(pages) = pages.filter(|_| args.browser) {
            Browser::System { without: stage.config.withheld() }.open(&pages);
        }
        if out.json {
            out.say("it runs until Ctrl-C");
        }
        return std::future::pending().await;
    }
    Ok(exit)
}

/// The main job and its results: whether all of it was done.
async fn credentials(args: &DemoArgs, stage: &Stage, shown: &mut DemoProgress<'_>) -> Result<bool, Error> {
    let (config, out) = (&stage.config, shown.out);
    // A person who clicks through the pages must see the steps; a robot does not.
    let (browser, told_to) = if args.browser {
        (Browser::System { without: config.withheld() }, out.clone())
    } else {
        (Browser::Robot(Http::new(false)), out.muted())
    };
    let known = FlowResults::default();
    let args = GenerateArgs::default();
    let done = generate::generate(config, &args, Some(browser), &told_to, &known).await?;
    shown.step("generate", all_good(&done), summarize(&done));
    let open = exposed(&config.tokens_dir);
    shown.step(
        "private-files",
        open.is_empty(),
        if open.is_empty() { "every file is 0600".into() } else { open },
    );
    let configs = done.configs.len();
    let servers = done.configs.first().map_or(0, |config| config.servers);
    let told = format!("{configs} client configurations of {servers} servers");
    shown.step("configurations", configs == 4 && servers > 0, told);
    // Nobody can log in this time: a token that is neither reused nor refreshed fails.
    let again = generate::generate(config, &args, None, &out.muted(), &known).await?;
    let (ok, detail) = reuse(&done, &again);
    shown.step("reuse", ok, detail);
    Ok(all_good(&done))
}

impl DemoProgress<'_> {
    fn step(&mut self, name: &'static str, ok: bool, detail: String) {
        self.show(Step { name, ok, detail });
    }

    fn show(&mut self, step: Step) {
        let out = self.out;
        let mark = if step.ok { out.paint("32", "✓") } else { out.paint("31", "✗") };
        out.result(&format!("{mark} {:23} {}", step.name, step.detail));
        self.steps.push(step);
    }

    /// Prints the JSON object if requested, and returns the exit code.
    fn end(&self) -> Exit {
        let ok = self.steps.iter().all(|step| step.ok);
        if self.out.json {
            let object = |step: &Step| json!({"name": step.name, "ok": step.ok, "detail": step.detail});
            let steps: Vec<Value> = self.steps.iter().map(object).collect();
            self.out.object(&json!({"ok": ok, "steps": steps}));
        }
        if ok { Exit::Done } else { Exit::Other }
    }
}

/// Whether the second run reused every token that the first one got. A token that the first run did not get does not count.
fn reuse(first: &RunReport, second: &RunReport) -> (bool, String) {
    let got = |row: &flows::FlowResult| row.result.is_ok();
    let reused = |row: &flows::FlowResult| {
        row.result.as_ref().is_ok_and(|fresh| fresh.outcome == TokenOutcome::Reused)
    };
    let (got, reused) = (
        first.rows.iter().filter(|row| got(row)).count(),
        second.rows.iter().filter(|row| reused(row)).count(),
    );
    let text = if got == reused {
        format!("{reused} tokens reused, none requested")
    } else {
        format!("{reused} of {got} tokens reused")
    };
    (got == reused, text)
}

fn all_good(done: &RunReport) -> bool {
    !done.rows.is_empty()
        && done.rows.iter().all(|row| row.result.is_ok())
        && done.configs.iter().all(|config| config.result.is_ok())
}

fn summarize(done: &RunReport) -> String {
    let one = |row: &flows::FlowResult| match &row.result {
        Ok(fresh) => format!("\n    {:28} {}", row.name, flows::describe(fresh)),
        Err(error) => format!("\n    {:28} FAILED: {error}", row.name),
    };
    let good = done.rows.iter().filter(|row| row.result.is_ok()).count();
    format!("{good} of {} credentials{}", done.rows.len(), done.rows.iter().map(one).collect::<String>())
}

/// The files of a folder that others could read.
fn exposed(folder: &Path) -> String {
    let Ok(entries) = std::fs::read_dir(folder) else { return "there is no tokens directory".into() };
    let open: Vec<PathBuf> = entries
        .flatten()
        .map(|e| e.path())
        .filter(|path| path.is_file() && private_file::is_exposed(path))
        .collect();
    open.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn to_try(folder: &Path, stage: &Stage) -> String {
    let (folder, issuer, gateway) = (folder.display(), stage.idp.issuer(), stage.gateway.public_url());
    let pages = stage.gateway.face().map(|(_, url)| url).unwrap_or_default();
    format!(
        "
The registry's pages, in a browser: who may use what, and why
  {pages}

Try, in another terminal:
  cd {folder}
  set -a; . ./demo.env; set +a    # all of its settings, for this shell
  mcpauth status
  mcpauth generate --no-install --force --browser
  mcpauth egress --provider demo-notes --no-browser
  mcpauth config show --client claude-code
  mcpauth doctor

  mcpauth list demo-tracker
  mcpauth call demo-tracker get_issue key=DEMO-1
  mcpauth call demo-tracker delete_issue               # refused
  mcpauth inspect ingress
  mcpauth bridge demo-tracker                          # an MCP server on stdio
  mcpauth call --auth --url {gateway}/mcpgw/mcp \\
    intelligent_tool_finder query=issue
  mcpauth gateway token --server demo-tracker --tool get_issue --ttl 15m
  mcpauth gateway token list

  mcpauth gateway check
  mcpauth gateway routes
  mcpauth gateway explain demo-tracker --tool delete_issue \\
    --scopes mcp-servers-restricted/execute
  mcpauth gateway test cases.yml
  printf 'X-Authorization: Bearer %s' \"$(mcpauth token ingress)\" |
    curl -i {gateway}/demo-tracker/mcp -H @- \\
    -H 'Content-Type: application/json' \\
    -H 'Accept: application/json, text/event-stream' \\
    -d '{{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"tools/list\"}}'
  curl {issuer}/.well-known/openid-configuration
  tail -f audit.jsonl

Give the agent delete_issue in scopes.yml and call it again: the change takes
effect within a second. The clients' configurations are in .oauth-tokens and home; they work
as long as this runs. What you install in your own clients meanwhile (mcpauth
config install) is removed from their files when the demo ends."
    )
}
