//! What still holds a secret that was taken: copies of clients' files that other programs made. They are named and never touched.
//! Not here: copies of mcpauth's own (see `record`).

use std::path::{Path, PathBuf};

use crate::render;
use crate::secret::Secret;

/// The files next to `path` that are called after it and hold one of these.
pub(super) fn copies_with(path: &Path, secrets: &[&Secret]) -> Vec<PathBuf> {
    let Some((folder, name)) = path.parent().zip(path.file_name().and_then(|name| name.to_str())) else {
        return Vec::new();
    };
    let stem = name.trim_start_matches('.').split('.').next().unwrap_or(name);
    let is_after = |other: &str| {
        let bare = other.trim_start_matches(['.', '#']);
        other != name
            && (bare.starts_with(name.trim_start_matches('.')) || bare.starts_with(stem) && is_old(bare))
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().to_str().is_some_and(is_after));
    let files = named.map(|entry| entry.path()).filter(|path| path.is_file());
    files.filter(|path| holds(path, secrets)).collect()
}

fn is_old(name: &str) -> bool {
    ["bak", "backup", "old", "orig", "copy", "save"].iter().any(|word| name.contains(word))
}

fn holds(path: &Path, secrets: &[&Secret]) -> bool {
    let Ok(Some(text)) = render::read_file(path).map(|text| text.map(Secret::new)) else { return false };
    secrets.iter().any(|secret| {
        let written = serde_json::to_string(secret.expose()).map(Secret::new).unwrap_or_default();
        let written = written.expose().trim_matches('"');
        text.expose().contains(secret.expose()) || text.expose().contains(written)
    })
}
