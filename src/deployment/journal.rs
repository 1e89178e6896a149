//! Where the gateway's audit goes: a 0600 file or stdout. Not here: its content (see the gateway).

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use memchr::memrchr;
use tracing::warn;

use crate::error::Error;
use crate::gateway::AuditSink;
use crate::problem::Problem;
use crate::sys::private_file::{self, FileError};
use crate::sys::terminal;

/// The journal of a gateway that was started from the command line.
pub(crate) struct Log {
    audit: Option<Audit>,
}

struct Audit {
    /// The file's name; stdout has none.
    path: Option<PathBuf>,
    rows: Mutex<Rows>,
}

/// A file that is written row by row, or resumed in the middle of one.
struct Rows {
    file: File,
    /// Bytes of the next row that are already at the file's end, because the disk was full.
    begun: usize,
    /// The file's length then.
    length: u64,
    /// The file ends with a partial row that will not be completed: an earlier run was killed there.
    cut: bool,
}

/// Whether [`Log::open`] would succeed. Creates and writes nothing.
///
/// # Errors
/// What is wrong with the file or its folder.
pub(crate) fn check(audit: &str) -> Result<(), Problem> {
    if matches!(audit, "-" | "off" | "") {
        return Ok(());
    }
    private_file::check_append(Path::new(audit))
        .map_err(|error| Problem::error("audit", error.to_string(), error.hint()))
}

impl Log {
    /// As the settings' `audit` says.
    ///
    /// # Errors
    /// If its file cannot be written.
    pub(crate) fn open(audit: &str) -> Result<Self, Error> {
        let audit = match audit {
            "off" => None,
            "-" => Some(Audit { path: None, rows: Mutex::new(Rows::new(terminal::stdout_file()?, false)) }),
            path => Some(Audit { path: Some(path.into()), rows: Mutex::new(Rows::at(Path::new(path))?) }),
        };
        Ok(Self { audit })
    }

    /// Creates the file again under its name, after log rotation has moved it away.
    pub(crate) fn reopen(&self) {
        let Some(Audit { path: Some(path), rows }) = &self.audit else { return };
        match Rows::at(path) {
            Ok(new) => *rows.lock().unwrap_or_else(PoisonError::into_inner) = new,
            Err(error) => warn!(event = "audit", "{error}; writing to the old file"),
        }
    }
}

impl AuditSink for Log {
    fn audit(&self, lines: &[u8]) -> io::Result<usize> {
        let Some(Audit { path, rows }) = &self.audit else { return Ok(lines.len()) };
        let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = path.as_ref().filter(|_| private_file::is_removed(&rows.file)) {
            *rows = Rows::at(path).map_err(io::Error::other)?;
        }
        rows.write(lines).map_err(|error| {
            let name = path.as_ref().map_or_else(|| "stdout".into(), |path| path.display().to_string());
            io::Error::new(error.kind(), format!("{name}: {error}"))
        })
    }
}

impl Rows {
    fn new(file: File, cut: bool) -> Self {
        Self { file, begun: 0, length: 0, cut }
    }

    fn at(path: &Path) -> Result<Self, FileError> {
        let file = private_file::open_append(path)?;
        let cut = is_cut(path).unwrap_or_default();
        Ok(Self::new(file, cut))
    }

