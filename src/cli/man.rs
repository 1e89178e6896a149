//! `mcpauth man`: the manual pages, made of what the command line says of itself. It leaves writing them to `sys`.

use std::path::PathBuf;

use clap::{Args, Command};
use clap_mangen::Man;

use crate::cli::args::EXIT_CODES;
use crate::cli::given::Given;
use crate::cli::out::Out;
use crate::error::{Error, Exit};
use crate::sys::public_file;

/// Print the manual page, or write one page for every verb
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  mcpauth man | man -l -\n  mcpauth man --dir /usr/local/share/man/man1")]
pub(super) struct ManArgs {
    /// Write mcpauth.1, mcpauth-generate.1 and so on into this folder instead
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// At the foot of every page.
const SOURCE: &str = concat!("mcpauth ", env!("CARGO_PKG_VERSION"));

pub(super) fn run(args: &ManArgs, given: &Given<'_>, out: &Out) -> Result<Exit, Error> {
    let command = named((given.command)(), "");
    let Some(dir) = &args.dir else {
        out.lines(&page(&command)?);
        return Ok(Exit::Done);
    };
    let pages = pages(&command)?;
    for (name, page) in &pages {
        public_file::write(&dir.join(format!("{name}.1")), page)?;
    }
    if out.json {
        let names: Vec<String> = pages.iter().map(|(name, _)| format!("{name}.1")).collect();
        out.object(&serde_json::json!({"version": 1, "dir": dir, "pages": names}));
    }
    out.result(&format!("{} pages in {}", pages.len(), dir.display()));
    Ok(Exit::Done)
}

/// The page of a command and those of everything below it.
fn pages(command: &Command) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let mut found = vec![(name.to_owned(), page(command)?)];
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        found.extend(pages(below)?);
    }
    Ok(found)
}

fn page(command: &Command) -> Result<Vec<u8>, Error> {
    let man = Man::new(command.clone()).section("1").manual("mcpauth").source(SOURCE);
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.get_subcommands().any(|below| !below.is_hide_set()) {
        man.render_subcommands_section(&mut page)?;
    }
    if let Some(after) = command.get_after_help().map(ToString::to_string) {
        page.extend_from_slice(examples(&after).as_bytes());
    }
    page.extend_from_slice(exit_status().as_bytes());
    Ok(page)
}

/// What stands after the help, as it stands there: lines of commands must not be filled.
fn examples(after: &str) -> String {
    let (heading, text) = match after.split_once(":\n") {
        Some(("Example" | "Examples", text)) => ("EXAMPLES", text),
        _ => ("NOTES", after),
    };
    let lines: String = text.lines().map(|line| format!("{}\n", roff(line))).collect();
    format!(".SH {heading}\n.nf\n{lines}.fi\n")
}

fn exit_status() -> String {
    let codes = EXIT_CODES.trim_start_matches("Exit codes: ").split(" · ").map(|code| {
        let at = code.rfind(|c: char| c.is_ascii_digit()).map_or(0, |at| at + 1);
        let (code, meaning) = code.split_at_checked(at).unwrap_or((code, ""));
        format!(".TP\n\\fB{}\\fR\n{}\n", roff(code), roff(meaning.trim()))
    });
    format!(".SH \"EXIT STATUS\"\n{}", codes.collect::<String>())
}

/// A line of text that means itself: no escapes, and no request at its start.
fn roff(line: &str) -> String {
    format!("\\&{}", line.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq"))
}

/// Every command by its whole name, as its page is called: `mcpauth-gateway-serve`.
fn named(command: Command, above: &str) -> Command {
    let name = format!("{above}{}", command.get_name());
    let (spoken, below) = (name.replace('-', " "), format!("{name}-"));
    let command = command.display_name(name).bin_name(spoken).disable_help_subcommand(true);
    // The first page tells what every verb understands besides; its exit codes are in a section of their own.
    let command = if above.is_empty() { command.after_help(None) } else { command };
    command.mut_subcommands(|command| named(command, &below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_means_itself() {
        assert_eq!(roff(".so /etc/x"), "\\&.so /etc/x");
        assert_eq!(roff("printf '%s\\n' --json"), "\\&printf \\(aq%s\\en\\(aq \\-\\-json");
        assert_eq!(examples("Examples:\n  a\n  b"), ".SH EXAMPLES\n.nf\n\\&  a\n\\&  b\n.fi\n");
        assert_eq!(examples("Mind the gap"), ".SH NOTES\n.nf\n\\&Mind the gap\n.fi\n");
    }

    #[test]
    fn every_exit_code_is_an_item() {
        let text = exit_status();
        assert!(text.contains(".TP\n\\fB\\&0\\fR\n\\&all requested work done\n"), "{text}");
        assert!(text.contains(".TP\n\\fB\\&130, 143\\fR\n\\&signals\n"), "{text}");
        assert_eq!(text.matches(".TP").count(), 10, "{text}");
    }
}
