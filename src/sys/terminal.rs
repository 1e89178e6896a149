//! What kind of terminal there is, and all of a piped input. Questions and colours are `cli`'s.

use std::fs::File;
use std::io::{IsTerminal, Read};

use crate::sys::{env, regular_file};

/// Whether a user can answer: both ends are a terminal.
pub fn interactive() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Whether stdin is a terminal, at which somebody would have to type.
pub fn stdin_is_terminal() -> bool {
    std::io::stdin().is_terminal()
}

/// Whether stderr can show bars and colours.
pub fn stderr_is_rich() -> bool {
    std::io::stderr().is_terminal() && env::get("TERM").is_none_or(|term| term != "dumb")
}

/// Whether stdout is a terminal that supports colours.
pub fn stdout_is_rich() -> bool {
    std::io::stdout().is_terminal() && env::get("TERM").is_none_or(|term| term != "dumb")
}

/// How many columns stdout has, if it is a terminal.
pub fn stdout_width() -> Option<usize> {
    let columns =
        || dialoguer::console::Term::stdout().size_checked().map_or(80, |(_, columns)| columns.into());
    std::io::stdout().is_terminal().then(columns)
}

/// How many columns stderr has, if it is a terminal.
pub fn stderr_width() -> Option<usize> {
    let columns =
        || dialoguer::console::Term::stderr().size_checked().map_or(80, |(_, columns)| columns.into());
    std::io::stderr().is_terminal().then(columns)
}

/// How many rows and columns stdout has, if it is a terminal.
pub fn stdout_size() -> Option<(usize, usize)> {
    let size = || dialoguer::console::Term::stdout().size_checked().unwrap_or((24, 80));
    std::io::stdout().is_terminal().then(size).map(|(rows, columns)| (rows.into(), columns.into()))
}

/// Erases the last rows of stdout, and leaves the cursor where the first of them began; the whole screen without a number.
pub fn erase(rows: Option<usize>) -> std::io::Result<()> {
    let terminal = dialoguer::console::Term::stdout();
    match rows {
        Some(rows) => terminal.clear_last_lines(rows),
        None => terminal.clear_screen(),
    }
}

/// Stdout as a file, for a program that must know which lines were written: the standard library's own is buffered.
pub fn stdout_file() -> std::io::Result<File> {
    #[cfg(unix)]
    return Ok(std::os::fd::AsFd::as_fd(&std::io::stdout()).try_clone_to_owned()?.into());
    #[cfg(windows)]
    return Ok(std::os::windows::io::AsHandle::as_handle(&std::io::stdout()).try_clone_to_owned()?.into());
}

/// All of stdin, as text without a byte order mark.
///
/// # Errors
/// The operating system's error; [`std::io::ErrorKind::InvalidData`] if it is not text.
pub fn piped() -> std::io::Result<String> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    let not_text = |_| std::io::Error::new(std::io::ErrorKind::InvalidData, regular_file::NOT_TEXT);
    regular_file::text(bytes).map_err(not_text)
}
