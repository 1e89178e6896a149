//! The build script: makes a table of every file under `providers/` and `templates/`, so that a new provider or client
#![expect(clippy::disallowed_methods, reason = "a build script talks to cargo by its environment and files")]
//! is a new file and no Rust. Not here: reading them (see `provider` and `render`).

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    // Cargo watches these folders: adding, changing or removing a file reruns this script.
    println!("cargo::rerun-if-changed=src/build.rs");
    let mut table = String::new();
    for (folder, ending) in [("providers", ".yaml"), ("templates", ".j2")] {
        println!("cargo::rerun-if-changed={folder}");
        let rows = rows(folder, ending)?;
        let name = folder.to_uppercase();
        table += &format!("/// Every `{folder}/*{ending}`: its name without the ending, and its text.\n");
        table += &format!("pub(crate) const {name}: &[(&str, &str)] = &[\n{rows}];\n");
    }
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&out).join("embedded.rs"), table)
}

fn rows(folder: &str, ending: &str) -> io::Result<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.extend(name.strip_suffix(ending).map(str::to_owned));
    }
    names.sort();
    // Paths are resolved by the compiler: two checkouts may share this script's output.
    let text = |name: &str| {
        format!("concat!(env!(\"CARGO_MANIFEST_DIR\"), {:?})", format!("/{folder}/{name}{ending}"))
    };
    Ok(names.iter().map(|name| format!("    ({name:?}, include_str!({})),\n", text(name))).collect())
}
