//! A provider in the words of the MCP Gateway Registry's scripts: what each field of their `oauth_providers.yaml` means here,
//! in their file and in one of our own. It leaves finding that file to `config`.

use serde_json::{Map, Value};

use super::{EndpointVariable, Provider, ProviderError, Sites};

/// Their fields. What else an entry of theirs holds, no script reads.
const FIELDS: [&str; 17] = [
    "display_name",
    "auth_url",
    "token_url",
    "user_info_url",
    "scopes",
    "response_type",
    "grant_type",
    "audience",
    "requires_pkce",
    "additional_params",
    "token_headers",
    "requires_cloud_id",
    "cloud_id_from_user_info",
    "requires_template_vars",
    "template_var_defaults",
    "is_m2m",
    "supports_browser_flow",
];
/// Those whose values are texts, however YAML reads them.
const TEXTS: [&str; 3] = ["additional_params", "token_headers", "template_var_defaults"];

impl Provider {
    /// A provider from its entry in the scripts' file.
    ///
    /// # Errors
    /// [`ProviderError::Unreadable`].
    pub fn from_scripts(name: &str, entry: &Value) -> Result<Self, ProviderError> {
        let unreadable = |reason: String| ProviderError::Unreadable { name: name.into(), reason };
        let entry = entry.as_object().ok_or_else(|| unreadable("not names with values".into()))?;
        let provider = serde_json::from_value(Value::Object(known(entry)));
        let provider: Self = provider.map_err(|error| unreadable(error.to_string()))?;
        let texts = [&provider.authorization_endpoint, &provider.token_endpoint];
        let defaults = provider.template_var_defaults.values();
        // Theirs has no templates of ours, and such a file may be somebody else's.
        if texts.into_iter().flatten().chain(defaults).any(|text| text.contains("{{") || text.contains("{%"))
        {
            return Err(unreadable("variables are written {name}".into()));
        }
        provider.checked(name)
    }

    /// With what the scripts' fields say.
    pub(super) fn settled(mut self) -> Result<Self, String> {
        if let Some(other) = self.response_type.as_deref().filter(|other| *other != "code") {
            return Err(format!("response_type {other:?} is not supported, only code"));
        }
        match self.grant_type.as_deref() {
            None | Some("authorization_code") => {}
            Some("client_credentials") => {}
            Some(other) => {
                return Err(format!("grant_type {other:?} is not supported, only authorization_code"));
            }
        }
        if self.requires_pkce == Some(true) && !self.pkce {
            return Err("requires_pkce: true and pkce: false contradict each other".into());
        }
        if let Some(audience) = self.audience.take() {
            self.authorization_params.entry("audience".into()).or_insert(audience);
        }
        let has_sites = self.requires_cloud_id && self.cloud_id_from_user_info;
        if let Some(endpoint) = self.user_info_url.clone().filter(|_| has_sites && self.sites.is_none()) {
            self.sites = Some(Sites { endpoint, header: format!("X-{}-Cloud-Id", capitalised(&self.name)) });
        }
        let names = std::mem::take(&mut self.requires_template_vars);
        self.require(names);
        Ok(self)
    }

    /// Makes `{name}` in the endpoints a variable, for each of these names.
    fn require(&mut self, names: Vec<String>) {
        // An endpoint with variables in our own spelling is as its writer wants it.
        for text in self.endpoints_mut().into_iter().flatten().filter(|text| !text.contains("{{")) {
            for name in &names {
                *text = text.replace(&format!("{{{name}}}"), &format!("{{{{ {name} }}}}"));
            }
        }
        for name in names.into_iter().filter(|name| !name.is_empty()) {
            if self.variables.iter().all(|known| known.name != name) {
                let default = self.template_var_defaults.get(&name).cloned();
                self.variables.push(EndpointVariable { setting: name.to_uppercase(), name, default });
            }
        }
    }
}

/// The fields the scripts read that say something: null is as absent.
fn known(entry: &Map<String, Value>) -> Map<String, Value> {
    let read = |(key, value): (&String, &Value)| {
        let is_read = FIELDS.contains(&key.as_str()) && !value.is_null();
        is_read.then(|| {
            let value = match (key.as_str(), value) {
                ("scopes", Value::String(text)) => text.split_whitespace().collect(),
                (key, Value::Object(map)) if TEXTS.contains(&key) => texts(map),
                _ => value.clone(),
            };
            (key.clone(), value)
        })
    };
    entry.iter().filter_map(read).collect()
}

fn texts(map: &Map<String, Value>) -> Value {
    let text = |(key, value): (&String, &Value)| match value {
        Value::Bool(_) | Value::Number(_) => Some((key.clone(), value.to_string().into())),
        Value::Null => None,
        other => Some((key.clone(), other.clone())),
    };
    Value::Object(map.iter().filter_map(text).collect())
}

