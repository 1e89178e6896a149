//! Plain English: phrases that a native engineer would not write stay out of code, tests, docs and templates. Not here:
//! names of things (see the tables in `docs`).
#![cfg(test)]

use std::path::{Path, PathBuf};

/// Phrases that were removed, in lower case; next to each what to write instead.
const BANNED: &[(&str, &str)] = &[
    ("it leaves", "Not here: X (see Y)."),
    ("does not do as", "is not valid"),
    ("token does not do", "invalid token"),
    ("if it is meant", "to allow that"),
    ("that it is meant", "to allow that"),
    ("if that is meant", "to allow that"),
    ("are no json", "are not JSON"),
    ("is no json", "is not JSON"),
    ("is no url", "is not a URL"),
    ("is no web address", "is not an http or https URL"),
    ("is no pattern", "is not a pattern"),
    ("is no registration", "is not a registration"),
    ("is no issuer", "is not an issuer"),
    ("is no proxy", "is not a proxy"),
    ("but no object", "but not an object"),
    ("let us in", "requires authentication"),
    ("lets us in", "authenticates us"),
    ("lets in", "admits, accepts"),
    ("nobody logged in within", "login timed out after"),
    ("gives nothing", "grants nothing, returns None"),
    ("comes about", "happens"),
    ("one's own", "your own"),
    ("somebody else", "another user, another process"),
    ("somebody else's", "someone else's"),
    ("of elsewhere", "remote"),
    ("believe these", "trust these"),
    ("is believed", "is trusted"),
    ("are believed", "are trusted"),
    ("beside", "next to, in addition to"),
    ("stands before", "is in front of"),
    ("stand before", "be in front of"),
    ("in so many words", "explicitly"),
    ("has it that", "says that"),
    ("of no more use", "no longer valid"),
    ("of no more", "no longer"),
    ("that is no more", "that has expired, that is gone"),
    ("taken back", "revoked"),
    ("takes back", "revokes"),
    ("in vain", "without success"),
    ("till", "until"),
    ("anew", "again"),
    ("held against", "compared with"),
    ("says of itself", "publishes"),
    ("hardly meant", "probably not intended"),
    ("mends", "fixes"),
    ("takes our place", "replaces this process"),
    ("looked at again", "rescanned"),
    ("never begun", "never started"),
    ("in one way only", "ambiguous"),
    ("whoever runs", "the operator of"),
    ("ask whoever", "ask the operator of"),
    ("who keeps the", "the operator of"),
    ("outright", "directly"),
    ("stays good", "stays valid"),
    ("the reference's", "the registry's scripts'"),
    ("whoever", "anyone who, the caller"),
    ("by itself", "alone, unasked"),
    ("kept in", "stored in"),
    ("is meant", "is intended, applies"),
    ("are meant", "are intended, apply"),
    ("what came of", "the result of"),
    ("came of it", "the result"),
    ("becomes of", "happens to"),
    ("hardly", "barely, almost no"),
    ("nothing but", "only"),
    ("none but", "only"),
    ("for want of", "due to a lack of"),
    ("thereby", "which makes it"),
    ("hence", "so"),
    ("at the most", "at most"),
    ("is good", "is valid"),
    ("are good", "are valid"),
    ("still good", "still valid"),
    ("a good token", "a valid token"),
    ("good tokens", "valid tokens"),
    ("good until", "valid until"),
    ("take them back", "revoke them"),
    ("take it back", "revoke it"),
    ("tokens back", "revoke tokens"),
    ("made of it", "derived from it"),
    ("said no", "declined"),
    ("one a line", "one per line"),
    ("of its own accord", "unasked"),
    ("in words for", "for"),
    ("invalid u64", "what is accepted: 5s, 4MB"),
    ("is no text", "is not text"),
    ("is no object", "is not an object"),
    ("are no object", "are not an object"),
    ("is no list", "is not a list"),
    ("is no word", "is not a word"),
    ("is no tool", "is not a tool"),
    ("is no number", "is not a number"),
    ("is no private key", "is not a private key"),
    ("knows nobody", "identifies a caller only by"),
    ("gives nobody", "grants nobody"),
    ("not at their end", "not expired, valid"),
    ("is to be a number", "must be a number"),
    ("as it should be", "valid"),
    ("stands twice", "occurs twice"),
    ("is to be one", "must be one"),
    ("other characters than", "characters other than"),
    ("agrees to nothing", "names no version"),
    ("out of force", "no longer in use, overridden"),
    ("breaks off", "is cut off, ends early"),
    ("broken off", "cut off"),
    ("entries of ours", "mcpauth's entries"),
    ("nothing of ours", "no entry from mcpauth"),
    ("entry of yours", "one of your entries"),
    ("refuse it all the same", "reject it anyway"),
    ("take it out by hand", "remove it by hand"),
    ("take our entries out", "remove mcpauth's entries"),
    ("for it any longer", "for it any more"),
    ("so that everybody is", "so everybody is"),
    ("flow alone", "a single flow"),
    ("is taken out of", "is removed from"),
    ("has begun in", "has started in"),
    ("go on at", "continue on"),
    ("is to go", "is removed"),
    ("are to become", "become"),
    ("else of us", "other mcpauth"),
];

