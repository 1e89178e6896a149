//! The clients: one template and one row of a table each, and how a template becomes a configuration.
//! It leaves what is in an entry to `entries`, and what the user already has to `merge`.

use std::fs;
use std::io;
use std::path::Path;

use minijinja::{Environment, UndefinedBehavior, context};
use serde_json::{Map, Value};

use super::RenderError;
use super::entries::Entry;
use crate::provider::TEMPLATES;
use crate::secret::Secret;

/// Every client that can be configured. A new one is a row here and a template.
pub const TARGETS: &[Target] = &[
    Target {
        client: "vscode-legacy",
        template: "vscode-legacy.json",
        format: Format::Json,
        shape: Shape::Map,
        root: &["mcp", "servers"],
        url: "url",
        local: "vscode_mcp.json",
        install: ".vscode/mcp.json",
        kept: &[],
    },
    Target {
        client: "roo",
        template: "roo.json",
        format: Format::Json,
        shape: Shape::Map,
        root: &["mcpServers"],
        url: "url",
        local: "mcp.json",
        install: ".roocode/mcp_servers.json",
        kept: &["disabled", "alwaysAllow"],
    },
];

/// How a client's file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON, with comments and trailing commas where a file has them.
    Json,
    /// TOML.
    Toml,
    /// YAML.
    Yaml,
}

/// How a client's entries lie in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// By name in a map.
    Map,
    /// In a list of maps, each with its `name`.
    List,
}

/// A client, as data.
#[derive(Debug)]
pub struct Target {
    /// What `--client` says.
    pub client: &'static str,
    /// The template's name; its ending is the format that values are escaped for.
    pub template: &'static str,
    /// How the file is written.
    pub format: Format,
    /// How the entries lie in it.
    pub shape: Shape,
    /// The keys that lead to the object with one entry a server.
    pub root: &'static [&'static str],
    /// The field of an entry that holds its URL.
    pub url: &'static str,
    /// The file's name among the tokens.
    pub local: &'static str,
    /// The client's own file, from the home folder on.
    pub install: &'static str,
    /// Fields that are the user's once the entry exists.
    pub kept: &'static [&'static str],
}

/// A configuration; both halves hold tokens.
pub struct Rendered {
    /// The file.
    pub text: Secret,
    /// The same, parsed.
    pub json: Value,
}

// Not derived: `json` would show every token.
impl std::fmt::Debug for Rendered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rendered").field("text", &self.text).finish_non_exhaustive()
    }
}

impl Target {
    /// The client of that name.
    pub fn named(client: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|target| target.client == client)
    }

    /// The entries in a whole configuration.
    pub(super) fn servers<'a>(&self, whole: &'a Value) -> Option<&'a Map<String, Value>> {
        self.root.iter().try_fold(whole, |at, key| at.get(key))?.as_object()
    }
}

/// Writes the configuration for a client, with `templates_dir`'s template if it has one.
///
/// # Errors
/// [`RenderError::Template`], naming file and line; [`RenderError::Shape`] when what came out is not a configuration.
pub fn render(
    target: &Target,
    entries: &[Entry],
    templates_dir: Option<&Path>,
) -> Result<Rendered, RenderError> {
    let (file, source) = template(target, templates_dir)?;
    let mut environment = Environment::new();
    // A misspelt name in somebody's template is an error, not an empty place in their configuration.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let broken = |e: minijinja::Error| RenderError::Template {
        file: file.clone(),
        line: e.line().unwrap_or(1),
        reason: scrubbed(entries, e.detail().map_or_else(|| e.kind().to_string(), str::to_owned)),
    };
    let shape = |reason: String| RenderError::Shape { file: file.clone(), reason };
    // The template's name ends in `.json`: every value is written as JSON, quotes included.
    environment.add_template(target.template, &source).map_err(broken)?;
    let template = environment.get_template(target.template).map_err(broken)?;
    let values: Vec<_> = entries.iter().map(value).collect();
    let text = Secret::new(template.render(context! { entries => values }).map_err(broken)?);
    let json: Value = serde_json::from_str(text.expose()).map_err(|e| shape(format!("is not JSON: {e}")))?;
    let servers =
        target.servers(&json).ok_or_else(|| shape(format!("has no object {}", target.root.join("."))))?;
    if let Some((name, _)) = servers.iter().find(|(_, entry)| !entry.is_object()) {
        return Err(shape(format!("has something other than an object at {name:?}")));
    }
    let text = serde_json::to_string_pretty(&json).map_err(|e| shape(e.to_string()))?;
    Ok(Rendered { text: Secret::new(text), json })
}

/// What a template sees of an entry.
fn value(entry: &Entry) -> minijinja::Value {
    let headers = entry.headers.iter().map(|(name, value)| (name.as_str(), value.expose()));
    context! {
        name => entry.name.as_str(), url => entry.url.as_str(), transport => entry.transport.as_str(),
        headers => minijinja::Value::from_pairs(headers)
    }
}

