//! The schemas that are published for editors, the tables of keys that are made of them, and the proof that what the
//! repository ships and shows satisfies them.

use mcpauth::gateway::settings::GatewaySettings;
use mcpauth::provider::{Provider, built_in};
use serde_json::{Map, Value};

use super::generated::expect_part;
use super::{Book, expect_file, files_below, root};

/// Every key of a schema as a Markdown table. `[]` stands for each of a list, `NAME` for each of a map.
fn reference(schema: &Value) -> String {
    let mut rows = "| key | default | meaning |\n|---|---|---|\n".to_owned();
    Table { defs: schema["$defs"].as_object() }.object("", schema, &mut rows);
    rows
}

struct Table<'a> {
    defs: Option<&'a Map<String, Value>>,
}

impl Table<'_> {
    fn object(&self, prefix: &str, schema: &Value, rows: &mut String) {
        let required = |name: &str| list(schema, "required").iter().any(|required| required == name);
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let key = format!("{prefix}{name}");
            let (ending, inner) = self.inner(property);
            let default = if required(name) { "required".into() } else { default(property) };
            let about = text(property, "description").replace('\n', " ");
            rows.push_str(&format!("| `{key}` | {default} | {about}{} |\n", choices(inner)));
            self.object(&format!("{key}{ending}."), inner, rows);
        }
    }

    /// What a property is made of in the end, and how a key goes on to get there.
    fn inner<'s>(&'s self, schema: &'s Value) -> (&'static str, &'s Value) {
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let name = target.rsplit('/').next().unwrap_or_default();
            return ("", self.defs.and_then(|defs| defs.get(name)).unwrap_or(schema));
        }
        // What may be absent is `anyOf` itself and null.
        let some = list(schema, "anyOf").iter().find(|other| text(other, "type") != "null");
        if let Some(some) = some {
            return self.inner(some);
        }
        if let Some(items) = schema.get("items") {
            return ("[]", self.inner(items).1);
        }
        match schema.get("additionalProperties").filter(|other| other.is_object()) {
            Some(values) => (".NAME", self.inner(values).1),
            None => ("", schema),
        }
    }
}

fn default(property: &Value) -> String {
    match property.get("default") {
        None | Some(Value::Null) => String::new(),
        Some(Value::Array(items)) if items.is_empty() => String::new(),
        Some(Value::Object(members)) if members.is_empty() => String::new(),
        Some(Value::String(text)) if text.is_empty() => String::new(),
        Some(Value::String(text)) => format!("`{text}`"),
        Some(Value::Array(items)) => {
            let words: Vec<_> = items.iter().map(|item| item.as_str().unwrap_or_default()).collect();
            format!("`[{}]`", words.join(", "))
        }
        Some(other) => format!("`{other}`"),
    }
}

/// The words an enumeration has.
fn choices(schema: &Value) -> String {
    let documented = list(schema, "oneOf").iter().filter_map(|one| one.get("const")?.as_str());
    let words: Vec<_> = documented.chain(list(schema, "enum").iter().filter_map(Value::as_str)).collect();
    if words.is_empty() { String::new() } else { format!(" One of `{}`.", words.join("`, `")) }
}

fn list<'a>(schema: &'a Value, member: &str) -> &'a [Value] {
    schema.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(schema: &'a Value, member: &str) -> &'a str {
    schema.get(member).and_then(Value::as_str).unwrap_or_default()
}

fn expect_schema(path: &str, schema: &Value) {
    let text = serde_json::to_string_pretty(schema).unwrap() + "\n";
    expect_file(path, &text, |was, is| was == is);
}

/// What a value does that its schema does not allow, as far as our schemas go.
fn faults(whole: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(target) = schema["$ref"].as_str() {
        let name = target.rsplit('/').next().unwrap();
        return faults(whole, &whole["$defs"][name], value, at);
    }
    for any in ["anyOf", "oneOf"] {
        let branches = list(schema, any);
        if !branches.is_empty() {
            let fits = |branch: &&Value| faults(whole, branch, value, at).is_empty();
            return if branches.iter().any(|branch| fits(&branch)) {
                vec![]
            } else {
                vec![format!("{at}: {value}")]
            };
        }
    }
    let mut found = Vec::new();
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    };
    if !types.is_empty() && !types.iter().any(|name| is_of(value, name)) {
        found.push(format!("{at} is no {types:?}"));
    }
    let words = list(schema, "enum");
    let is_another = schema.get("const").is_some_and(|only| only != value);
    if is_another || (!words.is_empty() && !words.contains(value)) {
        found.push(format!("{at} is none of its words: {value}"));
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        found.extend(faults(whole, &schema["items"], item, &format!("{at}[{index}]")));
    }
    let Some(object) = value.as_object() else { return found };
    let missing =
        list(schema, "required").iter().filter_map(Value::as_str).filter(|name| !object.contains_key(*name));
    found.extend(missing.map(|name| format!("{at}.{name} is missing")));
    for (name, member) in object {
        let at = format!("{at}.{name}");
        match (schema["properties"].get(name), &schema["additionalProperties"]) {
            (Some(property), _) => found.extend(faults(whole, property, member, &at)),
            (None, Value::Bool(false)) => found.push(format!("{at} is unknown")),
            (None, others) => found.extend(faults(whole, others, member, &at)),
        }
    }
    found
}

