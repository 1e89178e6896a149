//! One server's file: the fields that the registry writes, which of them are used here, and which are unknown.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

/// The fields that are used here.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ServerFile {
    pub(super) server_name: Option<String>,
    pub(super) path: Option<String>,
    pub(super) proxy_pass_url: Option<String>,
    pub(super) proxy_target_url: Option<String>,
    pub(super) mcp_endpoint: Option<String>,
    pub(super) sse_endpoint: Option<String>,
    pub(super) append_mcp_path: Option<bool>,
    pub(super) versions: Option<Vec<Version>>,
    pub(super) default_version: Option<String>,
    pub(super) is_enabled: Option<bool>,
    pub(super) deployment: Option<String>,
    pub(super) auth_type: Option<String>,
    pub(super) auth_scheme: Option<String>,
    pub(super) transport: Option<String>,
    pub(super) supported_transports: Option<Vec<Option<String>>>,
    /// Any value: a typed parser's error would show the value, and these are keys.
    pub(super) headers: Value,
}

/// One of several versions at one path.
#[derive(Deserialize)]
pub(super) struct Version {
    version: Option<String>,
    proxy_pass_url: Option<String>,
    is_default: Option<bool>,
}

/// What [`ServerFile`] reads, and what the search for tools does ([`super::Profile`]).
const OBEYED: &str = "
    append_mcp_path auth_scheme auth_type default_version deployment headers is_enabled mcp_endpoint path
    proxy_pass_url proxy_target_url search_hints server_name sse_endpoint supported_transports tool_list
    transport versions
";

/// Fields that describe a server to people and to the registry.
const DESCRIBING: &str = "
    _id allowed_groups ansMetadata ans_metadata auth_header_name auth_provider created_at
    credential_updated_at custom_header_names custom_headers_updated_at description egress_auth_mode
    external_tags health_status id is_active is_proxied is_python last_checked_iso last_health_check license
    local_runtime metadata num_stars num_tools oauth_client_id other_version_ids package_npm provider
    provider_organization provider_url proxy_disabled_reason rating rating_details registered_at
    registered_by repository_url resource_list security_scan service_path skills source source_created_at
    source_updated_at stars status sync_metadata tags tools type updated_at url version version_group
    visibility website website_url
";

/// What only the registry can decrypt or do.
const BEYOND: [&str; 3] = ["auth_credential_encrypted", "custom_headers_encrypted", "egress_oauth"];

impl ServerFile {
    /// Where the server is: as in the current version, or else in the file itself.
    pub(super) fn address(&self) -> Option<&str> {
        let versions = self.versions.as_deref().unwrap_or_default();
        let named = self.default_version.as_ref();
        let is_default = |one: &&Version| {
            one.is_default == Some(true) || named.is_some_and(|named| one.version.as_ref() == Some(named))
        };
        let version = versions.iter().find(is_default).or(versions.first());
        let version = version.and_then(|version| version.proxy_pass_url.as_ref());
        non_empty(self.proxy_target_url.as_ref())
            .or(non_empty(version))
            .or(non_empty(self.proxy_pass_url.as_ref()))
    }
}

/// A field's value; some files have an empty text for none.
pub(super) fn non_empty(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

/// Fields with values that are ignored here, each with a remedy.
pub(super) fn strange(text: &str) -> Vec<(String, &'static str)> {
    let all = || [OBEYED, DESCRIBING].into_iter().flat_map(str::split_whitespace).chain(BEYOND);
    let known = |name: &str| all().any(|known| known == name);
    let members: BTreeMap<String, IgnoredAny> = serde_json::from_str(text).unwrap_or_default();
    let unknown = members.keys().filter(|name| !known(name)).map(|name| {
        let shown: String = name.chars().take(60).collect();
        (format!("unknown field {shown:?}, ignored"), "correct its name, or remove it")
    });
    let values: BTreeMap<String, Value> = serde_json::from_str(text).unwrap_or_default();
    let is_set = |name: &&&str| values.get(**name).is_some_and(|value| !is_empty(value));
    let beyond = BEYOND.iter().filter(is_set).map(|name| {
        let what = format!("{name} is only for the registry, ignored");
        (what, "give the server its credential by upstreams in gateway.yaml, or by headers in its file")
    });
    unknown.chain(beyond).collect()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}
