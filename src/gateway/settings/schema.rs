//! `gateway.yaml` for editors and readers: the JSON schema that is published, and the README's table, which is made of it.
//! It leaves what the keys mean to the comments in `settings`, from which both come.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::GatewaySettings;

impl GatewaySettings {
    /// The JSON schema of `gateway.yaml` (draft 2020-12), as in `docs/gateway.schema.json`.
    pub fn schema() -> Value {
        let generator = SchemaSettings::draft2020_12().into_generator();
        let mut schema = generator.into_root_schema_for::<Self>().to_value();
        if let Some(object) = schema.as_object_mut() {
            object.insert("title".into(), "gateway.yaml".into());
        }
        schema
    }
}

/// Every key of `gateway.yaml` as a Markdown table. `[]` stands for each of a list, `NAME` for each of a map.
pub fn reference() -> String {
    let schema = GatewaySettings::schema();
    let mut rows = "| key | default | meaning |\n|---|---|---|\n".to_owned();
    Table { defs: schema.get("$defs").and_then(Value::as_object) }.object("", &schema, &mut rows);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the published file is renewed on request")]
    fn the_published_schema_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/gateway.schema.json");
        let schema = serde_json::to_string_pretty(&GatewaySettings::schema()).unwrap() + "\n";
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, &schema).unwrap();
        }
        let published = std::fs::read_to_string(path).unwrap_or_default();
        assert!(published == schema, "renew it with: UPDATE=1 cargo test --lib published_schema");
    }

    #[test]
    fn the_table_has_every_key_with_its_default_and_meaning() {
        let table = reference();
        for row in [
            "| `listen` | `127.0.0.1:8080` | Where clients connect. |",
            "| `issuers` |  | Whose tokens are accepted. At least one. |",
            "| `issuers[].issuer` | required | The issuer identifier, compared byte for byte with `iss`. |",
            "| `issuers[].kind` | `oidc` | Whose habits its tokens have. One of `cognito`, `keycloak`, `oidc`. |",
            "| `issuers[].leeway` | `30` | How far clocks may differ, in seconds; 60 at most. |",
            "| `issuers[].introspection.client_id` | required | The gateway's own client at the issuer. |",
            "| `upstreams.NAME.identity_headers` | `false` | Send `X-User`, `X-Scopes` and the other identity headers. |",
            "| `tls.key` | required | The key: of root or this user, readable by it alone or by one group that it is in. |",
            "| `limits.max_request_bytes` | `4194304` | The largest request body. |",
            "| `audit` | `-` | Where a line for each decision goes: a file's path, `-` for stdout, or `off`. |",
        ] {
            assert!(table.contains(&format!("{row}\n")), "{row}\n\n{table}");
        }
        for row in table.lines().skip(2) {
            let cells: Vec<_> = row.split(" | ").collect();
            assert!(cells.len() == 3 && cells[2].len() > 5, "no meaning: {row}");
        }
    }
}