    /// Writes as many rows as there is room for; returns how many bytes they have.
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.go_on()?;
        let mut done = self.begun;
        while let Some(rest) = lines.get(done..).filter(|rest| !rest.is_empty()) {
            let error = match self.file.write(rest) {
                Ok(0) => ErrorKind::WriteZero.into(),
                Ok(written) => {
                    done += written;
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            let whole = memrchr(b'\n', lines.get(..done).unwrap_or_default()).map_or(0, |end| end + 1);
            (self.begun, self.length) = (done - whole, self.length());
            return if whole > 0 { Ok(whole) } else { Err(error) };
        }
        self.begun = 0;
        Ok(done)
    }

    /// Continues a partial row. If the file was emptied meanwhile, starts the row again; if another process wrote to
    /// it, on a new line.
    fn go_on(&mut self) -> io::Result<()> {
        let now = self.length();
        if self.begun > 0 && now != self.length {
            (self.begun, self.cut) = (0, now > 0);
        }
        if self.cut {
            self.file.write_all(b"\n")?;
            self.cut = false;
        }
        Ok(())
    }

    /// A pipe has no length, so it never differs.
    fn length(&self) -> u64 {
        self.file.metadata().map_or(0, |about| about.len())
    }
}

/// Whether a file's last row has no line end.
fn is_cut(path: &Path) -> io::Result<bool> {
    let mut last = [b'\n'];
    // Neither a pipe nor a device has a last row.
    if path.metadata()?.is_file() {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    Ok(last != [b'\n'])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with this many bytes of the first row written.
    fn begun(dir: &tempfile::TempDir, row: &[u8], bytes: usize) -> (PathBuf, Rows) {
        let path = dir.path().join("audit.log");
        let mut rows = Rows::at(&path).unwrap();
        rows.file.write_all(&row[..bytes]).unwrap();
        rows.begun = bytes;
        rows.length = bytes as u64;
        (path, rows)
    }

    #[test]
    fn what_a_killed_run_left_of_a_row_is_not_gone_on_with() {
        for (before, after) in [("", "{}\n"), ("{}\n", "{}\n{}\n"), ("{\"a\":", "{\"a\":\n{}\n")] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("audit.log");
            private_file::write(&path, before).unwrap();
            let mut rows = Rows::at(&path).unwrap();
            assert_eq!(rows.write(b"{}\n").unwrap(), 3);
            assert_eq!(private_file::read(&path).unwrap().unwrap(), after);
        }
    }

    #[cfg(unix)]
    #[test]
    fn no_row_goes_into_a_file_that_was_removed() {
        type Place = fn(&Path);
        let in_its_place: [Place; 4] = [
            |_| {},
            |path| std::fs::create_dir(path).unwrap(),
            |path| std::os::unix::fs::symlink("/dev/null", path).unwrap(),
            |path| std::fs::remove_dir(path.parent().unwrap()).unwrap(),
        ];
        for (at, put) in in_its_place.into_iter().enumerate() {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("logs/audit.log");
            std::fs::create_dir(dir.path().join("logs")).unwrap();
            let log = Log::open(path.to_str().unwrap()).unwrap();
            assert_eq!(log.audit(b"{\"n\":1}\n").unwrap(), 8);
            std::fs::remove_file(&path).unwrap();
            put(&path);
            assert_eq!(log.audit(b"{\"n\":2}\n").is_ok(), at == 0, "{at}");
            if at > 0 {
                let _ = std::fs::remove_file(&path).or_else(|_| std::fs::remove_dir(&path));
                std::fs::create_dir_all(dir.path().join("logs")).unwrap();
                assert_eq!(log.audit(b"{\"n\":2}\n").unwrap(), 8, "{at}");
            }
            assert_eq!(private_file::read(&path).unwrap().unwrap(), "{\"n\":2}\n", "{at}");
        }
    }

    #[test]
    fn a_row_that_was_begun_is_never_followed_by_another_on_its_row() {
        for bytes in [1, 7, 12] {
            let dir = tempfile::tempdir().unwrap();
            let (path, mut rows) = begun(&dir, b"{\"n\":123456}\n{\"n\":2}\n", bytes);
            let lines = b"{\"n\":123456}\n{\"n\":2}\n";
            assert_eq!(rows.write(lines).unwrap(), lines.len());
            assert_eq!(private_file::read(&path).unwrap().unwrap().as_bytes(), lines, "it goes on");

            std::fs::remove_file(&path).unwrap();
            let (path, mut rows) = begun(&dir, lines, bytes);
            rows.file.set_len(0).unwrap();
            rows.write(lines).unwrap();
            assert_eq!(private_file::read(&path).unwrap().unwrap().as_bytes(), lines, "it begins again");

            std::fs::remove_file(&path).unwrap();
            let (path, mut rows) = begun(&dir, lines, bytes);
            private_file::open_append(&path).unwrap().write_all(b"others").unwrap();
            rows.write(lines).unwrap();
            let text = private_file::read(&path).unwrap().unwrap();
            assert!(text.ends_with("others\n{\"n\":123456}\n{\"n\":2}\n"), "{text}");
        }
    }
}
