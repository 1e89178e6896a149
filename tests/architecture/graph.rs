//! Which file of `src/` uses which other one, from its paths: `use` in every form, and paths in expressions. A
//! re-exported name counts where it is defined. Tests inside `src/` do not count.

use std::collections::{BTreeMap, BTreeSet};

/// A module by the names that lead to it from the crate's root.
type Module = Vec<String>;

/// An imported name: the path behind it, and whether it is re-exported.
struct Use {
    path: Vec<String>,
    name: Option<String>,
    public: bool,
}

struct Source {
    code: String,
    uses: Vec<Use>,
}

/// The modules, and for each those it uses with the names it takes from them.
pub(super) struct Graph {
    sources: BTreeMap<Module, Source>,
    arrows: BTreeMap<Module, BTreeMap<Module, BTreeSet<String>>>,
}

impl Graph {
    /// Of files with their paths from `src/` on.
    pub(super) fn of(files: &[(String, String)]) -> Self {
        let tests: Vec<Module> = files.iter().flat_map(|(file, text)| test_modules(file, text)).collect();
        let mut sources = BTreeMap::new();
        for (file, text) in files {
            let module = module(file);
            if !module.is_empty() && !tests.iter().any(|test| module.starts_with(test)) {
                let code = product(text);
                let uses = uses(&code);
                sources.insert(module, Source { code, uses });
            }
        }
        let mut graph = Self { sources, arrows: BTreeMap::new() };
        let modules: Vec<Module> = graph.sources.keys().cloned().collect();
        for module in &modules {
            for (target, name) in graph.taken(module) {
                let arrows = graph.arrows.entry(module.clone()).or_default();
                arrows.entry(target).or_default().insert(name);
            }
        }
        graph
    }

    /// The modules within `top` by their first name in it, and which of them use which, with an example.
    pub(super) fn within(&self, top: &str) -> BTreeMap<(String, String), String> {
        let part = |module: &Module| (module.first()? == top).then(|| module.get(1).cloned()).flatten();
        let mut found = BTreeMap::new();
        for (from, arrows) in &self.arrows {
            for (to, names) in arrows {
                let (Some(a), Some(b)) = (part(from), part(to)) else { continue };
                if a != b {
                    let text = format!("{} uses {} of {}", from.join("::"), list(names), to.join("::"));
                    found.entry((a, b)).or_insert(text);
                }
            }
        }
        found
    }

    /// Each cycle of modules, with the uses that close it.
    pub(super) fn circles(&self) -> Vec<String> {
        let reached: BTreeMap<&Module, BTreeSet<&Module>> =
            self.sources.keys().map(|module| (module, self.reached(module))).collect();
        let mut found = BTreeSet::new();
        for (module, all) in reached.iter().filter(|(module, all)| all.contains(*module)) {
            let circle: BTreeSet<&Module> =
                all.iter().copied().filter(|other| reached[*other].contains(module)).collect();
            found.insert(circle);
        }
        found.iter().map(|circle| self.ties(circle)).collect()
    }

    fn ties(&self, circle: &BTreeSet<&Module>) -> String {
        let mut text = format!("{} files in a circle:", circle.len());
        for from in circle {
            for (to, names) in self.arrows[*from].iter().filter(|(to, _)| circle.contains(to)) {
                text += &format!("\n  {} uses {} of {}", from.join("::"), list(names), to.join("::"));
            }
        }
        text
    }

    fn reached(&self, from: &Module) -> BTreeSet<&Module> {
        let (mut found, mut left) = (BTreeSet::new(), vec![from]);
        while let Some(module) = left.pop() {
            for to in self.arrows.get(module).into_iter().flat_map(BTreeMap::keys) {
                if found.insert(to) {
                    left.push(to);
                }
            }
        }
        found
    }

