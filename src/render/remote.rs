//! The command lines that start mcp-remote, however it is started, and where it keeps the login of each. Not here: what such an
//! entry becomes (see `merge` and `import`).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};
use serde_json::{Map, Value};

use super::EntryParts;
use crate::sys::regular_file;

/// Its flags that take a value.
const VALUED: [&str; 19] = [
    "--header",
    "--header-file",
    "--transport",
    "--protocol",
    "--host",
    "--callback-path",
    "--auth-success-url",
    "--static-oauth-client-metadata",
    "--static-oauth-client-info",
    "--client-metadata-url",
    "--token-endpoint",
    "--resource",
    "--authorize-param",
    "--ignore-tool",
    "--auth-timeout",
    "--connect-timeout",
    "--body-timeout",
    "--headers-timeout",
    "--ping-interval",
];
/// Its flags that change nothing for what takes its place.
const IDLE: [&str; 5] = ["--debug", "--silent", "--allow-http", "--enable-proxy", "--keep-alive"];
/// The largest of its files that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// A command line of mcp-remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteCommand {
    /// The server's address as it is typed there.
    pub url: String,
    /// The headers, with their values as typed.
    pub headers: Vec<(String, String)>,
    /// The words after the address that are not headers.
    pub rest: Vec<String>,
}

impl RemoteCommand {
    /// Reads an entry; `None` if it starts something else.
    pub fn of(entry: EntryParts<'_>) -> Option<Self> {
        match entry.words().as_slice() {
            // Some clients write the whole line as one text.
            [line] => Self::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()),
            words => Self::parse(words),
        }
    }

    fn parse(words: &[String]) -> Option<Self> {
        let at = words.iter().position(|word| is_mcp_remote(word))?;
        let args = words.get(at + 1..)?;
        let (mut headers, mut rest, mut url) = (Vec::new(), Vec::new(), None);
        let mut args = args.iter();
        while let Some(word) = args.next() {
            let valued = VALUED.contains(&word.as_str());
            match (word.as_str(), url.is_some()) {
                ("--header", _) => headers.extend(args.next().and_then(|header| header_of(header))),
                (flag, _) if valued => {
                    rest.push(flag.to_owned());
                    rest.extend(args.next().cloned());
                }
                // Started as `npx -p mcp-remote mcp-remote-client URL`.
                (word, false) if is_mcp_remote(word) => {}
                (word, false) if word.contains("://") => url = Some(word.to_owned()),
                _ => rest.push(word.clone()),
            }
        }
        Some(Self { url: url?, headers, rest })
    }

    /// Its flags that say more than where the server is, without the values that some hold.
    pub fn telling(&self) -> impl Iterator<Item = &str> {
        let is_flag = |word: &&str| word.starts_with("--") && !IDLE.contains(word);
        let flags = self.rest.iter().map(String::as_str).filter(is_flag);
        flags.map(|flag| flag.split_once('=').map_or(flag, |(name, _)| name))
    }

    /// What its files are called by.
    fn hash(&self) -> String {
        let mut headers: Vec<(String, String)> = Vec::new();
        for path in self.values("--header-file") {
            let text = regular_file::read_text(Path::new(path), MAX_BYTES).unwrap_or_default();
            let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
            headers.extend(lines.filter_map(header_of));
        }
        headers.extend(self.headers.iter().cloned());
        hash(&self.url, &headers, &self.authorize_params(), &self.rest)
    }

    /// What follows a flag, wherever it stands.
    fn values<'a>(&'a self, flag: &'a str) -> impl Iterator<Item = &'a str> {
        let pairs = self.rest.iter().zip(self.rest.iter().skip(1));
        pairs.filter(move |(word, _)| *word == flag).map(|(_, value)| value.as_str())
    }

    /// The `resource` parameter that it asks for, if it was told one.
    pub fn resource(&self) -> Option<&str> {
        self.values("--resource").next().map(str::trim).filter(|resource| !resource.is_empty())
    }

    /// The parameters that it adds to an authorization request.
    pub fn authorize_params(&self) -> BTreeMap<String, String> {
        let pairs = self.values("--authorize-param").filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (name.trim().to_owned(), value.to_owned())).collect()
    }

    /// Where its logins end: `calculateDefaultPort` of mcp-remote.
    pub fn redirect_uri(&self) -> String {
        let typed = self.rest.first().and_then(|word| word.parse::<u16>().ok());
        let hash = self.hash();
        let start = hash.get(..4).and_then(|start| u32::from_str_radix(start, 16).ok()).unwrap_or_default();
        let port = typed.map_or(3335 + start % 45_816, u32::from);
        let host = self.values("--host").next().unwrap_or("localhost");
        let path = self.values("--callback-path").next().filter(|path| path.starts_with('/'));
        format!("http://{host}:{port}{}", path.unwrap_or("/oauth/callback"))
    }

    /// Its files with this ending, newest format first.
    pub fn files(&self, home: &Path, moved: Option<&str>, ending: &str) -> Vec<PathBuf> {
        let base = moved.map_or_else(|| home.join(".mcp-auth"), PathBuf::from);
        let entries = std::fs::read_dir(&base).into_iter().flatten().flatten();
        let mut folders: Vec<PathBuf> =
            entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
        // Of two versions the file that was written last counts.
        folders.push(base);
        let name = format!("{}_{ending}", self.hash());
        let mut files: Vec<PathBuf> =
            folders.into_iter().map(|folder| folder.join(&name)).filter(|path| path.is_file()).collect();
        files.sort_by_key(|path| crate::sys::private_file::age(path));
        files
    }

    /// The first of these files, read.
    pub fn read(&self, home: &Path, moved: Option<&str>, ending: &str) -> Option<Map<String, Value>> {
        let text = |path: &PathBuf| regular_file::read_text(path, MAX_BYTES).ok();
        let objects = self.files(home, moved, ending).into_iter().filter_map(|path| text(&path));
        objects.filter_map(|text| serde_json::from_str(&text).ok()).next()
    }
}

