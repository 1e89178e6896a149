//! Every link of the README, the book and the other pages leads to a file, and to a heading where it names one; every page
//! of the book is in its summary.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Book, Page, root};

/// Pages that are not the book's and have links all the same.
const OTHERS: [&str; 2] = ["CONTRIBUTING.md", "SECURITY.md"];

/// Where a page's links lead, code aside.
fn links(page: &Page) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_code = false;
    for line in page.text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
            let ends = prose.split("](").skip(1).filter_map(|part| part.split_once(')'));
            // mdBook shows a chapter without a page as one that is still to be written.
            found.extend(ends.map(|(target, _)| target.to_owned()).filter(|target| !target.is_empty()));
        }
    }
    found
}

/// The anchors of a page's headings, as GitHub and mdBook make them.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut is_code = false;
    let mut found = BTreeSet::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if let Some(heading) = line.strip_prefix('#').filter(|_| !is_code) {
            let heading = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            found.insert(kept.map(|c| if c == ' ' { '-' } else { c }).collect());
        }
    }
    found
}

/// The file that a link of a page means, without `..` in it.
fn resolved(page: &str, target: &str) -> PathBuf {
    let mut path = Path::new(page).parent().unwrap().to_owned();
    for part in target.split('/') {
        match part {
            ".." => assert!(path.pop(), "{page}: {target} leads out of the repository"),
            "." => {}
            part => path.push(part),
        }
    }
    path
}

#[test]
fn every_link_leads_somewhere() {
    let mut book = Book::open();
    book.pages.extend(OTHERS.map(|name| Page::at(&root().join(name))));
    let mut checked = 0;
    for page in &book.pages {
        for link in links(page).iter().filter(|link| !link.contains("://") && !link.starts_with("mailto:")) {
            let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
            let path =
                if target.is_empty() { PathBuf::from(&page.path) } else { resolved(&page.path, target) };
            assert!(root().join(&path).exists(), "{}: {link} leads nowhere", page.path);
            if !anchor.is_empty() {
                let text = std::fs::read_to_string(root().join(&path)).unwrap();
                assert!(anchors(&text).contains(anchor), "{}: {link}: there is no such heading", page.path);
            }
            checked += 1;
        }
    }
    assert!(checked > 100, "only {checked} links were found");
}

/// The files of the repository that a page names in code.
fn named_files(text: &str) -> Vec<&str> {
    let folders = ["src/", "tests/", "docs/", "benches/", "providers/", "templates/", "completions/", ".ci/"];
    let code = text.split('`').skip(1).step_by(2);
    let is_path = |code: &&str| folders.iter().any(|folder| code.starts_with(folder) && code != folder);
    let is_one =
        |code: &&str| !code.contains(|c: char| c.is_whitespace() || "*{<".contains(c) || c.is_uppercase());
    code.filter(is_path).filter(is_one).collect()
}

#[test]
fn the_files_that_development_pages_name_are_there() {
    let mut book = Book::open();
    book.pages.extend(OTHERS.map(|name| Page::at(&root().join(name))));
    let mut checked = 0;
    for page in
        book.pages.iter().filter(|page| page.path.contains("development/") || OTHERS.contains(&&*page.path))
    {
        for name in named_files(&page.text) {
            assert!(root().join(name).exists(), "{} names {name}, which is not there", page.path);
            checked += 1;
        }
    }
    assert!(checked > 60, "only {checked} files were found");
}

#[test]
fn every_page_of_the_book_is_in_its_summary() {
    let book = Book::open();
    let summary = book.page("docs/SUMMARY.md");
    let listed: BTreeSet<_> =
        links(summary).iter().map(|link| resolved(&summary.path, link).display().to_string()).collect();
    let pages = book.pages.iter().map(|page| page.path.clone());
    let pages: BTreeSet<_> =
        pages.filter(|path| path.starts_with("docs/") && *path != summary.path).collect();
    assert_eq!(listed, pages);
    assert!(!listed.contains("docs/SUMMARY.md") && listed.len() >= 40, "{}", listed.len());
}

#[test]
fn the_readme_is_short() {
    let length = Book::open().page("README.md").text.len();
    assert!(length <= 8 * 1024, "{length} bytes; move something to docs/");
}
