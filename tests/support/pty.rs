//! A terminal for the program to draw on, and what it draws. Not here: what a pipe gets (see `wire::Running`).
#![cfg(test)]
#![cfg(target_os = "linux")]

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// A program on a terminal of its own.
pub(crate) struct OnTerminal {
    child: Child,
    screen: File,
    drawn: String,
}

impl OnTerminal {
    /// Starts it on a terminal with this many rows and columns.
    pub(crate) fn start(mut command: Command, rows: u16, columns: u16) -> Self {
        let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&screen).unwrap();
        unlockpt(&screen).unwrap();
        tcsetwinsize(&screen, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let name = ptsname(&screen, Vec::new()).unwrap().into_string().unwrap();
        let terminal = OpenOptions::new().read(true).write(true).open(name).unwrap();
        let end = || Stdio::from(terminal.try_clone().unwrap());
        command.stdin(end()).stdout(end()).stderr(end()).env("TERM", "xterm");
        let child = command.spawn().unwrap();
        drop((command, terminal));
        Self { child, screen: screen.into(), drawn: String::new() }
    }

    /// Reads until it has drawn this since the last time; everything that was drawn in between.
    #[track_caller]
    pub(crate) fn until(&mut self, text: &str) -> String {
        let mut bytes = [0; 4096];
        while !self.drawn.contains(text) {
            let count = self.screen.read(&mut bytes).unwrap_or_default();
            assert!(count > 0, "it ended before {text:?}: {}", self.drawn);
            self.drawn += &String::from_utf8_lossy(&bytes[..count]);
        }
        let at = self.drawn.find(text).unwrap() + text.len();
        let rest = self.drawn.split_off(at);
        std::mem::replace(&mut self.drawn, rest)
    }

    /// Types this.
    pub(crate) fn type_in(&mut self, text: &str) {
        self.screen.write_all(text.as_bytes()).unwrap();
    }

    /// Sends it a signal, and waits for its end: its exit code, and what it drew last.
    pub(crate) fn stop(mut self, signal: &str) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        // The terminal's other end closes with the program.
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = self.screen.read(&mut bytes) {
            self.drawn += &String::from_utf8_lossy(&bytes[..count]);
        }
        (self.child.wait().unwrap().code(), self.drawn)
    }
}
