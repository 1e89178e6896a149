//! What of `gateway.yaml` is written otherwise than when the gateway started: all of it is read at the start alone. It leaves
//! the files that it names, which are read again, to `ops::files`.

use std::path::Path;

use serde_json::Value;

use super::{GatewaySettings, MAX_SETTINGS_FILE, SettingsError, malformed, unreadable};
use crate::sys::regular_file;

/// A `gateway.yaml` as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct RawSettings(Value);

impl RawSettings {
    /// Reads it, if it can be started with.
    ///
    /// # Errors
    /// As [`GatewaySettings::read`].
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let text =
            regular_file::read_text(path, MAX_SETTINGS_FILE).map_err(|error| unreadable(path, &error))?;
        GatewaySettings::parse(&text).map_err(|error| malformed(path, &error))?;
        serde_saphyr::from_str(&text).map(Self).map_err(|error| malformed(path, &error))
    }

    /// The keys whose values are others in `now`, with dots between them, in alphabetical order.
    pub fn changed(&self, now: &Self) -> Vec<String> {
        let mut names = Vec::new();
        compare("", &self.0, &now.0, &mut names);
        names.sort();
        names
    }
}

/// A key that is missing is as good as one without a value.
fn compare(at: &str, before: &Value, now: &Value, names: &mut Vec<String>) {
    let empty = serde_json::Map::new();
    let (before_keys, now_keys) = match (before, now) {
        (Value::Object(before), Value::Object(now)) => (before, now),
        (Value::Null, Value::Object(now)) => (&empty, now),
        (Value::Object(before), Value::Null) => (before, &empty),
        _ if before == now => return,
        _ => return names.push(at.to_owned()),
    };
    let further = now_keys.keys().filter(|key| !before_keys.contains_key(*key));
    for key in before_keys.keys().chain(further) {
        let inner = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
        let value = |of: &serde_json::Map<String, Value>| of.get(key).cloned().unwrap_or_default();
        compare(&inner, &value(before_keys), &value(now_keys), names);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(yaml: &str) -> RawSettings {
        RawSettings(serde_saphyr::from_str(yaml).unwrap())
    }

    #[test]
    fn what_is_written_otherwise_goes_by_its_name() {
        let before = written(
            "listen: 127.0.0.1:1\nlimits: {max_request_bytes: 1, max_header_bytes: 2}\nissuers: [{issuer: a}]\nshadow:\n",
        );
        for (now, expected) in [
            (
                "listen: 127.0.0.1:1\nlimits: {max_header_bytes: 2, max_request_bytes: 1}\nissuers: [{issuer: a}]\n# more\n",
                &[][..],
            ),
            (
                "listen: 127.0.0.1:2\nlimits: {max_request_bytes: 1, max_header_bytes: 2}\nissuers: [{issuer: a}]\n",
                &["listen"],
            ),
            (
                "listen: 127.0.0.1:1\nlimits: {max_request_bytes: 3}\nissuers: [{issuer: b}]\n",
                &["issuers", "limits.max_header_bytes", "limits.max_request_bytes"],
            ),
            ("", &["issuers", "limits.max_header_bytes", "limits.max_request_bytes", "listen"]),
            (
                "listen: 127.0.0.1:1\nlimits: {max_request_bytes: 1, max_header_bytes: 2}\nissuers: [{issuer: a}]\ntls: {key: k}\nupstreams: {a/b: {egress: none}}\n",
                &["tls.key", "upstreams.a/b.egress"],
            ),
        ] {
            assert_eq!(before.changed(&written(now)), expected, "{now}");
        }
    }
}
