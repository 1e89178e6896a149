//! What a person types or pastes into this terminal, a line at a time, and the terminal's echo, which a program that redraws lines
//! must do without. Not here: showing what was typed, and what it means.

use std::sync::OnceLock;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::Mutex;

/// One reader for the whole process: a second one would steal its lines.
struct Keyboard {
    input: BufReader<tokio::io::Stdin>,
    line: TypedLine,
}

/// A line as far as it is typed. Waiting for it can be interrupted and resumed.
#[derive(Debug, Default)]
struct TypedLine {
    bytes: Vec<u8>,
    /// In the middle of what an arrow key sends.
    in_escape: bool,
}

/// What a byte did to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Typed {
    More,
    Line,
    End,
}

/// The next line; `None` at the end of the input. `shown` is told what there is of it so far, which a terminal without
/// [`Unechoed`] shows.
pub async fn line(shown: impl Fn(&str)) -> Option<String> {
    static KEYBOARD: OnceLock<Mutex<Keyboard>> = OnceLock::new();
    let keyboard = KEYBOARD.get_or_init(|| {
        let input = BufReader::new(tokio::io::stdin());
        Mutex::new(Keyboard { input, line: TypedLine::default() })
    });
    let Keyboard { input, line } = &mut *keyboard.lock().await;
    loop {
        let bytes = input.fill_buf().await.ok().filter(|bytes| !bytes.is_empty())?;
        let (mut used, mut end) = (0, Typed::More);
        for byte in bytes {
            used += 1;
            end = line.take(*byte);
            if end != Typed::More {
                break;
            }
        }
        input.consume(used);
        match end {
            Typed::More => shown(&line.text()),
            Typed::Line => return Some(std::mem::take(line).text().trim().to_owned()),
            Typed::End => return None,
        }
    }
}

impl TypedLine {
    /// As a terminal's own line editing has it.
    fn take(&mut self, byte: u8) -> Typed {
        match byte {
            b'\n' | b'\r' => return Typed::Line,
            0x04 if self.bytes.is_empty() => return Typed::End,
            0x1b => self.in_escape = true,
            _ if self.in_escape => self.in_escape = !(byte.is_ascii_alphabetic() || byte == b'~'),
            0x7f | 0x08 => {
                // A letter may be several bytes.
                while self.bytes.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            }
            0x15 => self.bytes.clear(),
            0..0x20 => {}
            _ => self.bytes.push(byte),
        }
        Typed::More
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// The terminal without echo and without line editing of its own; signals stay. Dropped, it is as it was.
#[derive(Debug)]
pub struct Unechoed {
    #[cfg(unix)]
    before: Option<rustix::termios::Termios>,
}

impl Unechoed {
    /// From here on. Where it cannot be, nothing changes.
    #[cfg(unix)]
    pub fn begin() -> Self {
        use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
        let before = tcgetattr(std::io::stdin()).ok();
        if let Some(mut now) = before.clone() {
            now.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON);
            now.special_codes[SpecialCodeIndex::VMIN] = 1;
            now.special_codes[SpecialCodeIndex::VTIME] = 0;
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &now);
        }
        Self { before }
    }

    /// From here on. Where it cannot be, nothing changes.
    #[cfg(not(unix))]
    pub fn begin() -> Self {
        Self {}
    }
}

#[cfg(unix)]
impl Drop for Unechoed {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        if let Some(before) = &self.before {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_edited_as_in_a_terminal() {
        let typed = |bytes: &[u8]| {
            let mut line = TypedLine::default();
            let last = bytes.iter().map(|byte| line.take(*byte)).last();
            (line.text(), last.unwrap())
        };
        for (bytes, expected) in [
            (&b"http://h/?code=a&state=b\r"[..], ("http://h/?code=a&state=b", Typed::Line)),
            (b"ab\x7fc\x08d\n", ("ad", Typed::Line)),
            ("aé\u{7f}b\n".as_bytes(), ("ab", Typed::Line)),
            (b"wrong\x15right\n", ("right", Typed::Line)),
            (b"a\x1b[Db\x1b[200~c\x01d\n", ("abcd", Typed::Line)),
            (b"\x7f\x7fa", ("a", Typed::More)),
            (b"\x04", ("", Typed::End)),
            (b"a\x04", ("a", Typed::More)),
        ] {
            assert_eq!(
                typed(bytes),
                (expected.0.to_owned(), expected.1),
                "{:?}",
                String::from_utf8_lossy(bytes)
            );
        }
    }
}