/// The template's text, and what to call it in an error.
fn template(target: &Target, templates_dir: Option<&Path>) -> Result<(String, String), RenderError> {
    let file = format!("{}.j2", target.template);
    if let Some(path) = templates_dir.map(|dir| dir.join(&file)) {
        match fs::read_to_string(&path) {
            Ok(text) => return Ok((path.display().to_string(), text)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(RenderError::Unreadable { path, reason: e.to_string() }),
        }
    }
    let found = TEMPLATES.iter().find(|(name, _)| *name == target.template);
    let missing =
        || RenderError::Template { file: file.clone(), line: 1, reason: "there is no such template".into() };
    found.map(|(_, text)| (file.clone(), (*text).to_owned())).ok_or_else(missing)
}

/// A filter's complaint may quote what it was given.
fn scrubbed(entries: &[Entry], reason: String) -> String {
    let values = entries.iter().flat_map(|entry| entry.headers.iter().map(|(_, value)| value));
    values.fold(reason, |reason, value| {
        let token = value.expose().strip_prefix("Bearer ").map(Secret::new);
        let reason = value.scrub(reason);
        token.map_or_else(|| reason.clone(), |token| token.scrub(reason.clone()))
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests write the user's template")]
    use super::*;

    fn entry(name: &str, url: &str, headers: &[(&str, &str)]) -> Entry {
        Entry {
            name: name.into(),
            url: url.into(),
            transport: "streamable-http".into(),
            headers: headers.iter().map(|&(name, value)| (name.into(), Secret::new(value))).collect(),
        }
    }

    fn sample() -> Vec<Entry> {
        let sse = Entry { transport: "sse".into(), ..entry("news", "https://gw.test/news/mcp", &[]) };
        let headers = [("Authorization", "Bearer E"), ("X-Site-Id", "S"), ("X-Authorization", "Bearer T")];
        vec![entry("tickets", "https://gw.test/tickets", &headers), sse]
    }

    const VSCODE: &str = r#"{
  "mcp": {
    "servers": {
      "tickets": {
        "url": "https://gw.test/tickets",
        "transport": "streamable_http",
        "headers": {
          "Authorization": "Bearer E",
          "X-Site-Id": "S",
          "X-Authorization": "Bearer T"
        }
      },
      "news": {
        "url": "https://gw.test/news/mcp",
        "transport": "sse"
      }
    }
  }
}"#;

    const ROO: &str = r#"{
  "mcpServers": {
    "tickets": {
      "type": "streamable-http",
      "url": "https://gw.test/tickets",
      "headers": {
        "Authorization": "Bearer E",
        "X-Site-Id": "S",
        "X-Authorization": "Bearer T"
      },
      "disabled": false,
      "alwaysAllow": []
    },
    "news": {
      "type": "sse",
      "url": "https://gw.test/news/mcp",
      "disabled": false,
      "alwaysAllow": []
    }
  }
}"#;

    #[test]
    fn both_legacy_shapes_are_written_as_the_reference_has_them() {
        for (client, expected) in [("vscode-legacy", VSCODE), ("roo", ROO)] {
            let target = Target::named(client).unwrap();
            let rendered = render(target, &sample(), None).unwrap();
            assert_eq!(rendered.text.expose(), expected);
            assert!(!format!("{rendered:?}").contains("Bearer"));
        }
    }

    #[test]
    fn every_target_has_a_template_that_writes_an_empty_configuration_too() {
        for target in TARGETS {
            let rendered = render(target, &[], None).unwrap();
            assert_eq!(target.servers(&rendered.json).map(Map::len), Some(0), "{}", target.client);
        }
    }

    #[test]
    fn no_name_or_value_breaks_out_of_its_string() {
        let nasty = "a\"},\"b\\\u{1}\n</script>{{ 7 * 7 }}é\u{2028}";
        for target in TARGETS {
            let entries = [entry(nasty, nasty, &[(nasty, nasty)]), entry("plain", "u", &[])];
            let rendered = render(target, &entries, None).unwrap();
            let servers = target.servers(&rendered.json).unwrap();
            assert_eq!(servers.keys().collect::<Vec<_>>(), [nasty, "plain"]);
            assert_eq!(servers[nasty]["url"], nasty);
            assert_eq!(servers[nasty]["headers"][nasty], nasty);
        }
    }

    #[test]
    fn a_template_of_the_users_replaces_ours_and_a_broken_one_is_named_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("roo.json.j2");
        let target = Target::named("roo").unwrap();
        let cases = [
            (r#"{"mcpServers": {"x": {"url": {{ entries[0].url }}}}}"#, None),
            ("{\n\n{% for %}", Some(":3: unexpected end of block")),
            ("{\n{{ entrys }}", Some(":2: undefined value")),
            ("{\n{{ entries[0].headers['Authorization'] | int }}", Some(":2: ")),
            ("{", Some(": the rendered text is not JSON: EOF while parsing an object at line 1 column 1")),
            ("[]", Some(": the rendered text has no object mcpServers")),
            (
                r#"{"mcpServers":{"x":1}}"#,
                Some(": the rendered text has something other than an object at \"x\""),
            ),
        ];
        for (text, expected) in cases {
            fs::write(&file, text).unwrap();
            let headers = [("Authorization", "Bearer hidden-hidden")];
            let got = render(target, &[entry("x", "u", &headers)], Some(dir.path()));
            match expected {
                None => assert_eq!(got.unwrap().json["mcpServers"]["x"]["url"], "u"),
                Some(part) => {
                    let message = got.unwrap_err().to_string();
                    assert!(message.starts_with(&format!("{}{part}", file.display())), "{message}");
                    assert!(!message.contains("hidden"), "{message}");
                }
            }
        }
        fs::remove_file(&file).unwrap();
        assert!(render(target, &[], Some(dir.path())).is_ok());
    }
}
