//! The command line's reference, made from what clap knows: every verb with its usage, arguments and flags.

use clap::{Arg, Command};

use super::generated::{expect_part, table};

#[test]
fn the_command_line_is_claps() {
    let mut command = mcpauth::cli::command();
    command.build();
    let mut text = String::new();
    section(&command, "mcpauth", &mut text);
    expect_part("command line", &text);
}

/// One verb and those below it. Global options are listed once, at the program itself.
fn section(command: &Command, name: &str, text: &mut String) {
    let is_top = !name.contains(' ');
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    let aliases: Vec<_> = command.get_visible_aliases().map(|alias| format!("`{alias}`")).collect();
    let also = if aliases.is_empty() { String::new() } else { format!("Also: {}.\n\n", aliases.join(", ")) };
    *text += &format!("## {name}\n\n{}\n\n{also}```text\n{usage}\n```\n\n", placed(about.trim()));
    let shown = |arg: &&Arg| {
        let built_in = ["help", "version"].contains(&arg.get_id().as_str());
        !arg.is_hide_set() && !built_in && (is_top || !arg.is_global_set())
    };
    let rows: Vec<_> = command.get_arguments().filter(shown).map(row).collect();
    if !rows.is_empty() {
        *text += &format!("{}\n", table(&["argument", "meaning"], rows));
    }
    for below in command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help")
    {
        section(below, &format!("{name} {}", below.get_name()), text);
    }
}

fn row(arg: &Arg) -> Vec<String> {
    let short = arg.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let (help, more) = (placed(&help), choices(arg) + &default(arg));
    let stop = if more.is_empty() || help.ends_with(['.', ']']) { "" } else { "." };
    vec![format!("`{short}{arg}`"), format!("{help}{stop}{more}")]
}

/// What would be markup is shown as it is.
fn placed(help: &str) -> String {
    help.replace('<', "&lt;").replace('*', "\\*")
}

fn choices(arg: &Arg) -> String {
    let takes_value = arg.get_action().takes_values();
    let values = arg.get_possible_values().into_iter().filter(|value| takes_value && !value.is_hide_set());
    let names: Vec<_> = values.map(|value| format!("`{}`", value.get_name())).collect();
    if names.is_empty() { String::new() } else { format!(" One of {}.", names.join(", ")) }
}

fn default(arg: &Arg) -> String {
    let values: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let shown = arg.get_action().takes_values() && !values.is_empty();
    if shown { format!(" Default: `{}`.", values.join(" ")) } else { String::new() }
}