    /// What a module takes from others.
    fn taken(&self, module: &Module) -> Vec<(Module, String)> {
        let source = &self.sources[module];
        let children = self.sources.keys().filter(|other| other.len() == module.len() + 1);
        let children = children.filter(|other| other.starts_with(module));
        let mut modules: BTreeMap<String, Module> =
            children.map(|child| (child.last().unwrap().clone(), child.clone())).collect();
        let mut paths = Vec::new();
        for used in &source.uses {
            let Some(path) = self.absolute(module, &used.path) else { continue };
            let Some((target, item)) = self.find(&path, 0) else { continue };
            if let (Some(name), None) = (&used.name, &item) {
                modules.insert(name.clone(), target.clone());
            }
            // Re-exporting something below gives it a name, and is not a dependency.
            let passed_on = used.public && target.len() > module.len() && target.starts_with(module);
            if !passed_on {
                paths.push(path);
            }
        }
        for path in expressions(&source.code) {
            match (path.first().unwrap().as_str(), modules.get(&path[0])) {
                ("crate" | "self" | "super" | "mcpauth", _) => paths.extend(self.absolute(module, &path)),
                (_, Some(known)) => paths.push([known.as_slice(), &path[1..]].concat()),
                _ => {}
            }
        }
        let found = paths.iter().filter_map(|path| self.find(path, 0));
        let items = found.filter_map(|(target, item)| Some((target, item?)));
        items.filter(|(target, _)| target != module).collect()
    }

    /// A path from the crate's root on; none if it leads out of the crate.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Vec<String>> {
        let supers = path.iter().take_while(|name| *name == "super").count();
        match path.first()?.as_str() {
            "crate" | "mcpauth" => Some(path[1..].to_vec()),
            "self" => Some([module, &path[1..]].concat()),
            "super" => Some([module.get(..module.len().checked_sub(supers)?)?, &path[supers..]].concat()),
            first => {
                let below = [module.as_slice(), &[first.to_owned()]].concat();
                self.sources.contains_key(&below).then(|| [module.as_slice(), path].concat())
            }
        }
    }

    /// The module a path leads to and what it names there, behind whatever only passes the name on.
    fn find(&self, path: &[String], depth: usize) -> Option<(Module, Option<String>)> {
        let length = (1..=path.len()).rev().find(|length| self.sources.contains_key(&path[..*length]))?;
        let (module, rest) = (path[..length].to_vec(), &path[length..]);
        let Some(item) = rest.first() else { return Some((module, None)) };
        let passed = self.sources[&module].uses.iter().filter(|used| used.name.as_ref() == Some(item));
        for used in passed.filter(|_| depth < 6) {
            if let Some(behind) = self.absolute(&module, &used.path)
                && let Some(found) = self.find(&[&behind, &rest[1..]].concat(), depth + 1)
            {
                return Some(found);
            }
        }
        Some((module, Some(item.clone())))
    }
}

fn list(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn module(file: &str) -> Module {
    let names = file.trim_end_matches(".rs").split('/').map(str::to_owned);
    let mut names: Module = names.collect();
    names.pop_if(|last| ["mod", "lib", "main"].contains(&last.as_str()));
    names
}

/// The modules of a file that exist only for tests.
/// The files of `src/` that are compiled for tests alone.
pub(super) fn test_files(files: &[(String, String)]) -> BTreeSet<String> {
    let tests: Vec<Module> = files.iter().flat_map(|(file, text)| test_modules(file, text)).collect();
    let is_test = |file: &str| tests.iter().any(|test| module(file).starts_with(test));
    files.iter().map(|(file, _)| file.clone()).filter(|file| is_test(file)).collect()
}

fn test_modules(file: &str, text: &str) -> Vec<Module> {
    let mut found = Vec::new();
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if is_for_tests(line) {
            let declared = lines.find(|line| !line.starts_with("#[")).unwrap_or_default();
            let name = declared.rsplit("mod ").next().and_then(|name| name.strip_suffix(';'));
            found.extend(name.map(|name| [module(file), vec![name.to_owned()]].concat()));
        }
    }
    found
}

fn is_for_tests(line: &str) -> bool {
    line.starts_with("#[cfg(test)]") || line.starts_with("#[cfg(all(test")
}

/// The text without comments and without test code; it is formatted by rustfmt.
pub(super) fn product(text: &str) -> String {
    // Tests that are for one system are tests.
    let text = text.replace("#[cfg(unix)]\n#[cfg(test)]", "#[cfg(test)]");
    let (mut kept, mut lines) = (String::new(), text.lines());
    while let Some(line) = lines.next() {
        if is_for_tests(line.trim_start()) {
            let (indent, _) = line.split_at(line.len() - line.trim_start().len());
            let first = lines.find(|line| !line.trim_start().starts_with("#[")).unwrap_or_default();
            if !first.ends_with([';', '}', ',']) {
                let end = format!("{indent}}}");
                lines.find(|line| line.starts_with(&end));
            }
            continue;
        }
        kept += line.split("//").next().unwrap();
        kept.push('\n');
    }
    kept
}