fn capitalised(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tracker() -> Value {
        json!({
            "display_name": "Tracker", "auth_url": "https://t.test/a", "token_url": "https://t.test/t",
            "user_info_url": "https://t.test/sites", "scopes": ["read", "offline_access"], "response_type": "code",
            "grant_type": "authorization_code", "audience": "api.t.test", "requires_pkce": true,
            "additional_params": {"prompt": "consent", "fresh": true, "max_age": 5}, "token_headers": {"Accept": "application/json"},
            "requires_cloud_id": true, "cloud_id_from_user_info": true, "supports_browser_flow": true, "is_m2m": false
        })
    }

    fn with(key: &str, value: Value) -> Result<Provider, ProviderError> {
        let mut entry = tracker();
        entry[key] = value;
        Provider::from_scripts("tracker", &entry)
    }

    #[test]
    fn every_field_of_the_scripts_means_what_it_means_to_them() {
        let provider = Provider::from_scripts("tracker", &tracker()).unwrap();
        assert_eq!(provider.display_name, "Tracker");
        assert_eq!(provider.authorization_endpoint.as_deref(), Some("https://t.test/a"));
        assert_eq!(provider.token_endpoint.as_deref(), Some("https://t.test/t"));
        assert_eq!(provider.scopes, ["read", "offline_access"]);
        assert!(provider.pkce && !provider.is_m2m());
        let params: Vec<_> = provider.authorization_params.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(params, ["audience=api.t.test", "fresh=true", "max_age=5", "prompt=consent"]);
        assert_eq!(provider.token_headers["Accept"], "application/json");
        let sites = provider.sites.unwrap();
        assert_eq!(
            (sites.endpoint.as_str(), sites.header.as_str()),
            ("https://t.test/sites", "X-Tracker-Cloud-Id")
        );

        assert!(with("requires_pkce", json!(false)).unwrap().pkce, "not required is not refused");
        assert!(with("cloud_id_from_user_info", json!(null)).unwrap().sites.is_none());
        assert!(with("is_m2m", json!(true)).unwrap().is_m2m());
        assert!(with("supports_browser_flow", json!(false)).unwrap().is_m2m());
        assert!(with("grant_type", json!("client_credentials")).unwrap().is_m2m());
        assert_eq!(with("scopes", json!("a b")).unwrap().scopes, ["a", "b"]);
        assert_eq!(with("scopes", json!(null)).unwrap().scopes, [""; 0]);
        assert!(with("anything", json!({"else": [1]})).is_ok(), "no script reads it");
        assert_eq!(with("display_name", json!(null)).unwrap().display_name, "tracker");
        for (key, value, part) in [
            ("response_type", json!("token"), "response_type \"token\" is not supported"),
            ("grant_type", json!("password"), "grant_type \"password\" is not supported"),
            ("token_url", json!(5), "expected a string"),
            ("token_url", json!("https://{{ HOME }}.t.test"), "variables are written {name}"),
            ("token_url", json!(null), "needs authorization_endpoint and token_endpoint"),
        ] {
            let error = with(key, value).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        assert!(Provider::from_scripts("tracker", &json!([1])).is_err());
    }

    #[test]
    fn variables_in_their_endpoints_are_filled_as_they_fill_them() {
        let mut entry = tracker();
        entry["auth_url"] = json!("https://{domain}.auth.{region}.t.test/a");
        entry["token_url"] = json!("https://{domain}.auth.{region}.t.test/t");
        entry["requires_template_vars"] = json!(["domain", "region"]);
        entry["template_var_defaults"] = json!({"region": "us-east-1"});
        let provider = Provider::from_scripts("tracker", &entry).unwrap();
        let setting = |name: &str| (name == "DOMAIN").then(|| "login".to_owned());
        let filled = provider.clone().filled(&setting).unwrap();
        assert_eq!(filled.token_endpoint.as_deref(), Some("https://login.auth.us-east-1.t.test/t"));
        assert!(provider.filled(&|_| None).unwrap_err().to_string().contains("needs DOMAIN"));
    }

    #[test]
    fn a_file_of_our_own_may_say_it_in_their_words() {
        let text = "display_name: Tracker\nauth_url: https://{region}.t.test/a\ntoken_url: https://t.test/t\n\
                    user_info_url: https://t.test/sites\nscopes: [read]\nresponse_type: code\n\
                    grant_type: authorization_code\naudience: api\nrequires_pkce: true\nadditional_params: {prompt: consent}\n\
                    token_headers: {Accept: application/json}\nrequires_cloud_id: true\ncloud_id_from_user_info: true\n\
                    requires_template_vars: [region]\ntemplate_var_defaults: {region: eu}\nis_m2m: false\n\
                    supports_browser_flow: true\nmetadata: {version: 1.0, description: x}\n";
        let provider = Provider::parse("tracker", text).unwrap().filled(&|_| None).unwrap();
        assert_eq!(provider.authorization_endpoint.as_deref(), Some("https://eu.t.test/a"));
        assert_eq!(provider.authorization_params["audience"], "api");
        assert_eq!(provider.sites.unwrap().header, "X-Tracker-Cloud-Id");
        let error = Provider::parse("t", &format!("{text}pkce: false\n")).unwrap_err().to_string();
        assert!(error.contains("contradict"), "{error}");
    }
}