/// A package or a file of it, in any version: `mcp-remote@latest`, `…/mcp-remote/dist/proxy.js`.
fn is_mcp_remote(word: &str) -> bool {
    let name = word.strip_prefix("--package=").unwrap_or(word);
    let is_name = |name: &str| matches!(name, "mcp-remote" | "mcp-remote-client");
    let file = name.replace('\\', "/");
    let mut parts = file.rsplit('/');
    let last = parts.next().unwrap_or_default();
    let bare = last.split('@').next().unwrap_or_default();
    let bare = bare
        .rsplit_once('.')
        .filter(|(_, end)| ["cmd", "exe", "js"].contains(end))
        .map_or(bare, |(bare, _)| bare);
    is_name(bare) && !file.contains("://")
        || matches!(last, "proxy.js" | "client.js") && file.contains("/mcp-remote/")
}

/// As mcp-remote reads one: a name, a colon, spaces, the rest.
fn header_of(text: &str) -> Option<(String, String)> {
    let (name, value) = text.split_once(':')?;
    let fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (!name.is_empty() && name.chars().all(fit)).then(|| (name.into(), value.trim_start().into()))
}

/// The name of its files: the MD5 of what a login depends on, as `getServerUrlHash` of mcp-remote computes it. The headers count
/// before their variables are replaced.
fn hash(
    url: &str,
    headers: &[(String, String)],
    params: &BTreeMap<String, String>,
    rest: &[String],
) -> String {
    let after = |flag: &str| {
        let at = rest.iter().position(|word| word == flag)?;
        rest.get(at + 1).map(|value| value.trim()).filter(|value| !value.is_empty())
    };
    let resource =
        after("--resource").filter(|_| !rest.iter().any(|word| word == "--disable-resource-parameter"));
    let document = after("--client-metadata-url").filter(|url| url.starts_with("https://"));
    let mut parts = vec![url.to_owned()];
    parts.extend(resource.map(str::to_owned));
    parts.extend(sorted(params));
    parts.extend(sorted(&headers.iter().cloned().collect()));
    parts.extend(document.map(str::to_owned));
    parts.extend(after("--token-endpoint").map(str::to_owned));
    Md5::digest(parts.join("|")).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `JSON.stringify(object, sortedKeys)`; of two with one name the last counts.
fn sorted(map: &BTreeMap<String, String>) -> Option<String> {
    if map.is_empty() { None } else { serde_json::to_string(map).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Option<RemoteCommand> {
        RemoteCommand::parse(&line.split('|').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn it_is_known_however_it_is_started() {
        for line in [
            "npx|mcp-remote|https://a.test/mcp",
            "npx|-y|mcp-remote@latest|https://a.test/mcp",
            "bunx|mcp-remote@0.1.29|https://a.test/mcp",
            "pnpm|dlx|mcp-remote|https://a.test/mcp",
            "npx|-p|mcp-remote@latest|mcp-remote-client|https://a.test/mcp",
            "npx|--package=mcp-remote|mcp-remote|https://a.test/mcp",
            "node|/home/u/node_modules/mcp-remote/dist/proxy.js|https://a.test/mcp",
            "cmd|/c|npx|-y|mcp-remote|https://a.test/mcp",
            "/usr/local/bin/mcp-remote|https://a.test/mcp",
            "mcp-remote|--debug|https://a.test/mcp",
        ] {
            assert_eq!(parse(line).map(|found| found.url).as_deref(), Some("https://a.test/mcp"), "{line}");
        }
        for line in [
            "npx|server|https://a.test/mcp",
            "npx|mcp-remote-x|https://a.test",
            "npx|mcp-remote",
            "npx|x|https://mcp-remote",
        ] {
            assert_eq!(parse(line), None, "{line}");
        }
        let all = parse(
            "npx|mcp-remote|https://a.test|3334|--header|A: b|--transport|http-only|--header|C:${D}|--debug",
        )
        .unwrap();
        assert_eq!(all.headers, [("A".into(), "b".into()), ("C".into(), "${D}".into())]);
        assert_eq!(all.rest, ["3334", "--transport", "http-only", "--debug"]);
    }

    /// Computed by mcp-remote 0.15.1's own function.
    #[test]
    fn its_files_are_named_as_it_names_them() {
        for (line, expected) in [
            ("mcp-remote|https://a.test/mcp", "f8726ccba4b48c7544a36e8c69b7b690"),
            (
                "mcp-remote|https://a.test/mcp|--header|B: 2|--header|A:1 \"x\"",
                "25ec82603c6fb4f4198cfa1861becfa4",
            ),
            (
                "mcp-remote|https://a.test/mcp|--resource|https://r.test/|--authorize-param|b=1|--authorize-param|a=x=y",
                "aa5f1ebb73e184cd4b5c81b0386b8112",
            ),
            (
                "mcp-remote|https://a.test/mcp|--client-metadata-url|https://c.test/m.json|--header|A:${X}",
                "217a7a0413da480f149d8088ffeab42a",
            ),
        ] {
            assert_eq!(parse(line).unwrap().hash(), expected, "{line}");
        }
    }
}
