//! What `README.md` and the book in `docs/` say is true: their commands run, their recordings are what is printed, their
//! reference pages are made from the code, and their links lead somewhere. `UPDATE=1` renews what can be renewed.
//! Blocks that need a person or another machine (`console`, `text`) are left to their readers.
#![cfg(test)]
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests read and renew the pages")]

mod command_line;
mod examples;
mod gateway;
mod generated;
mod json_output;
mod links;
mod migration;
mod page_guides;
mod pictures;
mod schemas;
mod sequence;

use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The book's pages, the README first.
struct Book {
    pages: Vec<Page>,
}

/// A page: its path from the root of the repository on, and its text.
struct Page {
    path: String,
    text: String,
}

/// A fenced block: where it is, its language, its text.
struct Block<'a> {
    page: &'a Page,
    language: &'a str,
    /// The line number of its first line.
    line: usize,
    text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Whether pages are to be renewed and not only compared.
fn renews() -> bool {
    std::env::var_os("UPDATE").is_some()
}

/// What is left of a text without its digits: ports, times and versions differ from run to run.
fn without_digits(text: &str) -> String {
    text.replace(|c: char| c.is_ascii_digit(), "")
}

impl Book {
    fn open() -> Self {
        let mut paths = vec![root().join("README.md")];
        paths.extend(files_below(&root().join("docs"), "md"));
        let pages = paths.iter().map(|path| Page::at(path)).collect();
        Self { pages }
    }

    fn page(&self, path: &str) -> &Page {
        self.pages.iter().find(|page| page.path == path).unwrap_or_else(|| panic!("there is no page {path}"))
    }

    fn blocks(&self, language: &str) -> Vec<Block<'_>> {
        let all = self.pages.iter().flat_map(Page::blocks);
        all.filter(|block| block.language == language).collect()
    }

    /// The blocks that stand right after `<!-- marker -->`.
    fn marked(&self, marker: &str) -> Vec<String> {
        self.pages.iter().flat_map(|page| page.marked(marker)).collect()
    }

    /// The files that are shown whole, by the names they are to have.
    fn files(&self) -> Vec<(String, String)> {
        let of = |page: &Page| {
            let named = page.text.split("<!-- file: ").skip(1);
            let names: Vec<_> = named.map(|part| part.split_once(" -->").unwrap().0.to_owned()).collect();
            let shown = |name: String| (page.marked(&format!("file: {name}")).concat(), name);
            names.into_iter().map(shown).map(|(text, name)| (name, text)).collect::<Vec<_>>()
        };
        let files: Vec<_> = self.pages.iter().flat_map(of).collect();
        assert!(files.iter().all(|(_, text)| !text.is_empty()), "a file is named and not shown");
        files
    }
}

/// The files that are shown whole, for tests of other parts.
pub(crate) fn shown_files() -> Vec<(String, String)> {
    Book::open().files()
}

impl Page {
    fn at(path: &Path) -> Self {
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Self { path: name, text }
    }

    fn blocks(&self) -> Vec<Block<'_>> {
        let mut found: Vec<Block<'_>> = Vec::new();
        let mut open = false;
        for (at, line) in self.text.lines().enumerate() {
            match (line.trim_start().strip_prefix("```"), open) {
                (Some(language), false) => {
                    found.push(Block { page: self, language, line: at + 2, text: String::new() });
                    open = true;
                }
                (Some(_), true) => open = false,
                (None, true) => {
                    let block = found.last_mut().unwrap();
                    block.text = format!("{}{}\n", block.text, line);
                }
                (None, false) => {}
            }
        }
        assert!(!open, "{}: a block is not closed", self.path);
        found
    }

    fn marked(&self, marker: &str) -> Vec<String> {
        let marker = format!("<!-- {marker} -->\n```");
        let parts = self.text.split(&marker).skip(1);
        parts.map(|part| part.split_once('\n').unwrap().1.split_once("```\n").unwrap().0.to_owned()).collect()
    }

    /// The page says `is` where it said `was`; otherwise the test fails, or renews the page where that is asked for.
    #[track_caller]
    fn expect(&self, was: &str, is: &str) {
        static WRITING: Mutex<()> = Mutex::new(());
        if was == is {
            return;
        }
        assert!(renews(), "{} must have, by `just bless`:\n\n{is}\n\nand not:\n\n{was}", self.path);
        let _alone = WRITING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let path = root().join(&self.path);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(was), "{}: what is to be renewed is not there", self.path);
        std::fs::write(path, text.replacen(was, is, 1)).unwrap();
    }
}

/// A generated file says what it is to say, or is renewed.
#[track_caller]
fn expect_file(path: &str, is: &str, same: impl Fn(&str, &str) -> bool) {
    let whole = root().join(path);
    let was = std::fs::read_to_string(&whole).unwrap_or_default();
    if same(&was, is) {
        return;
    }
    assert!(renews(), "{path} is not what the program makes now; renew it with: just bless");
    std::fs::create_dir_all(whole.parent().unwrap()).unwrap();
    std::fs::write(whole, is).unwrap();
}

/// The files with this ending, in order; what mdBook builds is none of the book's.
fn files_below(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("docs/book") {
                folders.push(path);
            } else if path.extension().is_some_and(|is| is == ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