fn is_of(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        _ => value.is_object(),
    }
}

fn check(schema: &Value, yaml: &str) -> Vec<String> {
    let value: Value = serde_saphyr::from_str(yaml).unwrap();
    faults(schema, schema, &value, "")
}

#[test]
fn the_published_schemas_are_the_programs() {
    expect_schema("docs/gateway.schema.json", &GatewaySettings::schema());
    expect_schema("docs/provider.schema.json", &Provider::schema());
}

#[test]
fn every_shipped_provider_file_satisfies_its_schema() {
    let (schema, files) = (Provider::schema(), files_below(&root().join("providers"), "yaml"));
    assert_eq!(files.len(), built_in().count());
    for path in files {
        assert_eq!(check(&schema, &std::fs::read_to_string(&path).unwrap()), [""; 0], "{}", path.display());
    }
    let book = Book::open();
    let shown =
        book.blocks("yaml").into_iter().find(|block| block.text.starts_with("display_name:")).unwrap();
    assert_eq!(check(&schema, &shown.text), [""; 0]);
}

#[test]
fn the_schema_and_the_program_refuse_the_same_provider_files() {
    let fine = "display_name: X\nissuer: https://idp.test\n";
    let scripts = "auth_url: https://a.test\ntoken_url: https://t.test\nadditional_params: {a: b}\n";
    let bad = [
        "auth_urll: y\n",
        "client_auth: none\n",
        "pkce: 7\n",
        "scopes: read\n",
        "sites: {endpoint: https://s.test}\n",
        "redirect: {host: [localhost]}\n",
        "reply: {rot: /a}\n",
        "variables: [{name: domain}]\n",
    ];
    let cases = [fine.to_owned(), scripts.into()].map(|text| (text, true)).into_iter();
    for (text, is_fine) in cases.chain(bad.map(|line| (format!("{fine}{line}"), false))) {
        let faults = check(&Provider::schema(), &text);
        assert_eq!(faults.is_empty(), is_fine, "{text}{faults:?}");
        assert_eq!(Provider::parse("x", &text).is_ok(), is_fine, "{text}");
    }
}

#[test]
fn the_settings_that_the_book_shows_satisfy_their_schema() {
    let (book, schema) = (Book::open(), GatewaySettings::schema());
    let whole = book.files().into_iter().find(|(name, _)| name == "gateway.yaml").unwrap().1;
    for text in book.marked("issuers").iter().chain([&whole]) {
        assert_eq!(check(&schema, text), [""; 0], "{text}");
    }
}

#[test]
fn the_keys_of_the_gateways_settings_are_the_schemas() {
    expect_part("gateway.yaml", &reference(&GatewaySettings::schema()));
}

#[test]
fn the_keys_of_provider_files_are_the_schemas() {
    expect_part("provider files", &reference(&Provider::schema()));
}

#[test]
fn the_tables_have_every_key_with_its_default_and_meaning() {
    let table = reference(&GatewaySettings::schema());
    for row in [
        "| `listen` | `127.0.0.1:8080` | Where clients connect. |",
        "| `issuers[].issuer` | required | The issuer identifier, compared byte for byte with `iss`. |",
        "| `upstreams.NAME.identity_headers` | `false` | Send `X-User`, `X-Scopes` and the other identity headers. |",
        "| `audit` | `-` | Where audit lines go: a file's path, `-` for stdout, or `off`. |",
    ] {
        assert!(table.contains(&format!("{row}\n")), "{row}\n\n{table}");
    }
    for row in
        table.lines().chain(reference(&Provider::schema()).lines()).filter(|row| row.starts_with("| `"))
    {
        let cells: Vec<_> = row.split(" | ").collect();
        assert!(cells.len() == 3 && cells[2].len() > 5, "no meaning: {row}");
    }
}