fn uses(code: &str) -> Vec<Use> {
    let mut found = Vec::new();
    for (statement, public) in statements(code) {
        let mut paths = Vec::new();
        tree(statement.trim(), &[], &mut paths);
        found.extend(paths.into_iter().map(|(path, name)| Use { path, name, public }));
    }
    found
}

/// What stands between each `use` and its semicolon, and whether it is passed on.
fn statements(code: &str) -> impl Iterator<Item = (&str, bool)> {
    code.split(';').filter_map(|part| {
        part.match_indices("use ").find_map(|(at, word)| {
            let (before, statement) = part.split_at(at);
            let line = before.rsplit('\n').next().unwrap().trim_start();
            let is_use = line.chars().all(|c| "pub(insercate:) ".contains(c));
            is_use.then(|| (statement.split_at(word.len()).1, line.contains("pub")))
        })
    })
}

/// The paths of a `use`, each with the name it is known by afterwards.
fn tree(text: &str, before: &[String], found: &mut Vec<(Vec<String>, Option<String>)>) {
    let mut path = before.to_vec();
    let mut rest = text.trim();
    loop {
        if let Some(group) = rest.strip_prefix('{') {
            super::members(group).into_iter().for_each(|member| tree(member, &path, found));
            return;
        }
        let name = super::first_word(rest);
        rest = rest.split_at(name.len()).1.trim_start();
        if name == "self" && !path.is_empty() {
            return found.push((path.clone(), renamed(rest).or_else(|| path.last().cloned())));
        }
        path.push(if name.is_empty() { "*".into() } else { name.clone() });
        match rest.strip_prefix("::") {
            Some(more) => rest = more,
            None => return found.push((path, renamed(rest).or(Some(name)))),
        }
    }
}

fn renamed(rest: &str) -> Option<String> {
    rest.strip_prefix("as ").map(super::first_word)
}

/// The paths in a text besides its `use` statements, those of two names and more.
fn expressions(code: &str) -> Vec<Vec<String>> {
    let mut rest = code.to_owned();
    for (statement, _) in statements(code) {
        rest = rest.replace(&format!("use {statement};"), "");
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words = rest.split(|c: char| !is_word(c)).filter(|word| word.contains("::"));
    let paths = words.map(|word| word.trim_end_matches(':').split("::").map(str::to_owned).collect());
    paths.filter(|path: &Vec<String>| path.len() > 1 && !path[0].is_empty()).collect()
}

#[test]
fn circles_are_found_however_a_path_is_written() {
    let circles = |files: &[(&str, &str)]| {
        let files = files.iter().map(|(file, text)| (format!("{file}.rs"), (*text).to_owned()));
        Graph::of(&files.collect::<Vec<_>>()).circles().len()
    };
    let back = ("a/b", "//! b\nfn f() { super::c::g() }");
    for forward in [
        "use super::b::f;",
        "use crate::a::b::{self, f as h};",
        "use super::{\n    b::f,\n};",
        "use super::b;\nfn g() { b::f() }",
        "fn g() { crate::a::b::f() }",
        "fn g(x: super::b::X) {}",
        "pub(super) use super::b::f;",
        "use super::f;",
    ] {
        let root = ("a/mod", "mod b;\nmod c;\nuse b::f;");
        assert_eq!(circles(&[root, back, ("a/c", forward)]), 1, "{forward}");
    }
    for harmless in
        ["", "// super::b::f", "use super::b;", "#[cfg(test)]\nmod tests {\n    use super::b::f;\n}"]
    {
        assert_eq!(circles(&[("a/mod", "mod b;\nmod c;"), back, ("a/c", harmless)]), 0, "{harmless}");
    }
    // A module that re-exports what is below it is not part of a cycle; one that uses it is.
    let child = ("a/b", "use super::X;\npub fn f() {}");
    assert_eq!(circles(&[("a/mod", "mod b;\npub use b::f;\npub struct X;"), child]), 0);
    assert_eq!(circles(&[("a/mod", "mod b;\npub struct X;\nfn g() { b::f() }"), child]), 1);
}
