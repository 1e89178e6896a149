//! `mcpauth demo`: the main job, for real, without an account or a network. It leaves the identity provider to `demo::idp`
//! and runs the same code as `mcpauth generate`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde_json::{Value, json};

use crate::cli::flows;
use crate::cli::generate::{self, Done, GenerateArgs};
use crate::cli::out::Out;
use crate::config::{Config, Settings};
use crate::demo::idp::Idp;
use crate::demo::setup;
use crate::error::{Error, Exit};
use crate::sys::browser::Browser;
use crate::sys::http::Http;
use crate::sys::private_file;
use crate::vault::Outcome;

/// Show everything on this machine: an identity provider for development, and every flow against it
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  mcpauth demo\n  mcpauth demo --keep       leave it running, with commands to try\n  \
                        mcpauth demo --browser    click through the login pages yourself"
)]
pub(super) struct DemoArgs {
    /// Leave it running and print what to try
    #[arg(long)]
    keep: bool,
    /// Log in by hand, in the browser
    #[arg(long)]
    browser: bool,
}

/// One thing that was shown.
struct Step {
    name: &'static str,
    ok: bool,
    detail: String,
}

pub(super) fn run(args: &DemoArgs, out: &Out) -> Result<Exit, Error> {
    let folder = tempfile::Builder::new().prefix("mcpauth-demo-").tempdir()?;
    let work = demo(args, folder.path(), out);
    let steps = flows::until_signal(out, async { work.await.map(Ok) }, Err)?;
    let steps = match steps {
        Ok(steps) => steps,
        Err(exit) => return Ok(exit),
    };
    let ok = steps.iter().all(|step| step.ok);
    if out.json {
        let steps: Vec<Value> = steps
            .iter()
            .map(|step| json!({"name": step.name, "ok": step.ok, "detail": step.detail}))
            .collect();
        out.object(&json!({"ok": ok, "steps": steps}));
    }
    Ok(if ok { Exit::Done } else { Exit::Other })
}

async fn demo(args: &DemoArgs, folder: &Path, out: &Out) -> Result<Vec<Step>, Error> {
    let began = Instant::now();
    let idp = Idp::start(setup::options(!args.browser)).await?;
    let mut steps = Vec::new();
    let mut show = |name, ok: bool, detail: String| {
        out.result(&format!(
            "{} {name:18} {detail}",
            if ok { out.paint("32", "✓") } else { out.paint("31", "✗") }
        ));
        steps.push(Step { name, ok, detail });
    };
    show("identity-provider", true, format!("for development only, at {}", idp.issuer()));
    let config = project(folder, &idp)?;
    // A person who clicks through the pages must see where they are; the robot need not.
    let (browser, told_to) = if args.browser {
        (Browser::System, out.clone())
    } else {
        (Browser::Robot(Http::new(false)), out.muted())
    };
    let done = generate::generate(&config, &GenerateArgs::default(), Some(browser), &told_to).await?;
    show("generate", all_good(&done), told(&done));
    let open = exposed(&config.tokens_dir);
    show("private-files", open.is_empty(), if open.is_empty() { "every file is 0600".into() } else { open });
    let configs = done.configs.len();
    let servers = done.configs.first().map_or(0, |config| config.servers);
    show(
        "configurations",
        configs == 4 && servers > 0,
        format!("{configs} client configurations of {servers} servers"),
    );
    // Nobody is there to log in this time: whatever is not reused or refreshed fails.
    let again = generate::generate(&config, &GenerateArgs::default(), None, &out.muted()).await?;
    let reused =
        again.rows.iter().all(|row| row.result.as_ref().is_ok_and(|fresh| fresh.outcome == Outcome::Reused));
    show("reuse", reused, format!("{} tokens reused, none asked for", again.rows.len()));
    let after = if args.keep { "it stays up until Ctrl-C" } else { "nothing of it is left behind" };
    out.result(&format!("done in {} ms; {after}", began.elapsed().as_millis()));
    if args.keep {
        out.result(&to_try(folder, &idp));
        if out.json {
            out.say("it stays up until Ctrl-C");
        }
        return std::future::pending().await;
    }
    Ok(steps)
}

/// A project folder as a user would have one, except that its home is a folder of its own too.
fn project(folder: &Path, idp: &Idp) -> Result<Config, Error> {
    private_file::create_dir(folder)?;
    let env = setup::env(folder, idp.issuer());
    for (name, text) in setup::files(idp.issuer()) {
        let path = folder.join(name);
        private_file::create_dir(path.parent().unwrap_or(folder))?;
        private_file::write(&path, &text)?;
    }
    let lines: Vec<String> = env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    private_file::write(&folder.join(".env"), &(lines.join("\n") + "\n"))?;
    let mut config = Config::resolve(Settings::of(env))?;
    config.home = Some(folder.join("home"));
    Ok(config)
}

fn all_good(done: &Done) -> bool {
    !done.rows.is_empty()
        && done.rows.iter().all(|row| row.result.is_ok())
        && done.configs.iter().all(|config| config.result.is_ok())
}

fn told(done: &Done) -> String {
    let one = |row: &flows::Row| match &row.result {
        Ok(fresh) => format!("\n    {:28} {}", row.name, flows::said(fresh)),
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

fn to_try(folder: &Path, idp: &Idp) -> String {
    let folder = folder.display();
    let issuer = idp.issuer();
    format!(
        "\nTry, in another terminal:\n  cd {folder}\n  mcpauth generate --no-install --force --browser\n  mcpauth egress --provider demo-notes --no-browser\n  \
         mcpauth config show --origin\n  mcpauth config show --client roo\n  curl {issuer}/.well-known/openid-configuration"
    )
}