/// What may follow `is no` and `are no` other than after `there`: `is no token` is `is not a token`.
const NO: &[&str] = &[
    "longer",
    "more",
    "older",
    "less",
    "different",
    "later",
    "earlier",
    "reason",
    "obstacle",
    "sign",
    "fault",
    "way",
    "drift",
];

/// Folders and files with text that people read.
const READ: &[&str] = &[
    "src",
    "tests",
    "docs",
    "providers",
    "templates",
    "benches",
    ".ci",
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
];
const ENDINGS: &[&str] = &["rs", "md", "yaml", "j2", "py", "html"];

#[test]
fn no_phrase_is_archaic() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    READ.iter().for_each(|name| collect(&root.join(name), &mut files));
    let mut found = Vec::new();
    for path in files.iter().filter(|path| !path.ends_with("tests/words.rs")) {
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        let words = words(&text);
        // A test compares texts of others, and a table's cells are not sentences.
        let read = ["tests", "docs/reference"].iter().all(|folder| !path.starts_with(root.join(folder)));
        for phrase in denials(&words).into_iter().filter(|_| read) {
            found.push(format!("{}: {phrase:?}; write: is not a", path.display()));
        }
        for (phrase, better) in BANNED {
            let count = words.matches(&format!(" {phrase} ")).count();
            if count > 0 {
                let shown = path.strip_prefix(root).unwrap().display();
                found.push(format!("{shown}: {phrase:?} {count} times; write: {better}"));
            }
        }
    }
    assert!(files.len() > 500, "{} files", files.len());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Where a thing `is no` other thing.
fn denials(words: &str) -> Vec<String> {
    let words: Vec<&str> = words.split_whitespace().collect();
    let is_one = |at: &&[&str]| {
        at[0] != "there" && ["is", "are"].contains(&at[1]) && at[2] == "no" && !NO.contains(&at[3])
    };
    words.windows(4).filter(is_one).map(|at| at.join(" ")).collect()
}

#[test]
fn a_denial_is_found_but_not_what_there_is_none_of() {
    assert_eq!(denials("so this is no token of ours"), ["this is no token"]);
    for text in ["there is no token here", "it is no longer valid", "an error is no reason to stop"] {
        assert!(denials(text).is_empty(), "{text}");
    }
}

#[test]
fn a_phrase_is_found_across_lines_and_marks() {
    for text in
        ["/// It leaves\n    /// that to x.", "\"so it \\\n   leaves nothing\"", "# IT LEAVES", "(it leaves)"]
    {
        assert!(words(text).contains(" it leaves "), "{text}: {}", words(text));
    }
    assert!(!words("it_leaves fit leaves").contains(" it leaves "));
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_file() {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if ENDINGS.contains(&ending) {
            files.push(path.to_owned());
        }
        return;
    }
    for entry in std::fs::read_dir(path).into_iter().flatten().map(|entry| entry.unwrap().path()) {
        if entry.file_name().is_none_or(|name| name != "node_modules") {
            collect(&entry, files);
        }
    }
}

/// The words of a text in lower case, one space around each. Identifiers with underscores count as one word.
fn words(text: &str) -> String {
    let text = text.to_lowercase();
    let parts = text.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '_');
    format!(" {} ", parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "))
}
