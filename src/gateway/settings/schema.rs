//! `gateway.yaml` for editors and readers: the JSON schema that is published, and that the reference page is made of.
//! It leaves what the keys mean to the comments in `settings`.

use schemars::generate::SchemaSettings;
use serde_json::Value;

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
