//! Provider files for editors: their JSON schema, as `docs/provider.schema.json` has it. It leaves what the keys mean to the
//! comments of [`Provider`].

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::Provider;

/// The other names that the MCP Gateway Registry's scripts have for three keys.
const ALIASES: [(&str, &str); 3] = [
    ("auth_url", "authorization_endpoint"),
    ("token_url", "token_endpoint"),
    ("additional_params", "authorization_params"),
];

impl Provider {
    /// The JSON schema of a provider file (draft 2020-12).
    pub fn schema() -> Value {
        let generator = SchemaSettings::draft2020_12().into_generator();
        let mut schema = generator.into_root_schema_for::<Self>().to_value();
        if let Some(object) = schema.as_object_mut() {
            object.insert("title".into(), "provider file".into());
        }
        for (alias, key) in ALIASES {
            add_alias(&mut schema, alias, key);
        }
        schema
    }
}

/// Serde's aliases are none of schemars'.
fn add_alias(schema: &mut Value, alias: &str, key: &str) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    let Some(mut property) = properties.get(key).cloned() else { return };
    if let Some(object) = property.as_object_mut() {
        object.insert("description".into(), json!(format!("The scripts' name for `{key}`.")));
    }
    properties.insert(alias.into(), property);
}
