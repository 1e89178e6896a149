//! Files from others that we read: complete, limited in size, and without blocking. A pipe, a device or a socket is
//! rejected without being opened for longer than the check needs. Not here: files with secrets, which must be private
//! as well (see `private_file`).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// Why a pipe, a device, a socket or a folder is not read.
pub const NOT_REGULAR: &str = "not a regular file";
/// Why a file is not read as text.
pub const NOT_TEXT: &str = "not UTF-8 text";

/// A file's bytes, if there are at most `most`.
///
/// # Errors
/// The operating system's error; [`io::ErrorKind::InvalidInput`] if it is not a regular file,
/// [`io::ErrorKind::FileTooLarge`] for a larger one.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    within(open(path)?, most)
}

/// A file's bytes, if there are at most `most`. Not by the reported size: files under /proc report 0, and others grow.
pub(super) fn within(file: File, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {most} bytes")));
    }
    Ok(bytes)
}

/// The last `most` bytes of a file, or all of it.
///
/// # Errors
/// The operating system's error; [`io::ErrorKind::InvalidInput`] if it is not a regular file.
pub fn read_end(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut file = open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A file's text, without a byte order mark, if it has at most `most` bytes.
///
/// # Errors
/// As [`read`]; [`io::ErrorKind::InvalidData`] if it is not UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    needed_text(read(path, most)?)
}

/// The same of bytes, which must be text.
pub(super) fn needed_text(bytes: Vec<u8>) -> io::Result<String> {
    text(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, NOT_TEXT))
}

/// A file's bytes as text, without the byte order mark that some editors write: UTF-8, or UTF-16 if its mark says so,
/// as Windows' shells write it.
///
/// # Errors
/// The bytes, if they are neither.
pub fn text(mut bytes: Vec<u8>) -> Result<String, Vec<u8>> {
    let units = |unit: fn([u8; 2]) -> u16, bytes: &[u8]| {
        let (pairs, odd) = bytes.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().skip(1).map(|pair| unit(*pair)).collect();
        if odd.is_empty() { String::from_utf16(&units).ok() } else { None }
    };
    match bytes.as_slice() {
        [0xff, 0xfe, ..] => units(u16::from_le_bytes, &bytes).ok_or(bytes),
        [0xfe, 0xff, ..] => units(u16::from_be_bytes, &bytes).ok_or(bytes),
        [0xef, 0xbb, 0xbf, ..] => {
            bytes.drain(..3);
            String::from_utf8(bytes).map_err(std::string::FromUtf8Error::into_bytes)
        }
        _ => String::from_utf8(bytes).map_err(std::string::FromUtf8Error::into_bytes),
    }
}

/// Opens a regular file for reading. The name is checked first, because opening alone makes some devices act; then
/// the opened file is checked, because the name may lead elsewhere by now, to a pipe without a writer.
///
/// # Errors
/// The operating system's error; [`io::ErrorKind::InvalidInput`] if it is not a regular file.
pub(super) fn open(path: &Path) -> io::Result<File> {
    open_with(path, true)
}

/// The same, but rejects links.
///
/// # Errors
/// As for [`open`], and for a link.
pub(super) fn open_itself(path: &Path) -> io::Result<File> {
    open_with(path, false)
}

fn open_with(path: &Path, follow: bool) -> io::Result<File> {
    regular(&fs::metadata(path)?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, without_waiting(follow));
    let file = options.open(path)?;
    regular(&file.metadata()?)?;
    Ok(file)
}

fn regular(about: &fs::Metadata) -> io::Result<()> {
    if about.is_file() { Ok(()) } else { Err(io::Error::new(io::ErrorKind::InvalidInput, NOT_REGULAR)) }
}

#[cfg(unix)]
fn without_waiting(follow: bool) -> i32 {
    use rustix::fs::OFlags;
    let links = if follow { OFlags::empty() } else { OFlags::NOFOLLOW };
    // Flags are small numbers; falling back to none would silently drop the request.
    i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY | links).bits()).unwrap_or_default()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_within_its_size() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        crate::sys::private_file::write(&path, "hello").unwrap();
        assert_eq!(read_text(&path, 5).unwrap(), "hello");
        assert_eq!(read(&path, 4).unwrap_err().to_string(), "larger than 4 bytes");
        assert_eq!(
            (read_end(&path, 2).unwrap(), read_end(&path, 9).unwrap()),
            (b"lo".to_vec(), b"hello".to_vec())
        );
        assert_eq!(read(&dir.path().join("no"), 9).unwrap_err().kind(), io::ErrorKind::NotFound);
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(read(&link, 5).unwrap(), b"hello", "links are how folders are switched");
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        let utf16 = |unit: fn(u16) -> [u8; 2]| "\u{feff}{\u{e4}: 🦀}".encode_utf16().flat_map(unit).collect();
        let cases: [Vec<u8>; 4] = [
            "\u{feff}{\u{e4}: 🦀}".into(),
            "{\u{e4}: 🦀}".into(),
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
        ];
        for bytes in cases {
            assert_eq!(text(bytes).unwrap(), "{\u{e4}: 🦀}");
        }
        assert_eq!(text(b"\xef\xbb\xbf".to_vec()).unwrap(), "");
        for bytes in [&b"\xff\xfea"[..], b"\xff\xfe\x00\xd8", b"a\xe4", b"\xef\xbb\xbf\xe4"] {
            assert!(text(bytes.to_vec()).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_regular_file_is_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        let socket = dir.path().join("socket");
        let _listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for path in [pipe.as_path(), &socket, dir.path(), Path::new("/dev/zero"), Path::new("/dev/tty")] {
            assert_eq!(read(path, 9).unwrap_err().to_string(), NOT_REGULAR, "{}", path.display());
        }
    }
}
